// Sums of what came as deltas, so that a series of differences is stored as a counter.
//
// A sum begins at zero with the server, or when its series was not heard of for long: readers see a counter's reset.
// Bounded: two generations of series_max each; the older one goes when the younger is full, so a series that keeps
// coming stays. What was added since the last keep() can be taken back, because a failed commit is sent again.
//
// One thread.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/base/bytes.h"

namespace reeve::server {

class DeltaSums {
 public:
  explicit DeltaSums(size_t series_max = 65'536) : series_max_(series_max) {}

  // The sum of this series, with `delta`. `begun` is set where the series is new.
  double add(const Bytes& series, double delta, bool& begun);

  void keep() { added_.clear(); }
  void take_back();
  size_t size() const { return young_.size() + old_.size(); }

 private:
  using Sums = std::unordered_map<Bytes, double>;

  const size_t series_max_;
  Sums young_;
  Sums old_;
  std::vector<std::pair<Bytes, double>> added_;
};

}  // namespace reeve::server
