// What one argument, or one value of an environment variable, may be. The whole text has to match; nothing is searched
// for, expanded or put in order first. Values; any thread.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace re2 {
class RE2;
}

namespace reeve::runner {

struct ArgumentRule {
  enum class Kind : uint8_t {
    literal,     // texts[0] itself
    one_of,      // one of the texts
    integer,     // a decimal from min to max, as few digits as it takes
    pattern,     // texts[0], RE2, of the whole text
    path_below,  // an existing file or folder below texts[0]; no symlink and no ".." on the way
  };
  Kind kind = Kind::literal;
  std::vector<std::string> texts{};
  int64_t min = 0;
  int64_t max = 0;
  std::shared_ptr<const re2::RE2> expression{};  // of a pattern: see compile
};

// For a rule of kind pattern; without it nothing matches. Code::invalid with RE2's own words.
Status compile(ArgumentRule& rule);

// Code::denied with what is allowed. path_below looks at the disk (openat2; refused where the kernel has none).
Status match(const ArgumentRule& rule, std::string_view text);

std::string describe(const ArgumentRule& rule);  // "a whole number from 1 to 10"

// What a pattern can match, read from its text: exact about which bytes can stand first and anywhere, how long it gets,
// and whether two dots can meet. So that it can be, only a part of RE2's syntax is understood: literals, classes that
// list what they hold, \d, \w, groups, "|", "?", {n} and {m,n}. Anything else is Code::invalid, saying what to write.
struct PatternShape {
  std::bitset<256> first{};
  std::bitset<256> last{};
  std::bitset<256> any{};
  bool empty = true;      // it can match no bytes at all
  bool two_dots = false;  // ".." can stand somewhere
  uint64_t bytes_max = 0;
};
Result<PatternShape> shape_of(std::string_view pattern);

}  // namespace reeve::runner
