// What a configuration says of the lines of one input: which parsers see them, which of them belong together.
//
// Checked when it is read (config_lines.h); whoever makes a chain of it may rely on its patterns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/time.h"

namespace reeve::agent {

// Lines that become one record. A line that `start` matches begins a record, or: one that `continuation` matches goes
// on with the record before it. The pattern is looked for anywhere in the line unless it is anchored.
struct MultilineRules {
  enum class By { start, continuation };
  By by = By::start;
  std::string pattern;  // RE2
};

// How long, and how much of, a record that is not complete is held. What would be more begins a record of its own.
struct HoldLimits {
  Duration timeout = 1s;  // since its last line
  uint32_t lines_max = 500;
  uint64_t bytes_max = 256_KiB;
};

struct LineRules {
  std::vector<std::string> parse;  // names of parsers, in order
  std::optional<MultilineRules> multiline;
  HoldLimits hold;             // also for the pieces that container runtimes cut long lines into
  bool keep_original = false;  // the line as read, as the field log.record.original, where the body is another

  bool plain() const { return parse.empty() && !multiline && !keep_original; }
};

// Patterns of a configuration that is read into memory once.
constexpr size_t pattern_bytes_max = 4096;

}  // namespace reeve::agent
