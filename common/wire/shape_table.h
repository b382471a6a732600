// Two small tables over shape keys, made for one lookup per line: open addressing over flat arrays, linear probing,
// load at most one half. A key is a hash already.
//
// Whoever writes the lines may aim for long probes; both tables are bounded, so that stays a bounded slowness.
#pragma once

#include <cstdint>
#include <vector>

#include "common/wire/record.h"

namespace reeve::wire {

// Shape -> index. Bounded by its user. One thread.
class ShapeIndex {
 public:
  static constexpr uint32_t none = UINT32_MAX;

  uint32_t find(const ShapeKey& key) const {
    if (slots_.empty()) return none;
    for (size_t at = key.low & mask_;; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.index == none || slot.key == key) return slot.index;
    }
  }

  // The key is not in here yet.
  void insert(const ShapeKey& key, uint32_t index) {
    if (2 * (count_ + 1) > slots_.size()) grow();
    place(key, index);
    ++count_;
  }

  size_t size() const { return count_; }

  void clear() {
    slots_.assign(slots_.size(), Slot{});
    count_ = 0;
  }

 private:
  struct Slot {
    ShapeKey key;
    uint32_t index = none;
  };

  void place(const ShapeKey& key, uint32_t index) {
    size_t at = key.low & mask_;
    while (slots_[at].index != none) at = (at + 1) & mask_;
    slots_[at] = {key, index};
  }

  void grow() {
    std::vector<Slot> old(slots_.empty() ? 256 : 2 * slots_.size());
    old.swap(slots_);
    mask_ = slots_.size() - 1;
    for (const Slot& slot : old)
      if (slot.index != none) place(slot.key, slot.index);
  }

  std::vector<Slot> slots_;
  size_t mask_ = 0;
  size_t count_ = 0;
};

// Remembers between half and all of the last `shapes_max` shapes that were asked for: two generations, of which the
// older is forgotten as a whole. A shape that returns after that counts as new again. One thread.
class SeenShapes {
 public:
  static constexpr size_t shapes_max = 65'536;

  // Whether it was remembered. If so, it is young again.
  bool touch(const ShapeKey& key) {
    if (young_.find(key) != ShapeIndex::none) return true;
    if (old_.find(key) == ShapeIndex::none) return false;
    add(key);
    return true;
  }

  void add(const ShapeKey& key) {
    if (young_.size() >= shapes_max / 2) {
      std::swap(young_, old_);
      young_.clear();
    }
    young_.insert(key, 0);
  }

 private:
  ShapeIndex young_;
  ShapeIndex old_;
};

}  // namespace reeve::wire
