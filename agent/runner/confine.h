// What a process of a step gives up before the program runs in it: its user, its capabilities, most of what it may use,
// and the system calls that no step needs.
//
// Only ever called in a child of the keeper, after fork and before exec; a failure there is told and ends the child.
#pragma once

#include <sys/types.h>

#include <string>

#include "agent/runner/launch.h"
#include "common/base/result.h"

namespace reeve::runner {

// Everything of the launch that limits the process but its memory. `keeper` is out of its reach from then on.
Status confine(const Launch& launch, pid_t keeper);

// Of a program, right before it is executed: our own code may need more.
Status limit_memory(uint64_t bytes_max);

// The filter alone: system calls that fail with EPERM, sockets other than AF_UNIX unless `network`, foreign
// architectures that are killed.
Status filter_system_calls(bool network, pid_t keeper);

}  // namespace reeve::runner
