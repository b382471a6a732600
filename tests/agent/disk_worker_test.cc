#include "agent/disk_worker.h"

#include <catch2/catch.hpp>

#include "common/base/log.h"
#include "tests/agent/spool_fixture.h"

namespace reeve::agent {

namespace {

constexpr Duration patience = 20s;

// The worker's answers, as mailboxes that the test waits at. On the worker's thread nothing may CHECK: Catch2 has one.
struct DiskWorkerTest {
  SeededRandom random{7};
  SimDisk disk{random};
  SystemClock clock;
  Mailbox<SpoolReport> reports{10'000};
  Mailbox<std::vector<wire::SourcePosition>> durable{10'000};
  std::unique_ptr<DiskWorker> worker;

  DiskWorkerTest() { set_log_descriptor(-1); }
  ~DiskWorkerTest() {
    worker.reset();
    set_log_descriptor(2);
  }

  void start(const Spool::Options& options) {
    auto spool = Spool::open(disk, random, agent_id, options);
    REQUIRE(spool.ok());
    DiskWorker::Handlers handlers;
    handlers.on_report = [this](SpoolReport report) { check(reports.try_send(std::move(report)), "reports fit"); };
    handlers.on_durable = [this](std::vector<wire::SourcePosition>&& positions) {
      return durable.try_send(std::move(positions));
    };
    worker = std::make_unique<DiskWorker>(std::move(spool).value(), clock, std::move(handlers));
  }

  SealedBlock block(uint64_t offset, size_t size = 0) const {
    return {Lane::live, block_of("text", size), {position_at(1, offset)}};
  }

  SpoolReport wait_for(const std::function<bool(const SpoolReport&)>& wanted) {
    const Instant deadline = clock.now() + patience;
    while (clock.now() < deadline) {
      const auto report = reports.receive(patience);
      if (report && wanted(*report)) return *report;
    }
    FAIL("no such report");
    return {};
  }
};

}  // namespace

TEST_CASE_METHOD(DiskWorkerTest, "blocks become durable, are reported, and their positions are told") {
  start({.directory = directory, .bytes_max = 1_MiB, .segment_bytes_max = 64_KiB});

  REQUIRE(worker->append(block(10)));
  REQUIRE(worker->append(block(20)));

  wait_for([](const SpoolReport& report) { return report.view.lanes[0].next_durable == 3; });
  uint64_t offset = 0;
  while (offset < 20) offset = durable.receive(patience).value().at(0).offset;
  CHECK(offset == 20);
}

TEST_CASE_METHOD(DiskWorkerTest, "when the spool is full blocks wait, and an acknowledgement lets them in") {
  start({.directory = directory, .bytes_max = 64_KiB, .segment_bytes_max = 16_KiB});
  uint64_t appended = 0;
  SealedBlock next = block(1, 8000);
  while (reports.size() < 9'000) {
    if (worker->try_append(std::move(next))) next = block(++appended + 1, 8000);
    const auto report = reports.try_receive();
    if (report && !report->full_reason.empty()) break;
  }
  const SpoolReport full = wait_for([](const SpoolReport& report) { return !report.full_reason.empty(); });
  const uint64_t held = full.view.lanes[0].next_durable - 1;
  CHECK(held < appended);

  REQUIRE(worker->try_run([held](Spool& spool) { check(spool.acknowledge(Lane::live, held).ok(), "it is held"); }));

  wait_for([held](const SpoolReport& report) { return report.view.lanes[0].next_durable > held + 1; });
}

TEST_CASE_METHOD(DiskWorkerTest, "it ends although the spool is full, and what found no room is given up") {
  start({.directory = directory, .bytes_max = 64_KiB, .segment_bytes_max = 16_KiB});
  SealedBlock next = block(1, 8000);
  bool full = false;
  while (!full) {
    if (worker->try_append(std::move(next))) next = block(1, 8000);
    const auto report = reports.try_receive();
    full = report && !report->full_reason.empty();
  }

  worker->stop_waiting_for_room();
  while (worker->try_append(block(2, 8000))) {
  }
  CHECK(worker->append(block(3, 8000)));
  worker->stop();

  CHECK_FALSE(worker->append(block(4)));
}

TEST_CASE_METHOD(DiskWorkerTest, "who asks for everything to be durable is told behind the report that says so") {
  start({.directory = directory, .bytes_max = 1_MiB, .segment_bytes_max = 64_KiB});
  REQUIRE(worker->append(block(10)));
  Mailbox<size_t> answers{1};

  // How many reports lay there when the answer came.
  REQUIRE(worker->try_when_durable([&] { check(answers.try_send(reports.size()), "asked once"); }));

  const size_t before = answers.receive(patience).value();
  SpoolReport last;
  for (size_t i = 0; i < before; ++i) last = reports.try_receive().value();
  CHECK(last.view.lanes[0].next_durable == 2);
}

}  // namespace reeve::agent
