#include "tests/sim/sim_fleet.h"

#include "tests/pch.h"

namespace reeve::sim {
namespace {

constexpr uint64_t seeds = 500;

FleetOutcome must_hold(const FleetOptions& options) {
  const auto outcome = run_fleet(options);
  INFO((outcome.ok() ? "" : outcome.error().text()));
  REQUIRE(outcome.ok());
  return *outcome;
}

TEST_CASE("fleet: 500 seeds on a lossy wire, with crashes everywhere: no line lost, none twice") {
  FleetOutcome sum;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const FleetOutcome outcome = must_hold({.seed = seed});
    sum.lines += outcome.lines;
    sum.agent_crashes += outcome.agent_crashes;
    sum.server_crashes += outcome.server_crashes;
    sum.connections += outcome.connections;
  }
  // A campaign in which nothing happens proves nothing.
  CHECK(sum.lines > seeds * 200);
  CHECK(sum.agent_crashes > seeds * 5);
  CHECK(sum.server_crashes > seeds);
  CHECK(sum.connections > seeds * 15);
}

TEST_CASE("fleet: logs that are copied and truncated lose nothing on an agent that stays up") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    must_hold({.seed = seed, .rotation = LogWriter::Rotation::copy_and_truncate, .agent_crashes = false});
  }
}

TEST_CASE("fleet: the SQLite store on a disk that crashes keeps the same promise") {
  for (uint64_t seed = 1; seed <= 20; ++seed) must_hold({.seed = seed, .sqlite_store = true});
}

TEST_CASE("fleet: one seed is one history") {
  const FleetOutcome first = must_hold({.seed = 42});
  const FleetOutcome second = must_hold({.seed = 42});
  CHECK(first.lines == second.lines);
  CHECK(first.steps == second.steps);
  CHECK(first.agent_crashes == second.agent_crashes);
  CHECK(first.connections == second.connections);
}

// The first seed that notices the planted bug; 0 where none does.
uint64_t first_seed_that_finds(Canary canary) {
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    if (!run_fleet({.seed = seed, .liveness_within = 120s, .canary = canary}).ok()) return seed;
  }
  return 0;
}

TEST_CASE("fleet: the canary is found: an agent that acknowledges its spool before the server has") {
  CHECK(first_seed_that_finds(Canary::agent_acknowledges_early) != 0);
}

TEST_CASE("fleet: the canary is found: a server that acknowledges before it has committed") {
  CHECK(first_seed_that_finds(Canary::server_acknowledges_early) != 0);
}

TEST_CASE("fleet: the canary is found: an agent's disk that lies about syncs") {
  CHECK(first_seed_that_finds(Canary::agent_disk_lies) != 0);
}

}  // namespace
}  // namespace reeve::sim
