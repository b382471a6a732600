// How often something happened in the last minute, for many things at once: requests of a key, failures of an address.
//
// The minute slides in steps of a second, so an allowance comes back little by little and not all at the full minute.
// The table is bounded: when it is full, what has been quiet for a minute is forgotten, and where nothing is, the
// quietest thing goes. Any thread; the time comes from the caller.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include "common/base/time.h"

namespace reeve::server {

class SlidingWindow {
 public:
  static constexpr size_t seconds = 60;

  explicit SlidingWindow(size_t things_max) : things_max_(things_max) {}

  struct Verdict {
    bool allowed = true;
    uint64_t count = 0;            // in the last minute, with this one where it was allowed
    Duration retry = Duration(0);  // until one more would be allowed
  };
  // Counts one, unless `limit` have been counted in the last minute.
  Verdict try_count(const std::string& thing, uint64_t limit, Instant now);
  // Takes one back that was counted within this minute.
  void take_back(const std::string& thing, Instant now);

  size_t things() const;

 private:
  struct Counts {
    std::array<uint32_t, seconds> each{};  // by second modulo 60
    int64_t newest = 0;                    // the second that was counted last
    uint64_t total = 0;
  };
  static void slide(Counts& counts, int64_t second);
  void make_room(int64_t second);

  const size_t things_max_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Counts> things_;
};

}  // namespace reeve::server
