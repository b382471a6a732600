// A whole column of bodies against one text condition: how TextMatcher looks from inside of search.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/wire/decode.h"
#include "common/wire/search.h"

namespace re2 {
class RE2;
}

namespace reeve::wire {

struct TextMatcher::Impl {
  Impl();
  ~Impl();

  bool is_regex = false;
  bool ignore_case = false;
  // What a matching body must hold; lower case with ignore_case. Of a regex: the longest literal it cannot do without.
  std::string literal;
  std::unique_ptr<re2::RE2> characters;  // for bodies as UTF-8
  std::unique_ptr<re2::RE2> bytes;       // for bodies that are not UTF-8, byte by byte

  bool matches_regex(BytesView body) const;
};

// Keeps of `rows` (rising) those whose body matches. One scan over all bodies where many rows are left.
void keep_matching(const TextMatcher& matcher, const Bodies& bodies, std::vector<uint32_t>& rows);

}  // namespace reeve::wire
