#include "tests/sim/bit_rot.h"

#include "tests/pch.h"

namespace reeve::sim {
namespace {

TEST_CASE("rot: 1,000 flipped bits in a spool cost at most the block they are in, and each loss is a gap") {
  const auto outcome = flip_bits_of_spool(1, 1'000);
  INFO((outcome.ok() ? "" : outcome.error().text()));
  REQUIRE(outcome.ok());
  CHECK(outcome->flips == 1'000);
  CHECK(outcome->blocks_missing > 100);
  CHECK(outcome->blocks_missing_max == 1);
}

TEST_CASE("rot: 1,000 flipped bits in a store cost what they touch, and nothing comes back different") {
  for (const uint64_t seed : {1, 2}) {
    const auto outcome = flip_bits_of_store(seed, 500);
    INFO((outcome.ok() ? "" : outcome.error().text()));
    REQUIRE(outcome.ok());
    CHECK(outcome->flips == 500);
    CHECK(outcome->blocks_missing > 50);
    CHECK(outcome->blocks_missing_max <= 2);
    CHECK(outcome->refused == 0);
  }
}

}  // namespace
}  // namespace reeve::sim
