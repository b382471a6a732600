// A whole fleet and its server in one thread, from one seed.
//
// Programs write and rotate logs on several hosts, an agent on each ships them over a bad wire, a server stores them.
// For a while everything fails that may: wires drop, double, reorder and break; agents and the server are killed or
// lose power in the middle of a write; disks fill up, syncs fail. After every commit the ledger is asked whether a line
// came twice, out of order, or from nowhere. Then the faults stop, and within a bounded time every line must be stored.
// A failure names the seed, which replays it to the byte, and what happened last.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/base/result.h"
#include "tests/sim/log_writer.h"
#include "tests/sim/sim_agent.h"
#include "tests/sim/sim_server.h"
#include "tests/sim/sqlite_vfs.h"

namespace reeve::sim {

enum class Canary { none, agent_acknowledges_early, server_acknowledges_early, agent_disk_lies };

struct FleetOptions {
  uint64_t seed = 1;
  uint32_t hosts = 2;
  uint32_t logs_a_host = 2;
  uint64_t lines_about = 300;       // of the whole fleet, while faults last
  Duration faults_last = 60s;       // simulated
  Duration liveness_within = 300s;  // simulated, after the faults
  LogWriter::Rotation rotation = LogWriter::Rotation::rename;
  bool network_faults = true;
  bool agent_crashes = true;  // kills, power cuts, full disks, failing syncs
  bool server_crashes = true;
  bool sqlite_store = false;  // on a disk of its own that crashes, too; else the memory store, which survives
  Canary canary = Canary::none;
};

struct FleetOutcome {
  uint64_t lines = 0;
  uint64_t steps = 0;
  uint64_t agent_crashes = 0;
  uint64_t server_crashes = 0;
  uint64_t connections = 0;
};

// Code::corrupt with the seed and the story where a promise is broken.
Result<FleetOutcome> run_fleet(const FleetOptions& options);

}  // namespace reeve::sim
