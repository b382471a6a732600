#include "tests/sim/runner_journal_campaign.h"

#include "tests/pch.h"

namespace reeve::sim {
namespace {

// Every n until the history ends before the crash.
RunnerJournalOutcome crash_in_every_change(RunnerJournalCampaign campaign) {
  RunnerJournalOutcome all;
  for (campaign.crash_in_change = 1;; ++campaign.crash_in_change) {
    const auto outcome = run_runner_journal_campaign(campaign);
    INFO((outcome.ok() ? "" : outcome.error().text()));
    REQUIRE(outcome.ok());
    all.reopened += outcome->reopened;
    all.exhausted += outcome->exhausted;
    all.broken += outcome->broken;
    all.compacted += outcome->compacted;
    if (!outcome->crashed) break;
  }
  CHECK(campaign.crash_in_change > 60);
  CHECK(all.broken > 30);
  return all;
}

TEST_CASE("runner journal: a power cut in any change of the disk loses nothing that returned ok") {
  for (const uint64_t seed : {1, 3}) crash_in_every_change({.seed = seed});
}

TEST_CASE("runner journal: a kill in any change of the disk loses nothing that returned ok") {
  crash_in_every_change({.seed = 2, .crash = SimDisk::Crash::process_killed});
}

TEST_CASE("runner journal: a power cut soon after another crash changes nothing") {
  for (const uint64_t again : {1, 2, 4, 9}) {
    crash_in_every_change({.seed = 3, .verbs = 60, .power_cut_after = again});
    crash_in_every_change({.seed = 6, .verbs = 60, .crash = SimDisk::Crash::process_killed, .power_cut_after = again});
  }
}

TEST_CASE("runner journal: failing syncs lose nothing that returned ok, and nothing is written behind them") {
  for (const uint64_t seed : {3, 6}) {
    crash_in_every_change({.seed = seed, .verbs = 60, .failing_syncs = true});
    crash_in_every_change({.seed = seed, .verbs = 60, .crash = SimDisk::Crash::process_killed, .failing_syncs = true});
  }
}

TEST_CASE("runner journal: a full disk refuses intents and nothing that they have promised") {
  RunnerJournalOutcome all;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    const auto outcome =
        run_runner_journal_campaign({.crash_in_change = 150, .seed = seed, .verbs = 400, .full_disk = true});
    INFO((outcome.ok() ? "" : outcome.error().text()));
    REQUIRE(outcome.ok());
    all.exhausted += outcome->exhausted;
    all.compacted += outcome->compacted;
  }
  CHECK(all.exhausted > 100);
  CHECK(all.compacted > 50);
}

TEST_CASE("runner journal: long histories with every trouble agree with the model") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const auto outcome = run_runner_journal_campaign({.crash_in_change = 1 + seed * 37 % 800,
                                                      .seed = seed,
                                                      .verbs = 600,
                                                      .power_cut_after = seed % 7,
                                                      .failing_syncs = seed % 2 == 0,
                                                      .full_disk = seed % 3 == 0});
    INFO((outcome.ok() ? "" : outcome.error().text()));
    REQUIRE(outcome.ok());
  }
}

TEST_CASE("runner journal: the campaign finds a disk that lies about syncs") {
  uint64_t found = 0;
  for (uint64_t n = 1; n < 100; ++n) {
    if (!run_runner_journal_campaign({.crash_in_change = n, .lie_about_syncs = true}).ok()) ++found;
  }
  CHECK(found > 10);
}

TEST_CASE("runner journal: damage to anything that was acknowledged is told, and never changes what it says") {
  uint64_t refused = 0;
  for (const uint64_t seed : {1, 2, 3}) {
    const auto outcome = damage_runner_journal(seed, 200, false);
    INFO((outcome.ok() ? "" : outcome.error().text()));
    REQUIRE(outcome.ok());
    CHECK(outcome->damages == 200);
    refused += outcome->refused;
  }
  CHECK(refused > 500);
}

}  // namespace
}  // namespace reeve::sim
