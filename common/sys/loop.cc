// A turn is measured from one wait to the next without the waiting itself: libuv tells how long it was idle. Stages
// count their own time without that of stages inside them, so the log names the culprit rather than its caller.
#include "common/sys/loop.h"

#include <uv.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/log.h"
#include "common/sys/loop_handle.h"

namespace reeve::sys {
namespace {

struct PostedTask {
  Loop::Task task;
  const char* stage;
};

uint64_t to_milliseconds(Duration duration) {
  const auto ns = std::max<int64_t>(duration.count(), 0);
  return static_cast<uint64_t>((ns + 999'999) / 1'000'000);
}

}  // namespace

struct Loop::Impl final : LoopHandle {
  struct Timer final : LoopHandle {
    uv_timer_t handle;
    Impl* owner = nullptr;
    uint64_t id = 0;
    bool repeats = false;
    Task task;
    const char* stage = "";

    void close_with_loop() override { owner->end_timer(id); }
  };

  struct Signal final : LoopHandle {
    uv_signal_t handle;
    Impl* owner = nullptr;
    Task task;

    void close_with_loop() override { uv_close(reinterpret_cast<uv_handle_t*>(&handle), nullptr); }
  };

  Loop& self;
  Clock& clock;
  uv_loop_t uv;
  uv_async_t wake;
  uv_prepare_t turn_end;
  uv_idle_t again;  // active while a turn's end left work for the next, so that the loop does not wait
  std::atomic<std::thread::id> thread = std::this_thread::get_id();

  mutable std::mutex posted_mutex;
  std::vector<PostedTask> posted;
  uint64_t tasks_posted = 0;
  std::atomic<bool> stop_wanted = false;

  std::vector<Task> turn_end_tasks;
  std::unordered_map<uint64_t, Timer*> timers;
  uint64_t next_timer_id = 1;
  std::map<int, std::unique_ptr<Signal>> signals;

  LoopStats stats;
  Stage* stage = nullptr;
  const char* longest_stage = "";
  uint64_t longest_stage_ns = 0;
  uint64_t turn_begin_ns = 0;
  uint64_t idle_begin_ns = 0;
  uint64_t last_slow_log_ns = 0;

  Impl(Loop& loop, Clock& the_clock) : self(loop), clock(the_clock) {
    // A peer that goes away is an error of our write, not the end of the program.
    std::signal(SIGPIPE, SIG_IGN);
    check(uv_loop_init(&uv) == 0, "the kernel gives us an event loop");
    check(uv_loop_configure(&uv, UV_METRICS_IDLE_TIME) == 0, "libuv measures its idle time");

    uv_async_init(&uv, &wake, [](uv_async_t* handle) { from(handle->data)->run_posted(); });
    uv_prepare_init(&uv, &turn_end);
    uv_prepare_start(&turn_end, [](uv_prepare_t* handle) { from(handle->data)->finish_turn(); });
    uv_idle_init(&uv, &again);
    wake.data = turn_end.data = again.data = static_cast<LoopHandle*>(this);
  }

  ~Impl() {
    uv_walk(
        &uv,
        [](uv_handle_t* handle, void*) {
          if (!uv_is_closing(handle)) static_cast<LoopHandle*>(handle->data)->close_with_loop();
        },
        nullptr);
    while (uv_loop_close(&uv) != 0) {
      uv_run(&uv, UV_RUN_DEFAULT);
      drop_tasks();
    }
  }

  static Impl* from(void* data) { return static_cast<Impl*>(static_cast<LoopHandle*>(data)); }

  void close_with_loop() override {
    // All three share this object; the first call closes them all, and the others are then closing already.
    uv_close(reinterpret_cast<uv_handle_t*>(&wake), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&turn_end), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&again), nullptr);
  }

  // A task's captures may post again as they die, so this goes on until nothing is left.
  void drop_tasks() {
    for (;;) {
      std::vector<PostedTask> tasks;
      {
        std::lock_guard lock(posted_mutex);
        tasks.swap(posted);
      }
      std::vector<Task> ends;
      ends.swap(turn_end_tasks);
      if (tasks.empty() && ends.empty()) return;
    }
  }

