#include "common/base/time.h"

#include <catch2/catch.hpp>

using namespace reeve;

TEST_CASE("rfc3339 text and time agree") {
  const auto time = parse_rfc3339("2026-11-21T02:54:00.123456789Z");

  REQUIRE(time);
  CHECK(format_rfc3339(*time) == "2026-11-21T02:54:00.123456789Z");
  CHECK(format_rfc3339(*parse_rfc3339("2026-03-01 02:00:00+02:00")) == "2026-03-01T00:00:00Z");
  CHECK(format_rfc3339(*parse_rfc3339("1969-12-31T23:59:59.5Z")) == "1969-12-31T23:59:59.500Z");
  CHECK(parse_rfc3339("2024-02-29T00:00:00Z"));
}

TEST_CASE("what is no rfc3339 time is refused") {
  for (const char* text :
       {"", "2026", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx", "9999-01-01T00:00:00Z"}) {
    INFO(text);
    CHECK(!parse_rfc3339(text));
  }
}

TEST_CASE("days are UTC days, before 1970 too") {
  CHECK(format_day(WallTime{0}) == "1970-01-01");
  CHECK(format_day(WallTime{-1}) == "1969-12-31");
}

TEST_CASE("durations are a whole number and a unit") {
  CHECK(parse_duration("90s") == Duration(90s));
  CHECK(parse_duration("7d") == Duration(7 * 24h));
  CHECK(format_duration(90s) == "90s");
  CHECK(format_duration(2h) == "2h");
  for (const char* text : {"", "5", "s", "-1s", "1.5s", "5 s", "99999999999d"}) {
    INFO(text);
    CHECK(!parse_duration(text));
  }
}
