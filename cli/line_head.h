// The time and level that most log lines begin with, where we print both already.
//
// Only what says exactly the same is left out: a time that reads as the record's own, to the nanosecond, and after it a
// level of the same name. Anything else stays, and a line is never left without text.
#pragma once

#include <string_view>

#include "common/base/time.h"

namespace reeve::cli {

// The rest of `body`: "2026-11-21T02:54:00Z [WARN] slow query" without its first two words, for a record of that time
// and the level "warn".
std::string_view without_repeated_head(std::string_view body, WallTime time, std::string_view level);

}  // namespace reeve::cli
