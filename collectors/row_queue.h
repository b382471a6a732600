// Rows on their way from a collector's own thread to the worker, with a bound and two answers for full.
//
// A connection can wait: put() takes what was read already and says when to stop reading. A datagram cannot: then
// put_dropping_oldest() makes room and says what it cost. Any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

#include "common/base/bytes.h"

namespace reeve::collect {

class RowQueue {
 public:
  static constexpr size_t row_overhead_bytes = 64;  // counted for each, so that empty rows are bounded, too

  // `wake` is called where rows came into an empty queue, outside of the lock.
  RowQueue(uint64_t bytes_max, std::function<void()> wake) : bytes_max_(bytes_max), wake_(std::move(wake)) {}

  // False once the queue is full: hand on no more until it was drained.
  bool put(Bytes row) {
    bool first = false;
    bool room = false;
    {
      const std::lock_guard lock(mutex_);
      first = rows_.empty();
      bytes_ += row.size() + row_overhead_bytes;
      rows_.push_back(std::move(row));
      room = bytes_ < bytes_max_;
    }
    if (first) wake_();
    return room;
  }

  // Gives the bytes of the rows that had to go; at least one row stays.
  uint64_t put_dropping_oldest(Bytes row) {
    bool first = false;
    uint64_t dropped = 0;
    {
      const std::lock_guard lock(mutex_);
      first = rows_.empty();
      bytes_ += row.size() + row_overhead_bytes;
      rows_.push_back(std::move(row));
      while (bytes_ > bytes_max_ && rows_.size() > 1) {
        dropped += rows_.front().size() + 1;  // as files count a line: with its end
        bytes_ -= rows_.front().size() + row_overhead_bytes;
        rows_.pop_front();
      }
    }
    if (first) wake_();
    return dropped;
  }

  bool full() const {
    const std::lock_guard lock(mutex_);
    return bytes_ >= bytes_max_;
  }

  struct Taken {
    std::vector<Bytes> rows;
    bool was_full = false;  // somebody may have stopped reading, and can be told to go on
  };
  // The oldest rows, about `bytes_max` of them; at least one where there is any.
  Taken take(uint64_t bytes_max) {
    Taken taken;
    const std::lock_guard lock(mutex_);
    taken.was_full = bytes_ >= bytes_max_;
    for (uint64_t bytes = 0; !rows_.empty() && bytes < bytes_max; rows_.pop_front()) {
      bytes += rows_.front().size();
      bytes_ -= rows_.front().size() + row_overhead_bytes;
      taken.rows.push_back(std::move(rows_.front()));
    }
    return taken;
  }

 private:
  const uint64_t bytes_max_;
  const std::function<void()> wake_;
  mutable std::mutex mutex_;
  std::deque<Bytes> rows_;
  uint64_t bytes_ = 0;
};

}  // namespace reeve::collect
