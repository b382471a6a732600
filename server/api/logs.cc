// Searching and following logs: parameters to a predicate, rows to JSON. The work is in server/query.
#include "server/query/logs.h"

#include <algorithm>
#include <array>

#include "common/base/log.h"
#include "server/api/params.h"
#include "server/api/tables.h"
#include "server/store/store.h"
#include "server/store_writer.h"

namespace reeve::server {
namespace {

constexpr Duration search_span_default = 1h;
constexpr Duration tail_wait_default = 10s;
constexpr Duration tail_wait_max = 30s;
constexpr Duration follow_again_within = 10s;

// The conditions that search and tail share.
Result<wire::LogPredicate> parse_predicate(const QueryParams& params) {
  wire::LogPredicate predicate;
  predicate.service = params.text("service");
  predicate.host = params.text("host");
  predicate.source = params.text("source");
  if (const std::optional<std::string> level = params.text("level")) {
    predicate.level_min = wire::parse_level(*level);
    if (!predicate.level_min || *predicate.level_min == wire::Level::unset) {
      return bad_parameter("level", *level, "trace, debug, info, warn, error or fatal");
    }
  }
  if (const std::optional<std::string> shape = params.text("template")) {
    predicate.shape = wire::parse_shape_key(*shape);
    if (!predicate.shape) return bad_parameter("template", *shape, "a shape key of 32 hex digits");
  }

  for (const std::string& text : params.all("text")) {
    wire::TextMatcher matcher = TRY_DURING(wire::TextMatcher::literal(text, false), "parameter \"text\"");
    predicate.text.push_back(std::move(matcher));
  }
  for (const std::string& text : params.all("itext")) {
    wire::TextMatcher matcher = TRY_DURING(wire::TextMatcher::literal(text, true), "parameter \"itext\"");
    predicate.text.push_back(std::move(matcher));
  }
  for (const std::string& pattern : params.all("regex")) {
    wire::TextMatcher matcher = TRY_DURING(wire::TextMatcher::regex(pattern), "parameter \"regex\"");
    predicate.text.push_back(std::move(matcher));
  }
  return predicate;
}

Json render(const FoundLog& log) {
  Json out;
  out.set("time", format_rfc3339(log.row.time));
  out.set("level", to_string(log.row.level));
  out.set("service", log.row.service);
  out.set("host", log.host);
  out.set("source", log.row.source);
  out.set("template", to_string(log.row.shape));
  out.set("body", to_utf8(log.row.body));
  if (!is_utf8(log.row.body)) out.set("body_base64url", to_base64url(log.row.body));
  Json fields(Json::Object{});
  for (const auto& [key, value] : log.row.fields) fields.set(key, value);
  out.set("fields", std::move(fields));
  if (log.row.time_suspect) out.set("time_suspect", true);
  out.set("agent", to_string(log.agent));
  return out;
}

Json::Array render(const std::vector<FoundLog>& logs) {
  Json::Array out;
  out.reserve(logs.size());
  for (const FoundLog& log : logs) out.push_back(render(log));
  return out;
}

Result<Answer> get_logs(ApiContext& context, const ApiRequest& request) {
  const QueryParams params = TRY(QueryParams::parse(request.query, {{"from"},
                                                                    {"to"},
                                                                    {"service"},
                                                                    {"host"},
                                                                    {"source"},
                                                                    {"level"},
                                                                    {"template"},
                                                                    {"text", true},
                                                                    {"itext", true},
                                                                    {"regex", true},
                                                                    {"limit"},
                                                                    {"cursor"}}));
  LogQuery query;
  query.predicate = TRY(parse_predicate(params));
  const QueryParams::Range range = TRY(params.range(request.now, search_span_default));
  query.predicate.from = range.from;
  query.predicate.to = range.to;
  const std::optional<uint64_t> limit = TRY(params.number("limit", 1, log_page_rows_max));
  if (limit) query.limit = static_cast<uint32_t>(*limit);
  query.cursor = params.text("cursor").value_or("");

  const LogPage page = TRY(query_logs(context.store, query, report_damage_to(context.writer)));
  Json scanned;
  scanned.set("blocks", page.scanned.blocks);
  scanned.set("blocks_pruned", page.scanned.blocks_pruned);
  scanned.set("rows", page.scanned.rows);
  scanned.set("damaged_blocks", page.scanned.damaged_blocks);
  Json body;
  body.set("logs", render(page.rows));
  body.set("next_cursor", page.next_cursor ? Json(*page.next_cursor) : Json());
  body.set("scanned", std::move(scanned));
  return Answer(json_reply(body));
}

Result<Answer> get_logs_tail(ApiContext& context, const ApiRequest& request) {
  const QueryParams params = TRY(QueryParams::parse(request.query, {{"service"},
                                                                    {"host"},
                                                                    {"source"},
                                                                    {"level"},
                                                                    {"template"},
                                                                    {"text", true},
                                                                    {"itext", true},
                                                                    {"regex", true},
                                                                    {"cursor"},
                                                                    {"wait"}}));
  LogTailQuery query;
  query.predicate = TRY(parse_predicate(params));
  const std::optional<Duration> wait = TRY(params.duration("wait", Duration{0}, tail_wait_max));
  const Instant until = request.arrived + wait.value_or(tail_wait_default);
  query.cursor = request.resume.empty() ? params.text("cursor").value_or("") : request.resume;

  const LogTail tail = TRY(tail_logs(context.store, query, report_damage_to(context.writer)));
  // Agents stay in a hurry while the follower waits, and until it has had time to ask again.
  context.on_watched(std::max(until - request.called, Duration{0}) + follow_again_within);
  const bool wants_news = !query.cursor.empty();
  if (tail.rows.empty() && wants_news && !tail.more && request.called < until) {
    return Answer(WaitForCommit{.until = until, .resume = tail.cursor});
  }
  Json body;
  body.set("logs", render(tail.rows));
  body.set("cursor", tail.cursor);
  return Answer(json_reply(body));
}

constexpr std::array table{
    Route{"GET", "/v1/logs", Permission::signals_read, get_logs, {.summary = "Search logs, newest first"}},
    Route{"GET",
          "/v1/logs/tail",
          Permission::signals_read,
          get_logs_tail,
          {.summary = "What was stored since, oldest first; waits for news"}},
};

}  // namespace

ReportDamage report_damage_to(StoreWriter& writer) {
  return [&writer](const DamagedBlock& damaged) {
    log_warn("stored block damaged", {{"commit_id", damaged.block.commit_id}, {"reason", damaged.reason}});
    const bool taken = writer.try_run([damaged](Store& store) {
      const Status done = store.set_aside(damaged.block, damaged.reason);
      if (!done.ok()) log_error("damaged block not set aside", {{"error", done.error().text()}});
    });
    if (!taken) log_warn("damaged block left for the next reader");
  };
}

std::span<const Route> logs_routes() {
  return table;
}

}  // namespace reeve::server
