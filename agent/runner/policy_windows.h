// The hours in which steps may start: "Mon-Fri 06:00-22:00", "Sat,Sun 22:00-04:00", "daily 01:00-05:00". UTC. Values.
#pragma once

#include <bitset>
#include <string_view>

#include "agent/runner/policy_rules.h"
#include "common/base/time.h"

namespace reeve::runner {

// Adds its minutes; false where it is none. A window that ends before it begins ends on the next day.
bool add_window(std::string_view text, std::bitset<week_minutes>& minutes);

size_t minute_of_week(WallTime now);  // since Monday 00:00

}  // namespace reeve::runner
