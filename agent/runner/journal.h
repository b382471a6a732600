// What the runner has begun and ended, durable before it acts on it: at most once is decided here.
//
//     INTENT (sync) -> a process waits at the gate -> STARTED (sync) -> the gate opens -> ENDED with its result (sync)
//
// No INTENT: nothing happened. INTENT without STARTED: the process saw the gate close and did nothing. STARTED without
// ENDED: it may have run, wholly or in part; only its keeper's note, a probe or a person can tell.
//
// One file of a fixed size, filled with zeros when it is made, so that a full disk cannot keep ENDED from being
// written; journal_file.h has its format. A torn last record is dropped: it was never acted on. Damage means that the
// journal is lost (Code::corrupt): who begins anew gets a new epoch, so that no step for the old one can run. So does
// who finds no file where there was one: only an enrolment makes it. When half full at open, or when a record finds too
// little room, what still matters is written to a new file, which replaces the old one by rename. After a failed write
// or sync nothing more is written until the journal is opened anew.
//
// An exec's intent reserves the room for all that may follow without being asked again: its start, end and keep, and
// the same of the rollback that a failure or a missing keep begins. What it cannot reserve it refuses.
//
// One thread: the runner's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/sys/disk.h"
#include "common/warrant/step.h"

namespace reeve::runner {

constexpr size_t journal_name_bytes_max = 64;         // launch ids, boot ids
constexpr size_t result_envelope_bytes_max = 41_KiB;  // encoded
constexpr size_t results_waiting_max = 64;            // for their acknowledgement, with those that must still come

struct JournalEntry {
  Bytes step_id{};  // 32 bytes
  Bytes step{};     // its bytes: probe and rollback are in them; at most warrant::step_bytes_max
  warrant::Phase phase = warrant::Phase::exec;
  uint64_t sequence = 0;        // of the dispatch, from 1; 0 for a rollback
  int64_t forget_after_ms = 0;  // judged time from which on its id need not be known any more
  std::string launch_id{};
  bool started = false;
  std::string boot{};  // where started
  int64_t started_ms = 0;
  bool ended = false;
  warrant::StepState state = warrant::StepState::unknown;  // where ended
  int64_t ended_ms = 0;
  bool kept = false;             // a keep order came
  int64_t keep_until_ms = 0;     // judged time; 0: no dead man's switch
  uint64_t result_sequence = 0;  // where ended
};

struct JournalResult {
  uint64_t sequence = 0;
  Bytes envelope{};
};

class Journal {
 public:
  struct Options {
    std::string path{};
    uint64_t bytes = 8_MiB;  // of a new one: whole KiB, from 256 KiB to 1 GiB; an old one keeps its size
    bool create = false;     // make one where there is none; what is there is opened and never replaced
  };
  // Code::not_found: there is none. Code::corrupt: lost; the file is left as it is, and who enrols anew moves it away.
  // Code::exhausted: no room on the disk to make it.
  static Result<std::unique_ptr<Journal>> open(sys::Disk& disk, Options options);
  ~Journal();

  // -- writing: durable when they return ok ---------------------------------------------------------------------------
  //
  // Code::invalid where the order of things forbids it, with nothing changed; Code::unavailable once broken().

  // Of an entry that nothing has happened to. An exec's sequence is above sequence(); a rollback's exec has ended, and
  // its step is taken from there. Code::exhausted where the journal could not hold everything that may follow, or where
  // results_waiting_max would be passed; nothing is begun then.
  Status intend(const JournalEntry& entry);
  Status start(BytesView step_id, warrant::Phase phase, const std::string& boot, int64_t at_ms);
  // The end and its signed result in one record; the result's sequence is result_sequence() + 1. What was not started
  // ends as not_started.
  Status end(BytesView step_id, warrant::Phase phase, warrant::StepState state, int64_t at_ms, int64_t keep_until_ms,
             const JournalResult& result, BytesView result_body);
  // Code::invalid where it comes too late: the rollback has begun, or the step has ended without a switch.
  Status keep(BytesView step_id);
  // Results up to this sequence need not be kept. This and the two below: Code::exhausted, with nothing changed, where
  // only reserved room is left and the disk has none for a new file.
  Status acknowledge(uint64_t through);
  Status note_signed_time(int64_t signed_ms);  // the highest signed time seen; lower ones change nothing
  // Forgets steps whose entries have all ended and are past their time; called now and then. A step that waits for its
  // keep is not forgotten, nor is a result that was not acknowledged.
  Status forget(int64_t judged_ms);

  // -- what it knows --------------------------------------------------------------------------------------------------

  const JournalEntry* find(BytesView step_id, warrant::Phase phase) const;
  // Pointers are good until forget().
  std::vector<const JournalEntry*> entries() const;        // all, by the age of their steps
  std::vector<const JournalEntry*> unfinished() const;     // intended or started, not ended; by the age of their steps
  std::vector<const JournalEntry*> awaiting_keep() const;  // ended with a switch, not kept, no rollback begun
  uint64_t sequence() const;                               // the highest of a dispatch
  uint64_t result_sequence() const;                        // of the newest result; 0: none
  const Bytes& last_result_hash() const;                   // SHA-256 of its body; empty: none
  std::vector<JournalResult> results_after(uint64_t sequence) const;  // those still kept
  int64_t signed_ms() const;
  uint32_t started_since(int64_t ms) const;  // entries of phase exec that were started at or after this time
  bool broken() const;                       // a write or sync failed: nothing more is accepted

 private:
  struct Impl;
  explicit Journal(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace reeve::runner
