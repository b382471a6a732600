#include "common/base/log.h"

#include <catch2/catch.hpp>

using namespace reeve;

TEST_CASE("a log line is a constant sentence and its fields") {
  CHECK(format_log_line("T", LogLevel::info, "segment sealed", {{"segment", 7}, {"path", "/a b"}}) ==
        "T INFO segment sealed segment=7 path=\"/a b\"");
}

TEST_CASE("a field cannot forge a second line or a second field") {
  CHECK(format_log_line("T", LogLevel::warn, "refused", {{"why", "x\nT INFO ok"}, {"q", "a\" b=\"c"}}) ==
        "T WARN refused why=\"x\\\\x0aT INFO ok\" q=\"a\\\" b=\\\"c\"");
}
