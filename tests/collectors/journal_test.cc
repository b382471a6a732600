#include "collectors/journal.h"

#include <catch2/catch.hpp>

#include "tests/collectors/fake_journal.h"
#include "tests/collectors/memory_intake.h"

using namespace reeve;
using namespace reeve::collect;
using Lines = std::vector<Bytes>;

namespace {

struct JournalFixture {
  JournalCollector& start(std::vector<wire::SourcePosition> restored = {}) {
    collector = std::make_unique<JournalCollector>(config, sys::open_fake(journal), random, restored);
    return *collector;
  }
  JournalCollector& restart() { return start(intake.latest()); }

  Lines read() {
    for (int polls = 0; polls < 1000; ++polls) {
      const Poll poll = collector->poll(now, WallTime{}, intake);
      now = now + 1s;
      if (poll.at_end || !poll.more) break;
    }
    Lines bodies = intake.bodies();
    intake.rows.clear();
    return bodies;
  }

  JournalConfig config;
  sys::FakeJournal journal;
  SeededRandom random{1};
  Instant now{1'000'000'000'000};
  MemoryIntake intake;
  std::unique_ptr<JournalCollector> collector;
};

}  // namespace

TEST_CASE("the first start begins with the current boot") {
  JournalFixture f;
  f.journal.add("before", "earlier");
  f.journal.add("one");
  f.journal.add("two");
  f.start();

  CHECK(f.read() == Lines{"one", "two"});
  CHECK(f.read() == Lines{});
  f.journal.add("three");
  CHECK(f.read() == Lines{"three"});
  CHECK(f.collector->counters().entries == 3);
}

TEST_CASE("a journal of one boot is read from its head") {
  JournalFixture f;
  f.journal.add("one");
  f.journal.add("two");
  f.start();

  CHECK(f.read() == Lines{"one", "two"});
}

TEST_CASE("the first start goes back no further than its bytes allow") {
  JournalFixture f;
  f.config.first_bytes_max = 6;
  f.journal.add("one");
  f.journal.add("two");
  f.journal.add("six");
  f.start();
  CHECK(f.read() == Lines{"two", "six"});

  f.config.first_bytes_max = 5;
  f.intake.positions.clear();
  f.start();
  CHECK(f.read() == Lines{"six"});
}

