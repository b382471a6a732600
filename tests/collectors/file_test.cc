#include "collectors/file.h"

#include <catch2/catch.hpp>

#include "tests/collectors/file_fixture.h"

using namespace reeve;
using namespace reeve::collect;

TEST_CASE("lines are handed on once, as they come, without their ends") {
  FileFixture f;
  f.append("app.log", "one\ntwo\n");
  f.start();

  CHECK(f.settle_and_take() == Lines{"one", "two"});
  CHECK(f.settle_and_take() == Lines{});
  f.append("app.log", "three\n");
  CHECK(f.settle_and_take() == Lines{"three"});
}

TEST_CASE("any bytes pass: NUL, carriage return, invalid UTF-8, and empty lines") {
  FileFixture f;
  f.append("app.log", std::string_view("a\0b\r\n\n\xff\xfe\n", 9));
  f.start();

  CHECK(f.settle_and_take() == Lines{Bytes("a\0b\r", 4), "", "\xff\xfe"});
}

TEST_CASE("a last line without its end is held back until the end comes") {
  FileFixture f;
  f.append("app.log", "one\ntw");
  f.start();

  CHECK(f.settle_and_take() == Lines{"one"});
  f.append("app.log", "o");
  CHECK(f.settle_and_take() == Lines{});
  f.append("app.log", "\nthree");
  CHECK(f.settle_and_take() == Lines{"two"});
  f.collector->flush(f.intake);
  CHECK(f.take() == Lines{"three"});
}

TEST_CASE("a file renamed while it is read is read to its end, and its successor from its head") {
  FileFixture f;
  f.append("app.log", "one\n");
  f.start();
  CHECK(f.settle_and_take() == Lines{"one"});

  f.append("app.log", "two\n");
  f.rename("app.log", "app.log.1");
  f.append("app.log", "three\n");
  f.append("app.log.1", "late\n");
  Lines lines = f.settle_and_take();
  std::sort(lines.begin(), lines.end());
  CHECK(lines == Lines{"late", "three", "two"});
  CHECK(f.collector->counters().rotated == 1);
}
