// See params.h.
#include "server/api/params.h"

#include <algorithm>
#include <charconv>

#include "common/sys/http1.h"

namespace reeve::server {
namespace {

constexpr size_t repeats_max = 16;

std::string join(const std::vector<std::string_view>& names) {
  std::string out;
  for (const std::string_view name : names) {
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

std::string names_of(std::initializer_list<ParamSpec> allowed) {
  if (allowed.size() == 0) return "this route takes none";
  std::vector<std::string_view> names;
  for (const ParamSpec& spec : allowed) names.push_back(spec.name);
  return "allowed are " + join(names);
}

}  // namespace

Error bad_parameter(std::string_view name, std::string_view found, std::string_view allowed) {
  return Error(Code::invalid, "parameter \"" + std::string(name) + "\" is \"" + printable(found, 80) +
                                  "\"; allowed is " + std::string(allowed));
}

Result<QueryParams> QueryParams::parse(std::string_view query, std::initializer_list<ParamSpec> allowed) {
  QueryParams params;
  params.pairs_ = TRY(sys::parse_query(query));
  for (const auto& pair : params.pairs_) {
    const std::string& name = pair.first;
    const auto* spec =
        std::find_if(allowed.begin(), allowed.end(), [&](const ParamSpec& each) { return each.name == name; });
    if (spec == allowed.end()) {
      return Error(Code::invalid, "unknown parameter \"" + printable(name, 80) + "\"; " + names_of(allowed));
    }
    const size_t count = params.all(name).size();
    if (count > 1 && !spec->repeatable) {
      return Error(Code::invalid,
                   "parameter \"" + name + "\" stands " + std::to_string(count) + " times; once is allowed");
    }
    if (count > repeats_max) {
      return Error(Code::invalid, "parameter \"" + name + "\" stands " + std::to_string(count) + " times; at most " +
                                      std::to_string(repeats_max) + " are allowed");
    }
  }
  return params;
}

std::optional<std::string> QueryParams::text(std::string_view name) const {
  for (const auto& [key, value] : pairs_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string> QueryParams::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : pairs_) {
    if (key == name) values.push_back(value);
  }
  return values;
}

Result<std::optional<uint64_t>> QueryParams::number(std::string_view name, uint64_t min, uint64_t max) const {
  const std::optional<std::string> found = text(name);
  if (!found) return std::optional<uint64_t>();

  uint64_t value = 0;
  const char* end = found->data() + found->size();
  const auto [stopped, failure] = std::from_chars(found->data(), end, value);
  if (failure != std::errc() || stopped != end || value < min || value > max) {
    return bad_parameter(name, *found, "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  }
  return std::optional(value);
}

Result<std::optional<Duration>> QueryParams::duration(std::string_view name, Duration min, Duration max) const {
  const std::optional<std::string> found = text(name);
  if (!found) return std::optional<Duration>();
  const std::optional<Duration> value = parse_duration(*found);
  if (!value || *value < min || *value > max) {
    return bad_parameter(name, *found,
                         "a duration like 10s from " + format_duration(min) + " to " + format_duration(max));
  }
  return value;
}

Result<std::optional<WallTime>> QueryParams::time(std::string_view name, WallTime now) const {
  const std::optional<std::string> found = text(name);
  if (!found) return std::optional<WallTime>();
  if (found->starts_with('-')) {
    const std::optional<Duration> ago = parse_duration(std::string_view(*found).substr(1));
    if (ago && ago->count() <= now.ns) return std::optional(now - *ago);
  } else if (const std::optional<WallTime> absolute = parse_rfc3339(*found)) {
    return absolute;
  }
  return bad_parameter(name, *found, "a time like 2026-11-21T02:54:00Z, or before now like -15m");
}

Result<QueryParams::Range> QueryParams::range(WallTime now, Duration span) const {
  const std::optional<WallTime> from = TRY(time("from", now));
  const std::optional<WallTime> to = TRY(time("to", now));
  Range range;
  range.to = to.value_or(now);
  range.from = from.value_or(range.to - span);
  if (range.from >= range.to) {
    return Error(Code::invalid, "\"from\" (" + format_rfc3339(range.from) + ") is not before \"to\" (" +
                                    format_rfc3339(range.to) + ")");
  }
  return range;
}

Result<std::vector<std::pair<std::string, std::string>>> QueryParams::labels() const {
  std::vector<std::pair<std::string, std::string>> labels;
  for (const std::string& found : all("label")) {
    const size_t colon = found.find(':');
    if (colon == std::string::npos || colon == 0) return bad_parameter("label", found, "key:value");
    labels.emplace_back(found.substr(0, colon), found.substr(colon + 1));
  }
  std::sort(labels.begin(), labels.end());
  return labels;
}

// -- Bodies
// ------------------------------------------------------------------------------------------------------------

Result<Json> parse_body(const ApiRequest& request, std::initializer_list<std::string_view> allowed) {
  if (request.body.empty()) return Json(Json::Object{});
  Json body = TRY_DURING(parse_json(request.body), "the body is not JSON");
  const Json::Object* members = body.as_object();
  if (!members) return Error(Code::invalid, "the body is not a JSON object");
  for (const auto& member : *members) {
    if (std::find(allowed.begin(), allowed.end(), member.first) == allowed.end()) {
      return Error(Code::invalid, "unknown member \"" + printable(member.first, 80) + "\" in the body; allowed are " +
                                      join({allowed.begin(), allowed.end()}));
    }
  }
  return body;
}

Result<std::string> required_text(const Json& body, std::string_view name, size_t bytes_max) {
  const Json* member = body.find(name);
  const std::string* value = member ? member->as_string() : nullptr;
  if (!value || value->empty() || value->size() > bytes_max) {
    return Error(Code::invalid, "member \"" + std::string(name) + "\" is " + (member ? "wrong" : "missing") +
                                    "; it is a text of 1 to " + std::to_string(bytes_max) + " bytes");
  }
  return *value;
}

}  // namespace reeve::server
