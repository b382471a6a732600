// See journal_record.h. Writing and reading walk the same list of fields, so that they cannot part.
#include "agent/runner/journal_record.h"

namespace reeve::runner {
namespace {

template <typename Record, typename Fields>
void visit(Record& record, Fields& fields) {
  auto& entry = record.entry;
  fields(record.type, entry.step_id, entry.step, entry.phase, entry.sequence, entry.forget_after_ms, entry.launch_id,
         entry.started, entry.boot, entry.started_ms, entry.ended, entry.state, entry.ended_ms, entry.kept,
         entry.keep_until_ms, entry.result_sequence, record.result.sequence, record.result.envelope, record.result_hash,
         record.number, record.time_ms);
}

struct Writer {
  Bytes out{};

  template <typename... Values>
  void operator()(const Values&... values) {
    (put(values), ...);
  }
  template <typename Number>
  void put(Number value) {
    append_varint(out, static_cast<uint64_t>(value));
  }
  void put(int64_t value) { append_varint(out, zigzag(value)); }
  void put(const Bytes& value) {
    append_varint(out, value.size());
    out += value;
  }
};

struct Reader {
  BytesView in;
  bool good = true;

  template <typename... Values>
  void operator()(Values&... values) {
    (take(values), ...);
  }
  uint64_t number(uint64_t low = 0, uint64_t high = UINT64_MAX) {
    const auto value = take_varint(in);
    good = good && value && *value >= low && *value <= high;
    return good ? *value : low;
  }
  void take(uint64_t& value) { value = number(); }
  void take(int64_t& value) { value = unzigzag(number()); }
  void take(bool& value) { value = number(0, 1) != 0; }
  void take(JournalRecord::Type& value) { value = JournalRecord::Type{number(1, 10)}; }
  void take(warrant::Phase& value) { value = static_cast<warrant::Phase>(number(1, 2)); }
  void take(warrant::StepState& value) { value = static_cast<warrant::StepState>(number(1, 4)); }  // never "refused"
  void take(Bytes& value) {
    const uint64_t count = number();
    good = good && count <= in.size();
    if (!good) return;
    value = in.substr(0, count);
    in.remove_prefix(count);
  }
};

}  // namespace

Bytes encode(const JournalRecord& record) {
  Writer writer;
  visit(record, writer);
  return writer.out;
}

Result<JournalRecord> decode_record(BytesView bytes) {
  JournalRecord record;
  Reader reader{.in = bytes};
  visit(record, reader);
  if (!reader.good || !reader.in.empty()) return Error(Code::corrupt, "a record is none of ours");
  return record;
}

}  // namespace reeve::runner
