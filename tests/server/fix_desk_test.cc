// The shell around the engine: what must be durable is, before anybody hears of it; and what the server's trust says.
#include "server/fix/desk.h"

#include "common/base/log.h"
#include "server/store/fixes.h"
#include "tests/pch.h"
#include "tests/server/fake_runner.h"
#include "tests/server/fix_bench.h"
#include "tests/server/stubborn_store.h"

namespace reeve::server::test {
namespace {

// Fixes that are not taken while a test says so.
class StubbornFixes : public Fixes {
 public:
  explicit StubbornFixes(Fixes& inner) : inner_(inner) {}
  std::atomic<bool> full{false};
  std::atomic<int> applied{0};

  Status apply(const FixChange& change) override {
    if (full) return Error(Code::exhausted, "the disk is full");
    ++applied;
    return inner_.apply(change);
  }
  Result<std::vector<SignedVersion>> list_trust() const override { return inner_.list_trust(); }
  Result<std::optional<SignedVersion>> newest_revocation() const override { return inner_.newest_revocation(); }
  Result<std::vector<Runner>> list_runners() const override { return inner_.list_runners(); }
  Result<FixPlan> find_plan(const Uuid& plan) const override { return inner_.find_plan(plan); }
  Result<std::vector<FixPlan>> list_plans(const PlanQuery& query) const override { return inner_.list_plans(query); }
  Result<std::vector<FixStep>> list_steps(const Uuid& plan) const override { return inner_.list_steps(plan); }
  Result<StepPlace> find_step(BytesView id) const override { return inner_.find_step(id); }
  Result<std::vector<FixApproval>> list_approvals(const Uuid& plan) const override {
    return inner_.list_approvals(plan);
  }
  Result<std::vector<Receipt>> list_receipts(const Uuid& plan) const override { return inner_.list_receipts(plan); }
  Result<FixCommand> find_command(const Uuid& command) const override { return inner_.find_command(command); }
  Result<std::vector<StepCheck>> list_checks(const Uuid& command) const override { return inner_.list_checks(command); }

 private:
  Fixes& inner_;
};

class FixesStore : public StubbornStore {
 public:
  StubbornFixes stubborn{StubbornStore::fixes()};
  Fixes& fixes() override { return stubborn; }
  const Fixes& fixes() const override { return stubborn; }
};

struct DeskWorld {
  SystemClock clock;
  sys::Loop loop{clock};
  FixesStore store;
  ServerCounters counters;
  StoreWriter writer{store, counters, {}};
  FixPeople people;
  FixEngine::Keys keys{crypto::SigningKey::make(), crypto::SigningKey::make()};
  std::vector<Bytes> sent;
  std::unique_ptr<FixDesk> desk;

  DeskWorld() {
    set_log_level(LogLevel::error);
    set_log_descriptor(-1);
    people.planner = keys.planner.public_key();
    people.freshness = keys.freshness.public_key();
    desk = FixDesk::open({.loop = loop,
                          .writer = writer,
                          .store = store,
                          .send =
                              [this](const Uuid&, BytesView message) {
                                sent.emplace_back(message);
                                return true;
                              }},
                         {.org = "acme", .keys = keys, .audit_key = Bytes(32, '\0'), .reload_pause = 1ms})
               .value();
  }
  ~DeskWorld() {
    desk.reset();
    writer.stop();
    set_log_descriptor(2);
    set_log_level(LogLevel::info);
  }

