// The store's writer: order, group commit, full queues, and a disk that is full for a while.
#include "server/store_writer.h"

#include <future>

#include "tests/pch.h"
#include "tests/server/ingest_frames.h"
#include "tests/server/stubborn_store.h"

namespace reeve::server {
namespace {

IncomingBlock incoming(uint64_t sequence) {
  return {.identity = {.agent = agent_id, .epoch = epoch, .lane = wire::Lane::live, .sequence = sequence},
          .arrival = arrival,
          .bytes = make_block(sequence)};
}

StoreWriter::OnCommitted ignored() {
  return [](const Result<CommitOutcome>&) {};
}

// A writer that a test can hold up: nothing behind the gate runs before open().
struct Gate {
  std::promise<void> opened;
  std::shared_future<void> wait = opened.get_future().share();

  void close(StoreWriter& writer) {
    auto entered = std::make_shared<std::promise<void>>();
    std::future<void> is_in = entered->get_future();
    REQUIRE(writer.try_run([entered, opened_later = wait](Store&) {
      entered->set_value();
      opened_later.wait();
    }));
    is_in.wait();
  }
  void open() { opened.set_value(); }
};

struct Scene {
  std::unique_ptr<Store> store = make_memory_store();
  ServerCounters counters;
};

}  // namespace

TEST_CASE("blocks that wait together are stored in one transaction, in order") {
  Scene scene;
  std::atomic<int> groups{0};
  StoreWriter writer(*scene.store, scene.counters, {.on_group = [&groups] { ++groups; }});
  Gate gate;
  gate.close(writer);

  std::vector<uint64_t> through;
  for (uint64_t sequence = 1; sequence <= 20; ++sequence) {
    REQUIRE(writer.try_commit(incoming(sequence), [&through](const Result<CommitOutcome>& outcome) {
      through.push_back(outcome.ok() ? outcome->through : 0);
    }));
  }
  CHECK(writer.queued_bytes() > 0);
  gate.open();
  writer.stop();

  CHECK(groups == 1);
  REQUIRE(through.size() == 20);
  CHECK(std::is_sorted(through.begin(), through.end()));
  CHECK(through.back() == 20);
  CHECK(writer.queued_bytes() == 0);
  CHECK(scene.counters.blocks_stored == 20);
}

TEST_CASE("a block that the store cannot take fails alone") {
  StubbornStore store;
  ServerCounters counters;
  StoreWriter writer(store, counters, {});
  Gate gate;
  gate.close(writer);
  IncomingBlock wrong = incoming(1);
  wrong.identity.agent = *parse_uuid("0198c2f0-7c1e-7abc-8def-ffffffffffff");
  store.unwelcome = wrong.identity.agent;

  std::map<std::string, bool> stored;
  const auto note = [&stored](const std::string& name) {
    return [&stored, name](const Result<CommitOutcome>& outcome) { stored[name] = outcome.ok(); };
  };
  REQUIRE(writer.try_commit(incoming(1), note("first")));
  REQUIRE(writer.try_commit(std::move(wrong), note("wrong")));
  REQUIRE(writer.try_commit(incoming(2), note("second")));
  gate.open();
  writer.stop();

  CHECK(stored == std::map<std::string, bool>{{"first", true}, {"wrong", false}, {"second", true}});
}

TEST_CASE("a group ends at its bound") {
  Scene scene;
  std::atomic<int> groups{0};
  StoreWriter writer(*scene.store, scene.counters, {.group_blocks_max = 5, .on_group = [&groups] { ++groups; }});
  Gate gate;
  gate.close(writer);
  for (uint64_t sequence = 1; sequence <= 20; ++sequence) {
    REQUIRE(writer.try_commit(incoming(sequence), ignored()));
  }

  gate.open();
  writer.stop();

  CHECK(groups == 4);
}

TEST_CASE("work that is handed over behind a commit sees it") {
  Scene scene;
  StoreWriter writer(*scene.store, scene.counters, {});

  REQUIRE(writer.try_commit(incoming(1), ignored()));
  std::vector<StreamPosition> seen;
  const Status done = writer.run([&seen](Store& store) -> Status {
    seen = TRY(store.stream_positions(agent_id));
    return {};
  });

  CHECK(done.ok());
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].through == 1);
}

TEST_CASE("a full queue takes nothing more and calls nobody") {
  Scene scene;
  StoreWriter writer(*scene.store, scene.counters, {.tasks_max = 2});
  Gate gate;
  gate.close(writer);
  REQUIRE(writer.try_commit(incoming(1), ignored()));
  REQUIRE(writer.try_commit(incoming(2), ignored()));
  const uint64_t held = writer.queued_bytes();

  bool called = false;
  CHECK_FALSE(writer.try_commit(incoming(3), [&called](const Result<CommitOutcome>&) { called = true; }));
  CHECK(writer.run([](Store&) -> Status { return {}; }).error().code() == Code::unavailable);
  CHECK(writer.queued_bytes() == held);

  gate.open();
  writer.stop();
  CHECK_FALSE(called);
}

TEST_CASE("what was handed over before the stop is stored, and nothing afterwards") {
  Scene scene;
  StoreWriter writer(*scene.store, scene.counters, {});
  for (uint64_t sequence = 1; sequence <= 5; ++sequence) REQUIRE(writer.try_commit(incoming(sequence), ignored()));

  writer.stop();

  CHECK(scene.store->last_commit_id().value() == 5);
  CHECK_FALSE(writer.try_commit(incoming(6), ignored()));
}

TEST_CASE("a nearly full disk refuses commits with its reason until there is room") {
  Scene scene;
  std::atomic<bool> full{true};
  StoreWriter writer(*scene.store, scene.counters, {.probe_interval = 1ms, .probe = [&full]() -> Status {
                                                      if (full)
                                                        return Error(Code::exhausted, "the disk is nearly full");
                                                      return {};
                                                    }});
  const auto commit = [&writer] {
    std::promise<Result<CommitOutcome>> answer;
    REQUIRE(
        writer.try_commit(incoming(1), [&answer](const Result<CommitOutcome>& outcome) { answer.set_value(outcome); }));
    return answer.get_future().get();
  };

  const Result<CommitOutcome> refused = commit();
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code() == Code::exhausted);
  CHECK(writer.paused() == "the disk is nearly full");

  full = false;
  Result<CommitOutcome> stored = commit();
  SystemClock clock;
  const Instant patience = clock.now() + 10s;
  while (!stored.ok() && clock.now() < patience) stored = commit();
  CHECK(stored.ok());
  CHECK_FALSE(writer.paused());
}

}  // namespace reeve::server
