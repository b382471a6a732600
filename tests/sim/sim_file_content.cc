// Sectors are rebuilt one by one, so a write across several of them tears between sectors and never inside one.
#include "tests/sim/sim_file_content.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace reeve::sim {

Bytes SimFileContent::sector(uint64_t index) const {
  const uint64_t begin = index * sector_bytes;
  Bytes content = begin < bytes_.size() ? bytes_.substr(begin, sector_bytes) : Bytes();
  content.resize(sector_bytes, '\0');
  return content;
}

void SimFileContent::put_sector(uint64_t index, BytesView content) {
  const uint64_t begin = index * sector_bytes;
  if (begin >= bytes_.size()) return;
  const size_t count = std::min<uint64_t>(sector_bytes, bytes_.size() - begin);
  bytes_.replace(begin, count, content.substr(0, count));
}

void SimFileContent::remember_sectors(uint64_t begin, uint64_t end) {
  for (uint64_t index = begin / sector_bytes; index * sector_bytes < end; ++index) {
    const auto stale = stale_.find(index);
    if (stale != stale_.end()) {
      former_.insert(stale_.extract(stale));  // dirty again: the next sync may still save it
    } else if (!former_.contains(index)) {
      former_.emplace(index, sector(index));
    }
  }
}

void SimFileContent::write(uint64_t number, uint64_t offset, BytesView bytes) {
  if (bytes.empty()) return;
  remember_sectors(offset, offset + bytes.size());
  if (bytes_.size() < offset + bytes.size()) bytes_.resize(offset + bytes.size(), '\0');
  bytes_.replace(offset, bytes.size(), bytes);
  pending_.push_back({.number = number, .offset = offset, .bytes = Bytes(bytes), .size_after = bytes_.size()});
}

void SimFileContent::truncate(uint64_t number, uint64_t size) {
  if (size < bytes_.size()) remember_sectors(size, bytes_.size());
  bytes_.resize(size, '\0');
  pending_.push_back({.number = number, .is_truncation = true, .offset = size, .bytes = {}, .size_after = size});
}

void SimFileContent::sync() {
  pending_.clear();
  former_.clear();
  durable_size_ = bytes_.size();
}

void SimFileContent::fail_sync(Random& random) {
  for (auto& [index, content] : former_) {
    if (random.one_in(2)) stale_[index] = std::move(content);
  }
  pending_.clear();
  former_.clear();
  durable_size_ = bytes_.size();
}

void SimFileContent::cut_power(PowerCut& cut) {
  std::vector<std::pair<uint64_t, Bytes>> rebuilt;
  for (const auto& [index, platter] : former_) {
    const uint64_t begin = index * sector_bytes;
    const uint64_t end = begin + sector_bytes;
    std::vector<const Change*> changes;
    for (const Change& change : pending_) {
      const uint64_t change_end = change.is_truncation ? UINT64_MAX : change.offset + change.bytes.size();
      if (change.offset < end && begin < change_end) changes.push_back(&change);
    }

    Bytes content = platter;
    const size_t kept = cut.survivors(changes.size(), [&](size_t i) { return changes[i]->number; });
    for (size_t i = 0; i < kept; ++i) {
      const Change& change = *changes[i];
      const uint64_t from = std::max(begin, change.offset);
      if (change.is_truncation) {
        std::fill(content.begin() + static_cast<ptrdiff_t>(from - begin), content.end(), '\0');
        continue;
      }
      const uint64_t to = std::min(end, change.offset + change.bytes.size());
      content.replace(from - begin, to - from, change.bytes, from - change.offset, to - from);
    }
    rebuilt.emplace_back(index, std::move(content));
  }

  const size_t sizes_kept = cut.survivors(pending_.size(), [&](size_t i) { return pending_[i].number; });
  bytes_.resize(sizes_kept == 0 ? durable_size_ : pending_[sizes_kept - 1].size_after, '\0');
  for (const auto& [index, content] : rebuilt) put_sector(index, content);
  for (const auto& [index, content] : stale_) put_sector(index, content);
  stale_.clear();
  sync();
}

void SimFileContent::flip_bit(uint64_t bit) {
  check(bit / 8 < bytes_.size(), "a flipped bit lies inside the file");
  auto& byte = bytes_[bit / 8];
  byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << (bit % 8)));
}

void SimFileContent::damage_end(uint64_t size) {
  check(size <= bytes_.size(), "damage shortens a file");
  bytes_.resize(size);
  sync();
}

}  // namespace reeve::sim
