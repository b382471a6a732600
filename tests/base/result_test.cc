#include "common/base/result.h"

#include <cerrno>

#include <catch2/catch.hpp>

using namespace reeve;

namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return Error(Code::invalid, "odd");
  return value / 2;
}

Result<int> quarter(int value) {
  const int once = TRY(half(value));
  return TRY_DURING(half(once), "halve again");
}

}  // namespace

TEST_CASE("TRY takes the value or returns the error") {
  CHECK(*quarter(8) == 2);
  CHECK(quarter(7).error().text() == "odd");
  CHECK(quarter(6).error().text() == "halve again: odd");
  CHECK(quarter(6).error().code() == Code::invalid);
}

TEST_CASE("errno becomes what the caller can do about it") {
  CHECK(errno_error(ENOENT, "open x").code() == Code::not_found);
  CHECK(errno_error(ENOSPC, "write x").code() == Code::exhausted);
  CHECK(errno_error(EACCES, "open x").text() == "open x: Permission denied");
}
