// See log_block_cache.h.
#include "server/query/log_block_cache.h"

namespace reeve::server {

OpenedLogPtr LogBlockCache::find(uint64_t commit_id) {
  const std::lock_guard lock(mutex_);
  const auto found = places_.find(commit_id);
  if (found == places_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, found->second);
  return found->second->log;
}

void LogBlockCache::keep(uint64_t commit_id, OpenedLogPtr log, uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto found = places_.find(commit_id);
  if (found != places_.end()) forget(found->second);
  if (bytes > options_.block_bytes_max) return;

  kept_.push_front({commit_id, std::move(log), bytes});
  places_[commit_id] = kept_.begin();
  bytes_ += bytes;
  while (bytes_ > options_.bytes_max) forget(std::prev(kept_.end()));
}

uint64_t LogBlockCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

void LogBlockCache::forget(Place place) {
  bytes_ -= place->bytes;
  places_.erase(place->commit_id);
  kept_.erase(place);
}

}  // namespace reeve::server
