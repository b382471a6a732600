// A runner on a simulated disk and clock, with a launcher that starts nothing and counts what it would have started.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/runner/runner.h"
#include "common/base/random.h"
#include "tests/sim/sim_clock.h"
#include "tests/sim/sim_disk.h"
#include "tests/warrant/signed_org.h"

namespace reeve::runner {

using warrant::SignedOrg;
using warrant::SignedPlan;

// What would run, by its launch's id. Outlives runners, as processes do.
struct SimHost {
  struct Process {
    Launch launch{};
    bool gate_open = false;
    bool ended = false;
    bool stop_asked = false;
    bool note_lost = false;  // nobody can tell any more how it ended
    Exit exit{};
  };
  std::map<std::string, Process> processes{};
  uint64_t prepared = 0;
  uint64_t started = 0;  // gates that were opened: effects

  // How the next ones end; by the launch's id, else by default. None: it goes on until it is stopped.
  std::function<std::optional<Exit>(const Launch& launch)> end = [](const Launch&) {
    return Exit{.executed = true, .output = "done\n", .output_bytes = 5};
  };
  std::function<void()> on_prepare{};
  // The process that waits at the gate cannot be made.
  bool refuse_to_prepare = false;
};

class SimLauncher : public Launcher {
 public:
  explicit SimLauncher(SimHost& host) : host_(host) {}
  Result<std::unique_ptr<Running>> prepare(const Launch& launch) override;
  Result<Remains> find(const std::string& launch_id) override;
  void stop_remains(const std::string& launch_id) override;
  void forget(const std::string& launch_id) override;

 private:
  SimHost& host_;
};

class RunnerWorld {
 public:
  explicit RunnerWorld(uint64_t seed = 1, std::string host_name = "web-1");
  RunnerWorld(uint64_t seed, const SignedOrg& shared, std::string host_name);  // a host of an org that exists already

  int64_t now_ms() { return clock.wall().ns / 1'000'000; }
  // The runner's process ends and starts anew, on what the disk holds.
  void restart();
  void crash(sim::SimDisk::Crash how);  // while the disk is stopped, or not

  std::vector<warrant::FromRunner> send(const warrant::ToRunner& message);
  std::vector<warrant::FromRunner> send_bytes(BytesView bytes);
  std::vector<warrant::FromRunner> take_answers();
  Bytes challenge();
  // Ticks, with time passing, until nothing is under way; gives the results that came, in order.
  std::vector<warrant::StepResult> run_to_end(int ticks_max = 200);

  warrant::Step step();  // one that policy allows: /usr/bin/true as root
  SignedPlan plan_of(const warrant::Step& step) const { return org.plan({step}); }
  // Approved by ada, dispatched with a fresh challenge and the next sequence.
  warrant::Warrant warrant_for(const SignedPlan& plan, size_t index = 0);
  warrant::Warrant warrant_for(const SignedPlan& plan, std::vector<warrant::Envelope> approvals, size_t index = 0);

  SeededRandom random;
  sim::SimClock clock;
  sim::SimDisk disk;
  SignedOrg org;
  std::string host_name;
  SimHost host;
  SimLauncher launcher{host};
  StateFolder state{disk, "/state"};
  std::string policy_text;
  std::unique_ptr<Runner> runner;
  Bytes host_id;
  uint64_t epoch = 0;
  uint64_t sequence = 0;

 private:
  void enrol();
};

// The refusal in an answer, signed or not; "" where there is none.
std::string refusal_in(const std::vector<warrant::FromRunner>& answers);
std::vector<warrant::StepResult> results_in(const std::vector<warrant::FromRunner>& answers);

}  // namespace reeve::runner
