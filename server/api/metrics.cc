// Listing series and querying their points: parameters in, JSON out. The work is in server/query.
#include "server/query/metrics.h"

#include <algorithm>
#include <array>

#include "server/api/params.h"
#include "server/api/tables.h"
#include "server/store/store.h"

namespace reeve::server {
namespace {

constexpr Duration span_default = 15min;
constexpr Duration step_max = 24h * 366;
constexpr std::array<std::string_view, 4> windows{"10s", "1m", "5m", "15m"};

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

// Sorted and without repeats, as labels are.
Result<std::optional<std::vector<std::string>>> parse_by(const QueryParams& params) {
  std::vector<std::string> keys = params.all("by");
  if (keys.empty()) return std::optional<std::vector<std::string>>();
  for (const std::string& key : keys) {
    if (key.empty()) return bad_parameter("by", key, "a label's key");
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return std::optional(std::move(keys));
}

Result<Answer> get_points(ApiContext& context, const ApiRequest& request) {
  const QueryParams params = TRY(QueryParams::parse(
      request.query, {{"name"}, {"label", true}, {"from"}, {"to"}, {"step"}, {"window"}, {"agg"}, {"by", true}}));
  const QueryParams::Range range = TRY(params.range(request.now, span_default));
  MetricQuery query;
  query.name = params.text("name").value_or("");
  if (query.name.empty()) return Error(Code::invalid, "parameter \"name\" is missing; it is a metric's name");
  query.labels = TRY(params.labels());
  query.from = range.from;
  query.to = range.to;
  const std::optional<Duration> step = TRY(params.duration("step", metric_step_min, step_max));
  if (step) query.step = *step;
  if (const std::optional<std::string> window = params.text("window")) {
    if (step) return Error(Code::invalid, "parameters \"window\" and \"step\" say the same; send one of them");
    const auto known = std::find(windows.begin(), windows.end(), *window);
    if (known == windows.end()) return bad_parameter("window", *window, "10s, 1m, 5m or 15m");
    query.step = *parse_duration(*known);
  }
  query.by = TRY(parse_by(params));
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

Result<Answer> get_labels(ApiContext& context, const ApiRequest& request) {
  const QueryParams params = TRY(QueryParams::parse(request.query, {{"name"}, {"match"}, {"from"}, {"to"}}));
  const QueryParams::Range range = TRY(params.range(request.now, span_default));
  SeriesListQuery query;
  query.from = range.from;
  query.to = range.to;
  query.name = params.text("name");
  query.match = params.text("match");

  const MetricLabels found = TRY(list_labels(context.store, query, report_damage_to(context.writer)));
  const auto texts = [](const std::vector<std::string>& from) {
    Json::Array out;
    for (const std::string& each : from) out.push_back(each);
    return out;
  };
  Json labels(Json::Object{});
  for (const auto& [key, values] : found.labels) labels.set(key, texts(values));
  Json body;
  body.set("names", texts(found.names));
  body.set("labels", std::move(labels));
  body.set("truncated", found.truncated);
  return Answer(json_reply(body));
}

// -- The table -------------------------------------------------------------------------------------------------------

constexpr std::array<SchemaField, 7> entry_fields{{
    {"name", "string"},
    {"unit", "string"},
    {"kind", "'gauge','counter'"},
    {"labels", "map<string>", "`host` among them"},
    {"last", "number"},
    {"last_time", "time"},
    {"points", "int", "in the range, by whole blocks"},
}};
constexpr Schema entry_schema{"MetricSeriesEntry", "A series that has points in the range.", entry_fields};
constexpr std::array<SchemaField, 2> list_fields{{
    {"series", "MetricSeriesEntry[]", "by name, then labels", &entry_schema},
    {"truncated", "bool", "there are more than 10,000"},
}};
constexpr Schema list_schema{"MetricSeriesList", "The series of a range.", list_fields};

constexpr std::array<SchemaField, 2> curve_fields{{
    {"labels", "map<string>", "with `by`, those labels alone"},
    {"points", "any[][]", "[[time, value], ...], ascending; steps without a point are left out"},
}};
constexpr Schema curve_schema{"MetricCurve", "One series' points.", curve_fields};
constexpr std::array<SchemaField, 6> answer_fields{{
    {"name", "string"},
    {"unit", "string"},
    {"step_ms", "int"},
    {"agg", "'avg','min','max','sum','last','count','rate'"},
    {"truncated", "bool", "more than 100 series matched, or more blocks than one query may read"},
    {"series", "MetricCurve[]", "by labels", &curve_schema},
}};
constexpr Schema answer_schema{"MetricAnswer", "A metric's points by step.", answer_fields};

constexpr std::array<SchemaField, 3> labels_fields{{
    {"names", "string[]", "of metrics"},
    {"labels", "map<string[]>", "each key's values"},
    {"truncated", "bool"},
}};
constexpr Schema labels_schema{"MetricLabels", "What there is to choose from.", labels_fields};

constexpr Parameter name{"name", "string", "exact"};
constexpr Parameter match{"match", "string", "a substring of the name"};
constexpr Parameter label{"label[]", "string", "key:value; all that are given must match; `host` is a label"};
constexpr Parameter from{"from", "string", "RFC 3339, or before now like -15m, which is the default; inclusive"};
constexpr Parameter to{"to", "string", "RFC 3339, or before now like -15m; exclusive; default: now"};
constexpr std::array list_query{name, match, label, from, to};
constexpr std::array labels_query{name, match, from, to};
constexpr std::array points_query{
    Parameter{"name!", "string", "exact"},
    label,
    from,
    to,
    Parameter{"step", "string", "a duration of at least 1s; default: such that about 60 points come"},
    Parameter{"window", "'10s','1m','5m','15m'", "instead of step"},
    Parameter{"agg", "'avg','min','max','sum','last','count','rate'", "default avg; rate is per second, of counters"},
    Parameter{"by[]", "string", "a label to keep; series are aggregated over all others"},
};

constexpr RouteDocs points_docs{
    .summary = "Points of a metric, by step", .query = points_query, .gives = &answer_schema};

constexpr std::array table{
    Route{"GET",
          "/v1/metrics",
          Permission::signals_read,
          get_series,
          {.summary = "The series' names, labels and last values", .query = list_query, .gives = &list_schema}},
    Route{"GET",
          "/v1/metrics/labels",
          Permission::signals_read,
          get_labels,
          {.summary = "Names of metrics, and the labels' values", .query = labels_query, .gives = &labels_schema}},
    Route{"GET", "/v1/metrics/query", Permission::signals_read, get_points, points_docs},
    Route{"GET", "/api/metrics/aggregated", Permission::signals_read, get_points, points_docs},
};

}  // namespace

std::span<const Route> metrics_routes() {
  return table;
}

}  // namespace reeve::server
