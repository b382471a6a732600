// What the runner has begun and ended, durable before it acts on it: at most once is decided here.
//
//     INTENT (sync) -> a process waits at the gate -> STARTED (sync) -> the gate opens -> ENDED with its result (sync)
//
// No INTENT: nothing happened. INTENT without STARTED: the process saw the gate close and did nothing. STARTED without
// ENDED: it may have run, wholly or in part; only its keeper's note, a probe or a person can tell.
//
// One file of a fixed size, filled with zeros when it is made, so that a full disk cannot keep ENDED from being
// written; records carry a CRC32C and the hash of the one before. A torn last record is dropped: it was never acted on.
// Damage before the last record means the journal is lost (Code::corrupt): who begins anew gets a new epoch, so that no
// step for the old one can run. When half full, what still matters is written to a new file, which replaces the old one
// by rename. After a failed sync nothing more is accepted until the process is started anew.
//
// One thread: the runner's. Format: docs/warrant.md.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/sys/disk.h"
#include "common/warrant/step.h"

namespace reeve::runner {

struct JournalEntry {
  Bytes step_id{};
  Bytes step{};  // its bytes: probe and rollback are in them
  warrant::Phase phase = warrant::Phase::exec;
  uint64_t sequence = 0;        // of the dispatch; 0 for a rollback
  int64_t forget_after_ms = 0;  // judged time from which on its id need not be known any more
  std::string launch_id{};
  bool started = false;
  std::string boot{};  // where started
  int64_t started_ms = 0;
  bool ended = false;
  warrant::StepState state = warrant::StepState::unknown;  // where ended
  int64_t ended_ms = 0;
  bool kept = false;          // a keep order came
  int64_t keep_until_ms = 0;  // judged time; 0: no dead man's switch
};

struct JournalResult {
  uint64_t sequence = 0;
  Bytes envelope{};
};

class Journal {
 public:
  struct Options {
    std::string path{};
    uint64_t bytes = 8_MiB;
  };
  // Opens or makes it. Code::corrupt: lost. Code::exhausted: no room on the disk to make it.
  static Result<std::unique_ptr<Journal>> open(sys::Disk& disk, Options options);
  ~Journal();

  // -- writing: durable when they return ok --------------------------------------------------------------------------

  // Code::exhausted where the journal could not hold everything that may follow; nothing is begun then.
  Status intend(const JournalEntry& entry);
  Status start(BytesView step_id, warrant::Phase phase, const std::string& boot, int64_t at_ms);
  // The end and its signed result in one record.
  Status end(BytesView step_id, warrant::Phase phase, warrant::StepState state, int64_t at_ms, int64_t keep_until_ms,
             const JournalResult& result, BytesView result_body);
  Status keep(BytesView step_id);
  Status acknowledge(uint64_t through);        // results up to this sequence need not be kept
  Status note_signed_time(int64_t signed_ms);  // the highest signed time seen; lower ones change nothing
  // Forgets ended entries past their time; called now and then.
  Status forget(int64_t judged_ms);

  // -- what it knows
  // ---------------------------------------------------------------------------------------------------

  const JournalEntry* find(BytesView step_id, warrant::Phase phase) const;
  std::vector<const JournalEntry*> unfinished() const;                // intended or started, not ended; oldest first
  std::vector<const JournalEntry*> awaiting_keep() const;             // ended, not kept, no rollback begun
  uint64_t sequence() const;                                          // the highest of a dispatch
  uint64_t result_sequence() const;                                   // of the newest result; 0: none
  const Bytes& last_result_hash() const;                              // SHA-256 of its body; empty: none
  std::vector<JournalResult> results_after(uint64_t sequence) const;  // those still kept
  int64_t signed_ms() const;
  uint32_t started_since(int64_t ms) const;  // entries of phase exec that were started at or after this time
  bool broken() const;                       // a sync failed: nothing more is accepted

 private:
  struct Impl;
  explicit Journal(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace reeve::runner
