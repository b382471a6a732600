// See delta_sums.h.
#include "server/doors/delta_sums.h"

namespace reeve::server {

double DeltaSums::add(const Bytes& series, double delta, bool& begun) {
  auto known = young_.find(series);
  if (known == young_.end()) {
    if (young_.size() >= series_max_) {
      old_ = std::move(young_);
      young_.clear();
    }
    const auto older = old_.find(series);
    begun = older == old_.end();
    known = young_.emplace(series, begun ? 0.0 : older->second).first;
    if (!begun) old_.erase(older);
  }
  known->second += delta;
  added_.emplace_back(series, delta);
  return known->second;
}

void DeltaSums::take_back() {
  for (const auto& [series, delta] : added_) {
    for (Sums* sums : {&young_, &old_}) {
      const auto known = sums->find(series);
      if (known != sums->end()) known->second -= delta;
    }
  }
  added_.clear();
}

}  // namespace reeve::server
