// Randomness, asked for in constructors so that a simulation can replay a whole fleet from one seed.
#pragma once

#include <cstdint>

#include "common/base/bytes.h"
#include "common/base/time.h"

namespace reeve {

class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t next() = 0;

  // Uniform in [0, bound); bound > 0.
  uint64_t below(uint64_t bound);
  // True once in `n` on average; n > 0.
  bool one_in(uint64_t n) { return below(n) == 0; }
  Bytes bytes(size_t count);
};

// The kernel's generator: for keys, ids and tokens. Any thread.
class SystemRandom : public Random {
 public:
  uint64_t next() override;
};

// xoshiro256** seeded by splitmix64 (Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", 2018).
// Replays exactly; never for secrets. One thread.
class SeededRandom : public Random {
 public:
  explicit SeededRandom(uint64_t seed);
  uint64_t next() override;

 private:
  uint64_t state_[4];
};

// Waiting times between tries: doubles from `min` to `max`, and draws uniformly from the upper half of each, so that a
// fleet that lost its server together does not come back together. One thread.
class Backoff {
 public:
  struct Limits {
    Duration min;
    Duration max;
  };
  explicit Backoff(Limits limits) : limits_(limits), ceiling_(limits.min) {}

  Duration take_next(Random& random);
  void reset() { ceiling_ = limits_.min; }

 private:
  Limits limits_;
  Duration ceiling_;
};

}  // namespace reeve
