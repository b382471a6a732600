// Searching and following logs, and a log's neighbours: parameters in, JSON out. The work is in server/query.
#include "server/query/logs.h"

#include <algorithm>
#include <array>

#include "common/base/log.h"
#include "server/api/log_filter.h"
#include "server/api/tables.h"
#include "server/query/log_context.h"
#include "server/store/store.h"
#include "server/store_writer.h"

namespace reeve::server {
namespace {

constexpr Duration tail_wait_default = 10s;
constexpr Duration tail_wait_max = 30s;
constexpr Duration follow_again_within = 10s;

Result<Answer> get_logs(ApiContext& context, const ApiRequest& request) {
  const QueryParams params =
      TRY(QueryParams::parse(request.query, {{"from"}, {"to"}, LOG_FILTER_NAMES, {"limit"}, {"cursor"}}));
  LogQuery query;
  query.predicate = TRY(parse_log_filter(params));
  const QueryParams::Range range = TRY(params.range(request.now, log_span_default));
  query.predicate.from = range.from;
  query.predicate.to = range.to;
  const std::optional<uint64_t> limit = TRY(params.number("limit", 1, log_page_rows_max));
  if (limit) query.limit = static_cast<uint32_t>(*limit);
  query.cursor = params.text("cursor").value_or("");
  query.cache = context.log_blocks.get();

  const LogPage page = TRY(query_logs(context.store, query, report_damage_to(context.writer)));
  Json body;
  body.set("logs", render(page.rows));
  body.set("next_cursor", page.next_cursor ? Json(*page.next_cursor) : Json());
  body.set("scanned", render(page.scanned));
  return Answer(json_reply(body));
}

Result<Answer> get_logs_tail(ApiContext& context, const ApiRequest& request) {
  const QueryParams params = TRY(QueryParams::parse(request.query, {LOG_FILTER_NAMES, {"cursor"}, {"wait"}}));
  LogTailQuery query;
  query.predicate = TRY(parse_log_filter(params));
  const std::optional<Duration> wait = TRY(params.duration("wait", Duration{0}, tail_wait_max));
  const Instant until = request.arrived + wait.value_or(tail_wait_default);
  query.cursor = request.resume.empty() ? params.text("cursor").value_or("") : request.resume;
  query.cache = context.log_blocks.get();

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

Result<Answer> get_log_context(ApiContext& context, const ApiRequest& request) {
  const QueryParams params = TRY(QueryParams::parse(request.query, {{"id"}, {"before"}, {"after"}}));
  LogContextQuery query;
  query.id = params.text("id").value_or("");
  if (query.id.empty()) return Error(Code::invalid, "parameter \"id\" is missing; it is a log's id");
  const std::optional<uint64_t> before = TRY(params.number("before", 0, context_rows_max));
  const std::optional<uint64_t> after = TRY(params.number("after", 0, context_rows_max));
  if (before) query.before = static_cast<uint32_t>(*before);
  if (after) query.after = static_cast<uint32_t>(*after);
  query.cache = context.log_blocks.get();

  const LogContext found = TRY(find_log_context(context.store, query, report_damage_to(context.writer)));
  Json body;
  body.set("before", render(found.before));
  body.set("log", render(found.log));
  body.set("after", render(found.after));
  return Answer(json_reply(body));
}

// -- The table -------------------------------------------------------------------------------------------------------

constexpr std::array<SchemaField, 3> page_fields{{
    {"logs", "Log[]", "newest first", &log_schema},
    {"next_cursor", "string|null", "for the page behind this one; null on the last"},
    {"scanned", "Scanned", "", &scanned_schema},
}};
constexpr Schema page_schema{"LogPage", "A page of a search. It may be empty and yet not be the last.", page_fields};

constexpr std::array<SchemaField, 2> tail_fields{{
    {"logs", "Log[]", "in order of storage", &log_schema},
    {"cursor", "string", "go on from here"},
}};
constexpr Schema tail_schema{"LogTail", "What was stored since.", tail_fields};

constexpr std::array<SchemaField, 3> context_fields{{
    {"before", "Log[]", "oldest first", &log_schema},
    {"log", "Log", "", &log_schema},
    {"after", "Log[]", "oldest first", &log_schema},
}};
constexpr Schema context_schema{"LogContext", "A log and its neighbours in the same source.", context_fields};

constexpr std::array page_query{
    docs::from,
    docs::to,
    docs::service,
    docs::host,
    docs::source,
    docs::level,
    docs::shape,
    docs::text,
    docs::itext,
    docs::regex,
    Parameter{"limit", "int", "1-1000, default 100"},
    Parameter{"cursor", "string", "of the page before"},
};
constexpr std::array tail_query{
    docs::service,
    docs::host,
    docs::source,
    docs::level,
    docs::shape,
    docs::text,
    docs::itext,
    docs::regex,
    Parameter{"cursor", "string", "of the answer before; without: begin now"},
    Parameter{"wait", "string", "at most this long for news, up to 30s; default 10s"},
};
constexpr std::array context_query{
    Parameter{"id!", "string", "of a log"},
    Parameter{"before", "int", "how many, at most 200; default 20"},
    Parameter{"after", "int", "how many, at most 200; default 20"},
};

constexpr std::array table{
    Route{"GET",
          "/v1/logs",
          Permission::signals_read,
          get_logs,
          {.summary = "Search logs, newest first", .query = page_query, .gives = &page_schema}},
    Route{
        "GET",
        "/v1/logs/tail",
        Permission::signals_read,
        get_logs_tail,
        {.summary = "What was stored since, oldest first; waits for news", .query = tail_query, .gives = &tail_schema}},
    Route{"GET",
          "/v1/logs/context",
          Permission::signals_read,
          get_log_context,
          {.summary = "A log's neighbours in its source", .query = context_query, .gives = &context_schema}},
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
