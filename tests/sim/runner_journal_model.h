// What the runner's journal should say, kept as plainly as possible: for runner_journal_campaign.cc.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/runner/journal.h"
#include "common/base/bytes.h"

namespace reeve::sim {

// One thing to ask of a journal.
struct JournalVerb {
  enum class Kind { intend, start, end, keep, acknowledge, note_signed_time, forget };
  Kind kind = Kind::intend;
  runner::JournalEntry entry{};
  runner::JournalResult result{};
  Bytes result_body{};
  uint64_t through = 0;
  int64_t ms = 0;
};

Status perform(runner::Journal& journal, const JournalVerb& verb);
std::string to_text(const JournalVerb& verb);

struct RunnerJournalModel {
  std::vector<runner::JournalEntry> entries{};  // in the order of their intents
  std::vector<runner::JournalResult> waiting{};
  uint64_t sequence = 0;
  uint64_t result_sequence = 0;
  Bytes last_result_hash{};
  int64_t signed_ms = 0;

  const runner::JournalEntry* find(BytesView step_id, warrant::Phase phase) const;
  bool awaits_keep(const runner::JournalEntry& entry) const;
  // Whether it must be accepted, room given.
  bool allows(const JournalVerb& verb) const;
  void apply(const JournalVerb& verb);
};

// All that can be asked, as text to compare; `ids` are all that were ever used.
std::string picture(const runner::Journal& journal, const std::vector<Bytes>& ids);
std::string picture(const RunnerJournalModel& model, const std::vector<Bytes>& ids);

}  // namespace reeve::sim
