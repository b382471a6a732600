// See sliding_window.h.
#include "server/auth/sliding_window.h"

#include <algorithm>

namespace reeve::server {
namespace {

constexpr int64_t ns_per_second = 1'000'000'000;
constexpr auto window = static_cast<int64_t>(SlidingWindow::seconds);

size_t slot_of(int64_t second) {
  return static_cast<size_t>((second + window) % window);  // a clock may have begun less than a minute ago
}

}  // namespace

// Empties the slots of the seconds that have begun since.
void SlidingWindow::slide(Counts& counts, int64_t second) {
  for (int64_t passed = std::max(counts.newest + 1, second - window + 1); passed <= second; ++passed) {
    uint32_t& slot = counts.each[slot_of(passed)];
    counts.total -= slot;
    slot = 0;
  }
  counts.newest = std::max(counts.newest, second);
}

void SlidingWindow::make_room(int64_t second) {
  if (things_.size() < things_max_) return;
  std::erase_if(things_, [&](const auto& thing) { return thing.second.newest + window <= second; });
  if (things_.size() < things_max_) return;
  things_.erase(std::min_element(things_.begin(), things_.end(),
                                 [](const auto& a, const auto& b) { return a.second.total < b.second.total; }));
}

SlidingWindow::Verdict SlidingWindow::try_count(const std::string& thing, uint64_t limit, Instant now) {
  const int64_t second = now.ns / ns_per_second;
  std::lock_guard lock(mutex_);
  auto found = things_.find(thing);
  if (found == things_.end()) {
    make_room(second);
    found = things_.emplace(thing, Counts{.newest = second}).first;
  }
  Counts& counts = found->second;
  slide(counts, second);
  if (counts.total < limit) {
    ++counts.each[slot_of(counts.newest)];
    ++counts.total;
    return {.allowed = true, .count = counts.total};
  }

  // As many seconds as it takes until enough of the oldest have slid out.
  uint64_t left = counts.total;
  int64_t oldest = counts.newest - window + 1;
  while (left >= limit && oldest <= counts.newest) left -= counts.each[slot_of(oldest++)];
  return {.allowed = false,
          .count = counts.total,
          .retry = Duration(std::max<int64_t>(1, oldest + window - 1 - second) * ns_per_second)};
}

void SlidingWindow::take_back(const std::string& thing, Instant now) {
  const int64_t second = now.ns / ns_per_second;
  std::lock_guard lock(mutex_);
  const auto found = things_.find(thing);
  if (found == things_.end()) return;
  Counts& counts = found->second;
  slide(counts, second);
  for (int64_t back = 0; back < window; ++back) {
    uint32_t& slot = counts.each[slot_of(counts.newest - back)];
    if (slot == 0) continue;
    --slot;
    --counts.total;
    return;
  }
}

size_t SlidingWindow::things() const {
  std::lock_guard lock(mutex_);
  return things_.size();
}

}  // namespace reeve::server
