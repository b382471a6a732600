// The two sources of randomness, and what is drawn from either.
#include "common/base/random.h"

#include <sys/random.h>

#include <algorithm>

#include "common/base/check.h"

namespace reeve {

uint64_t Random::below(uint64_t bound) {
  check(bound > 0, "a random number is drawn from a range that is not empty");
  // Rejects the unfair tail of the range (Lemire's threshold), so that every value is equally likely.
  const uint64_t threshold = (0 - bound) % bound;
  uint64_t value = next();
  while (value < threshold) value = next();
  return value % bound;
}

Bytes Random::bytes(size_t count) {
  Bytes out;
  out.reserve(count + 8);
  while (out.size() < count) append_le(out, next());
  out.resize(count);
  return out;
}

uint64_t SystemRandom::next() {
  uint64_t value = 0;
  check(getrandom(&value, sizeof value, 0) == ssize_t{sizeof value}, "the kernel gives random bytes");
  return value;
}

SeededRandom::SeededRandom(uint64_t seed) {
  for (uint64_t& word : state_) {
    seed += 0x9e3779b97f4a7c15u;
    uint64_t mixed = seed;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    word = mixed ^ mixed >> 31;
  }
}

uint64_t SeededRandom::next() {
  const auto rotate = [](uint64_t value, int by) { return value << by | value >> (64 - by); };
  const uint64_t result = rotate(state_[1] * 5, 7) * 9;
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = rotate(state_[3], 45);
  return result;
}

Duration Backoff::take_next(Random& random) {
  const int64_t half = ceiling_.count() / 2;
  const Duration wait = Duration(half + static_cast<int64_t>(random.below(static_cast<uint64_t>(half) + 1)));
  ceiling_ = std::min(ceiling_ * 2, limits_.max);
  return wait;
}

}  // namespace reeve
