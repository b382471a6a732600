// Runs the agent: one process for each data folder, until SIGTERM or, with `until_eof`, until all is shipped.
#pragma once

#include <string>

#include "agent/config.h"
#include "common/base/result.h"

namespace reeve::agent {

struct RunOptions {
  AgentConfig config;
  std::string identity_dir;
  bool until_eof = false;
};

// Returns when the agent has ended in order. Blocks; becomes the loop thread.
Status run_agent(const RunOptions& options);

}  // namespace reeve::agent
