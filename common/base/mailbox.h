// How threads hand work to each other; nothing else is shared.
//
// A bounded queue with many senders and one receiver. Full has a named answer: try_send says no, and the sender decides
// (wait, drop and count, or refuse). The receiver either waits in receive() or, where it lives on a loop, is told by
// `on_filled` that something lies here; that hook is called on the sender's thread, outside the lock.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "common/base/time.h"

namespace reeve {

template <typename T>
class Mailbox {
 public:
  explicit Mailbox(size_t items_max, std::function<void()> on_filled = {})
      : items_max_(items_max), on_filled_(std::move(on_filled)) {}

  // False when full or closed; `item` is then untouched. Any thread.
  [[nodiscard]] bool try_send(T&& item) {
    {
      std::lock_guard lock(mutex_);
      if (closed_ || items_.size() >= items_max_) return false;
      items_.push_back(std::move(item));
    }
    filled_.notify_one();
    if (on_filled_) on_filled_();
    return true;
  }

  // Waits for room; false when closed. Any thread but a loop's.
  [[nodiscard]] bool send(T item) {
    {
      std::unique_lock lock(mutex_);
      room_.wait(lock, [this] { return closed_ || items_.size() < items_max_; });
      if (closed_) return false;
      items_.push_back(std::move(item));
    }
    filled_.notify_one();
    if (on_filled_) on_filled_();
    return true;
  }

  // The oldest item, or nothing when there is none right now.
  std::optional<T> try_receive() {
    std::unique_lock lock(mutex_);
    return take(lock);
  }

  // Waits at most `timeout`; nothing on time-out, or when closed and empty.
  std::optional<T> receive(Duration timeout) {
    std::unique_lock lock(mutex_);
    filled_.wait_for(lock, timeout, [this] { return closed_ || !items_.empty(); });
    return take(lock);
  }

  // No more sends; what lies here can still be received.
  void close() {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    filled_.notify_all();
    room_.notify_all();
  }

  bool closed() const {
    std::lock_guard lock(mutex_);
    return closed_;
  }
  size_t size() const {
    std::lock_guard lock(mutex_);
    return items_.size();
  }

 private:
  std::optional<T> take(std::unique_lock<std::mutex>& lock) {
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    lock.unlock();
    room_.notify_one();
    return item;
  }

  const size_t items_max_;
  const std::function<void()> on_filled_;
  mutable std::mutex mutex_;
  std::condition_variable filled_;
  std::condition_variable room_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace reeve
