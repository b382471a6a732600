// What can be watched live: logs and points of metrics. Each watch parses its filter once and then asks the store what
// was committed since; feeds.h does the rest.
#include <array>

#include "server/api/log_filter.h"
#include "server/api/tables.h"
#include "server/query/metric_tail.h"

namespace reeve::server {
namespace {

// Of one turn: what fits a client's unsent bytes, even where every byte is escaped.
constexpr uint32_t rows_per_turn = 500;
constexpr uint64_t row_bytes_per_turn = 128_KiB;
constexpr uint64_t points_per_turn = 5'000;

Result<Watch> watch_logs(ApiContext& context, const ApiRequest& request) {
  const QueryParams params = TRY(QueryParams::parse(request.query, {LOG_FILTER_NAMES, {"cursor"}}));
  LogTailQuery query;
  query.predicate = TRY(parse_log_filter(params));
  query.limit = rows_per_turn;
  query.limits.row_bytes_max = row_bytes_per_turn;
  query.limits.bytes_max = 16_MiB;
  query.limits.blocks_max = 2'000;
  query.cache = context.log_blocks.get();

  return Watch([&context, query](std::string_view cursor) mutable -> Result<FeedTurn> {
    query.cursor = cursor;
    LogTail tail = TRY(tail_logs(context.store, query, report_damage_to(context.writer)));
    FeedTurn turn{.cursor = std::move(tail.cursor), .more = tail.more};
    for (const FoundLog& log : tail.rows) {
      Json event;
      event.set("type", "log");
      event.set("log", render(log));
      turn.events.push_back(std::move(event));
    }
    return turn;
  });
}

Json points_event(const TailedSeries& series) {
  Json labels(Json::Object{});
  for (const auto& [key, value] : series.labels) labels.set(key, value);
  Json::Array points;
  for (const auto& [time, value] : series.points) points.push_back(Json(Json::Array{format_rfc3339(time), value}));
  Json event;
  event.set("type", "points");
  event.set("name", series.name);
  event.set("labels", std::move(labels));
  event.set("points", std::move(points));
  return event;
}

Result<Watch> watch_metrics(ApiContext& context, const ApiRequest& request) {
  const QueryParams params = TRY(QueryParams::parse(request.query, {{"name"}, {"label", true}, {"cursor"}}));
  MetricTailQuery query;
  query.name = params.text("name");
  query.labels = TRY(params.labels());
  query.points_max = points_per_turn;

  return Watch([&context, query](std::string_view cursor) mutable -> Result<FeedTurn> {
    query.cursor = cursor;
    MetricTail tail = TRY(tail_metrics(context.store, query, report_damage_to(context.writer)));
    FeedTurn turn{.cursor = std::move(tail.cursor), .more = tail.more};
    for (const TailedSeries& series : tail.series) turn.events.push_back(points_event(series));
    if (tail.points_left_out > 0) {
      Json event;
      event.set("type", "skipped");
      event.set("count", tail.points_left_out);
      turn.events.push_back(std::move(event));
    }
    return turn;
  });
}

// -- The table -------------------------------------------------------------------------------------------------------

constexpr std::array<SchemaField, 4> log_event_fields{{
    {"type", "'log','skipped','ping'", "skipped: the client was too slow, and goes on from now"},
    {"log?", "Log", "of a log", &log_schema},
    {"count?", "int", "of skipped: how many logs the client missed"},
    {"cursor?", "string", "to come back with; the id of a server-sent event, too"},
}};
constexpr Schema log_event_schema{"LogEvent", "One message of /v1/logs/live.", log_event_fields};

constexpr std::array<SchemaField, 6> points_event_fields{{
    {"type", "'points','skipped','ping'", "skipped: the client was too slow, and goes on from now"},
    {"name?", "string", "of points: the metric"},
    {"labels?", "map<string>", "of points"},
    {"points?", "any[][]", "[[time, value], ...], in order of storage"},
    {"count?", "int", "of skipped: how many messages or points the client missed"},
    {"cursor?", "string", "to come back with; the id of a server-sent event, too"},
}};
constexpr Schema points_event_schema{"MetricEvent", "One message of /v1/metrics/live.", points_event_fields};

constexpr Parameter live_cursor{"cursor", "string", "go on from there, as with Last-Event-ID; without: from now"};
constexpr std::array logs_query{
    docs::service, docs::host,  docs::source, docs::level, docs::shape,
    docs::text,    docs::itext, docs::regex,  live_cursor,
};
constexpr std::array metrics_query{
    Parameter{"name", "string", "exact"},
    Parameter{"label[]", "string", "key:value; all that are given must match; `host` is a label"},
    live_cursor,
};
constexpr RouteDocs metrics_docs{.summary = "Points of metrics as they are stored: server-sent events or a WebSocket",
                                 .query = metrics_query,
                                 .gives = &points_event_schema};

constexpr std::array table{
    Route{"/v1/logs/live",
          Permission::signals_read,
          watch_logs,
          {.summary = "Logs as they are stored: server-sent events or a WebSocket",
           .query = logs_query,
           .gives = &log_event_schema}},
    Route{"/v1/metrics/live", Permission::signals_read, watch_metrics, metrics_docs},
    Route{"/api/metrics/live", Permission::signals_read, watch_metrics, metrics_docs},
};

}  // namespace

std::span<const Route> live_routes() {
  return table;
}

}  // namespace reeve::server
