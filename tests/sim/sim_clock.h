// Time that moves only when the simulation says so.
#pragma once

#include "common/base/check.h"
#include "common/base/time.h"

namespace reeve::sim {

// One thread. Both clocks start at fixed points, so that a seed replays to the nanosecond.
class SimClock : public Clock {
 public:
  static constexpr WallTime wall_at_start{1'795'000'000'000'000'000};  // 2026-11-18, in the morning

  Instant now() override { return now_; }
  WallTime wall() override { return wall_at_start + wall_offset_ + Duration(now_.ns); }

  void advance(Duration by) {
    check(by >= Duration::zero(), "simulated time never runs backwards");
    now_ = now_ + by;
  }

  // Somebody sets the wall clock; the monotonic one does not notice.
  void jump_wall(Duration by) { wall_offset_ += by; }

 private:
  Instant now_{0};
  Duration wall_offset_{0};
};

}  // namespace reeve::sim
