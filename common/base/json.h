// JSON values for configuration of the API and the command line: small documents, read and written whole.
//
// Numbers keep their kind (64-bit integer or double), objects keep the order of their keys, and a repeated key is an
// error rather than a silent choice. Not for ingest, where documents are many and large.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/result.h"

namespace reeve {

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  Json() = default;                                             // null
  Json(std::nullptr_t) {}                                       // NOLINT(google-explicit-constructor)
  Json(bool value) : value_(value) {}                           // NOLINT(google-explicit-constructor)
  Json(int value) : value_(int64_t{value}) {}                   // NOLINT(google-explicit-constructor)
  Json(int64_t value) : value_(value) {}                        // NOLINT(google-explicit-constructor)
  Json(uint64_t value);                                         // NOLINT(google-explicit-constructor)
  Json(uint32_t value) : value_(int64_t{value}) {}              // NOLINT(google-explicit-constructor)
  Json(double value) : value_(value) {}                         // NOLINT(google-explicit-constructor)
  Json(const char* value) : value_(std::string(value)) {}       // NOLINT(google-explicit-constructor)
  Json(std::string value) : value_(std::move(value)) {}         // NOLINT(google-explicit-constructor)
  Json(std::string_view value) : value_(std::string(value)) {}  // NOLINT(google-explicit-constructor)
  Json(Array value) : value_(std::move(value)) {}               // NOLINT(google-explicit-constructor)
  Json(Object value) : value_(std::move(value)) {}              // NOLINT(google-explicit-constructor)

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }

  // Each gives nullptr when the value is of another kind.
  const bool* as_bool() const { return std::get_if<bool>(&value_); }
  const int64_t* as_int() const { return std::get_if<int64_t>(&value_); }
  const std::string* as_string() const { return std::get_if<std::string>(&value_); }
  const Array* as_array() const { return std::get_if<Array>(&value_); }
  const Object* as_object() const { return std::get_if<Object>(&value_); }
  std::optional<double> as_number() const;  // an integer or a double

  // The member of that name, or nullptr where this is no object or has none.
  const Json* find(std::string_view key) const;
  // The member's text or number, or the fallback where it is absent or of another kind.
  std::string string_or(std::string_view key, std::string_view fallback = "") const;
  int64_t int_or(std::string_view key, int64_t fallback = 0) const;

  // Turns null into an object, then adds or replaces the member.
  Json& set(std::string_view key, Json value);
  // Turns null into an array, then appends.
  void push(Json value);

  // Valid UTF-8 whatever the strings hold; indent 0 is one line.
  std::string dump(int indent = 0) const;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> value_;
};

// A whole document. Errors are Code::invalid with the byte offset. At most 64 levels deep.
Result<Json> parse_json(std::string_view text);

}  // namespace reeve