  void run_posted() {
    if (stop_wanted.exchange(false)) uv_stop(&uv);

    std::vector<PostedTask> batch;
    {
      std::lock_guard lock(posted_mutex);
      batch.swap(posted);
    }
    for (PostedTask& posted_task : batch) {
      Stage named(self, posted_task.stage);
      posted_task.task();
      posted_task.task = nullptr;  // its captures die inside its own stage
    }
  }

  void finish_turn() {
    if (!turn_end_tasks.empty()) {
      Stage named(self, "turn end");
      std::vector<Task> batch;
      batch.swap(turn_end_tasks);
      for (Task& task : batch) task();
    }
    if (turn_end_tasks.empty()) {
      uv_idle_stop(&again);
    } else {
      uv_idle_start(&again, [](uv_idle_t*) {});
    }
    measure_turn();
  }

  void begin_measuring() {
    turn_begin_ns = uv_hrtime();
    idle_begin_ns = uv_metrics_idle_time(&uv);
    longest_stage_ns = 0;
    longest_stage = "";
  }

  void measure_turn() {
    const uint64_t now_ns = uv_hrtime();
    const uint64_t idle_ns = uv_metrics_idle_time(&uv);
    const uint64_t elapsed_ns = now_ns - turn_begin_ns;
    const uint64_t waited_ns = idle_ns - idle_begin_ns;
    const uint64_t busy_ns = elapsed_ns > waited_ns ? elapsed_ns - waited_ns : 0;

    ++stats.turns;
    stats.turn_longest = std::max(stats.turn_longest, Duration(busy_ns));
    if (busy_ns > static_cast<uint64_t>(turn_max.count())) {
      ++stats.turns_slow;
      // At most one line a second: a loop that is slow all the time must not also drown its log.
      if (now_ns - last_slow_log_ns > 1'000'000'000) {
        last_slow_log_ns = now_ns;
        log_warn("a turn held the loop", {{"stage", longest_stage},
                                          {"ms", busy_ns / 1'000'000},
                                          {"stage_ms", longest_stage_ns / 1'000'000},
                                          {"slow_turns", stats.turns_slow}});
      }
    }
    turn_begin_ns = now_ns;
    idle_begin_ns = idle_ns;
    longest_stage_ns = 0;
    longest_stage = "";
  }

  TimerId start_timer(Duration delay, bool repeats, Task task, const char* stage_name) {
    auto* timer = new Timer;  // freed by libuv's close callback, in end_timer
    timer->owner = this;
    timer->id = next_timer_id++;
    timer->repeats = repeats;
    timer->task = std::move(task);
    timer->stage = stage_name;
    timers.emplace(timer->id, timer);

    uv_timer_init(&uv, &timer->handle);
    timer->handle.data = static_cast<LoopHandle*>(timer);
    // libuv counts from the start of the turn; a long turn must not eat into the delay.
    uv_update_time(&uv);
    const uint64_t ms = to_milliseconds(delay);
    uv_timer_start(
        &timer->handle, [](uv_timer_t* handle) { fire(handle); }, ms, repeats ? std::max<uint64_t>(ms, 1) : 0);
    return TimerId{timer->id};
  }

  static void fire(uv_timer_t* handle) {
    auto* timer = static_cast<Timer*>(static_cast<LoopHandle*>(handle->data));
    Impl* owner = timer->owner;
    Stage named(owner->self, timer->stage);
    // Freed only by the close callback of a later moment, so the task outlives its own cancel().
    if (!timer->repeats) owner->end_timer(timer->id);
    timer->task();
  }

