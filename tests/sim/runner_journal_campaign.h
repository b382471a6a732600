// The runner's journal alone, crashed in every n-th change of its disk, and rotten in every place.
//
// A model of the journal makes the same random intents, starts, ends, keeps, acknowledgements and forgettings, and says
// which of them must be refused. The disk dies in change n (or a sync fails, or the disk fills up), the journal is
// opened again: what returned ok must be there, the one verb that did not return ok wholly or not at all, and
// everything else must be as the model has it. What an intent has reserved may never be refused for lack of room.
#pragma once

#include <cstdint>

#include "common/base/result.h"
#include "tests/sim/sim_disk.h"

namespace reeve::sim {

struct RunnerJournalCampaign {
  uint64_t crash_in_change = 1;  // of a history that the seed alone decides
  uint64_t seed = 1;
  uint64_t verbs = 120;
  SimDisk::Crash crash = SimDisk::Crash::power_cut;
  uint64_t power_cut_after = 0;  // this many changes after the first restart; 0: none
  bool failing_syncs = false;    // now and then, of files and of the directory
  bool full_disk = false;        // now and then, for some verbs
  bool lie_about_syncs = false;  // the planted bug
};

struct RunnerJournalOutcome {
  bool crashed = false;    // before the history's end
  uint64_t reopened = 0;   // and compared with the model
  uint64_t exhausted = 0;  // verbs that were refused for want of room
  uint64_t broken = 0;     // times that a write or sync failed
  uint64_t compacted = 0;  // times that a new file came into place
};

// Code::corrupt with the story where the promise is broken.
Result<RunnerJournalOutcome> run_runner_journal_campaign(const RunnerJournalCampaign& campaign);

struct RunnerJournalRot {
  uint64_t damages = 0;
  uint64_t refused = 0;   // said to be corrupt, and left as it was
  uint64_t harmless = 0;  // in what holds nothing: opened, and equal to what it was
};

// One damage at a time to the file that a random history has left: flipped bits (each bit of the last record among
// them, if `every_last_bit`), overwritten bytes, sectors lost, exchanged or cut off. Code::corrupt where one of them
// changed what the journal says.
Result<RunnerJournalRot> damage_runner_journal(uint64_t seed, uint64_t damages, bool every_last_bit);

}  // namespace reeve::sim
