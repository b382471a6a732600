// The intake alone, over stores that fail: who is answered what, and that sequences have no holes.
#include <future>

#include "server/doors/intake.h"
#include "server/store_writer.h"
#include "tests/pch.h"
#include "tests/server/stubborn_store.h"

namespace reeve::server {
namespace {

SignalBatch batch_of(std::string_view body, std::optional<ItemId> id = std::nullopt) {
  SignalBatch batch;
  batch.logs.push_back({.body = batch.text.keep(body), .id = id ? batch.add_id(*id) : no_item_id});
  return batch;
}

struct Outfit {
  explicit Outfit(Intake::Options intake_options = {.org = "tests"}, StoreWriter::Options writer_options = {})
      : writer(store, counters, std::move(writer_options)), intake(store, writer, doors, std::move(intake_options)) {}

  // The answer, waited for.
  Result<size_t> take(SignalBatch batch) {
    auto answer = std::make_shared<std::promise<Result<size_t>>>();
    std::future<Result<size_t>> got = answer->get_future();
    const Status taken =
        intake.take(std::move(batch), [answer](const Result<size_t>& replayed) { answer->set_value(replayed); });
    if (!taken.ok()) return taken.error();
    return got.get();
  }

  std::vector<BlockRef> blocks() const {
    std::vector<BlockRef> all;
    const Status visited = store.visit_blocks_by_commit({}, [&](const BlockRef& block) {
      all.push_back(block);
      return true;
    });
    REQUIRE(visited.ok());
    return all;
  }

  StubbornStore store;
  ServerCounters counters;
  DoorCounters doors;
  StoreWriter writer;
  Intake intake;
};

}  // namespace

TEST_CASE("blocks of the doors form a stream without holes, of an agent that follows from the org's name") {
  Outfit outfit;
  for (const char* body : {"one", "two", "three"}) REQUIRE(outfit.take(batch_of(body)).ok());

  const std::vector<BlockRef> blocks = outfit.blocks();

  REQUIRE(blocks.size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(blocks[i].identity.agent == door_agent_id("tests"));
    CHECK(blocks[i].identity.epoch == blocks[0].identity.epoch);
    CHECK(blocks[i].identity.sequence == i + 1);
  }
  CHECK(door_agent_id("tests") != door_agent_id("other"));
}

TEST_CASE("a commit that fails is told to whoever asked, and its sequence is used again") {
  Outfit outfit({.org = "tests"}, {.probe_interval = 1ms});
  REQUIRE(outfit.take(batch_of("one")).ok());
  outfit.store.full = true;

  const Result<size_t> refused = outfit.take(batch_of("two"));

  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code() == Code::exhausted);
  outfit.store.full = false;
  while (!outfit.take(batch_of("three")).ok()) std::this_thread::yield();  // the writer looks again by itself
  const std::vector<BlockRef> blocks = outfit.blocks();
  REQUIRE(blocks.size() == 2);
  CHECK(blocks[1].identity.sequence == 2);
  CHECK(outfit.doors.flushes_failed >= 1);
}

TEST_CASE("a commit that was reported as failed and happened after all makes the next ones begin a new stream") {
  Outfit outfit;
  REQUIRE(outfit.take(batch_of("one")).ok());
  // As if the second block had been stored by a commit whose answer was lost.
  wire::LogBlockBuilder builder("");
  const uint32_t source = builder.add_source({.id = 1, .kind = "door", .name = "x", .cursor = ""});
  builder.add({.source = source, .body = "ghost"});
  Bytes ghost = builder.seal({});
  wire::BlockIdentity identity = outfit.blocks().at(0).identity;
  identity.sequence = 2;
  wire::stamp_block(ghost, identity);
  const IncomingBlock block{.identity = identity, .arrival = {}, .bytes = ghost};
  REQUIRE(outfit.store.inner->commit_blocks({&block, 1}).ok());

  CHECK_FALSE(outfit.take(batch_of("two")).ok());
  REQUIRE(outfit.take(batch_of("two")).ok());

  const std::vector<BlockRef> blocks = outfit.blocks();
  REQUIRE(blocks.size() == 3);
  CHECK(blocks[2].identity.epoch != identity.epoch);
  CHECK(blocks[2].identity.sequence == 1);
}

TEST_CASE("items known by their id are counted as here before, whoever sent them") {
  Outfit outfit;
  ItemId id;
  id.bytes.fill(1);

  CHECK(outfit.take(batch_of("one", id)).value() == 0);
  CHECK(outfit.take(batch_of("one", id)).value() == 1);

  CHECK(outfit.blocks().size() == 1);
}

TEST_CASE("a full queue refuses, and what was taken is stored all the same") {
  Outfit outfit({.org = "tests", .requests_max = 2});
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::atomic<int> stored = 0;
  const auto on_stored = [&stored](const Result<size_t>& answer) { stored += answer.ok() ? 1 : 0; };
  std::promise<void> reached;
  const bool held = outfit.writer.try_run([&reached, released](Store&) {
    reached.set_value();
    released.wait();
  });
  REQUIRE(held);
  reached.get_future().wait();

  // One under way, two that wait; the first is taken off the queue at some time, so a few more may fit.
  int taken = 0;
  Status refused;
  while (refused.ok()) {
    refused = outfit.intake.take(batch_of("x"), on_stored);
    taken += refused.ok() ? 1 : 0;
  }
  release.set_value();
  outfit.intake.stop();

  CHECK(refused.error().code() == Code::unavailable);
  CHECK(taken >= 2);
  CHECK(taken <= 8);
  CHECK(stored == taken);
}

TEST_CASE("a request larger than what may wait is refused, and the next one is not") {
  Outfit outfit({.org = "tests", .bytes_max = 10'000});

  CHECK(outfit.take(batch_of(std::string(20'000, 'x'))).error().code() == Code::unavailable);
  CHECK(outfit.take(batch_of("small")).ok());
}

TEST_CASE("what waits when the intake stops is stored before it ends, and nothing is taken afterwards") {
  Outfit outfit;
  std::atomic<int> stored = 0;
  for (int i = 0; i < 50; ++i) {
    REQUIRE(
        outfit.intake.take(batch_of("x"), [&](const Result<size_t>& answer) { stored += answer.ok() ? 1 : 0; }).ok());
  }

  outfit.intake.stop();

  CHECK(stored == 50);
  CHECK(outfit.intake.take(batch_of("y"), [](const Result<size_t>&) {}).error().code() == Code::unavailable);
}

}  // namespace reeve::server
