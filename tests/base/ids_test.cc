#include "common/base/ids.h"

#include <catch2/catch.hpp>

using namespace reeve;

TEST_CASE("a uuid's text comes back as the same id") {
  SeededRandom random(7);
  const Uuid id = make_uuid_v4(random);

  CHECK(parse_uuid(to_string(id)) == id);
  CHECK(to_string(id)[14] == '4');
}

TEST_CASE("version 7 ids sort by their time") {
  SeededRandom random(7);
  const WallTime early{1'700'000'000'000'000'000};

  CHECK(make_uuid_v7(early, random) < make_uuid_v7(early + 1ms, random));
}

TEST_CASE("what is not a uuid is refused") {
  CHECK(!parse_uuid(""));
  CHECK(!parse_uuid("0198c2f0-7c1e-7abc-8def-0123456789a"));
  CHECK(!parse_uuid("0198c2f0-7c1e-7abc-8def-0123456789ag"));
  CHECK(!parse_uuid("0198c2f07c1e-7abc-8def-0123-456789ab"));
  CHECK(!Uuid::from_bytes("short"));
}