  Result<FixReply> give_trust(uint64_t version) {
    std::optional<Result<FixReply>> got;
    desk->ask(
        [envelope = people.signed_trust(version)](FixEngine& engine, FixTime time, FixActions& actions) {
          return engine.take_trust(envelope, {.time = time.wall, .action = "trust.change"}, time, actions);
        },
        [&got](Result<FixReply> reply) { got = std::move(reply); });
    REQUIRE(loop.run_until([&] { return got.has_value(); }, 10s));
    return *got;
  }
};

}  // namespace

TEST_CASE("a request is answered when what it changed is in the store") {
  DeskWorld world;
  CHECK(world.give_trust(1).value().status == 201);
  CHECK(world.store.stubborn.applied == 1);
  CHECK(world.store.fixes().list_trust().value().size() == 1);
}

TEST_CASE("a change that the store does not take is not answered as done, and is forgotten") {
  DeskWorld world;
  world.store.stubborn.full = true;
  CHECK(world.give_trust(1).error().code() == Code::exhausted);
  world.store.stubborn.full = false;

  // Until the engine is made anew it says so; then it knows nothing of what was refused.
  Result<FixReply> again = world.give_trust(1);
  while (!again.ok()) {
    CHECK(again.error().code() == Code::unavailable);
    again = world.give_trust(1);
  }
  CHECK(again->status == 201);
}

TEST_CASE("an agent that was there before the engine began anew is asked again") {
  DeskWorld world;
  world.desk->on_open(make_id(1));
  REQUIRE(world.sent.size() == 1);
  world.store.stubborn.full = true;
  CHECK(!world.give_trust(1).ok());
  REQUIRE(world.loop.run_until([&] { return world.sent.size() == 2; }, 10s));
  CHECK(world.sent[0] == world.sent[1]);
  world.desk->on_closed(make_id(1));
}

TEST_CASE("who asks while the server stops is told so") {
  DeskWorld world;
  world.desk->stop();
  CHECK(world.give_trust(1).error().code() == Code::unavailable);
}

TEST_CASE("a plan goes its way on disk too, across a server that stops in the middle") {
  OnDisk disk;
  FixBench bench(3, true, std::move(disk.store));
  bench.runner(1).behave = [](const warrant::Step&) { return std::optional<warrant::StepState>(); };
  const Uuid plan = bench.run(3);
  REQUIRE(bench.states(plan) == "done dispatched waiting ");
  bench.engine.reset();
  bench.store.reset();
  bench.store = disk.open();
  bench.restart();
  bench.runner(1).finish(warrant::StepState::done);
  bench.carry({});
  CHECK(bench.states(plan) == "done done done ");
  CHECK(bench.state(plan) == PlanState::done);
  CHECK(bench.store->fixes().list_receipts(plan).value().size() == 3);
}

// -- Trust -----------------------------------------------------------------------------------------------------------

TEST_CASE("a freshness statement is made anew when it is a minute old, and lives for an hour") {
  FixPeople people;
  const crypto::SigningKey key = crypto::SigningKey::make();
  people.planner = Bytes(32, '\x0b');
  people.freshness = key.public_key();
  OrgTrust trust("acme", key);
  CHECK(!trust.update_for(0, noon).freshness.has_value());
  REQUIRE(trust.take_trust(people.signed_trust()).ok());

  const auto at = [&](WallTime time) {
    return warrant::decode_freshness(trust.update_for(0, time).freshness->payload).value();
  };
  CHECK(at(noon).at_ms == to_ms(noon));
  CHECK(at(noon).not_after_ms == to_ms(noon + 1h));
  CHECK(at(noon + 59s).at_ms == to_ms(noon));
  CHECK(at(noon + 60s).at_ms == to_ms(noon + 60s));
  CHECK(at(noon).at_ms == to_ms(noon));  // a clock that was put back
  const warrant::Revocation revocation{.org = "acme", .version = 1, .at_ms = 1, .persons = {"cid"}};
  REQUIRE(trust.take_revocation(people.signed_revocation(revocation)).ok());
  CHECK(at(noon + 1s).revocation_version == 1);
}

TEST_CASE("a key that the trust file does not name, or that is revoked, says nothing of what is current") {
  FixPeople people;
  const crypto::SigningKey key = crypto::SigningKey::make();
  people.planner = Bytes(32, '\x0b');
  people.freshness = crypto::SigningKey::make().public_key();
  OrgTrust stranger("acme", key);
  REQUIRE(stranger.take_trust(people.signed_trust()).ok());
  CHECK(!stranger.update_for(0, noon).freshness.has_value());

  people.freshness = key.public_key();
  OrgTrust trust("acme", key);
  REQUIRE(trust.take_trust(people.signed_trust()).ok());
  REQUIRE(trust.update_for(0, noon).freshness.has_value());
  const warrant::Revocation revocation{
      .org = "acme", .version = 1, .at_ms = 1, .keys = {warrant::key_id(key.public_key())}};
  REQUIRE(trust.take_revocation(people.signed_revocation(revocation)).ok());
  CHECK(!trust.update_for(0, noon).freshness.has_value());
}

TEST_CASE("an update begins behind what a runner has, and holds no more than an update may") {
  FixPeople people;
  const crypto::SigningKey key = crypto::SigningKey::make();
  people.planner = Bytes(32, '\x0b');
  people.freshness = key.public_key();
  OrgTrust trust("acme", key);
  for (uint64_t version = 1; version <= 20; ++version) REQUIRE(trust.take_trust(people.signed_trust(version)).ok());
  const auto first = [&](uint64_t from) {
    return warrant::decode_trust(trust.update_for(from, noon).trust.front().payload).value().version;
  };
  CHECK(first(0) == 5);
  CHECK(first(1) == 2);
  CHECK(trust.update_for(1, noon).trust.size() == warrant::trust_chain_max);
  CHECK(first(19) == 20);
  CHECK(trust.update_for(20, noon).trust.empty());
}

}  // namespace reeve::server::test
