// The SQLite store alone, crashed in every n-th change of its disk.
//
// A fixed list of verbs (agents enrol, blocks and gaps of two agents over two days, a day is dropped) runs once without
// a crash, and what the store shows is written down after each verb. Then it runs again with the disk dying in change
// n. What the reopened store shows must be, in every respect, what was written down before or after the verb under way:
// acknowledged verbs happened, the last one wholly or not at all. The list is then finished and must end the same.
#pragma once

#include <cstdint>

#include "common/base/result.h"
#include "tests/sim/sim_disk.h"

namespace reeve::sim {

struct StoreCampaign {
  uint64_t crash_in_change = 1;
  uint64_t seed = 1;
  SimDisk::Crash crash = SimDisk::Crash::power_cut;
  // A power cut in this change of the recovery, or right behind it; 0: none. After a kill this is the cruellest: the
  // page cache shows what the disk never got.
  uint64_t power_cut_after = 0;
  bool lie_about_syncs = false;  // the planted bug
};

// Whether the crash happened before the end; Code::corrupt with the story where the promise is broken.
Result<bool> run_store_campaign(const StoreCampaign& campaign);

}  // namespace reeve::sim
