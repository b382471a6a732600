#include "cli/line_head.h"

#include "tests/cli/fake_world.h"

using namespace reeve;
using namespace reeve::cli;

namespace {

std::string rest(std::string_view body, std::string_view level = "warn") {
  return std::string(without_repeated_head(body, test_now + 120ms, level));
}

}  // namespace

TEST_CASE("a time and level that say the same as the record are left out") {
  CHECK(rest("2026-11-21T02:54:00.120Z WARN slow") == "slow");
  CHECK(rest("2026-11-21T03:54:00.120+01:00 [warning] slow") == "slow");
  CHECK(rest("2026-11-21 02:54:00,120  WARN:  slow query") == "slow query");
  CHECK(rest("[2026-11-21T02:54:00.120Z] slow") == "slow");
  CHECK(rest("[2026-11-21 02:54:00.120] Warn slow") == "slow");
}

TEST_CASE("whatever says something else stays") {
  CHECK(rest("slow") == "slow");
  CHECK(rest("") == "");
  CHECK(rest("WARN slow") == "WARN slow");
  CHECK(rest("2026-11-21T02:54:00.121Z WARN slow") == "2026-11-21T02:54:00.121Z WARN slow");
  CHECK(rest("2026-11-21T02:54:00.120Z ERROR slow") == "ERROR slow");
  CHECK(rest("2026-11-21T02:54:00.120Z WARNED slow") == "WARNED slow");
}

TEST_CASE("a line is never left without text") {
  CHECK(rest("2026-11-21T02:54:00.120Z") == "2026-11-21T02:54:00.120Z");
  CHECK(rest("2026-11-21T02:54:00.120Z ") == "2026-11-21T02:54:00.120Z ");
  CHECK(rest("2026-11-21T02:54:00.120Z WARN") == "WARN");
  CHECK(rest("2026-11-21T02:54:00.120Z WARN ") == "WARN ");
}
