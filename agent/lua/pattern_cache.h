// The regular expressions of a script: RE2's syntax, compiled once and kept.
//
// RE2 works in time linear in the text for whatever pattern, so what a match may cost is known before it begins. Texts
// are bytes: "." is any byte but a newline, and a character class holds ASCII.
//
// An anchored pattern with more than four groups is also compiled in pieces of four: RE2 finds up to so many in one
// pass and is three times slower beyond. Where all pieces match one after the other, that is the match of the whole;
// where they do not, the whole is asked. Nobody sees a difference but in time.
//
// Holds at most patterns_max; the one not used for longest goes. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"

namespace reeve::agent::lua {

class Pattern {
 public:
  static constexpr size_t groups_max = 32;
  static constexpr size_t pattern_bytes_max = 4_KiB;
  // Group 0 is the whole match. One that took no part has no data.
  using Groups = std::array<std::string_view, groups_max + 1>;

  // Null, and why in `reason`.
  static std::unique_ptr<Pattern> compile(std::string_view text, std::string& reason);
  ~Pattern();
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  size_t groups() const { return groups_; }
  // Steps for each byte at worst.
  size_t steps_per_byte() const { return steps_; }
  // The first match at or after `from`.
  bool match(std::string_view text, size_t from, Groups& groups) const;

  const std::string& text() const { return text_; }

 private:
  struct Compiled;
  explicit Pattern(std::string_view text);
  bool match_pieces(std::string_view text, Groups& groups) const;

  std::string text_;
  size_t groups_ = 0;
  size_t steps_ = 0;
  std::unique_ptr<Compiled> compiled_;
};

class PatternCache {
 public:
  static constexpr size_t patterns_max = 32;

  // Until the next call. Null: not a pattern; error() says why.
  const Pattern* find_or_compile(std::string_view text);
  bool compiled_last() const { return compiled_last_; }
  const std::string& error() const { return error_; }

 private:
  struct Entry {
    std::unique_ptr<Pattern> pattern;
    uint64_t used = 0;
  };
  static constexpr size_t slots = 64;

  Entry* find(std::string_view text);

  std::vector<Entry> entries_;
  std::array<uint8_t, slots> recent_{};  // by the address of the pattern's text, a guess: index of an entry
  uint64_t uses_ = 0;
  bool compiled_last_ = false;
  std::string error_;
};

}  // namespace reeve::agent::lua
