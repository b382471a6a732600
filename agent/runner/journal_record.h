// One record of the journal. All types have the same fields in the same encoding (varints and counted strings, in the
// order below); those that a type does not name are empty. Any thread.
#pragma once

#include <cstdint>

#include "agent/runner/journal.h"
#include "common/base/bytes.h"
#include "common/base/result.h"

namespace reeve::runner {

struct JournalRecord {
  enum class Type : uint64_t {
    head = 1,     // first in each file: number = the file's bytes; behind a compaction what else it knew in sum
    entry,        // behind a compaction: entry in any state; a rollback's behind its exec's, without the step
    result,       // behind a compaction: one that was not acknowledged
    intent,       // entry, as intend() takes it
    start,        // entry: step_id, phase, boot, started_ms
    end,          // entry: step_id, phase, state, ended_ms, keep_until_ms; result; result_hash
    keep,         // entry: step_id
    acknowledge,  // number: results through this sequence
    signed_time,  // time_ms
    forget,       // time_ms
  };
  Type type = Type::head;
  JournalEntry entry{};
  JournalResult result{};
  Bytes result_hash{};
  uint64_t number = 0;
  int64_t time_ms = 0;
};

// What a record takes besides its step and its result's envelope, within the bounds of journal.h.
constexpr size_t record_fields_bytes_max = 400;

Bytes encode(const JournalRecord& record);
Result<JournalRecord> decode_record(BytesView bytes);  // Code::corrupt

}  // namespace reeve::runner
