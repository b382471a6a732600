// The built-in actions: what each takes, and what local policy makes of it. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/runner/launch.h"
#include "agent/runner/policy_rules.h"
#include "common/base/result.h"
#include "common/warrant/step.h"

namespace reeve::runner {

// What policy may say of an action beside its targets.
struct ActionLimits {
  bool read_only = false;
  uint32_t risk_min = 0;  // unless policy raises or lowers it
};

// nullptr: there is no such action.
const ActionLimits* find_action(std::string_view name);
std::vector<std::string_view> action_names();

// Fills in what is to run, as whom, with network or not, and where it may write. Code::denied with what is allowed.
Status resolve_action(const Rules& rules, const warrant::Action& action, Launch& launch);

}  // namespace reeve::runner
