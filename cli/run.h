// One run of the program: words in, exit code out.
#pragma once

#include <string>
#include <vector>

#include "cli/world.h"

namespace reeve::cli {

// 0 done (also: the reader of our output has gone), 1 failed, 2 not understood, 130 interrupted by the user.
int run(const std::vector<std::string>& arguments, World& world);

}  // namespace reeve::cli
