// The runner dies at every change of its disk, by a kill and by a power cut: each step has run at most once, what is
// said of it is true, and nothing is retried.
#include "tests/runner/runner_world.h"

using namespace reeve;
using namespace reeve::runner;
using namespace reeve::warrant;
using Crash = sim::SimDisk::Crash;

namespace {

uint64_t gates_opened(const RunnerWorld& world, const char* stage) {
  uint64_t count = 0;
  for (const auto& [id, process] : world.host.processes) count += process.gate_open && id.ends_with(stage) ? 1 : 0;
  return count;
}

// What became of the step, by the journal of the runner that came after; none: it never began.
std::optional<StepState> state_of(RunnerWorld& world, const Bytes& step_id) {
  const auto journal = world.state.open_journal();
  REQUIRE(journal.ok());
  const JournalEntry* entry = (*journal)->find(step_id, Phase::exec);
  if (entry == nullptr) return std::nullopt;
  REQUIRE(entry->ended);
  return entry->state;
}

struct Tally {
  uint64_t crashes = 0;
  uint64_t unknown = 0;
};

// One step with a probe; the disk dies in its n-th change from the warrant on. False when it did not come to that.
bool crash_once(uint64_t seed, uint64_t change, Crash how, bool process_ends, Tally& tally) {
  RunnerWorld world(seed);
  // The keeper's note is there where the process has ended before we died; else the probe tells.
  world.host.end = [&](const Launch& launch) -> std::optional<Exit> {
    const bool is_probe = launch.id.find("-p") != std::string::npos;
    if (is_probe) return Exit{.executed = true, .exit_status = gates_opened(world, "-e") > 0 ? 0 : 1};
    if (!process_ends) return std::nullopt;
    return Exit{.executed = true};
  };
  Step step = world.step();
  step.probe = Exec{.what = Argv{.path = "/usr/bin/uptime", .user = "root"}, .timeout_ms = 5000};
  const SignedPlan plan = world.plan_of(step);
  const Warrant warrant = world.warrant_for(plan);
  world.disk.stop_after(change);
  (void)world.send(warrant);
  for (int i = 0; i < 3; ++i) world.runner->tick();
  const bool died = world.disk.stopped();
  world.crash(how);
  ++tally.crashes;
  // What still ran is gone with its keeper, who left no note.
  for (auto& [id, process] : world.host.processes) process.note_lost = !process.ended;
  (void)world.run_to_end();

  const Bytes id = step_id(plan.steps[0]);
  const uint64_t effects = gates_opened(world, "-e");
  const std::optional<StepState> state = state_of(world, id);
  INFO("seed " << seed << ", change " << change << ", state " << (state ? to_string(*state) : "none"));
  CHECK(effects <= 1);
  if (!state || *state == StepState::not_started) CHECK(effects == 0);
  if (state == StepState::done) CHECK(effects == 1);
  if (state == StepState::unknown) ++tally.unknown;

  // Sent again, with all that a server could make anew: it is known, or it was never begun and may not be by this one.
  (void)world.send(warrant);
  (void)world.run_to_end();
  CHECK(gates_opened(world, "-e") == effects);
  return died;
}

}  // namespace

TEST_CASE("a runner that dies at any change of its disk has run a step at most once, and says what is true") {
  const Crash how = GENERATE(Crash::process_killed, Crash::power_cut);
  const bool process_ends = GENERATE(true, false);
  Tally tally;
  uint64_t change = 1;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    for (change = 1; crash_once(seed, change, how, process_ends, tally); ++change) {
    }
  }
  CHECK(tally.crashes > 60);
  CHECK(tally.unknown == 0);
}

TEST_CASE("a full disk before INTENT refuses the step; after STARTED its end is still written") {
  RunnerWorld world;
  (void)world.send(world.org.update(world.now_ms()));
  const SignedPlan plan = world.plan_of(world.step());
  const Warrant warrant = world.warrant_for(plan);
  uint64_t used = 0;
  for (const std::string& file : world.disk.files()) used += world.disk.contents(file).size();

  world.disk.set_bytes_max(used);  // not a byte more; the journal lies there whole already
  (void)world.send(warrant);
  const std::vector<StepResult> results = world.run_to_end();

  REQUIRE(results.size() == 1);
  CHECK(results[0].state == StepState::done);
  world.restart();
  CHECK(state_of(world, step_id(plan.steps[0])) == StepState::done);
}

TEST_CASE("after a failed sync nothing more runs until the runner is started anew") {
  const std::string stage = GENERATE(as<std::string>{}, "INTENT", "STARTED", "ENDED");
  INFO("the sync of " << stage);
  RunnerWorld world;
  (void)world.send(world.org.update(world.now_ms()));
  const SignedPlan plan = world.plan_of(world.step());
  const Warrant warrant = world.warrant_for(plan);
  const Warrant another = world.warrant_for(world.plan_of(world.step()));
  const auto fail = [&world] { world.disk.fail_syncs(1); };
  if (stage == "INTENT") fail();
  if (stage == "STARTED") world.host.on_prepare = fail;
  world.host.end = [&](const Launch&) {
    if (stage == "ENDED") fail();
    return Exit{.executed = true};
  };

  (void)world.send(warrant);
  (void)world.run_to_end();
  const uint64_t effects = stage == "ENDED" ? 1 : 0;
  CHECK(world.host.started == effects);
  CHECK(refusal_in(world.send(another)) == "journal");

  world.host.on_prepare = {};
  world.host.end = [](const Launch&) { return Exit{.executed = true}; };
  world.restart();
  (void)world.run_to_end();
  (void)world.send(warrant);
  (void)world.run_to_end();
  CHECK(world.host.started == effects);
  const std::optional<StepState> state = state_of(world, step_id(plan.steps[0]));
  if (stage == "ENDED") CHECK(state == StepState::done);
  if (stage != "ENDED" && state) CHECK(state == StepState::not_started);
}
