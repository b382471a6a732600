// See held_lines.h.
#include "agent/parse/held_lines.h"

#include <algorithm>

namespace reeve::agent {

namespace {

constexpr BytesView stream_key = "log.iostream";

HeldRecord make_record(const Draft& draft, BytesView stream, std::optional<uint64_t> offset) {
  HeldRecord record;
  record.text = draft.body();
  record.arrival = draft.arrival();
  record.time = draft.time;
  record.fields.reserve(draft.fields().size());
  for (const wire::Field& field : draft.fields()) record.fields.emplace_back(field.key, field.value);
  record.offset = offset;
  record.stream = stream;
  return record;
}

void make_whole(HeldRecord& record) {
  record.whole = true;
  record.in_piece = false;
}

}  // namespace

void HeldLines::take(const Draft& draft, bool partial, std::optional<uint64_t> offset, const LineChain& chain,
                     Instant now) {
  const BytesView stream = draft.field(stream_key).value_or(BytesView());
  const BytesView text = draft.body();
  bytes_ += text.size();
  ++lines_;

  HeldRecord* piece = find_open(stream, true);
  if (piece != nullptr && piece->text.size() + text.size() > chain.hold().bytes_max) {
    make_whole(*piece);
    ++cuts_;
    piece = nullptr;
  }
  if (piece != nullptr) {
    piece->text += text;
    ++piece->lines;
  } else {
    records_.push_back(make_record(draft, stream, offset));
    piece = &records_.back();
    piece->first_number = next_number_;
  }
  piece->in_piece = partial;
  piece->last_line = now;
  piece->last_number = next_number_++;
  if (!partial) join(*piece, chain);

  const HoldLimits& limits = chain.hold();
  if (bytes_ > 2 * limits.bytes_max || lines_ > 2 * uint64_t{limits.lines_max}) {
    for (const HeldRecord& record : records_) cuts_ += record.whole ? 0 : 1;
    finish_all();
  }
}

// The last one of the stream that waits: for its next piece, or for further lines.
HeldRecord* HeldLines::find_open(BytesView stream, bool in_piece) {
  for (auto record = records_.rbegin(); record != records_.rend(); ++record) {
    if (!record->whole && record->in_piece == in_piece && record->stream == stream) return &*record;
  }
  return nullptr;
}

// A line is there from its beginning to its end: it begins a record, or belongs to the open one.
void HeldLines::join(HeldRecord& line, const LineChain& chain) {
  if (!chain.joins()) return make_whole(line);
  line.in_piece = true;  // not to be found as the open one
  HeldRecord* open = find_open(line.stream, false);
  line.in_piece = false;
  if (open == nullptr) return;
  if (chain.begins_record(line.text)) return make_whole(*open);

  const HoldLimits& limits = chain.hold();
  if (open->lines + line.lines > limits.lines_max || open->text.size() + 1 + line.text.size() > limits.bytes_max) {
    make_whole(*open);
    ++cuts_;
    return;
  }
  open->text += '\n';
  open->text += line.text;
  ++bytes_;
  open->lines += line.lines;
  open->last_line = line.last_line;
  open->last_number = line.last_number;
  const auto at = std::find_if(records_.begin(), records_.end(), [&line](const auto& each) { return &each == &line; });
  records_.erase(at);
}

// The first place where everything before it is whole and nothing after it began earlier.
void HeldLines::find_ready() {
  uint64_t last_number = 0;
  for (size_t i = 0; i < records_.size() && records_[i].whole; ++i) {
    last_number = std::max(last_number, records_[i].last_number);
    if (i + 1 < records_.size() && records_[i + 1].first_number < last_number) continue;
    ready_ = i + 1;
    return;
  }
}

std::optional<HeldRecord> HeldLines::pop_whole() {
  if (ready_ == 0) find_ready();
  if (ready_ == 0) return {};
  --ready_;
  HeldRecord record = std::move(records_.front());
  records_.pop_front();
  bytes_ -= record.text.size();
  lines_ -= record.lines;
  return record;
}

void HeldLines::expire(Instant latest_last_line) {
  for (HeldRecord& record : records_) {
    if (!record.whole && record.last_line <= latest_last_line) make_whole(record);
  }
}

void HeldLines::finish_all() {
  for (HeldRecord& record : records_) make_whole(record);
}

std::optional<Instant> HeldLines::oldest_last_line() const {
  std::optional<Instant> oldest;
  for (const HeldRecord& record : records_) {
    if (!record.whole && (!oldest || record.last_line < *oldest)) oldest = record.last_line;
  }
  return oldest;
}

}  // namespace reeve::agent
