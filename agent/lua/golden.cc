#include "agent/lua/golden.h"

#include "agent/parse/line_parser.h"
#include "common/base/json.h"

namespace reeve::agent::lua {

namespace {

constexpr WallTime arrival{20'778LL * 86'400 * 1'000'000'000};  // 2026-11-21
constexpr std::string_view separator = "---";

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// What the parser left open is found as in any line.
Json to_json(const Draft& draft) {
  LineParser line_parser;
  const ParsedLine found = line_parser.parse(draft.body(), arrival);
  Json json;
  if (draft.time || found.time_found) json.set("time", format_rfc3339(draft.time.value_or(found.time)));
  const wire::Level level = draft.level == wire::Level::unset ? found.level : draft.level;
  if (level != wire::Level::unset) json.set("level", wire::to_string(level));
  const BytesView service = draft.service.empty() ? found.service : draft.service;
  if (!service.empty()) json.set("service", service);
  if (draft.body() != draft.line() || draft.line().empty()) json.set("body", draft.body());
  Json fields(Json::Object{});
  for (const wire::Field& field : draft.fields()) fields.set(field.key, field.value);
  json.set("fields", std::move(fields));
  return json;
}

}  // namespace

std::vector<std::string_view> split_golden_records(std::string_view text) {
  const std::vector<std::string_view> lines = split_lines(text);
  bool separated = false;
  for (const std::string_view line : lines) separated = separated || line == separator;
  if (!separated) return lines;

  std::vector<std::string_view> records;
  size_t begin = 0;
  for (const std::string_view line : lines) {
    if (line != separator) continue;
    const auto at = static_cast<size_t>(line.data() - text.data());
    if (at > begin) records.push_back(text.substr(begin, at - 1 - begin));
    begin = std::min(at + line.size() + 1, text.size());
  }
  std::string_view last = text.substr(begin);
  if (last.ends_with('\n')) last.remove_suffix(1);
  if (!last.empty()) records.push_back(last);
  return records;
}

std::string golden_result(Script& script, std::string_view record) {
  Draft draft;
  draft.begin(record, arrival);
  Json emitted;
  const ParseResult result = script.parse(draft, [&](Draft& further) {
    Json one = to_json(further);
    one.set("body", further.body());
    emitted.push(std::move(one));
  });
  Json json;
  switch (result) {
    case ParseResult::failed:
      json.set("failed", script.failure());
      break;
    case ParseResult::unknown:
      json.set("unknown", true);
      break;
    case ParseResult::dropped:
      json.set("dropped", true);
      break;
    default:
      json = to_json(draft);
  }
  if (!emitted.is_null()) json.set("emitted", std::move(emitted));
  return json.dump();
}

std::string golden_results(Script& script, std::string_view text) {
  std::string results;
  for (const std::string_view record : split_golden_records(text)) results += golden_result(script, record) + "\n";
  return results;
}

}  // namespace reeve::agent::lua
