// The spool alone, crashed in every n-th change of its disk.
//
// A source of numbered lines is read into blocks, spooled, synced, shipped to a list that stands for the server, and
// acknowledged: now and then everything, now and then a part; some blocks are set aside, once a new epoch is begun. The
// disk dies in change n, the spool is opened again, the source resumes from the positions that the spool gives, the
// shipping from what the list has; and so on to the end of the source. Then the list must hold every number once, in
// order, but for those that were set aside on purpose.
#pragma once

#include <cstdint>

#include "common/base/result.h"
#include "tests/sim/sim_disk.h"

namespace reeve::sim {

struct SpoolCampaign {
  uint64_t crash_in_change = 1;
  uint64_t seed = 1;
  SimDisk::Crash crash = SimDisk::Crash::power_cut;
  // A power cut this many changes after the restart; 0: none. After a kill this is the cruellest: the page cache shows
  // what the disk never got.
  uint64_t power_cut_after = 0;
  uint64_t failing_syncs = 0;    // at a random time
  bool lie_about_syncs = false;  // the planted bug
};

// Whether the crash happened before the end; Code::corrupt with the story where the promise is broken.
Result<bool> run_spool_campaign(const SpoolCampaign& campaign);

}  // namespace reeve::sim
