#include "tests/sim/store_campaign.h"

#include "tests/pch.h"

namespace reeve::sim {
namespace {

// Every n, or every step-th, until the workload ends before the crash.
void crash_in_every_change(StoreCampaign campaign, uint64_t step = 1) {
  for (campaign.crash_in_change = 1;; campaign.crash_in_change += step) {
    const auto crashed = run_store_campaign(campaign);
    INFO((crashed.ok() ? "" : crashed.error().text()));
    REQUIRE(crashed.ok());
    if (!*crashed) break;
  }
  CHECK(campaign.crash_in_change > 100);
}

TEST_CASE("store: a power cut in any change of the disk leaves each verb done or not done") {
  crash_in_every_change({.crash = SimDisk::Crash::power_cut});
}

TEST_CASE("store: a kill in any change of the disk leaves each verb done or not done") {
  crash_in_every_change({.crash = SimDisk::Crash::process_killed});
}

TEST_CASE("store: a power cut in the midst of the recovery changes nothing") {
  crash_in_every_change({.crash = SimDisk::Crash::power_cut, .power_cut_after = 4}, 7);
}

// Found by a fleet: a block that a kill had left in the page cache was indexed, acknowledged, and lost with the power.
TEST_CASE("store: what it shows after a kill, it still shows after a power cut") {
  crash_in_every_change({.crash = SimDisk::Crash::process_killed, .power_cut_after = 1'000}, 3);
}

TEST_CASE("store: the campaign finds a disk that lies about syncs") {
  uint64_t found = 0;
  for (uint64_t n = 50; n < 150; n += 5) {
    if (!run_store_campaign({.crash_in_change = n, .lie_about_syncs = true}).ok()) ++found;
  }
  CHECK(found > 0);
}

}  // namespace
}  // namespace reeve::sim
