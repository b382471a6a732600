#include "tests/sim/spool_campaign.h"

#include "tests/pch.h"

namespace reeve::sim {
namespace {

// Every n until the workload ends before the crash.
void crash_in_every_change(SpoolCampaign campaign) {
  for (campaign.crash_in_change = 1;; ++campaign.crash_in_change) {
    const auto crashed = run_spool_campaign(campaign);
    INFO((crashed.ok() ? "" : crashed.error().text()));
    REQUIRE(crashed.ok());
    if (!*crashed) break;
  }
  CHECK(campaign.crash_in_change > 100);
}

TEST_CASE("spool: a power cut in any change of the disk loses nothing and doubles nothing") {
  for (const uint64_t seed : {1, 2, 3}) crash_in_every_change({.seed = seed, .crash = SimDisk::Crash::power_cut});
}

TEST_CASE("spool: a kill in any change of the disk loses nothing and doubles nothing") {
  for (const uint64_t seed : {1, 2}) crash_in_every_change({.seed = seed, .crash = SimDisk::Crash::process_killed});
}

TEST_CASE("spool: a power cut soon after another crash changes nothing") {
  for (const uint64_t again : {1, 4, 9}) {
    crash_in_every_change({.seed = again, .crash = SimDisk::Crash::power_cut, .power_cut_after = again});
    crash_in_every_change({.seed = again, .crash = SimDisk::Crash::process_killed, .power_cut_after = 2 * again});
  }
}

TEST_CASE("spool: a failing sync before the crash loses nothing and doubles nothing") {
  crash_in_every_change({.crash = SimDisk::Crash::power_cut, .failing_syncs = 1});
  crash_in_every_change({.crash = SimDisk::Crash::power_cut, .failing_syncs = 2});
}

TEST_CASE("spool: the campaign finds a disk that lies about syncs") {
  uint64_t found = 0;
  for (uint64_t n = 1; n < 100; ++n) {
    if (!run_spool_campaign({.crash_in_change = n, .lie_about_syncs = true}).ok()) ++found;
  }
  CHECK(found > 10);
}

}  // namespace
}  // namespace reeve::sim
