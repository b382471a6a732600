// A thread with an event loop, for collectors that wait for the network: it lives beside the worker, and hands over
// through bounded queues that the worker's poll() drains.
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "common/base/time.h"
#include "common/sys/loop.h"

namespace reeve::collect {

class LoopThread {
 public:
  // What lives on the loop. `open` makes it there, and it is destroyed there.
  using Open = std::function<std::shared_ptr<void>(sys::Loop& loop)>;

  explicit LoopThread(Open open);
  ~LoopThread();  // as stop()

  // Any thread, until stop() has returned. What was posted too late is dropped.
  void post(sys::Loop::Task task) { loop_.post(std::move(task), "collector"); }

  // Ends the loop, destroys what lives on it, waits for the thread. Again does nothing.
  void stop();

 private:
  SystemClock clock_;
  sys::Loop loop_{clock_};
  std::thread thread_;
};

}  // namespace reeve::collect
