// What an attacker may send to a runner, class by class; and the campaign that sends a great many of them and counts
// what has started.
//
// The attacker of the strongest classes has the server: its disk, its database, and every key that is online (planner,
// freshness, audit), and genuine approvals of other plans, hosts and times. What is missing is an approver's key.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "tests/runner/runner_world.h"

namespace reeve::runner {

struct AttackWorld;

struct Attack {
  const char* name;
  Bytes (*make)(AttackWorld& world, Random& random);  // a message for the runner of world.ours
};
std::span<const Attack> attacks();

// A host under attack, another host of the same org, and a host of another org.
struct AttackWorld {
  explicit AttackWorld(uint64_t seed);

  RunnerWorld ours;
  RunnerWorld neighbour;
  RunnerWorld foreign;
  SignedOrg impostor;     // claims to be our org, with keys of its own
  warrant::Warrant used;  // one that was carried out

  warrant::Warrant genuine();  // for ours, right in everything, never sent
};

struct AttackReport {
  uint64_t attacks = 0;
  uint64_t genuine = 0;
  uint64_t genuine_done = 0;
  uint64_t started_by_attacks = 0;
  std::string first_breach{};                  // the class and its number
  std::map<std::string, uint64_t> breaches{};  // processes started, by class
  std::map<std::string, uint64_t> refusals{};
};
AttackReport run_attacks(uint64_t seed, uint64_t attack_count, uint64_t genuine_count);

}  // namespace reeve::runner
