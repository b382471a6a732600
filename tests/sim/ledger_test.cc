#include "tests/sim/ledger.h"

#include "tests/pch.h"

namespace reeve::sim {
namespace {

constexpr LogName log{.host = 1, .log = 2};

Ledger with_written(uint64_t lines) {
  Ledger ledger;
  for (uint64_t i = 0; i < lines; ++i) ledger.note_written(log);
  return ledger;
}

TEST_CASE("the ledger is content when every line is stored once") {
  Ledger ledger = with_written(3);
  for (uint64_t i = 0; i < 3; ++i) CHECK(ledger.note_stored(line_text(log, i)).ok());
  CHECK(ledger.all_stored());
  CHECK(ledger.describe_missing().empty());
}

TEST_CASE("the ledger refuses a second copy, also after a third line") {
  Ledger ledger = with_written(3);
  REQUIRE(ledger.note_stored(line_text(log, 0)).ok());
  CHECK(ledger.note_stored(line_text(log, 0)).error().text().starts_with("stored twice"));
}

TEST_CASE("the ledger refuses lines that were not written, or not so") {
  Ledger ledger = with_written(1);
  CHECK(!ledger.note_stored("").ok());
  CHECK(!ledger.note_stored(line_text(log, 1)).ok());
  CHECK(!ledger.note_stored(line_text({.host = 9, .log = 0}, 0)).ok());
  CHECK(!ledger.note_stored(line_text(log, 0).substr(0, 12)).ok());
  CHECK(ledger.note_stored(line_text(log, 0)).ok());
}

TEST_CASE("the ledger wants order within a file and not between files") {
  Ledger ledger = with_written(2);
  ledger.begin_file(log);
  ledger.note_written(log);
  ledger.note_written(log);

  CHECK(ledger.note_stored(line_text(log, 3)).ok());
  CHECK(ledger.note_stored(line_text(log, 0)).ok());
  CHECK(ledger.note_stored(line_text(log, 2)).error().text().starts_with("stored after line 3"));
}

TEST_CASE("the ledger says what is missing") {
  Ledger ledger = with_written(4);
  REQUIRE(ledger.note_stored(line_text(log, 0)).ok());
  CHECK(ledger.describe_missing() == "host 1 log 2: 3 of 4 lines missing, the first is 1\n");
  CHECK(ledger.is_stored(log, 0));
  CHECK(!ledger.is_stored(log, 1));

  ledger.forget_stored();
  CHECK(ledger.note_stored(line_text(log, 0)).ok());
}

}  // namespace
}  // namespace reeve::sim