  void end_timer(uint64_t id) {
    const auto found = timers.find(id);
    if (found == timers.end()) return;
    Timer* timer = found->second;
    timers.erase(found);
    uv_close(reinterpret_cast<uv_handle_t*>(&timer->handle),
             [](uv_handle_t* handle) { delete static_cast<Timer*>(static_cast<LoopHandle*>(handle->data)); });
  }
};

Loop::Loop(Clock& clock) : impl_(std::make_unique<Impl>(*this, clock)) {}
Loop::~Loop() = default;

void Loop::run() {
  impl_->thread = std::this_thread::get_id();
  impl_->begin_measuring();
  uv_run(&impl_->uv, UV_RUN_DEFAULT);
}

bool Loop::run_until(const std::function<bool()>& done, Duration timeout) {
  impl_->thread = std::this_thread::get_id();
  impl_->begin_measuring();
  bool timed_out = false;
  const TimerId deadline = after(timeout, [&timed_out] { timed_out = true; });
  bool is_done = done();
  while (!is_done && !timed_out) {
    uv_run(&impl_->uv, UV_RUN_ONCE);
    is_done = done();
  }
  cancel(deadline);
  return is_done;
}

void Loop::stop() {
  impl_->stop_wanted = true;
  uv_async_send(&impl_->wake);
}

void Loop::post(Task task, const char* stage) {
  check(task != nullptr, "a posted task can be called");
  {
    std::lock_guard lock(impl_->posted_mutex);
    impl_->posted.push_back(PostedTask{std::move(task), stage});
    ++impl_->tasks_posted;
  }
  uv_async_send(&impl_->wake);
}

size_t Loop::posted_pending() const {
  std::lock_guard lock(impl_->posted_mutex);
  return impl_->posted.size();
}

void Loop::at_turn_end(Task task) {
  impl_->turn_end_tasks.push_back(std::move(task));
  // Outside of run() nobody would come by: wake the next one at once.
  if (impl_->turn_end_tasks.size() == 1) uv_idle_start(&impl_->again, [](uv_idle_t*) {});
}

TimerId Loop::after(Duration delay, Task task, const char* stage) {
  return impl_->start_timer(delay, false, std::move(task), stage);
}

TimerId Loop::every(Duration period, Task task, const char* stage) {
  return impl_->start_timer(period, true, std::move(task), stage);
}

void Loop::cancel(TimerId timer) {
  impl_->end_timer(timer.value);
}

void Loop::on_signal(int signal_number, Task task) {
  check(!impl_->signals.contains(signal_number), "a signal has one task");
  auto signal = std::make_unique<Impl::Signal>();
  signal->owner = impl_.get();
  signal->task = std::move(task);
  uv_signal_init(&impl_->uv, &signal->handle);
  signal->handle.data = static_cast<LoopHandle*>(signal.get());
  const int error = uv_signal_start(
      &signal->handle,
      [](uv_signal_t* handle, int) {
        auto* owner = static_cast<Impl::Signal*>(static_cast<LoopHandle*>(handle->data));
        Stage named(owner->owner->self, "signal");
        owner->task();
      },
      signal_number);
  check(error == 0, "the signal is one that can be caught");
  impl_->signals.emplace(signal_number, std::move(signal));
}

Clock& Loop::clock() const {
  return impl_->clock;
}
bool Loop::on_loop_thread() const {
  return std::this_thread::get_id() == impl_->thread;
}
uv_loop_s* Loop::uv() const {
  return &impl_->uv;
}

LoopStats Loop::stats() const {
  LoopStats stats = impl_->stats;
  std::lock_guard lock(impl_->posted_mutex);
  stats.tasks_posted = impl_->tasks_posted;
  return stats;
}

Loop::Stage::Stage(Loop& loop, const char* name)
    : loop_(loop), name_(name), outer_(loop.impl_->stage), begin_ns_(uv_hrtime()) {
  loop.impl_->stage = this;
}

Loop::Stage::~Stage() {
  const uint64_t total_ns = uv_hrtime() - begin_ns_;
  const uint64_t own_ns = total_ns > inner_ns_ ? total_ns - inner_ns_ : 0;
  if (outer_ != nullptr) outer_->inner_ns_ += total_ns;
  Loop::Impl& impl = *loop_.impl_;
  impl.stage = outer_;
  if (own_ns > impl.longest_stage_ns) {
    impl.longest_stage_ns = own_ns;
    impl.longest_stage = name_;
  }
}

}  // namespace reeve::sys
