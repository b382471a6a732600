#include "cli/times.h"

#include <ctime>

#include "tests/cli/fake_world.h"

using namespace reeve;
using namespace reeve::cli;

namespace {

// The process's local zone while it lives. Kathmandu: 45 minutes off, and no summer time.
class LocalZone {
 public:
  explicit LocalZone(const char* name) {
    setenv("TZ", name, 1);
    tzset();
  }
  ~LocalZone() {
    unsetenv("TZ");
    tzset();
  }
};

std::string when(std::string_view text, Zone zone = Zone::utc) {
  const Result<std::string> result = parse_when(text, zone, test_now);
  return result ? *result : "refused";
}

}  // namespace

TEST_CASE("a time is understood in every form that people type") {
  CHECK(when("15m") == "-15m");
  CHECK(when("-7d") == "-7d");
  CHECK(when("now") == "2026-11-21T02:54:00Z");
  CHECK(when("10:30") == "2026-11-21T10:30:00Z");
  CHECK(when("10:30:15") == "2026-11-21T10:30:15Z");
  CHECK(when("10:30+02:00") == "2026-11-21T08:30:00Z");
  CHECK(when("2026-11-20") == "2026-11-20T00:00:00Z");
  CHECK(when("2026-11-20 10:30") == "2026-11-20T10:30:00Z");
  CHECK(when("2026-11-20T10:30Z") == "2026-11-20T10:30:00Z");
  CHECK(when("2026-11-20T10:30:00.250Z") == "2026-11-20T10:30:00.250Z");
  CHECK(when("2026-11-20T10:30:00-05:00") == "2026-11-20T15:30:00Z");
}

TEST_CASE("a time that is none is refused") {
  CHECK(when("") == "refused");
  CHECK(when("-") == "refused");
  CHECK(when("15") == "refused");
  CHECK(when("24:00") == "refused");
  CHECK(when("10:3") == "refused");
  CHECK(when("2026-02-30") == "refused");
  CHECK(when("2026-11-20T") == "refused");
  CHECK(when("2026-11-20T10") == "refused");
  CHECK(when("2026-11-20x10:30") == "refused");
  CHECK(when("yesterday") == "refused");
}

TEST_CASE("a time without an offset is meant in the zone that was asked for") {
  const LocalZone zone("Asia/Kathmandu");

  CHECK(when("10:30", Zone::local) == "2026-11-21T04:45:00Z");
  CHECK(when("2026-11-21", Zone::local) == "2026-11-20T18:15:00Z");
  CHECK(when("10:30Z", Zone::local) == "2026-11-21T10:30:00Z");
  CHECK(when("10:30", Zone::utc) == "2026-11-21T10:30:00Z");
}

TEST_CASE("what is printed can be typed again") {
  const LocalZone zone("Asia/Kathmandu");
  const WallTime time = test_now + 120ms;

  CHECK(format_when(time, Zone::utc) == "2026-11-21T02:54:00.120Z");
  CHECK(format_when(time, Zone::local) == "2026-11-21T08:39:00.120+05:45");
  CHECK(when(format_when(time, Zone::utc)) == "2026-11-21T02:54:00.120Z");
  CHECK(when(format_when(time, Zone::local)) == "2026-11-21T02:54:00.120Z");
}

TEST_CASE("a time before 1970 is printed as any other") {
  CHECK(format_when(WallTime{-1}, Zone::utc) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("an age has one unit, rounded down") {
  CHECK(format_age(test_now, test_now) == "now");
  CHECK(format_age(test_now + 5s, test_now) == "now");
  CHECK(format_age(test_now - 59s, test_now) == "59s ago");
  CHECK(format_age(test_now - 60s, test_now) == "1m ago");
  CHECK(format_age(test_now - 119min, test_now) == "1h ago");
  CHECK(format_age(test_now - 72h, test_now) == "3d ago");
  CHECK(format_age(WallTime{INT64_MIN}, WallTime{INT64_MAX}) == "213503d ago");
}
