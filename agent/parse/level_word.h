// Which words name a level, decided in a few nanoseconds: a word of at most eight letters is one 64-bit number.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/wire/record.h"

namespace reeve::agent {

constexpr uint64_t pack_word(std::string_view word) {
  uint64_t packed = 0;
  for (const char c : word) packed = packed << 8 | static_cast<uint8_t>(c | 0x20);
  return packed;
}

// In any case; Level::unset for what is no level. Single letters are not words here.
constexpr wire::Level level_of_word(std::string_view word) {
  using wire::Level;
  if (word.size() < 3 || word.size() > 13) return Level::unset;
  if (word.size() > 8) {
    const uint64_t end = pack_word(word.substr(8));
    const uint64_t begin = pack_word(word.substr(0, 8));
    if (begin == pack_word("emergenc") && end == pack_word("y")) return Level::fatal;
    if (begin == pack_word("informat") && (end == pack_word("ion") || end == pack_word("ional"))) return Level::info;
    return Level::unset;
  }
  switch (pack_word(word)) {
    case pack_word("trace"):
    case pack_word("verbose"):
    case pack_word("finest"):
    case pack_word("finer"):
      return Level::trace;
    case pack_word("debug"):
    case pack_word("dbg"):
      return Level::debug;
    case pack_word("info"):
    case pack_word("notice"):
      return Level::info;
    case pack_word("warn"):
    case pack_word("warning"):
      return Level::warn;
    case pack_word("error"):
    case pack_word("err"):
    case pack_word("severe"):
      return Level::error;
    case pack_word("fatal"):
    case pack_word("critical"):
    case pack_word("crit"):
    case pack_word("alert"):
    case pack_word("emerg"):
    case pack_word("panic"):
      return Level::fatal;
    default:
      return Level::unset;
  }
}

// The severity of syslog, 0 (emergency) to 7 (debug).
constexpr wire::Level level_of_severity(unsigned severity) {
  using wire::Level;
  constexpr Level levels[8] = {Level::fatal, Level::fatal, Level::fatal, Level::error,
                               Level::warn,  Level::info,  Level::info,  Level::debug};
  return levels[severity & 7];
}

}  // namespace reeve::agent
