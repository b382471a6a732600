// `reeve agents`: the fleet, tokens for new members, and the door out.
#pragma once

#include <string>

#include "cli/world.h"

namespace reeve::cli {

struct AgentsListOptions {
  bool json = false;
};

struct AgentsTokenOptions {
  std::string valid_for;  // as typed; empty for the server's default
  bool json = false;
};

struct AgentsRevokeOptions {
  std::string agent;  // an id, or a host name that only one agent has
};

Status run_agents_list(World& world, const AgentsListOptions& options);
// The enrol command alone goes to standard output, so that `ssh HOST "$(reeve agents token)"` works. Where this machine
// knows the org's trust file, it goes on with a command that tells the host's runner the root keys: from here, never
// from the server.
Status run_agents_token(World& world, const AgentsTokenOptions& options);
Status run_agents_revoke(World& world, const AgentsRevokeOptions& options);

}  // namespace reeve::cli
