// One flipped bit at a time in what the spool and the store keep on disk.
//
// A spool (or a store) is filled once. Then, for each flip, a fresh disk gets the same files, one random bit of them is
// turned over, and everything is opened and read. Nothing may crash; what cannot be read any more must be little, and
// must be said: as a gap of the spool, as a block the store has set aside.
#pragma once

#include <cstdint>

#include "common/base/result.h"

namespace reeve::sim {

struct RotOutcome {
  uint64_t flips = 0;
  uint64_t harmless = 0;            // everything could be read
  uint64_t blocks_missing = 0;      // of all flips together
  uint64_t blocks_missing_max = 0;  // of one flip
  uint64_t refused = 0;             // the store said that it cannot open, and why
};

// Code::corrupt with the story where a promise is broken.
Result<RotOutcome> flip_bits_of_spool(uint64_t seed, uint64_t flips);
Result<RotOutcome> flip_bits_of_store(uint64_t seed, uint64_t flips);

}  // namespace reeve::sim
