#include "collectors/table.h"

#include <catch2/catch.hpp>
#include <set>

#include "tests/collectors/fake_journal.h"
#include "tests/collectors/file_fixture.h"

using namespace reeve;
using namespace reeve::collect;

TEST_CASE("every kind of collector has a name of its own and one sentence") {
  std::set<std::string_view> names;
  for (const CollectorKind& kind : collector_kinds()) {
    INFO(kind.name);
    CHECK(names.insert(kind.name).second);
    CHECK(kind.summary.ends_with('.'));
    CHECK(kind.summary.find('.') == kind.summary.size() - 1);
  }
  CHECK(names == std::set<std::string_view>{"file", "journal", "host", "scrape", "syslog"});
}

TEST_CASE("each entry of a config becomes a collector, and each restored file goes on in the one that asks for it") {
  const TempDirectory directory;
  std::ofstream(directory / "a.log") << "a1\n";
  std::ofstream(directory / "b.log") << "b1\n";
  SeededRandom random(1);
  sys::FakeJournal journal;
  journal.add("entry");
  CollectorWorld world{sys::real_disk(), random, sys::open_fake(journal), {}, {}};
  CollectorConfigs configs;
  configs.file.resize(2);
  configs.file[0].include = {directory / "a.*"};
  configs.file[1].include = {directory / "*.log"};
  configs.file[1].exclude = {"a.*"};
  configs.journal.resize(1);
  configs.host.resize(1);

  MemoryIntake intake;
  const auto read_all = [&] {
    intake.rows.clear();
    const auto collectors = make_collectors(configs, world);
    REQUIRE(collectors.size() == 4);
    for (const auto& collector : collectors) {
      for (int polls = 0; polls < 5; ++polls) {
        collector->poll(Instant{1'000'000'000} + std::chrono::seconds(polls), SystemClock().wall(), intake);
      }
    }
    return intake.bodies();
  };
  CHECK(read_all() == Lines{"a1", "b1", "entry"});

  world.restored = intake.latest();
  std::ofstream(directory / "a.log", std::ios::app) << "a2\n";
  std::ofstream(directory / "b.log", std::ios::app) << "b2\n";
  CHECK(read_all() == Lines{"a2", "b2"});
  CHECK(intake.latest().size() == 3);
}
