// The runner's outside: a UNIX socket that the agent connects to, and the loop around both.
//
// A stream of frames each way: four bytes of length, little-endian, then a message (docs/warrant.md), at most 256 KiB.
// One connection at a time; a newer one replaces the older. Whoever does not read what we say is cut off. The process
// has one thread and waits in poll(2).
#pragma once

#include <string>

#include "agent/runner/runner.h"
#include "common/base/result.h"

namespace reeve::runner {

struct ServeOptions {
  std::string socket_path{};
};

// Returns when SIGTERM or SIGINT came. What is under way then goes on; the next life of ours learns how it ended.
Status serve(Runner& runner, const ServeOptions& options);

}  // namespace reeve::runner
