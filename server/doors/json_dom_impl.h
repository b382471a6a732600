// What the doors need of a JSON document beyond simdjson's own words: one parser per thread, members by name, the text
// of scalars. For the .cc files of this folder that read JSON, and for nobody else.
#pragma once

#include <simdjson.h>

#include <array>
#include <charconv>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/time.h"

namespace reeve::server {

namespace dom = simdjson::dom;

constexpr size_t json_depth_max = 64;

// The document of `body`, valid until the next call on this thread. Code::invalid says what is wrong.
Result<dom::element> parse_document(std::string_view body);
// Gives the memory of a large document back. After the document is no longer needed.
void forget_document();

// "a string", "an array": what was found, for errors.
std::string_view kind_of(dom::element value);

// A scalar as text: strings as they are, numbers as short as they can be, true and false; nothing for null and for
// what has members. `buffer` holds what is not a view of the document.
std::optional<std::string_view> scalar_text(dom::element value, std::string& buffer);

// The members of `object` by their place in `names`. An unknown or repeated one is Code::invalid.
template <size_t N>
Status collect_members(dom::object object, const std::array<std::string_view, N>& names,
                       std::array<std::optional<dom::element>, N>& found) {
  for (const dom::key_value_pair member : object) {
    size_t at = 0;
    while (at < N && names[at] != member.key) ++at;
    if (at == N) {
      std::string allowed;
      for (const std::string_view name : names) allowed += (allowed.empty() ? "" : ", ") + std::string(name);
      return Error(Code::invalid, "unknown member \"" + printable(member.key, 60) + "\"; known are " + allowed);
    }
    if (found[at]) return Error(Code::invalid, std::string(member.key) + " stands here twice");
    found[at] = member.value;
  }
  return {};
}

inline Error wrong_member(std::string_view name, std::string_view found, std::string_view allowed) {
  return Error(Code::invalid, std::string(name) + " is " + std::string(found) + "; allowed is " + std::string(allowed));
}

}  // namespace reeve::server
