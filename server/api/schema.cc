// See schema.h.
#include "server/api/schema.h"

#include <cmath>
#include <set>
#include <string>

#include "common/base/ids.h"
#include "common/base/time.h"

namespace reeve::server {
namespace {

constexpr std::string_view list_mark = "[]";
constexpr std::string_view map_mark = "map<";
constexpr std::string_view null_mark = "|null";

std::string quoted(const Json& value) {
  return printable(value.dump(), 80);
}

Error not_a(const std::string& where, std::string_view wanted, const Json& found) {
  return Error(Code::invalid, where + " is " + quoted(found) + "; allowed is " + std::string(wanted));
}

bool is_base64url(std::string_view text) {
  for (const char c : text) {
    const bool allowed =
        (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!allowed) return false;
  }
  return true;
}

bool is_one_of(std::string_view words, std::string_view value) {
  for (size_t at = 0; at < words.size();) {
    size_t end = words.find(',', at);
    if (end == std::string_view::npos) end = words.size();
    std::string_view word = words.substr(at, end - at);
    word.remove_prefix(1);
    word.remove_suffix(1);
    if (word == value) return true;
    at = end + 1;
  }
  return false;
}

Status check_object(const Json& value, const Schema& schema, const std::string& where);

Status check_type(const Json& value, std::string_view type, const Schema* schema, const std::string& where) {
  if (type.ends_with(null_mark)) {
    if (value.is_null()) return {};
    type.remove_suffix(null_mark.size());
  }
  if (type.ends_with(list_mark)) {
    if (!value.is_array()) return not_a(where, "a list", value);
    const std::string_view each = type.substr(0, type.size() - list_mark.size());
    for (size_t i = 0; i < value.as_array()->size(); ++i) {
      TRY(check_type((*value.as_array())[i], each, schema, where + "[" + std::to_string(i) + "]"));
    }
    return {};
  }
  if (type.starts_with(map_mark)) {
    if (!value.is_object()) return not_a(where, "an object", value);
    const std::string_view each = type.substr(map_mark.size(), type.size() - map_mark.size() - 1);
    for (const auto& [key, member] : *value.as_object()) {
      TRY(check_type(member, each, schema, where + "." + printable(key, 40)));
    }
    return {};
  }

  const std::string* text = value.as_string();
  if (type == "any") return {};
  if (type == "string") return text ? Status() : not_a(where, "a string", value);
  if (type == "int") return value.as_int() ? Status() : not_a(where, "a whole number", value);
  if (type == "number") return value.as_number() ? Status() : not_a(where, "a number", value);
  if (type == "bool") return value.as_bool() ? Status() : not_a(where, "true or false", value);
  if (type == "time") return text && parse_rfc3339(*text) ? Status() : not_a(where, "a time as RFC 3339", value);
  if (type == "uuid") return text && parse_uuid(*text) ? Status() : not_a(where, "a UUID", value);
  if (type == "bytes") return text && is_base64url(*text) ? Status() : not_a(where, "base64url without padding", value);
  if (type.starts_with('\'')) return text && is_one_of(type, *text) ? Status() : not_a(where, type, value);
  check(schema && schema->name == type, "a field points to the schema that its type names");
  return check_object(value, *schema, where);
}

bool is_optional(std::string_view name) {
  return name.ends_with('?');
}

std::string_view bare(std::string_view name) {
  return is_optional(name) ? name.substr(0, name.size() - 1) : name;
}

Status check_object(const Json& value, const Schema& schema, const std::string& where) {
  const std::string what = where.empty() ? "the body" : where;
  if (!value.is_object()) return not_a(what, "an object", value);
  const std::string prefix = where.empty() ? "" : where + ".";

  for (const auto& [key, member] : *value.as_object()) {
    const SchemaField* known = nullptr;
    std::string names;
    for (const SchemaField& field : schema.fields) {
      if (bare(field.name) == key) known = &field;
      names += (names.empty() ? "" : ", ") + std::string(bare(field.name));
    }
    if (!known) return Error(Code::invalid, what + " has no member \"" + printable(key, 40) + "\"; allowed: " + names);
    TRY(check_type(member, known->type, known->schema, prefix + std::string(bare(known->name))));
  }
  for (const SchemaField& field : schema.fields) {
    if (is_optional(field.name) || value.find(field.name)) continue;
    return Error(Code::invalid, "\"" + prefix + std::string(field.name) + "\" is missing");
  }
  return {};
}

}  // namespace

Status check_against(const Json& value, const Schema& schema) {
  return check_object(value, schema, "");
}

}  // namespace reeve::server
