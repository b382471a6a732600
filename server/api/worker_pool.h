// A few threads that take work from one bounded queue.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "common/base/mailbox.h"

namespace reeve::server {

// Any thread may hand over work; one thread owns the pool and stops it.
class WorkerPool {
 public:
  using Work = std::function<void()>;

  WorkerPool(size_t threads, size_t queue_max) : queue_(queue_max) {
    for (size_t i = 0; i < threads; ++i) {
      threads_.emplace_back([this] {
        while (true) {
          if (std::optional<Work> work = queue_.receive(1s)) {
            (*work)();
          } else if (queue_.closed()) {
            return;
          }
        }
      });
    }
  }
  ~WorkerPool() { stop(); }

  // False when the queue is full or the pool stops.
  [[nodiscard]] bool try_run(Work work) { return queue_.try_send(std::move(work)); }
  size_t queued() const { return queue_.size(); }

  // Finishes what lies in the queue.
  void stop() {
    queue_.close();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  Mailbox<Work> queue_;
  std::vector<std::thread> threads_;
};

}  // namespace reeve::server
