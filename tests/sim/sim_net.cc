// A frame's fate is drawn when it is sent.
#include "tests/sim/sim_net.h"

#include <algorithm>
#include <utility>

namespace reeve::sim {

Duration SimConnection::delay() {
  const auto range = static_cast<uint64_t>((faults_.delay_max - faults_.delay_min).count());
  return faults_.delay_min + Duration(static_cast<int64_t>(random_.below(range + 1)));
}

bool SimConnection::send(End end, Bytes frame, Instant now) {
  Direction& direction = from(end);
  if (direction.bytes_under_way > 0 && direction.bytes_under_way + frame.size() > buffer_bytes_max) return false;

  if (happens(faults_.cut_one_in)) close();
  if (happens(faults_.half_open_one_in)) go_half_open();
  if (closed_ || half_open_) {
    // Taken by the socket and never heard of again. A half-open one fills up, for nobody acknowledges.
    if (half_open_ && !closed_) direction.bytes_under_way += frame.size();
    return true;
  }

  if (happens(faults_.drop_one_in)) {
    direction.bytes_written += frame.size();
    return true;
  }
  Instant due = now + delay();
  auto at = direction.frames.end();
  if (!direction.frames.empty()) {
    if (happens(faults_.reorder_one_in)) {
      --at;
      due = std::min(due, at->due);
    } else {
      due = std::max(due, direction.frames.back().due);
    }
  }

  const uint64_t counted = frame.size();
  direction.bytes_under_way += counted;
  if (happens(faults_.duplicate_one_in)) at = direction.frames.insert(at, Frame{due, frame, 0});
  direction.frames.insert(at, Frame{due, std::move(frame), counted});
  return true;
}

std::optional<Bytes> SimConnection::take(End at, Instant now) {
  Direction& direction = from(other(at));
  if (closed_ || half_open_ || direction.frames.empty() || direction.frames.front().due > now) return std::nullopt;
  Frame frame = std::move(direction.frames.front());
  direction.frames.pop_front();
  direction.bytes_under_way -= frame.counted_bytes;
  direction.bytes_written += frame.counted_bytes;
  return std::move(frame.bytes);
}

uint64_t SimConnection::take_written(End end) {
  return std::exchange(from(end).bytes_written, 0);
}

}  // namespace reeve::sim
