// Searching.
#include "cli/logs.h"

#include <algorithm>

#include "cli/harmless.h"
#include "cli/log_writer.h"
#include "cli/profile.h"

namespace reeve::cli {

namespace {

// A page may come back empty and still have a next one, when the server has looked at much and found nothing.
constexpr size_t pages_max = 100'000;

// Written at once when so much has gathered.
constexpr size_t text_bytes_max = 1_MiB;

// A new line rather than a cleared one: a cleared string keeps its memory.
LogLine reduced(LogLine&& line, Keep keep) {
  if (keep == Keep::both) return std::move(line);
  LogLine result;
  result.time = line.time;
  if (keep == Keep::json) {
    result.json = std::move(line.json);
    return result;
  }
  result.level = std::move(line.level);
  result.service = std::move(line.service);
  result.host = std::move(line.host);
  result.body = std::move(line.body);
  result.is_time_suspect = line.is_time_suspect;
  return result;
}

}  // namespace

Status LogWriter::write(const std::vector<LogLine>& lines) {
  std::string text;
  for (const LogLine& line : lines) layout_.fit(line);
  for (const LogLine& line : lines) {
    text += json_ ? harmless_json(line.json) + "\n" : render_log_line(line, layout_, style_);
    if (text.size() < text_bytes_max) continue;
    TRY(screen_.print(text));
    text.clear();
  }
  return text.empty() ? Status() : screen_.print(text);
}

Result<Found> find_lines(Client& client, const LogFilter& filter, uint64_t rows_max, Keep keep) {
  Found found;
  std::optional<std::string> cursor;
  for (size_t pages = 0; pages < pages_max; ++pages) {
    const uint64_t wanted = std::min(rows_max - found.lines.size(), log_page_rows_max);
    LogPage page = TRY(client.logs(filter, wanted, cursor));
    found.blocks_scanned += page.blocks_scanned;
    found.blocks_damaged += page.blocks_damaged;
    if (page.lines.size() > wanted) page.lines.resize(wanted);
    for (LogLine& line : page.lines) found.lines.push_back(reduced(std::move(line), keep));

    found.has_more = page.next_cursor.has_value();
    if (!found.has_more || found.lines.size() == rows_max) {
      std::reverse(found.lines.begin(), found.lines.end());
      return found;
    }
    if (page.next_cursor == cursor)
      return Error(Code::corrupt, "the server's pages go in a circle: a page names itself as the next");
    cursor = page.next_cursor;
  }
  return Error(Code::exhausted,
               "the search does not end after " + std::to_string(pages_max) + " pages; narrow it with --from and --to");
}

Status run_logs(World& world, const LogsOptions& options) {
  const Profile profile = TRY(load_profile(world));
  Client client(world.http, profile);
  if (options.follow) return follow_lines(world, client, options);
  if (options.histogram) return show_histogram(world, client, options);
  if (options.templates) return show_templates(world, client, options);

  const Found found = TRY(find_lines(client, options.filter, options.rows_max, options.json ? Keep::json : Keep::text));
  LogWriter writer(world.screen, options);
  TRY(writer.write(found.lines));

  if (found.blocks_damaged > 0)
    world.screen.say(std::to_string(found.blocks_damaged) +
                     " damaged blocks could not be searched; lines may be missing");
  if (found.lines.empty()) {
    const bool whole_hour = options.filter.from.empty() && options.filter.to.empty();
    world.screen.say(std::string("no line matches") +
                     (whole_hour ? " in the last hour; --since 7d looks further back" : ""));
  } else if (found.has_more && !options.is_limit_chosen) {
    world.screen.say("these are the newest " + std::to_string(found.lines.size()) +
                     " lines that match; --limit shows more, --to earlier ones");
  }
  return {};
}

}  // namespace reeve::cli
