// `reeve logs --histogram` and `--templates`: how much was logged when, and what.
#include <algorithm>

#include "cli/harmless.h"
#include "cli/human.h"
#include "cli/logs.h"
#include "cli/render.h"

namespace reeve::cli {

namespace {

constexpr size_t histogram_columns_max = 120;

uint64_t at_least(int64_t value) {
  return value > 0 ? static_cast<uint64_t>(value) : 0;
}

uint64_t errors_of(const Json& counts) {
  const Json* levels = counts.find("levels");
  return levels == nullptr ? 0 : at_least(levels->int_or("error")) + at_least(levels->int_or("fatal"));
}

// The most serious level that any of the rows has.
std::string worst_level(const Json& counts) {
  const Json* levels = counts.find("levels");
  for (const char* level : {"fatal", "error", "warn", "info", "debug", "trace"}) {
    if (levels != nullptr && levels->int_or(level) > 0) return level;
  }
  return "-";
}

std::string bars(const std::vector<std::optional<double>>& cells, size_t columns) {
  return sparkline(cells, std::clamp<size_t>(columns, 12, histogram_columns_max) - 2);
}

Status print_rows(Screen& screen, const Json::Array& rows) {
  std::string text;
  for (const Json& row : rows) text += harmless_json(row.dump()) + "\n";
  return text.empty() ? Status() : screen.print(text);
}

}  // namespace

Status show_histogram(World& world, Client& client, const LogsOptions& options) {
  const Json answer = TRY(client.histogram(options.filter));
  const Json::Array& buckets = *answer.find("buckets")->as_array();
  if (options.json) return print_rows(world.screen, buckets);

  std::vector<std::optional<double>> all;
  std::vector<std::optional<double>> errors;
  uint64_t error_count = 0;
  for (const Json& bucket : buckets) {
    const uint64_t count = at_least(bucket.int_or("count"));
    const uint64_t of_errors = errors_of(bucket);
    all.push_back(static_cast<double>(count));
    errors.push_back(static_cast<double>(of_errors));
    error_count += of_errors;
  }
  const uint64_t total = at_least(answer.int_or("total"));
  if (total == 0) {
    world.screen.say("no line matches");
    return {};
  }
  const Duration step = Duration(1ms) * std::clamp<int64_t>(answer.int_or("step_ms"), 1, 1'000'000'000'000);
  std::string text = std::to_string(total) + " lines from " + harmless_line(answer.string_or("from")) + " to " +
                     harmless_line(answer.string_or("to")) + ", per " + format_duration(step) + "\n  " +
                     bars(all, world.screen.columns()) + "\n";
  if (error_count > 0) {
    text += std::to_string(error_count) + " of them errors\n  " + bars(errors, world.screen.columns()) + "\n";
  }
  TRY(world.screen.print(text));
  const Json* exact = answer.find("exact");
  const bool is_exact = exact == nullptr || exact->as_bool() == nullptr || *exact->as_bool();
  if (!is_exact) {
    world.screen.say("not exact: there is more than one question may read; counted from " +
                     harmless_line(answer.string_or("counted_from")));
  }
  return {};
}

Status show_templates(World& world, Client& client, const LogsOptions& options) {
  const Json answer = TRY(client.templates(options.filter, std::min<uint64_t>(options.rows_max, log_page_rows_max)));
  const Json::Array& templates = *answer.find("templates")->as_array();
  if (options.json) return print_rows(world.screen, templates);
  if (templates.empty()) {
    world.screen.say("no line matches");
    return {};
  }
  std::vector<std::vector<std::string>> rows;
  for (const Json& each : templates) {
    const std::optional<WallTime> last = parse_rfc3339(each.string_or("last"));
    rows.push_back({std::to_string(at_least(each.int_or("count"))), worst_level(each),
                    last ? format_when(*last, options.zone) : "-", harmless_line(each.string_or("template")),
                    harmless_line(each.string_or("text"))});
  }
  return world.screen.print(render_table({{"COUNT", true}, {"WORST"}, {"LAST"}, {"TEMPLATE"}, {"LINE"}}, rows));
}

}  // namespace reeve::cli
