// The event loop: one thread that owns all mutable state of a core and never blocks.
//
// Work arrives as timers, signals, sockets (stream.h) and tasks that other threads post. Between two waits of the
// kernel lies a turn; what a turn writes is sent at its end, once (at_turn_end). A turn that holds the thread for
// longer than turn_max is logged with the name of the stage that took most of it, because everybody else waited
// meanwhile.
//
// Not bounded here: posted tasks. Whoever posts in bulk bounds it with a Mailbox; posted_pending() is there to be seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "common/base/time.h"

struct uv_loop_s;

namespace reeve::sys {

struct TimerId {
  uint64_t value = 0;  // 0 is no timer
  explicit operator bool() const { return value != 0; }
  auto operator<=>(const TimerId&) const = default;
};

struct LoopStats {
  uint64_t turns = 0;
  uint64_t turns_slow = 0;
  Duration turn_longest{};
  uint64_t tasks_posted = 0;
};

// Loop thread, except where a call says otherwise. Everything that was opened on a loop is destroyed before it.
class Loop {
 public:
  using Task = std::function<void()>;
  static constexpr Duration turn_max = 20ms;

  explicit Loop(Clock& clock);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs on the calling thread, which becomes the loop thread, until stop().
  void run();
  // Runs until `done` says true, asked after every turn; false when `timeout` came first.
  bool run_until(const std::function<bool()>& done, Duration timeout);
  void stop();  // any thread

  // Runs `task` in a later turn, in the order of posting. Any thread. `stage` is a literal.
  void post(Task task, const char* stage = "posted task");
  size_t posted_pending() const;  // any thread

  // Runs `task` after everything else in this turn, before the loop waits again.
  void at_turn_end(Task task);

  // Resolution is 1 ms, rounded up. Cancelling a timer that is unknown or has fired does nothing; a timer may cancel
  // itself.
  TimerId after(Duration delay, Task task, const char* stage = "timer");
  TimerId every(Duration period, Task task, const char* stage = "timer");
  void cancel(TimerId timer);

  // Calls `task` on the loop for each such signal; the process then no longer dies of it. One task per signal.
  void on_signal(int signal_number, Task task);

  Clock& clock() const;
  bool on_loop_thread() const;  // any thread
  LoopStats stats() const;

  // Names what the loop thread is busy with while it lives; nests. The outermost ones are the loop's own callbacks.
  class Stage {
   public:
    Stage(Loop& loop, const char* name);
    ~Stage();
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

   private:
    friend class Loop;
    Loop& loop_;
    const char* name_;
    Stage* outer_;
    uint64_t begin_ns_;
    uint64_t inner_ns_ = 0;
  };

  // For the rest of common/sys, which opens its own handles here; each handle's data is a LoopHandle* (loop_handle.h).
  uv_loop_s* uv() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reeve::sys
