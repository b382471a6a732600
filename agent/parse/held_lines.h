// Lines of one source that wait for the rest of their record.
//
// A record is held from its first line until it is known to be whole: its last piece has come, another record has begun
// in the same stream, a limit is reached, or nothing has come for a while. The two streams of a container interleave,
// so a whole record waits until all that begin before its last line are whole as well: what has left then covers the
// source exactly up to one place, begin(), from where the rest can be read again. Records leave in the order of their
// first lines.
//
// What is held depends on the lines and, by the time-out alone, on the clock; never on how they were read. Bounds:
// `bytes_max` and `lines_max` for each record, twice that for all of them; beyond, all leave, and those that were not
// whole are counted as cut.
//
// One thread: the worker of its source.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/parse/line_chain.h"
#include "agent/parse/line_rules.h"
#include "agent/parse/parser.h"
#include "common/base/time.h"

namespace reeve::agent {

struct HeldRecord {
  Bytes text;
  WallTime arrival;  // of its first line
  std::optional<WallTime> time;
  std::vector<std::pair<Bytes, Bytes>> fields;  // of the framing
  std::optional<uint64_t> offset;               // of its first line; none where the source cannot be read again
  Bytes stream;
  uint64_t first_number = 0;  // of its first and last line, counted over the source
  uint64_t last_number = 0;
  Instant last_line;
  uint32_t lines = 1;
  bool in_piece = false;  // its last line is a piece, and the rest of it has not come yet
  bool whole = false;
};

class HeldLines {
 public:
  // The draft is one framed line; `partial`: a piece. Its text is copied.
  void take(const Draft& draft, bool partial, std::optional<uint64_t> offset, const LineChain& chain, Instant now);

  // The next record that leaves.
  std::optional<HeldRecord> pop_whole();
  // What has had no line since then is whole.
  void expire(Instant latest_last_line);
  void finish_all();

  bool empty() const { return records_.empty(); }
  // Where the first record that is held begins, in a source that can be read again.
  std::optional<uint64_t> begin() const { return records_.empty() ? std::nullopt : records_.front().offset; }
  uint64_t bytes() const { return bytes_; }
  // The last line of the record that has waited longest for its rest.
  std::optional<Instant> oldest_last_line() const;
  uint64_t take_cuts() { return std::exchange(cuts_, 0); }

 private:
  HeldRecord* find_open(BytesView stream, bool in_piece);
  void join(HeldRecord& piece, const LineChain& chain);
  void find_ready();

  std::deque<HeldRecord> records_;  // by their first lines
  size_t ready_ = 0;                // so many leave
  uint64_t next_number_ = 0;
  uint64_t bytes_ = 0;
  uint64_t lines_ = 0;
  uint64_t cuts_ = 0;
};

}  // namespace reeve::agent
