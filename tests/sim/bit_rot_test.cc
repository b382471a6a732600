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

TEST_CASE("rot: 700 flipped bits in a store that was closed cost the blocks they touch, each of them counted") {
  const auto outcome = flip_bits_of_store(2, 700);
  INFO((outcome.ok() ? "" : outcome.error().text()));
  REQUIRE(outcome.ok());
  CHECK(outcome->flips == 700);
  CHECK(outcome->blocks_missing > 100);
  CHECK(outcome->blocks_missing_max <= 1);
  CHECK(outcome->refused == 0);
}

// Most of the disk is the log of SQLite then, and most of the log is superseded.
TEST_CASE("rot: 300 flipped bits in a store that was killed cost the blocks they touch, each of them counted") {
  const auto outcome = flip_bits_of_store(1, 300);
  INFO((outcome.ok() ? "" : outcome.error().text()));
  REQUIRE(outcome.ok());
  CHECK(outcome->flips == 300);
  CHECK(outcome->blocks_missing_max <= 1);
  CHECK(outcome->refused == 0);
}

}  // namespace
}  // namespace reeve::sim
