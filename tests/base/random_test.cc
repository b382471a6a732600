#include "common/base/random.h"

#include <array>
#include <catch2/catch.hpp>

using namespace reeve;

TEST_CASE("the same seed gives the same numbers") {
  SeededRandom a(42);
  SeededRandom b(42);
  SeededRandom c(43);

  CHECK(a.bytes(100) == b.bytes(100));
  CHECK(a.next() != c.next());
}

TEST_CASE("below is within its bound and reaches all of it") {
  SeededRandom random(1);
  std::array<int, 5> seen{};
  for (int i = 0; i < 5'000; ++i) ++seen[random.below(5)];

  for (int count : seen) CHECK(count > 800);
}

TEST_CASE("back-off doubles up to its ceiling, each wait within its upper half") {
  SeededRandom random(1);
  Backoff backoff({.min = 100ms, .max = 400ms});
  for (const Duration ceiling : {Duration(100ms), Duration(200ms), Duration(400ms), Duration(400ms)}) {
    const Duration wait = backoff.take_next(random);
    CHECK(wait >= ceiling / 2);
    CHECK(wait <= ceiling);
  }
  backoff.reset();
  CHECK(backoff.take_next(random) <= 100ms);
}
