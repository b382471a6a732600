// Counting logs: by time and level, and by template. Parameters in, JSON out; the work is in server/query.
#include <array>

#include "server/api/log_filter.h"
#include "server/api/tables.h"
#include "server/query/histogram.h"
#include "server/query/log_templates.h"

namespace reeve::server {
namespace {

Result<Answer> get_histogram(ApiContext& context, const ApiRequest& request) {
  const QueryParams params = TRY(QueryParams::parse(request.query, {{"from"}, {"to"}, LOG_FILTER_NAMES, {"buckets"}}));
  HistogramQuery query;
  query.predicate = TRY(parse_log_filter(params));
  const QueryParams::Range range = TRY(params.range(request.now, log_span_default));
  query.predicate.from = range.from;
  query.predicate.to = range.to;
  const std::optional<uint64_t> buckets = TRY(params.number("buckets", histogram_buckets_min, histogram_buckets_max));
  if (buckets) query.buckets = static_cast<uint32_t>(*buckets);
  query.cache = context.log_blocks.get();

  const Histogram histogram = TRY(count_logs(context.store, query, report_damage_to(context.writer)));
  Json::Array listed;
  listed.reserve(histogram.buckets.size());
  for (const HistogramBucket& bucket : histogram.buckets) {
    Json each;
    each.set("time", format_rfc3339(bucket.time));
    each.set("count", bucket.count);
    each.set("levels", render(bucket.levels));
    listed.push_back(std::move(each));
  }
  Json body;
  body.set("from", format_rfc3339(histogram.from));
  body.set("to", format_rfc3339(histogram.to));
  body.set("step_ms", int64_t{std::chrono::duration_cast<std::chrono::milliseconds>(histogram.step).count()});
  body.set("total", histogram.total);
  body.set("exact", histogram.exact);
  body.set("counted_from", format_rfc3339(histogram.counted_from));
  body.set("buckets", std::move(listed));
  body.set("scanned", render(histogram.scanned));
  return Answer(json_reply(body));
}

Json template_json(const TemplateEntry& entry) {
  Json out;
  out.set("template", to_string(entry.shape));
  out.set("text", to_utf8(entry.text));
  out.set("example", to_utf8(entry.example));
  out.set("count", entry.count);
  out.set("first", format_rfc3339(entry.first));
  out.set("last", format_rfc3339(entry.last));
  out.set("levels", render(entry.levels));
  Json::Array services;
  for (const std::string& service : entry.services) services.push_back(service);
  out.set("services", std::move(services));
  out.set("hosts", entry.hosts);
  Json::Array parts;
  for (const uint64_t part : entry.parts) parts.push_back(part);
  out.set("buckets", std::move(parts));
  return out;
}

Result<Answer> get_templates(ApiContext& context, const ApiRequest& request) {
  const QueryParams params =
      TRY(QueryParams::parse(request.query, {{"from"}, {"to"}, LOG_FILTER_NAMES_WITHOUT_TEXT, {"limit"}}));
  TemplatesQuery query;
  query.predicate = TRY(parse_log_filter(params));
  const QueryParams::Range range = TRY(params.range(request.now, log_span_default));
  query.predicate.from = range.from;
  query.predicate.to = range.to;
  const std::optional<uint64_t> limit = TRY(params.number("limit", 1, templates_listed_max));
  if (limit) query.limit = static_cast<uint32_t>(*limit);
  query.cache = context.log_blocks.get();

  const TemplateList list = TRY(list_templates(context.store, query, report_damage_to(context.writer)));
  Json::Array templates;
  for (const TemplateEntry& each : list.templates) templates.push_back(template_json(each));
  Json body;
  body.set("templates", std::move(templates));
  body.set("truncated", list.truncated);
  return Answer(json_reply(body));
}

// -- The table -------------------------------------------------------------------------------------------------------

constexpr std::array<SchemaField, 3> bucket_fields{{
    {"time", "time", "of its begin"},
    {"count", "int"},
    {"levels", "LevelCounts", "", &log_levels_schema},
}};
constexpr Schema bucket_schema{"HistogramBucket", "How many logs there are in one step.", bucket_fields};
constexpr std::array<SchemaField, 8> histogram_fields{{
    {"from", "time"},
    {"to", "time"},
    {"step_ms", "int", "of a bucket; the first may begin before `from`, at a round time, and counts from `from` on"},
    {"total", "int"},
    {"exact", "bool", "false where a bound on the work made it an estimate, or ended it at `counted_from`"},
    {"counted_from", "time", "before it nothing was counted"},
    {"buckets", "HistogramBucket[]", "all of them, empty ones too, oldest first", &bucket_schema},
    {"scanned", "Scanned", "", &scanned_schema},
}};
constexpr Schema histogram_schema{"Histogram", "Logs by time and level.", histogram_fields};

constexpr std::array<SchemaField, 10> template_fields{{
    {"template", "string", "the shape key, 32 hex digits"},
    {"text", "string", "the line with its variables masked as <*>"},
    {"example", "string", "a line"},
    {"count", "int"},
    {"first", "time", "to 10 s, within the range"},
    {"last", "time"},
    {"levels", "LevelCounts", "of the rows looked at", &log_levels_schema},
    {"services", "string[]", "of the rows looked at, at most 20"},
    {"hosts", "int", "how many"},
    {"buckets", "int[]", "30 equal parts of the range, oldest first"},
}};
constexpr Schema template_schema{"LogTemplate", "What lines of one event have in common.", template_fields};
constexpr std::array<SchemaField, 2> templates_fields{{
    {"templates", "LogTemplate[]", "by falling count", &template_schema},
    {"truncated", "bool", "a bound left rows or templates out"},
}};
constexpr Schema templates_schema{"LogTemplates", "Logs grouped by template.", templates_fields};

constexpr std::array histogram_query{
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
    Parameter{"buckets", "int", "about so many, 10-500, default 60"},
};
constexpr std::array templates_query{
    docs::from,   docs::to,    docs::service, docs::host,
    docs::source, docs::level, docs::shape,   Parameter{"limit", "int", "1-1000, default 200"},
};

constexpr std::array table{
    Route{"GET",
          "/v1/logs/histogram",
          Permission::signals_read,
          get_histogram,
          {.summary = "Count logs by time and level", .query = histogram_query, .gives = &histogram_schema}},
    Route{"GET",
          "/v1/logs/templates",
          Permission::signals_read,
          get_templates,
          {.summary = "Group logs by template", .query = templates_query, .gives = &templates_schema}},
};

}  // namespace

std::span<const Route> log_counts_routes() {
  return table;
}

}  // namespace reeve::server
