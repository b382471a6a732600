// Lines of one source that wait for the rest of their record.
//
// A record is held from its first line until it is known to be whole: its last piece has come, another record has begun
// in the same stream, a limit is reached, or nothing has come for a while. Records leave in the order of their first
// lines, so what has left always covers the source up to one place, begin(), from where it can be read again. A whole
// record waits behind one that is not; both streams of a container go through here.
//
// What is held depends on the lines and, by the time-out alone, on the clock; never on how they were read. Bounds:
// `bytes_max` and `lines_max` for each record, twice that for all of them; beyond, the first one is cut short and
// counted.
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
  Instant last_line;
  uint32_t lines = 1;
  bool in_piece = false;  // its last line is a piece, and the rest of it has not come yet
  bool whole = false;
};

class HeldLines {
 public:
  // The draft is one framed line; `partial`: a piece. Its text is copied.
  void take(const Draft& draft, bool partial, std::optional<uint64_t> offset, const LineChain& chain, Instant now);

  // The next record that is whole.
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
  void keep_bounds(const HoldLimits& limits);

  std::deque<HeldRecord> records_;  // by their first lines
  uint64_t bytes_ = 0;
  uint64_t lines_ = 0;
  uint64_t cuts_ = 0;
};

}  // namespace reeve::agent
