// From a plan to its receipts: approvals, waves, dispatches, and what happens when something is lost on the way.
#include "tests/pch.h"
#include "tests/server/fix_bench.h"

namespace reeve::server::test {
namespace {

using warrant::StepState;

size_t began(const FixBench& bench) {
  size_t count = 0;
  for (const auto& [agent, runner] : bench.runners) count += runner.began.size();
  return count;
}

}  // namespace

// -- Approval --------------------------------------------------------------------------------------------------------

TEST_CASE("a plan is approved by as many distinct persons as trust asks for, and not before") {
  FixBench bench;
  const Uuid plan = bench.plan();

  const FixReply first = bench.approve(plan, "bea");
  CHECK(first.status == 200);
  CHECK(first.counted == 1);
  CHECK(first.needed == 2);
  CHECK(first.state == PlanState::waiting);
  CHECK(bench.ask(&FixEngine::execute, plan).status == 409);

  const FixReply again = bench.approve(plan, "bea");
  CHECK(again.counted == 1);
  CHECK(bench.state(plan) == PlanState::waiting);

  const FixReply second = bench.approve(plan, "cid");
  CHECK(second.counted == 2);
  CHECK(second.state == PlanState::approved);
  CHECK(bench.state(plan) == PlanState::approved);
  CHECK(began(bench) == 0);
  CHECK(bench.load(plan).approvals.size() == 2);
}

TEST_CASE("an approval that is not this plan's, or not its person's, is refused and not kept") {
  FixBench bench;
  const Uuid plan = bench.plan();
  const Uuid other = bench.plan();
  warrant::Approval approval = bench.approval_of(plan, "bea");
  crypto::SigningKey key = bench.people.approvers.at("bea");

  SECTION("its root is another") {
    approval.root[0] = static_cast<char>(approval.root[0] ^ 1);
  }
  SECTION("it is somebody else's plan") {
    approval.plan = Bytes(other.view());
  }
  SECTION("it is another org's") {
    approval.org = "other";
  }
  SECTION("it tells fewer hosts") {
    approval.count = 2;
  }
  SECTION("it tells a lower risk") {
    approval.risk_max = 1;
  }
  SECTION("it is signed by another person's key") {
    key = bench.people.approvers.at("cid");
  }
  SECTION("it is signed by a key that nobody has") {
    key = crypto::SigningKey::make();
  }
  SECTION("it is from somebody who approves nothing") {
    approval.person = "eve";
  }
  SECTION("it has expired") {
    approval.at_ms -= 7'200'000;
    approval.not_after_ms = to_ms(bench.time.wall);
  }
  SECTION("it is from the future") {
    approval.at_ms += 301'000;
  }
  const FixReply refused = bench.submit(plan, approval, key);
  CHECK(refused.status == 422);
  CHECK(!refused.detail.empty());
  CHECK(bench.load(plan).approvals.empty());
}

TEST_CASE("what is no envelope of an approval is refused") {
  FixBench bench;
  const Uuid plan = bench.plan();
  FixActions actions;
  CHECK(bench.engine->approve(bench.load(plan), "nonsense", bench.entry(), bench.time, actions).status == 422);
  const Bytes trust = bench.people.signed_trust();
  CHECK(bench.engine->approve(bench.load(plan), trust, bench.entry(), bench.time, actions).status == 422);
  CHECK(actions.empty());
}

TEST_CASE("who asked for a plan cannot approve it") {
  FixBench bench;
  const LoadedPlan made =
      bench.make(FixBench::plan_json({FixBench::step_json("web-1")}, R"(,"requester":"bea")")).value();
  FixActions actions;
  REQUIRE(bench.engine->add_plan(made, bench.entry(), bench.time, actions).status == 201);
  bench.carry(std::move(actions));

  const FixReply refused = bench.approve(made.plan.id, "bea");
  CHECK(refused.status == 422);
  CHECK_THAT(refused.detail, Catch::Contains("asked for"));
  CHECK(bench.approve(made.plan.id, "cid").counted == 1);
}

TEST_CASE("a veto ends a plan for ever") {
  FixBench bench;
  const Uuid plan = bench.plan();
  REQUIRE(bench.approve(plan, "bea").status == 200);
  REQUIRE(bench.approve(plan, "cid").state == PlanState::approved);

  CHECK(bench.veto(plan, "dan").state == PlanState::vetoed);
  CHECK(bench.state(plan) == PlanState::vetoed);
  CHECK(bench.ask(&FixEngine::execute, plan).status == 409);
  CHECK(bench.approve(plan, "bea").state == PlanState::vetoed);
  bench.restart();
  CHECK(bench.ask(&FixEngine::execute, plan).status == 409);
  CHECK(began(bench) == 0);
  CHECK(bench.audited("fix.veto") == 1);
}

TEST_CASE("a veto stops a plan that runs") {
  FixBench bench(2);
  bench.runner(0).behave = [](const warrant::Step&) { return std::optional<StepState>(); };
  const Uuid plan = bench.run(2);
  REQUIRE(bench.states(plan) == "dispatched waiting ");

  CHECK(bench.veto(plan, "dan").state == PlanState::vetoed);
  REQUIRE(bench.runner(0).obeyed.size() == 1);
  CHECK(bench.runner(0).obeyed[0].first == warrant::OrderKind::stop);
  CHECK(bench.states(plan) == "failed not_started ");
  CHECK(bench.state(plan) == PlanState::vetoed);
}

TEST_CASE("an approver who is revoked before the run counts no more") {
  FixBench bench;
  const Uuid plan = bench.plan();
  REQUIRE(bench.approve(plan, "bea").status == 200);
  REQUIRE(bench.approve(plan, "cid").state == PlanState::approved);

  REQUIRE(bench.revoke({.org = "acme", .version = 1, .at_ms = 1, .persons = {"cid"}}).status == 201);
  CHECK(bench.state(plan) == PlanState::waiting);
  const FixReply refused = bench.ask(&FixEngine::execute, plan);
  CHECK(refused.status == 409);
  CHECK_THAT(refused.detail, Catch::Contains("1 of 2"));
  CHECK(bench.approve(plan, "cid").status == 422);
  CHECK(bench.approve(plan, "dan").state == PlanState::approved);
  CHECK(bench.ask(&FixEngine::execute, plan).status == 202);
  CHECK(bench.state(plan) == PlanState::done);  // the runner was not shown the revoked one's
}

TEST_CASE("an approver who is revoked while a plan runs lets nothing more be dispatched") {
  FixBench bench(2);
  bench.runner(0).behave = [](const warrant::Step&) { return std::optional<StepState>(); };
  const Uuid plan = bench.run(2);
  REQUIRE(bench.revoke({.org = "acme", .version = 1, .at_ms = 1, .persons = {"cid"}}).status == 201);

  bench.runner(0).finish(StepState::done);
  bench.carry({});
  CHECK(bench.states(plan) == "done not_started ");
  CHECK(bench.load(plan).steps[1].progress.code == "approvals");
  CHECK(bench.runner(1).dispatches.empty());
  CHECK(bench.state(plan) == PlanState::failed);
}

TEST_CASE("a plan that is revoked does not run") {
  FixBench bench;
  const Uuid plan = bench.plan();
  REQUIRE(bench.approve(plan, "bea").status == 200);
  REQUIRE(bench.approve(plan, "cid").status == 200);
  REQUIRE(bench.revoke({.org = "acme", .version = 1, .at_ms = 1, .plans = {Bytes(plan.view())}}).status == 201);
  CHECK(bench.ask(&FixEngine::execute, plan).status == 409);
}

TEST_CASE("a risk that trust forbids is refused with the plan, and so is a host that is revoked") {
  FixBench bench;
  std::string risky = FixBench::step_json("web-1");
  risky.replace(risky.find("\"risk\":2"), 8, "\"risk\":4");
  FixActions actions;
  const FixReply forbidden =
      bench.engine->add_plan(bench.make(FixBench::plan_json({risky})).value(), bench.entry(), bench.time, actions);
  CHECK(forbidden.status == 422);

  REQUIRE(bench.revoke({.org = "acme", .version = 1, .at_ms = 1, .hosts = {bench.runner().host()}}).status == 201);
  const LoadedPlan plan = bench.make(FixBench::plan_json({FixBench::step_json("web-1")})).value();
  const FixReply revoked = bench.engine->add_plan(plan, bench.entry(), bench.time, actions);
  CHECK(revoked.status == 422);
  CHECK_THAT(revoked.detail, Catch::Contains("web-1"));
  CHECK(actions.empty());
}

// -- Running ---------------------------------------------------------------------------------------------------------

TEST_CASE("a plan of one step runs once and leaves a receipt") {
  FixBench bench;
  const Uuid plan = bench.run();

  CHECK(bench.state(plan) == PlanState::done);
  CHECK(bench.states(plan) == "done ");
  CHECK(bench.runner().began.size() == 1);
  CHECK(bench.runner().refusals.empty());
  CHECK(bench.runner().acknowledged == 1);
  const std::vector<Receipt> receipts = bench.store->fixes().list_receipts(plan).value();
  REQUIRE(receipts.size() == 1);
  const warrant::Envelope envelope = warrant::decode_envelope(receipts[0].envelope).value();
  CHECK(warrant::signed_by(envelope, bench.runner().key.public_key()));
  CHECK(bench.audited("fix.dispatch") == 1);
  CHECK(bench.audited("fix.result") == 1);
  CHECK(bench.audited("fix.end") == 1);
}

TEST_CASE("every step of a plan of any size is proven to its runner") {
  for (const size_t hosts : {size_t{1}, size_t{2}, size_t{3}, size_t{7}, size_t{8}, size_t{21}}) {
    FixBench bench(hosts);
    const Uuid plan = bench.run(hosts);
    CHECK(bench.state(plan) == PlanState::done);
    for (const auto& [agent, runner] : bench.runners) CHECK(runner.refusals.empty());
  }
}

TEST_CASE("a plan runs on one host, then on a tenth of them, then on the rest") {
  FixBench bench(30);
  for (auto& [agent, runner] : bench.runners) {
    runner.behave = [](const warrant::Step&) { return std::optional<StepState>(); };
  }
  bench.run(30);
  CHECK(began(bench) == 1);
  bench.runner(0).finish(StepState::done);
  bench.carry({});
  CHECK(began(bench) == 4);
  for (size_t i = 1; i <= 2; ++i) bench.runner(i).finish(StepState::done);
  bench.carry({});
  CHECK(began(bench) == 4);
  bench.runner(3).finish(StepState::done);
  bench.carry({});
  CHECK(began(bench) == 30);
}

TEST_CASE("the steps of one host run one after the other, in the plan's order") {
  FixBench bench;
  const std::string step = FixBench::step_json("web-1");
  const LoadedPlan made = bench.make(FixBench::plan_json({step, step, step})).value();
  FixActions actions;
  REQUIRE(bench.engine->add_plan(made, bench.entry(), bench.time, actions).status == 201);
  bench.carry(std::move(actions));
  REQUIRE(bench.approve(made.plan.id, "bea").status == 200);
  REQUIRE(bench.approve(made.plan.id, "cid").status == 200);
  REQUIRE(bench.ask(&FixEngine::execute, made.plan.id).status == 202);

  REQUIRE(bench.runner().began.size() == 3);
  for (size_t i = 0; i < 3; ++i) CHECK(bench.runner().began[i] == made.steps[i].id);
}

TEST_CASE("the first step that does not end well stops all that has not begun") {
  for (const StepState how : {StepState::failed, StepState::unknown, StepState::not_started}) {
    FixBench bench(10);
    bench.runner(1).behave = [how](const warrant::Step&) { return how; };
    const Uuid plan = bench.run(10);
    CHECK(bench.state(plan) == PlanState::failed);
    CHECK(began(bench) == 2);
    CHECK(bench.load(plan).steps[9].progress.state == FixStepState::not_started);
    CHECK(bench.load(plan).steps[9].progress.code == "plan_failed");
  }
}

TEST_CASE("a runner that refuses a step stops the plan, and its reason is shown") {
  FixBench bench(3);
  bench.runner(0).refuse_with = "policy";
  bench.runner(0).refuse_times = 1;
  const Uuid plan = bench.run(3);
  CHECK(bench.states(plan) == "refused not_started not_started ");
  CHECK(bench.load(plan).steps[0].progress.code == "policy");
  CHECK(bench.store->fixes().list_receipts(plan).value().size() == 1);
  CHECK(began(bench) == 0);
}

TEST_CASE("a refusal that passes gets a new challenge and a higher sequence") {
  for (const char* code : {"challenge", "window", "busy", "rate", "sequence"}) {
    FixBench bench;
    bench.runner().refuse_with = code;
    bench.runner().refuse_times = 2;
    const Uuid plan = bench.run();
    CHECK(bench.state(plan) == PlanState::running);
    bench.pass(6s);
    bench.pass(6s);
    CHECK(bench.state(plan) == PlanState::done);
    const std::vector<warrant::Dispatch>& sent = bench.runner().dispatches;
    REQUIRE(sent.size() == 3);
    CHECK(sent[1].sequence > sent[0].sequence);
    CHECK(sent[1].challenge != sent[0].challenge);
    CHECK(bench.runner().began.size() == 1);
  }
}

TEST_CASE("a refusal that should pass and does not is believed in the end") {
  FixBench bench;
  bench.runner().refuse_with = "challenge";
  bench.runner().refuse_times = 100;
  const Uuid plan = bench.run();
  for (int i = 0; i < 10; ++i) bench.pass(6s);
  CHECK(bench.states(plan) == "refused ");
  CHECK(bench.runner().dispatches.size() == 6);
}

TEST_CASE("execute again is the same command, also when the plan is done") {
  FixBench bench;
  const Uuid plan = bench.run();
  const FixReply again = bench.ask(&FixEngine::execute, plan);
  CHECK(again.status == 202);
  CHECK(again.command == bench.store->fixes().find_plan(plan).value().command);
  CHECK(bench.runner().began.size() == 1);
  CHECK(bench.runner().dispatches.size() == 1);
}

// -- What is lost on the way -----------------------------------------------------------------------------------------

TEST_CASE("a host that is offline runs its step when it is back, and other hosts of its wave do not wait") {
  FixBench bench(4);
  bench.disconnect(bench.agent(3));
  const Uuid plan = bench.run(4);
  CHECK(bench.states(plan) == "done done done waiting ");
  bench.pass(10min);
  bench.connect(bench.agent(3));
  CHECK(bench.state(plan) == PlanState::done);
}

TEST_CASE("a host that does not come back in time has expired, and so has its plan") {
  FixBench bench;
  bench.disconnect(bench.agent());
  const Uuid plan = bench.run();
  bench.pass(2h - 1s);
  CHECK(bench.state(plan) == PlanState::running);
  bench.pass(1s);
  CHECK(bench.states(plan) == "expired ");
  CHECK(bench.state(plan) == PlanState::expired);
  bench.connect(bench.agent());
  CHECK(bench.runner().dispatches.empty());
}

TEST_CASE("a plan that nobody runs expires") {
  FixBench bench;
  const Uuid plan = bench.plan();
  bench.pass(2h);
  CHECK(bench.state(plan) == PlanState::expired);
  CHECK(bench.approve(plan, "bea").status == 409);
  CHECK(bench.ask(&FixEngine::execute, plan).status == 409);
}

TEST_CASE("a warrant whose result was lost is sent again as it was, and the step runs once") {
  FixBench bench;
  bench.runner().mute = true;
  const Uuid plan = bench.plan();
  REQUIRE(bench.approve(plan, "bea").status == 200);
  REQUIRE(bench.approve(plan, "cid").status == 200);
  bench.runner().mute = false;
  bench.runner().behave = [&](const warrant::Step&) {
    bench.runner().mute = true;  // what it says from here on is lost
    return StepState::done;
  };
  REQUIRE(bench.ask(&FixEngine::execute, plan).status == 202);
  REQUIRE(bench.states(plan) == "dispatched ");

  bench.disconnect(bench.agent());
  bench.runner().mute = false;
  bench.connect(bench.agent());
  CHECK(bench.states(plan) == "done ");
  CHECK(bench.runner().began.size() == 1);
  CHECK(bench.store->fixes().list_receipts(plan).value().size() == 1);
}

TEST_CASE("a warrant that was lost on the way is sent again with the same dispatch") {
  FixBench bench;
  const Uuid plan = bench.plan();
  REQUIRE(bench.approve(plan, "bea").status == 200);
  REQUIRE(bench.approve(plan, "cid").status == 200);
  // The challenge is answered, and then the link is gone.
  FixActions actions;
  bench.engine->execute(bench.load(plan), bench.entry(), bench.time, actions);
  for (FixAction& action : actions) bench.perform(action);
  actions.clear();
  const Bytes challenge = bench.runner().outgoing.back();
  bench.to_runners_lost = true;
  bench.engine->on_message(bench.agent(), challenge, bench.time, actions);
  for (FixAction& action : actions) bench.perform(action);
  REQUIRE(bench.states(plan) == "dispatched ");
  const Bytes dispatched = bench.load(plan).steps[0].progress.dispatch;
  bench.to_runners_lost = false;

  SECTION("after a reconnect") {
    bench.disconnect(bench.agent());
    bench.connect(bench.agent());
  }
  SECTION("after a restart of the server") {
    bench.restart();
  }
  SECTION("after a while") {
    bench.pass(61s);
  }
  CHECK(bench.state(plan) == PlanState::done);
  REQUIRE(bench.runner().dispatches.size() == 1);
  const warrant::Envelope kept = warrant::decode_envelope(dispatched).value();
  CHECK(bench.runner().dispatches[0] == warrant::decode_dispatch(kept.payload).value());
}

TEST_CASE("a server that restarts in the middle of a plan goes on with it") {
  FixBench bench(10);
  for (auto& [agent, runner] : bench.runners) {
    runner.behave = [](const warrant::Step&) { return std::optional<StepState>(); };
  }
  const Uuid plan = bench.run(10);
  bench.restart();
  bench.runner(0).finish(StepState::done);
  bench.carry({});
  CHECK(began(bench) == 2);
  bench.restart();
  bench.runner(1).finish(StepState::done);
  bench.carry({});
  CHECK(began(bench) == 10);
  bench.restart();
  for (size_t i = 2; i < 10; ++i) bench.runner(i).finish(StepState::done);
  bench.carry({});
  CHECK(bench.state(plan) == PlanState::done);
  CHECK(began(bench) == 10);
}

TEST_CASE("a step whose runner is silent for ever ends as unknown, and a late result is believed more") {
  FixBench bench;
  bench.runner().behave = [](const warrant::Step&) { return std::optional<StepState>(); };
  const Uuid plan = bench.run();
  bench.disconnect(bench.agent());
  bench.pass(2h + 10min + 30s);
  CHECK(bench.states(plan) == "unknown ");
  CHECK(bench.load(plan).steps[0].progress.code == "no_answer");
  CHECK(bench.state(plan) == PlanState::failed);

  bench.pass(11min);  // it leaves the memory
  bench.runner().finish(StepState::done);
  bench.connect(bench.agent());
  CHECK(bench.states(plan) == "done ");
  CHECK(bench.state(plan) == PlanState::failed);
  CHECK(bench.runner().acknowledged == 1);
}

TEST_CASE("a dispatch that never arrived does nothing once its plan has failed") {
  FixBench bench(25);
  const Uuid plan = bench.plan(25);
  bench.runner(1).behave = [](const warrant::Step&) { return std::optional<StepState>(); };
  REQUIRE(bench.approve(plan, "bea").status == 200);
  REQUIRE(bench.approve(plan, "cid").status == 200);
  REQUIRE(bench.ask(&FixEngine::execute, plan).status == 202);
  // Host 1 is busy, host 2 is done; host 1 fails while a second plan's dispatch to host 3 is lost: here it is host 1
  // itself whose warrant is taken away after the dispatch was written down.
  REQUIRE(bench.load(plan).steps[1].progress.state == FixStepState::dispatched);
  bench.disconnect(bench.agent(1));
  bench.runner(1).began.clear();
  bench.runner(1).sequence = 0;
  bench.runner(1).running.clear();
  REQUIRE(bench.ask(&FixEngine::stop, plan).status == 200);
  bench.connect(bench.agent(1));
  CHECK(bench.load(plan).steps[1].progress.state == FixStepState::not_started);
  CHECK(bench.load(plan).steps[1].progress.code == "not_delivered");
  CHECK(bench.runner(1).began.empty());
}

}  // namespace reeve::server::test
