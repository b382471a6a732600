#include "common/wire/shape_table.h"

#include <catch2/catch.hpp>

using namespace reeve::wire;

TEST_CASE("an index finds what was put in, through every growth") {
  ShapeIndex index;
  CHECK(index.find({1, 2}) == ShapeIndex::none);
  // Equal low halves: every probe runs into all of the others.
  for (uint32_t i = 0; i < 1'000; ++i) index.insert({i, 42}, i);

  CHECK(index.size() == 1'000);
  for (uint32_t i = 0; i < 1'000; ++i) CHECK(index.find({i, 42}) == i);
  CHECK(index.find({1'000, 42}) == ShapeIndex::none);
  index.clear();
  CHECK(index.find({1, 42}) == ShapeIndex::none);
}

TEST_CASE("shapes that keep coming are remembered, and those that do not are forgotten in the end") {
  SeenShapes seen;
  const ShapeKey steady{1, 1};
  const ShapeKey once{2, 2};
  seen.add(steady);
  seen.add(once);
  for (uint64_t i = 10; i < 10 + SeenShapes::shapes_max; ++i) {
    const ShapeKey passing{i, i * 0x9e3779b97f4a7c15};
    CHECK_FALSE(seen.touch(passing));
    seen.add(passing);
    if (i % 1'000 == 0) CHECK(seen.touch(steady));
  }

  CHECK(seen.touch(steady));
  CHECK_FALSE(seen.touch(once));
}
