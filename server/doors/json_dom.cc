// See json_dom_impl.h.
#include "common/base/bytes.h"
#include "server/doors/json_dom_impl.h"

namespace reeve::server {
namespace {

constexpr size_t capacity_kept_max = 1_MiB;

std::unique_ptr<dom::parser>& parser_of_this_thread() {
  thread_local std::unique_ptr<dom::parser> parser;
  if (!parser) parser = std::make_unique<dom::parser>();
  return parser;
}

}  // namespace

Result<dom::element> parse_document(std::string_view body) {
  dom::parser& parser = *parser_of_this_thread();
  if (parser.capacity() < body.size() || parser.max_depth() != json_depth_max) {
    if (const auto error = parser.allocate(std::max<size_t>(body.size(), 64_KiB), json_depth_max)) {
      return Error(Code::exhausted, std::string("no memory to read the body: ") + simdjson::error_message(error));
    }
  }
  dom::element document;
  if (const auto error = parser.parse(body.data(), body.size()).get(document)) {
    return Error(Code::invalid, std::string("the body is not JSON that can be read: ") +
                                    simdjson::error_message(error) + " (at most " + std::to_string(json_depth_max) +
                                    " levels deep, UTF-8, integers of 64 bits)");
  }
  return document;
}

void forget_document() {
  std::unique_ptr<dom::parser>& parser = parser_of_this_thread();
  if (parser->capacity() > capacity_kept_max) parser.reset();
}

std::string_view kind_of(dom::element value) {
  switch (value.type()) {
    case dom::element_type::ARRAY:
      return "an array";
    case dom::element_type::OBJECT:
      return "an object";
    case dom::element_type::STRING:
      return "a string";
    case dom::element_type::BOOL:
      return "true or false";
    case dom::element_type::NULL_VALUE:
      return "null";
    default:
      return "a number";
  }
}

std::optional<std::string_view> scalar_text(dom::element value, std::string& buffer) {
  std::array<char, 32> digits{};
  const auto keep = [&](auto number) {
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    buffer.assign(digits.data(), end);
    return std::string_view(buffer);
  };
  switch (value.type()) {
    case dom::element_type::STRING:
      return value.get_string().value_unsafe();
    case dom::element_type::INT64:
      return keep(value.get_int64().value_unsafe());
    case dom::element_type::UINT64:
      return keep(value.get_uint64().value_unsafe());
    case dom::element_type::DOUBLE:
      return keep(value.get_double().value_unsafe());
    case dom::element_type::BOOL:
      return value.get_bool().value_unsafe() ? "true" : "false";
    default:
      return std::nullopt;
  }
}

}  // namespace reeve::server
