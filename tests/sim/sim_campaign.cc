// Runs more of the simulator than a test has time for.
//
//     sim_campaign --seeds 1..100000 --scenario fleet
//
// Prints what was run and the first failing seed with its story; exit 1 where a promise was broken, 2 for a mistyped
// command line. --full turns every seed into a longer life: ten minutes and ten times the lines; for spool, store and
// journal (the runner's) it crashes in every change for each seed, where it otherwise draws one.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "common/base/log.h"
#include "common/base/time.h"
#include "tests/sim/runner_journal_campaign.h"
#include "tests/sim/sim_fleet.h"
#include "tests/sim/spool_campaign.h"
#include "tests/sim/store_campaign.h"

namespace reeve::sim {
namespace {

constexpr const char* usage =
    "usage: sim_campaign [--seeds A..B] [--scenario fleet|network|copytruncate|sqlite|spool|store|journal|all] "
    "[--full]\n";

struct Request {
  uint64_t first = 1;
  uint64_t last = 1000;
  std::string scenario = "all";
  bool full = false;
};

std::optional<Request> parse(int count, char** arguments) {
  Request request;
  for (int i = 1; i < count; ++i) {
    const std::string name = arguments[i];
    if (name == "--full") {
      request.full = true;
    } else if (name == "--scenario" && i + 1 < count) {
      request.scenario = arguments[++i];
    } else if (name == "--seeds" && i + 1 < count) {
      unsigned long long first = 0;
      unsigned long long last = 0;
      if (std::sscanf(arguments[++i], "%llu..%llu", &first, &last) != 2 || first > last) return std::nullopt;
      request.first = first;
      request.last = last;
    } else {
      return std::nullopt;
    }
  }
  return request;
}

Status run_fleet_seed(uint64_t seed, const std::string& scenario, bool full) {
  FleetOptions options{.seed = seed};
  if (full) {
    options.hosts = 4;
    options.faults_last = 600s;
    options.lines_about = 3'000;
  }
  if (scenario == "network") options.agent_crashes = options.server_crashes = false;
  if (scenario == "sqlite") options.sqlite_store = true;
  if (scenario == "copytruncate") {
    options.rotation = LogWriter::Rotation::copy_and_truncate;
    options.agent_crashes = false;
  }
  TRY(run_fleet(options));
  return {};
}

Status run_spool_seed(uint64_t seed, bool full) {
  SpoolCampaign campaign{.seed = seed,
                         .crash = seed % 2 == 0 ? SimDisk::Crash::power_cut : SimDisk::Crash::process_killed,
                         .power_cut_after = seed % 13,
                         .failing_syncs = seed % 5 == 0 ? seed % 3 : 0};
  campaign.crash_in_change = full ? 1 : 1 + seed % 400;
  for (bool more = true; more; ++campaign.crash_in_change) {
    const bool crashed = TRY(run_spool_campaign(campaign));
    more = full && crashed;
  }
  return {};
}

Status run_store_seed(uint64_t seed, bool full) {
  StoreCampaign campaign{.seed = seed,
                         .crash = seed % 4 < 2 ? SimDisk::Crash::process_killed : SimDisk::Crash::power_cut,
                         .power_cut_after = seed % 3 == 0 ? 1 + seed % 11 : 1'000 * (seed % 2)};
  campaign.crash_in_change = full ? 1 : 1 + seed % 700;
  for (bool more = true; more; ++campaign.crash_in_change) {
    const bool crashed = TRY(run_store_campaign(campaign));
    more = full && crashed;
  }
  return {};
}

Status run_journal_seed(uint64_t seed, bool full) {
  RunnerJournalCampaign campaign{.seed = seed,
                                 .verbs = full ? 300U : 120U,
                                 .crash = seed % 2 == 0 ? SimDisk::Crash::power_cut : SimDisk::Crash::process_killed,
                                 .power_cut_after = seed % 11,
                                 .failing_syncs = seed % 3 == 0,
                                 .full_disk = seed % 5 == 0};
  campaign.crash_in_change = full ? 1 : 1 + seed % 150;
  for (bool more = true; more; ++campaign.crash_in_change) {
    const RunnerJournalOutcome outcome = TRY(run_runner_journal_campaign(campaign));
    more = full && outcome.crashed;
  }
  TRY(damage_runner_journal(seed, full ? 2'000 : 20, full));
  return {};
}

Status run_seed(const std::string& scenario, uint64_t seed, bool full) {
  if (scenario == "spool") return run_spool_seed(seed, full);
  if (scenario == "store") return run_store_seed(seed, full);
  if (scenario == "journal") return run_journal_seed(seed, full);
  return run_fleet_seed(seed, scenario, full);
}

// Whether every seed held.
bool run_scenario(const std::string& scenario, const Request& request) {
  SystemClock clock;
  const Instant start = clock.now();
  for (uint64_t seed = request.first; seed <= request.last; ++seed) {
    const Status held = run_seed(scenario, seed, request.full);
    if (held.ok()) continue;
    std::printf("%-12s FAILED with seed %llu\n%s\n", scenario.c_str(), static_cast<unsigned long long>(seed),
                held.error().text().c_str());
    return false;
  }
  std::printf("%-12s seeds %llu..%llu held, %.1f s\n", scenario.c_str(), static_cast<unsigned long long>(request.first),
              static_cast<unsigned long long>(request.last), static_cast<double>((clock.now() - start).count()) / 1e9);
  std::fflush(stdout);
  return true;
}

}  // namespace

int run_campaigns(int count, char** arguments) {
  const std::vector<std::string> scenarios{"fleet", "network", "copytruncate", "sqlite", "spool", "store", "journal"};
  const auto request = parse(count, arguments);
  const bool known = request && (request->scenario == "all" ||
                                 std::find(scenarios.begin(), scenarios.end(), request->scenario) != scenarios.end());
  if (!known) {
    std::fputs(usage, stderr);
    return 2;
  }
  set_log_descriptor(-1);  // what crashed programs have to say would drown the summary
  bool all_held = true;
  for (const std::string& scenario : scenarios) {
    if (request->scenario == "all" || request->scenario == scenario) all_held &= run_scenario(scenario, *request);
  }
  return all_held ? 0 : 1;
}

}  // namespace reeve::sim

int main(int count, char** arguments) {
  return reeve::sim::run_campaigns(count, arguments);
}
