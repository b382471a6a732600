// What a route takes and gives, as data: OpenAPI, the page's typed client and the check of request bodies come from it.
//
// A field's type is a short text:
//
//     "string" "int" "number" "bool" "time" "uuid" "bytes" "any"     time: RFC 3339; bytes: base64url without padding
//     "Name"             another schema, which the field points to
//     "T[]"  "map<T>"    a list; an object whose members are all T
//     "T|null"           may be null
//     "'online','offline'"                        one of these words
//
// A name that ends in '?' may be absent.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "common/base/json.h"
#include "common/base/result.h"

namespace reeve::server {

struct Schema;

struct SchemaField {
  std::string_view name;
  std::string_view type;
  std::string_view about = {};
  const Schema* schema = nullptr;  // the one that `type` names: {"logs", "Log[]", "newest first", &log_schema}
};

struct Schema {
  std::string_view name;   // "LogPage"; unique
  std::string_view about;  // one sentence
  std::span<const SchemaField> fields;
};

struct Parameter {
  std::string_view name;  // in the query; "name!": must be there; "name[]": may stand several times
  std::string_view type;
  std::string_view about = {};
};

// What people and programs are told of a route.
struct RouteDocs {
  std::string_view summary = {};
  std::span<const Parameter> query = {};
  const Schema* takes = nullptr;  // the JSON body; null: none, or `takes_type` says what
  const Schema* gives = nullptr;
  int status = 200;  // when it went well
  std::string_view takes_type = "application/json";
  std::string_view gives_type = "application/json";
};

// Code::invalid names the first member that is unknown, absent or of another type, by its path ("items[3].time").
Status check_against(const Json& value, const Schema& schema);

}  // namespace reeve::server
