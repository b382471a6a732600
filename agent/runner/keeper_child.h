// The keeper's child, which becomes the program or performs a built-in action.
#pragma once

#include <string>

#include "agent/runner/keeper_tree.h"
#include "agent/runner/launch.h"

namespace reeve::runner {

// What the child is given; all of it is closed or hidden before the program runs.
struct ChildEnds {
  int output = -1;  // becomes stdout and stderr
  int report = -1;  // takes one sentence where the program was not reached; closed where it was
  pid_t keeper = 0;
  uid_t runner = 0;  // programs belong to root or to this user
};

// Runs in the child, right after fork, and does not return.
[[noreturn]] void run_child(const Launch& launch, Tree& tree, const ChildEnds& ends);

}  // namespace reeve::runner
