// How a power cut treats what was written and not yet synced.
//
// Everything pending on a disk carries a number in the order in which it was asked for. A cut draws one of four
// characters, because bugs hide in each of them: nothing pending survives, all of it does, a prefix does with its last
// operation torn, or each sector and each name change fares on its own.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "common/base/random.h"

namespace reeve::sim {

class PowerCut {
 public:
  enum class Character { nothing_survives, all_survives, prefix_survives, each_on_its_own };

  // Draws the character; `first` and `last` are the numbers of the oldest and newest pending operations.
  PowerCut(Random& random, uint64_t first, uint64_t last)
      : PowerCut(random, static_cast<Character>(random.below(4)), first + random.below(last - first + 1)) {}

  PowerCut(Random& random, Character character, uint64_t torn) : random_(random), character_(character), torn_(torn) {}

  Character character() const { return character_; }

  // Of `count` pending changes to one sector (or one size), ascending by number: how many of them reached the disk.
  // They reach it in order, for the cache holds one version of a sector at a time.
  template <typename NumberOf>
  size_t survivors(size_t count, const NumberOf& number_of) {
    switch (character_) {
      case Character::nothing_survives:
        return 0;
      case Character::all_survives:
        return count;
      case Character::prefix_survives: {
        size_t kept = 0;
        while (kept < count && number_of(kept) < torn_) ++kept;
        if (kept < count && number_of(kept) == torn_ && random_.one_in(2)) ++kept;
        return kept;
      }
      case Character::each_on_its_own:
        return random_.below(count + 1);
    }
    return 0;
  }

 private:
  Random& random_;
  Character character_;
  uint64_t torn_;  // the number of the operation that the cut interrupted
};

}  // namespace reeve::sim
