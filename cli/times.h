// Times as people type and read them.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/time.h"

namespace reeve::cli {

enum class Zone { utc, local };

// What the API takes for a time typed by a person, in one of these forms:
//
//     15m, -15m            that long ago (the server's clock decides); ns us ms s m h d
//     now
//     10:30, 10:30:15      on the day of `now`
//     2026-11-21           the begin of that day
//     2026-11-21 10:30     seconds and their fraction may follow; a T or a blank between
//     2026-11-21T10:30:00.123+01:00
//
// Where no offset is written, `zone` says which clock is meant. Code::invalid tells what is allowed, and nothing else.
Result<std::string> parse_when(std::string_view text, Zone zone, WallTime now);

// "2026-11-21T02:54:00.123Z", or with the local offset; always to the millisecond, so that columns stand straight. What
// it prints, parse_when takes.
std::string format_when(WallTime time, Zone zone);

// "3s ago", "12m ago", "5h ago", "9d ago": one unit, rounded down. "now" below a second and for what lies ahead.
std::string format_age(WallTime then, WallTime now);

}  // namespace reeve::cli
