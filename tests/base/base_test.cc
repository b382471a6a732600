#include <catch2/catch.hpp>
#include "common/base/bytes.h"
#include "common/base/crc32c.h"
#include "common/base/ids.h"
#include "common/base/json.h"
#include "common/base/log.h"
#include "common/base/mailbox.h"
#include "common/base/time.h"

using namespace reeve;

TEST_CASE("crc32c gives the check value of its definition") { CHECK(crc32c("123456789") == 0xe3069283u); }

TEST_CASE("rfc3339 text and time agree") {
  const auto time = parse_rfc3339("2026-11-21T02:54:00.123456789Z");
  REQUIRE(time);
  CHECK(format_rfc3339(*time) == "2026-11-21T02:54:00.123456789Z");
  CHECK(format_rfc3339(*parse_rfc3339("2026-03-01 02:00:00+02:00")) == "2026-03-01T00:00:00Z");
  CHECK(!parse_rfc3339("2026-02-30T00:00:00Z"));
}
