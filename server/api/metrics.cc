// Listing series and querying their points: parameters in, JSON out. The work is in server/query.
#include "server/query/metrics.h"

#include <array>
#include "server/api/params.h"
#include "server/api/tables.h"
#include "server/store/store.h"

namespace reeve::server {
namespace {

constexpr Duration span_default = 15min;
constexpr Duration step_max = 24h * 366;

Json render(const Labels& labels) {
  Json out(Json::Object{});
  for (const auto& [key, value] : labels) out.set(key, value);
  return out;
}

Json render(const SeriesEntry& series) {
  Json out;
  out.set("name", series.name);
  out.set("unit", series.unit);
  out.set("kind", series.kind == wire::MetricKind::counter ? "counter" : "gauge");
  out.set("labels", render(series.labels));
  out.set("last", series.last);
  out.set("last_time", format_rfc3339(series.last_time));
  out.set("points", series.points);
  return out;
}

Json render(const MetricSeries& series) {
  Json::Array points;
  points.reserve(series.points.size());
  for (const auto& [time, value] : series.points) points.push_back(Json(Json::Array{format_rfc3339(time), value}));
  Json out;
  out.set("labels", render(series.labels));
  out.set("points", std::move(points));
  return out;
}

Result<Answer> get_series(ApiContext& context, const ApiRequest& request) {
  const QueryParams params =
      TRY(QueryParams::parse(request.query, {{"name"}, {"match"}, {"label", true}, {"from"}, {"to"}}));
  const QueryParams::Range range = TRY(params.range(request.now, span_default));
  SeriesListQuery query;
  query.from = range.from;
  query.to = range.to;
  query.name = params.text("name");
  query.match = params.text("match");
  query.labels = TRY(params.labels());

  const SeriesList list = TRY(list_series(context.store, query, report_damage_to(context.writer)));
  Json::Array series;
  series.reserve(list.series.size());
  for (const SeriesEntry& each : list.series) series.push_back(render(each));
  Json body;
  body.set("series", std::move(series));
  body.set("truncated", list.truncated);
  return Answer(json_reply(body));
}

Result<Answer> get_points(ApiContext& context, const ApiRequest& request) {
  const QueryParams params =
      TRY(QueryParams::parse(request.query, {{"name"}, {"label", true}, {"from"}, {"to"}, {"step"}, {"agg"}}));
  const QueryParams::Range range = TRY(params.range(request.now, span_default));
  MetricQuery query;
  query.name = params.text("name").value_or("");
  if (query.name.empty()) return Error(Code::invalid, "parameter \"name\" is missing; it is a metric's name");
  query.labels = TRY(params.labels());
  query.from = range.from;
  query.to = range.to;
  const std::optional<Duration> step = TRY(params.duration("step", metric_step_min, step_max));
  if (step) query.step = *step;
  if (const std::optional<std::string> agg = params.text("agg")) {
    const std::optional<Aggregation> aggregation = parse_aggregation(*agg);
    if (!aggregation) return bad_parameter("agg", *agg, "avg, min, max, sum, last, count or rate");
    query.aggregation = *aggregation;
  }

  const MetricAnswer answer = TRY(query_metric(context.store, query, report_damage_to(context.writer)));
  Json::Array series;
  series.reserve(answer.series.size());
  for (const MetricSeries& each : answer.series) series.push_back(render(each));
  Json body;
  body.set("name", answer.name);
  body.set("unit", answer.unit);
  body.set("step_ms", int64_t{std::chrono::duration_cast<std::chrono::milliseconds>(answer.step).count()});
  body.set("agg", to_string(query.aggregation));
  body.set("truncated", answer.truncated);
  body.set("series", std::move(series));
  return Answer(json_reply(body));
}

constexpr std::array table{
    Route{"GET",
          "/v1/metrics",
          Permission::signals_read,
          get_series,
          {.summary = "The series' names, labels and last values"}},
    Route{"GET", "/v1/metrics/query", Permission::signals_read, get_points, {.summary = "Points of a series, by step"}},
};

}  // namespace

std::span<const Route> metrics_routes() {
  return table;
}

}  // namespace reeve::server
