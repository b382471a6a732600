// The wire between one agent and one server, above TLS: whole frames, both ways, and everything that can happen to
// them.
//
// A connection delivers frames in order after a delay each, unless the seed decides otherwise: a frame may be lost,
// come twice, or overtake the one before. A cut loses what is under way and tells both sides. A half-open connection
// loses everything from then on and tells nobody: only a timeout notices. Real TLS over TCP would turn most of these
// into a cut; the sessions have to survive them all.
//
// Bounded: each direction holds at most buffer_bytes_max under way; send() refuses beyond, and the sender waits.
//
// One thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>

#include "common/base/bytes.h"
#include "common/base/random.h"
#include "common/base/time.h"

namespace reeve::sim {

// Chances are one in so many frames; 0: never.
struct NetFaults {
  uint64_t drop_one_in = 0;
  uint64_t duplicate_one_in = 0;
  uint64_t reorder_one_in = 0;
  uint64_t cut_one_in = 0;
  uint64_t half_open_one_in = 0;
  Duration delay_min = 1ms;
  Duration delay_max = 20ms;
};

enum class End : uint8_t { agent = 0, server = 1 };
constexpr End other(End end) {
  return end == End::agent ? End::server : End::agent;
}

class SimConnection {
 public:
  static constexpr uint64_t buffer_bytes_max = 1_MiB;

  SimConnection(NetFaults faults, Random& random) : faults_(faults), random_(random) {}

  // False when the buffer towards the other end is full: nothing was taken, try later. On a closed connection frames
  // vanish, as they do in a socket whose end is not yet known.
  [[nodiscard]] bool send(End from, Bytes frame, Instant now);

  // The next frame that has arrived by now.
  std::optional<Bytes> take(End at, Instant now);

  // Bytes this end sent that have left its buffer since the last call: delivered, or lost.
  uint64_t take_written(End from);

  void close() { closed_ = true; }  // by either end, or a cut: both learn of it
  void go_half_open() { half_open_ = true; }
  bool closed() const { return closed_; }
  bool half_open() const { return half_open_; }
  void heal() { faults_ = NetFaults{}; }  // no new faults; a half-open connection stays so

 private:
  struct Frame {
    Instant due;
    Bytes bytes;
    uint64_t counted_bytes = 0;  // of the sender's buffer: a copy made by the wire costs nothing
  };
  struct Direction {
    std::deque<Frame> frames;
    uint64_t bytes_under_way = 0;
    uint64_t bytes_written = 0;
  };

  bool happens(uint64_t one_in) { return one_in != 0 && random_.one_in(one_in); }
  Duration delay();
  Direction& from(End end) { return directions_[static_cast<size_t>(end)]; }

  NetFaults faults_;
  Random& random_;
  std::array<Direction, 2> directions_;
  bool closed_ = false;
  bool half_open_ = false;
};

}  // namespace reeve::sim
