// `reeve status`: is the server well, who is out there, and is anything late or missing.
#pragma once

#include "cli/world.h"

namespace reeve::cli {

struct StatusOptions {
  bool json = false;
};

// An error when the server cannot be reached or takes no commits; agents that are offline are news, not failure.
Status run_status(World& world, const StatusOptions& options);

}  // namespace reeve::cli
