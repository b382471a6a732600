// Reads with nlohmann's SAX parser, so that depth and repeated keys are ours to refuse; writes by hand.
#include "common/base/json.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/base/bytes.h"

namespace reeve {

namespace {

constexpr size_t depth_max = 64;

class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  Result<Json> take() {
    if (!error_.empty()) return Error(Code::invalid, error_);
    return std::move(root_);
  }

  bool null() override { return add(Json()); }
  bool boolean(bool value) override { return add(Json(value)); }
  bool number_integer(int64_t value) override { return add(Json(value)); }
  bool number_unsigned(uint64_t value) override { return add(Json(value)); }
  bool number_float(double value, const std::string&) override { return add(Json(value)); }
  bool string(std::string& value) override { return add(Json(std::move(value))); }
  bool binary(nlohmann::json::binary_t&) override { return false; }
  bool start_object(size_t) override { return open(Json(Json::Object{})); }
  bool start_array(size_t) override { return open(Json(Json::Array{})); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(std::string& name) override {
    if (stack_.back().value.find(name) != nullptr) {
      error_ = "the key \"" + printable(name, 80) + "\" stands twice in one object";
      return false;
    }
    stack_.back().key = std::move(name);
    return true;
  }

  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception& why) override {
    const std::string_view text = why.what();
    const size_t colon = text.find(": ");
    error_ = "not JSON at byte " + std::to_string(position) + ": " +
             printable(colon == std::string_view::npos ? text : text.substr(colon + 2), 160);
    return false;
  }

 private:
  struct Open {
    Json value;
    std::string key;
  };

  bool open(Json value) {
    if (stack_.size() >= depth_max) {
      error_ = "nested deeper than " + std::to_string(depth_max) + " levels";
      return false;
    }
    stack_.push_back({std::move(value), {}});
    return true;
  }

  bool close() {
    Json done = std::move(stack_.back().value);
    stack_.pop_back();
    return add(std::move(done));
  }

  bool add(Json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
    } else if (stack_.back().value.is_array()) {
      stack_.back().value.push(std::move(value));
    } else {
      stack_.back().value.set(stack_.back().key, std::move(value));
    }
    return true;
  }

  std::vector<Open> stack_;
  Json root_;
  std::string error_;
};

void write_string(std::string& out, std::string_view raw) {
  const std::string text = to_utf8(raw);
  out.push_back('"');
  for (unsigned char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (c < 0x20 || c == 0x7f) {
          out += "\\u00" + to_hex(BytesView(reinterpret_cast<const char*>(&c), 1));
        } else {
          out.push_back(static_cast<char>(c));
        }
    }
  }
  out.push_back('"');
}

void write_double(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";  // JSON has no word for it
    return;
  }
  char buffer[32];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  check(error == std::errc{}, "32 characters hold any double");
  out.append(buffer, end);
}

void write_break(std::string& out, int indent, int depth) {
  if (indent == 0) return;
  out.push_back('\n');
  out.append(static_cast<size_t>(indent) * static_cast<size_t>(depth), ' ');
}

void write(std::string& out, const Json& value, int indent, int depth) {
  if (const bool* boolean = value.as_bool()) {
    out += *boolean ? "true" : "false";
  } else if (const int64_t* integer = value.as_int()) {
    out += std::to_string(*integer);
  } else if (const auto number = value.as_number()) {
    write_double(out, *number);
  } else if (const std::string* text = value.as_string()) {
    write_string(out, *text);
  } else if (const Json::Array* array = value.as_array()) {
    out.push_back('[');
    for (const Json& item : *array) {
      if (&item != &array->front()) out.push_back(',');
      write_break(out, indent, depth + 1);
      write(out, item, indent, depth + 1);
    }
    if (!array->empty()) write_break(out, indent, depth);
    out.push_back(']');
  } else if (const Json::Object* object = value.as_object()) {
    out.push_back('{');
    for (const auto& member : *object) {
      if (&member != &object->front()) out.push_back(',');
      write_break(out, indent, depth + 1);
      write_string(out, member.first);
      out += indent == 0 ? ":" : ": ";
      write(out, member.second, indent, depth + 1);
    }
    if (!object->empty()) write_break(out, indent, depth);
    out.push_back('}');
  } else {
    out += "null";
  }
}

}  // namespace

Json::Json(uint64_t value) {
  if (value <= static_cast<uint64_t>(INT64_MAX)) {
    value_ = static_cast<int64_t>(value);
  } else {
    value_ = static_cast<double>(value);
  }
}

std::optional<double> Json::as_number() const {
  if (const auto* integer = std::get_if<int64_t>(&value_)) return static_cast<double>(*integer);
  if (const auto* number = std::get_if<double>(&value_)) return *number;
  return std::nullopt;
}

const Json* Json::find(std::string_view key) const {
  const Object* object = as_object();
  if (object == nullptr) return nullptr;
  for (const auto& [name, value] : *object) {
    if (name == key) return &value;
  }
  return nullptr;
}

std::string Json::string_or(std::string_view key, std::string_view fallback) const {
  const Json* member = find(key);
  return member != nullptr && member->is_string() ? *member->as_string() : std::string(fallback);
}

int64_t Json::int_or(std::string_view key, int64_t fallback) const {
  const Json* member = find(key);
  return member != nullptr && member->as_int() != nullptr ? *member->as_int() : fallback;
}

Json& Json::set(std::string_view key, Json value) {
  if (is_null()) value_ = Object{};
  auto* object = std::get_if<Object>(&value_);
  check(object != nullptr, "only an object has members");
  for (auto& [name, old] : *object) {
    if (name == key) {
      old = std::move(value);
      return *this;
    }
  }
  object->emplace_back(std::string(key), std::move(value));
  return *this;
}

void Json::push(Json value) {
  if (is_null()) value_ = Array{};
  auto* array = std::get_if<Array>(&value_);
  check(array != nullptr, "only an array has items");
  array->push_back(std::move(value));
}

std::string Json::dump(int indent) const {
  std::string out;
  write(out, *this, indent, 0);
  return out;
}

Result<Json> parse_json(std::string_view text) {
  Builder builder;
  nlohmann::json::sax_parse(text, &builder);
  return builder.take();
}

}  // namespace reeve
