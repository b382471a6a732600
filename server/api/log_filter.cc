// See log_filter.h.
#include "server/api/log_filter.h"

namespace reeve::server {

Result<wire::LogPredicate> parse_log_filter(const QueryParams& params) {
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
  out.set("id", log_id(log));
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

Json render(const ScanCounters& scanned) {
  Json out;
  out.set("blocks", scanned.blocks);
  out.set("blocks_pruned", scanned.blocks_pruned);
  out.set("rows", scanned.rows);
  out.set("bytes", scanned.bytes);
  out.set("damaged_blocks", scanned.damaged_blocks);
  return out;
}

Json render(const std::array<uint64_t, wire::level_count>& levels) {
  Json out(Json::Object{});
  for (size_t level = 0; level < levels.size(); ++level) {
    if (levels[level] > 0) out.set(wire::to_string(static_cast<wire::Level>(level)), levels[level]);
  }
  return out;
}

}  // namespace reeve::server