TEST_CASE("stepping far back and reading far forward take several bounded polls") {
  JournalFixture f;
  for (int i = 0; i < 10'000; ++i) f.journal.add(std::to_string(i));
  f.start();

  CHECK(f.collector->poll(f.now, WallTime{}, f.intake).more);
  CHECK(f.intake.rows.empty());
  const Lines lines = f.read();
  REQUIRE(lines.size() == 10'000);
  CHECK(lines.front() == "0");
  CHECK(lines.back() == "9999");
}

TEST_CASE("a start at the end gives only what is added") {
  JournalFixture f;
  f.config.start = JournalConfig::Start::end;
  f.journal.add("old");
  f.start();
  CHECK(f.read() == Lines{});

  f.journal.add("new");
  CHECK(f.read() == Lines{"new"});
}

TEST_CASE("a restart goes on behind the last durable entry, under the same source") {
  JournalFixture f;
  f.journal.add("one");
  f.start();
  CHECK(f.read() == Lines{"one"});
  const uint64_t id = f.intake.latest()[0].id;

  f.journal.add("two");
  f.restart();
  CHECK(f.read() == Lines{"two"});
  REQUIRE(f.intake.latest().size() == 1);
  CHECK(f.intake.latest()[0].id == id);
  CHECK(f.intake.latest()[0].offset == 2);
  CHECK(f.collector->counters().gaps == 0);
}

TEST_CASE("a cursor whose entry is gone is a counted gap, and what followed is read") {
  JournalFixture f;
  f.journal.add("one");
  f.start();
  CHECK(f.read() == Lines{"one"});

  f.journal.add("two");
  f.journal.vacuum_oldest();
  f.restart();
  CHECK(f.read() == Lines{"two"});
  CHECK(f.collector->counters().gaps == 1);
}

TEST_CASE("a cursor that is none is a counted gap, and the start rule applies") {
  JournalFixture f;
  f.journal.add("one");
  wire::SourcePosition position;
  position.id = 7;
  position.kind = "journal";
  position.cursor = "nonsense";
  f.start({position});

  CHECK(f.read() == Lines{"one"});
  CHECK(f.collector->counters().gaps == 1);
}

TEST_CASE("an entry's fields say level, service and origin") {
  JournalFixture f;
  f.journal.add("hello\n", "now",
                {{"PRIORITY", "3"}, {"_SYSTEMD_UNIT", "nginx.service"}, {"_PID", "42"}, {"CODE_LINE", "9"}});
  f.journal.add("from a session", "now",
                {{"PRIORITY", "5"}, {"_SYSTEMD_UNIT", "session-1.scope"}, {"SYSLOG_IDENTIFIER", "sudo"}});
  f.journal.add("of a user", "now",
                {{"_SYSTEMD_UNIT", "user@1000.service"}, {"_SYSTEMD_USER_UNIT", "app.service"}, {"PRIORITY", "x"}});
  f.journal.add("nameless", "now", {{"PRIORITY", "0"}});
  f.start();
  f.collector->poll(f.now, WallTime{}, f.intake);
  f.collector->poll(f.now, WallTime{}, f.intake);

  const auto& rows = f.intake.rows;
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].body == "hello");
  CHECK(rows[0].service == "nginx");
  CHECK(rows[0].level == wire::Level::error);
  CHECK(rows[0].time == WallTime{1'000'000'000});
  CHECK(rows[0].fields ==
        std::map<std::string, std::string>{{"_SYSTEMD_UNIT", "nginx.service"}, {"_PID", "42"}, {"_BOOT_ID", "now"}});
  CHECK(rows[1].service == "sudo");
  CHECK(rows[1].level == wire::Level::info);
  CHECK(rows[2].service == "app");
  CHECK(rows[2].level == wire::Level::unset);
  CHECK(rows[3].service == "journal");
  CHECK(rows[3].level == wire::Level::fatal);
}

TEST_CASE("a message over the cap is cut and the rest counted, at the cap it is whole") {
  JournalFixture f;
  f.config.line_bytes_max = 4;
  f.journal.add("four");
  f.journal.add("fiver");
  f.start();

  CHECK(f.read() == Lines{"four", "five"});
  CHECK(f.intake.drops["line_too_long"] == 1);
}

TEST_CASE("a full intake gets nothing, and everything once it has room") {
  JournalFixture f;
  f.journal.add("one");
  f.journal.add("two");
  f.intake.rows_max = 1;
  f.start();
  CHECK(f.read() == Lines{"one"});
  CHECK(f.intake.latest()[0].offset == 1);

  CHECK(f.read() == Lines{"two"});
}

TEST_CASE("an absent journal lets the collector idle, and it is found when it appears") {
  JournalFixture f;
  f.journal.present = false;
  f.start();

  CHECK(f.collector->poll(f.now, WallTime{}, f.intake).at_end);
  CHECK(f.collector->poll(f.now + 1s, WallTime{}, f.intake).at_end);
  CHECK(f.journal.opened == 1);
  CHECK(f.collector->watched_directories().empty());

  f.journal.present = true;
  f.journal.add("one");
  f.now = f.now + 60s;
  CHECK(f.read() == Lines{"one"});
  CHECK(f.collector->watched_directories() == std::vector<std::string>{"/var/log/journal/fake"});
}

TEST_CASE("a journal that fails is opened again, and a place that always fails is left behind as a gap") {
  JournalFixture f;
  f.journal.add("one");
  f.journal.add("damaged");
  f.journal.add("three");
  f.journal.unreadable_number = 2;
  f.start();
  CHECK(f.read() == Lines{"one"});

  for (int i = 0; i < 10; ++i) {
    f.now = f.now + 10s;
    f.read();
  }
  CHECK(f.collector->counters().gaps == 1);
  CHECK(f.collector->counters().failures >= 3);
  f.journal.add("four");
  CHECK(f.read() == Lines{"four"});
}

TEST_CASE("this host's journal opens or says why not") {
  const auto opened = sys::open_journal();
  CHECK((opened.ok() || !opened.error().text().empty()));
}
