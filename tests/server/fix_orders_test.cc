// Stops, rollbacks, keeps and preflights; who a runner is, and what its results prove.
#include "tests/pch.h"
#include "tests/server/fix_bench.h"

namespace reeve::server::test {
namespace {

using warrant::OrderKind;
using warrant::StepState;

const std::string with_rollback =
    R"(,"rollback":{"action":"unit.restart","arguments":{"unit":"nginx.service"},"timeout":"30s"})";

auto never_ends() {
  return [](const warrant::Step&) { return std::optional<StepState>(); };
}

}  // namespace

// -- Orders ----------------------------------------------------------------------------------------------------------

TEST_CASE("a stop begins nothing more and stops what runs; again it says the same") {
  FixBench bench(3);
  bench.runner(0).behave = never_ends();
  const Uuid plan = bench.run(3);

  CHECK(bench.ask(&FixEngine::stop, plan).state == PlanState::stopped);
  REQUIRE(bench.runner(0).obeyed.size() == 1);
  CHECK(bench.runner(0).obeyed[0].first == OrderKind::stop);
  CHECK(bench.states(plan) == "failed not_started not_started ");
  CHECK(bench.load(plan).steps[2].progress.code == "stopped");

  const FixReply again = bench.ask(&FixEngine::stop, plan);
  CHECK(again.status == 200);
  CHECK(again.state == PlanState::stopped);
  CHECK(bench.runner(0).obeyed.size() == 1);
  CHECK(bench.runner(1).dispatches.empty());
}

TEST_CASE("a host that was away is told to stop when it is back") {
  FixBench bench;
  bench.runner().behave = never_ends();
  const Uuid plan = bench.run();
  bench.disconnect(bench.agent());
  REQUIRE(bench.ask(&FixEngine::stop, plan).status == 200);
  CHECK(bench.states(plan) == "dispatched ");
  SECTION("to the same server") {}
  SECTION("to one that has restarted") {
    bench.restart();
  }
  bench.connect(bench.agent());
  REQUIRE(bench.runner().obeyed.size() == 1);
  CHECK(bench.states(plan) == "failed ");
}

TEST_CASE("there is nothing to stop of a plan that has ended, and an approved one can be stopped before it runs") {
  FixBench bench;
  const Uuid ended = bench.run();
  CHECK(bench.ask(&FixEngine::stop, ended).status == 409);

  const Uuid waiting = bench.plan();
  CHECK(bench.ask(&FixEngine::stop, waiting).state == PlanState::stopped);
  CHECK(bench.approve(waiting, "bea").status == 409);
  CHECK(bench.ask(&FixEngine::execute, waiting).status == 409);
}

TEST_CASE("a rollback undoes what has ended, last first") {
  FixBench bench(3);
  std::vector<std::string> order;
  const Uuid plan = bench.run(3, with_rollback);
  REQUIRE(bench.state(plan) == PlanState::done);

  const FixReply reply = bench.ask(&FixEngine::roll_back, plan);
  CHECK(reply.status == 202);
  CHECK(!reply.command.is_nil());
  CHECK(bench.state(plan) == PlanState::rolled_back);
  std::vector<std::pair<WallTime, std::string>> ended;
  for (const FixStep& step : bench.load(plan).steps) CHECK(step.progress.rollback == FixStepState::done);
  const auto entries = bench.store->accounts().list_audit({.action = "fix.order_rollback", .limit = 10}).value();
  REQUIRE(entries.size() == 3);  // newest first
  CHECK_THAT(entries[2].detail, Catch::Contains("web-3"));
  CHECK_THAT(entries[0].detail, Catch::Contains("web-1"));
  CHECK(bench.ask(&FixEngine::roll_back, plan).command == reply.command);
}

TEST_CASE("a rollback of a host that is away waits for it, across a restart") {
  FixBench bench(2);
  const Uuid plan = bench.run(2, with_rollback);
  bench.disconnect(bench.agent(1));
  REQUIRE(bench.ask(&FixEngine::roll_back, plan).status == 202);
  CHECK(bench.state(plan) == PlanState::rolling_back);
  CHECK(bench.runner(0).obeyed.empty());  // its turn comes later
  bench.restart();
  bench.connect(bench.agent(1));
  CHECK(bench.state(plan) == PlanState::rolled_back);
}

TEST_CASE("a rollback that never gets through expires, and the plan has failed") {
  FixBench bench;
  const Uuid plan = bench.run(1, with_rollback);
  bench.disconnect(bench.agent());
  REQUIRE(bench.ask(&FixEngine::roll_back, plan).status == 202);
  bench.pass(24h);
  CHECK(bench.state(plan) == PlanState::failed);
  CHECK(bench.load(plan).steps[0].progress.rollback == FixStepState::expired);
}

TEST_CASE("what has no rollback, runs, or never ran is not rolled back") {
  FixBench bench;
  CHECK(bench.ask(&FixEngine::roll_back, bench.run()).status == 409);
  CHECK(bench.ask(&FixEngine::roll_back, bench.plan(1, with_rollback)).status == 409);
  bench.runner().behave = never_ends();
  CHECK(bench.ask(&FixEngine::roll_back, bench.run(1, with_rollback)).status == 409);
}

TEST_CASE("a keep is ordered where a step waits for it, and nowhere else") {
  FixBench bench;
  const Uuid plan = bench.run(1, with_rollback + R"(,"keep_within":"60s")");
  CHECK(bench.ask(&FixEngine::keep, plan).status == 200);
  REQUIRE(bench.runner().obeyed.size() == 1);
  CHECK(bench.runner().obeyed[0].first == OrderKind::keep);
  CHECK(bench.load(plan).steps[0].progress.keep_ordered);
  CHECK(bench.ask(&FixEngine::keep, bench.plan()).status == 409);
}

TEST_CASE("a plan that its hosts rolled back by themselves is shown as such") {
  FixBench bench;
  const Uuid plan = bench.run(1, with_rollback + R"(,"keep_within":"60s")");
  bench.runner().finish(StepState::done, warrant::Phase::rollback, bench.load(plan).steps[0].id);
  bench.carry({});
  CHECK(bench.state(plan) == PlanState::rolled_back);
}

TEST_CASE("a preflight asks each runner and runs nothing") {
  FixBench bench(3);
  bench.disconnect(bench.agent(1));
  bench.runner(2).mute = true;
  const Uuid plan = bench.plan(3);
  const FixReply begun = bench.ask(&FixEngine::preflight, plan);
  REQUIRE(begun.status == 202);
  CHECK(bench.ask(&FixEngine::preflight, plan).command == begun.command);  // while it is under way
  CHECK(!bench.store->fixes().find_command(begun.command).value().done);

  bench.pass(31s);
  CHECK(bench.store->fixes().find_command(begun.command).value().done);
  const std::vector<StepCheck> checks = bench.store->fixes().list_checks(begun.command).value();
  REQUIRE(checks.size() == 3);
  CHECK(checks[0].state == "done");
  CHECK(warrant::signed_by(warrant::decode_envelope(checks[0].envelope).value(), bench.runner(0).key.public_key()));
  CHECK(checks[1].state == "offline");
  CHECK(checks[2].state == "no_answer");
  for (const auto& [agent, runner] : bench.runners) CHECK(runner.began.empty());
}

// -- Trust -----------------------------------------------------------------------------------------------------------

TEST_CASE("trust moves one version at a time, signed, and runners hear of it at once") {
  FixBench bench(1, false);
  CHECK(bench.ask(&FixEngine::execute, bench.plan()).status == 409);
  CHECK(bench.runner().trust.trust_version() == 0);

  FixPeople stranger = bench.people;
  CHECK(bench.take_trust("nonsense").status == 400);
  CHECK(bench.take_trust(bench.people.signed_trust(1)).status == 201);
  CHECK(bench.runner().trust.trust_version() == 1);
  CHECK(bench.runner().trust.freshness()->trust_version == 1);

  CHECK(bench.take_trust(bench.people.signed_trust(1)).status == 422);
  CHECK(bench.take_trust(bench.people.signed_trust(3)).status == 422);
  stranger.root = crypto::SigningKey::make();
  CHECK(bench.take_trust(stranger.signed_trust(2)).status == 422);
  CHECK(bench.take_trust(bench.people.signed_trust(2)).status == 201);
  CHECK(bench.runner().trust.trust_version() == 2);
  CHECK(bench.store->fixes().list_trust().value().size() == 2);
  CHECK(bench.store->fixes().list_runners().value()[0].trust_version == 2);
  CHECK(bench.audited("trust.change") == 2);
}

TEST_CASE("a revocation grows, is signed by a root, and survives a restart") {
  FixBench bench;
  warrant::Revocation revocation{.org = "acme", .version = 1, .at_ms = 1, .persons = {"cid"}};
  CHECK(bench.revoke(revocation).status == 201);
  CHECK(bench.runner().trust.person_revoked("cid"));
  CHECK(bench.revoke(revocation).status == 422);
  CHECK(bench.revoke({.org = "acme", .version = 2, .at_ms = 1, .persons = {"dan"}}).status == 422);
  bench.restart();
  CHECK(bench.approve(bench.plan(), "cid").status == 422);
}

TEST_CASE("a runner that was away for many versions is brought along") {
  FixBench bench;
  bench.disconnect(bench.agent());
  for (uint64_t version = 2; version <= 40; ++version) {
    REQUIRE(bench.take_trust(bench.people.signed_trust(version)).status == 201);
  }
  bench.connect(bench.agent());
  CHECK(bench.runner().trust.trust_version() == 40);
  const Uuid late = bench.add_runner("web-2");
  CHECK(bench.runners.at(late).trust.trust_version() == 40);
}

// -- Who it is -------------------------------------------------------------------------------------------------------

TEST_CASE("a runner is bound to its agent when it is first seen; another key is told in the audit") {
  FixBench bench;
  const std::vector<Runner> known = bench.store->fixes().list_runners().value();
  REQUIRE(known.size() == 1);
  CHECK(known[0].host == bench.runner().host());
  CHECK(bench.audited("runner.bind") == 1);

  bench.disconnect(bench.agent());
  bench.runner().key = crypto::SigningKey::make();
  bench.connect(bench.agent());
  CHECK(bench.audited("runner.rekey") == 1);
  CHECK(bench.store->fixes().list_runners().value()[0].host == bench.runner().host());
}

TEST_CASE("a runner of another org is not ours") {
  FixBench bench(0);
  const Uuid agent = make_id(1);
  bench.runners.emplace(agent, FakeRunner("other", "web-1", warrant::root_fingerprint(bench.people.trust())));
  bench.connect(agent);
  CHECK(bench.store->fixes().list_runners().value().empty());
  CHECK(bench.audited("runner.refuse") == 1);
}

TEST_CASE("two agents cannot speak for one host at a time, but it may be enrolled anew") {
  FixBench bench;
  const Uuid thief = bench.add_runner("web-1", false);
  bench.runners.at(thief).key = bench.runner().key;
  bench.connect(thief);
  CHECK(bench.audited("runner.refuse") == 1);
  REQUIRE(bench.store->fixes().list_runners().value().size() == 1);
  CHECK(bench.store->fixes().list_runners().value()[0].agent == bench.agent());

  bench.disconnect(bench.agent());
  bench.disconnect(thief);
  bench.connect(thief);
  REQUIRE(bench.store->fixes().list_runners().value().size() == 1);
  CHECK(bench.store->fixes().list_runners().value()[0].agent == thief);
  CHECK(bench.audited("runner.move") == 1);
}

// -- What results prove ----------------------------------------------------------------------------------------------

TEST_CASE("a result that its runner's key has not signed changes nothing") {
  FixBench bench;
  bench.runner().behave = never_ends();
  const Uuid plan = bench.run();
  const crypto::SigningKey own = bench.runner().key;
  bench.runner().key = crypto::SigningKey::make();
  bench.runner().finish(StepState::done);
  bench.carry({});
  CHECK(bench.states(plan) == "dispatched ");
  CHECK(bench.audited("runner.bad_result") == 1);
  CHECK(bench.store->fixes().list_receipts(plan).value().empty());
}

TEST_CASE("a host cannot tell of another host's step") {
  FixBench bench(2);
  bench.runner(0).behave = never_ends();
  const Uuid plan = bench.run(2);
  bench.runner(1).finish(StepState::done, warrant::Phase::exec, bench.load(plan).steps[0].id);
  bench.carry({});
  CHECK(bench.states(plan) == "dispatched waiting ");
}

TEST_CASE("a hole in a runner's results is told in the audit, and its results are kept") {
  FixBench bench;
  bench.runner().behave = never_ends();
  const Uuid plan = bench.run();
  const Bytes step = bench.runner().running;
  bench.runner().mute = true;
  bench.runner().finish(StepState::unknown);
  bench.runner().mute = false;
  bench.runner().finish(StepState::done, warrant::Phase::exec, step);
  bench.carry({});
  CHECK(bench.states(plan) == "done ");
  CHECK(bench.audited("runner.chain_hole") == 1);
  CHECK(bench.store->fixes().list_receipts(plan).value().size() == 1);
}

TEST_CASE("a result with another predecessor than the one we have is told in the audit") {
  FixBench bench;
  bench.run();
  bench.runner().last_hash = Bytes(32, '\x01');
  const Uuid second = bench.run();
  CHECK(bench.states(second) == "done ");
  CHECK(bench.audited("runner.chain_break") == 1);
}

TEST_CASE("a result that comes twice is acknowledged twice and kept once") {
  FixBench bench;
  const Uuid plan = bench.run();
  bench.runner().acknowledged = 0;
  bench.disconnect(bench.agent());
  bench.connect(bench.agent());
  CHECK(bench.runner().acknowledged == 1);
  CHECK(bench.store->fixes().list_receipts(plan).value().size() == 1);
  CHECK(bench.audited("runner.chain_hole") == 0);
}

TEST_CASE("a result of a step that no plan of ours has is kept as a stray one and acknowledged") {
  FixBench bench;
  bench.runner().finish(StepState::done, warrant::Phase::exec, Bytes(32, '\x05'));
  bench.carry({});
  CHECK(bench.runner().acknowledged == 1);
  CHECK(bench.store->fixes().list_receipts(Uuid{}).value().size() == 1);
}

TEST_CASE("a probe's later word replaces that nobody knew") {
  FixBench bench;
  bench.runner().behave = [](const warrant::Step&) { return StepState::unknown; };
  const Uuid plan = bench.run();
  REQUIRE(bench.states(plan) == "unknown ");
  bench.runner().finish(StepState::done, warrant::Phase::exec, bench.load(plan).steps[0].id);
  bench.carry({});
  CHECK(bench.states(plan) == "done ");
  CHECK(bench.state(plan) == PlanState::failed);
}

TEST_CASE("what is no message of a runner is counted in the audit once a minute, and hurts nobody") {
  FixBench bench;
  for (int i = 0; i < 5; ++i) {
    FixActions actions;
    bench.engine->on_message(bench.agent(), "nonsense", bench.time, actions);
    bench.carry(std::move(actions));
  }
  CHECK(bench.audited("runner.malformed") == 1);
  CHECK(bench.state(bench.run()) == PlanState::done);
}

}  // namespace reeve::server::test
