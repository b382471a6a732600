// The engine against the runner itself (on a simulated host): what the two make of each other's messages.
#include <set>

#include "server/fix/desk.h"
#include "server/fix/engine.h"
#include "server/fix/org_trust.h"
#include "tests/pch.h"
#include "tests/runner/runner_world.h"

namespace reeve::server {
namespace {

using runner::RunnerWorld;
using warrant::SignedOrg;

constexpr Duration turn = 200ms;

class Fleet {
 public:
  explicit Fleet(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      Uuid agent;
      agent.bytes.fill(static_cast<uint8_t>(i + 1));
      agents.push_back({.id = agent, .host = "web-" + std::to_string(i + 1)});
      hosts.push_back(std::make_unique<RunnerWorld>(i + 1, org, agents.back().host));
    }
    restart_server();
    FixActions actions;
    REQUIRE(engine->take_trust(warrant::encode(org.trust_files.back()), entry(), time(), actions).status == 201);
    carry(std::move(actions));
    for (size_t i = 0; i < count; ++i) connect(i);
    settle();
  }

  FixTime time() { return {hosts[0]->clock.now(), hosts[0]->clock.wall()}; }
  AuditEntry entry() { return {.time = time().wall, .action = "test"}; }

  void restart_server() {
    engine =
        std::make_unique<FixEngine>("acme", FixEngine::Keys{org.planner, org.freshness}, FixEngine::Options{}, random);
    REQUIRE(engine->load(load_fixes(*store, time().wall).value(), time()).ok());
    for (size_t i = 0; i < hosts.size(); ++i) {
      if (online.contains(i)) connect(i);
    }
  }
  void connect(size_t i) {
    online.insert(i);
    (void)hosts[i]->runner->take_outgoing();
    hosts[i]->runner->on_connected();
    FixActions actions;
    engine->on_online(agents[i].id, time(), actions);
    carry(std::move(actions));
  }
  void disconnect(size_t i) {
    online.erase(i);
    engine->on_offline(agents[i].id);
  }

  void carry(FixActions actions) {
    for (FixAction& action : actions) {
      if (auto* save = std::get_if<SaveFixes>(&action)) {
        REQUIRE(store->fixes().apply(save->change).ok());
      } else if (auto* message = std::get_if<SendToRunner>(&action)) {
        const size_t i = message->agent.bytes[0] - 1;
        if (online.contains(i)) hosts[i]->runner->on_message(message->message);
      } else {
        FAIL("every step is in memory");
      }
    }
  }
  // One turn of everybody's time; what they say is handed on.
  void pass() {
    for (size_t i = 0; i < hosts.size(); ++i) {
      hosts[i]->clock.advance(turn);
      hosts[i]->runner->tick();
    }
    for (int rounds = 0; rounds < 1'000; ++rounds) {
      bool quiet = true;
      for (size_t i = 0; i < hosts.size(); ++i) {
        for (const Bytes& message : hosts[i]->runner->take_outgoing()) {
          if (!online.contains(i)) continue;
          quiet = false;
          ++messages;
          FixActions actions;
          engine->on_message(agents[i].id, message, time(), actions);
          carry(std::move(actions));
        }
      }
      if (quiet) break;
      REQUIRE(rounds < 999);
    }
    FixActions actions;
    engine->tick(time(), actions);
    carry(std::move(actions));
  }
  void settle(Duration duration = 10s) {
    for (Duration passed{}; passed < duration; passed += turn) pass();
  }

  Uuid plan(size_t count) {
    std::string steps;
    for (size_t i = 0; i < count; ++i) {
      steps += (i > 0 ? std::string(",") : std::string()) + R"({"host":"web-)" + std::to_string(i + 1) +
               R"(","exec":{"argv":{"path":"/usr/bin/true","user":"root"},"timeout":"5s"},)"
               R"("rollback":{"argv":{"path":"/usr/bin/false","user":"root"},"timeout":"5s"},)"
               R"("effect":"once","risk":1})";
    }
    const Json body = parse_json(R"({"title":"x","valid_for":"1h","steps":[)" + steps + "]}").value();
    const std::vector<Runner> known = store->fixes().list_runners().value();
    LoadedPlan made = make_plan({.body = body,
                                 .org = "acme",
                                 .caller = "eve",
                                 .id = make_uuid_v7(time().wall, random),
                                 .now = time().wall,
                                 .runners = known,
                                 .agents = agents})
                          .value();
    FixActions actions;
    REQUIRE(engine->add_plan(made, entry(), time(), actions).status == 201);
    carry(std::move(actions));
    return made.plan.id;
  }
  void approve(const Uuid& id, size_t approver) {
    const FixPlan plan = store->fixes().find_plan(id).value();
    const warrant::Approval approval{.org = "acme",
                                     .plan = Bytes(id.view()),
                                     .root = plan.root,
                                     .count = plan.count,
                                     .hosts = plan.hosts,
                                     .risk_max = plan.risk_max,
                                     .person = org.approvers[approver].person,
                                     .decision = warrant::Decision::approve,
                                     .at_ms = to_ms(time().wall),
                                     .not_after_ms = to_ms(time().wall + 1h)};
    const warrant::Envelope envelope =
        warrant::sign(warrant::type_approval, warrant::encode(approval), org.approvers[approver].key);
    FixActions actions;
    const FixReply reply = engine->approve(load(id), warrant::encode(envelope), entry(), time(), actions);
    INFO(reply.detail);
    REQUIRE(reply.status == 200);
    carry(std::move(actions));
  }
  using Ask = FixReply (FixEngine::*)(const LoadedPlan&, const AuditEntry&, FixTime, FixActions&);
  FixReply ask(Ask what, const Uuid& id) {
    FixActions actions;
    const FixReply reply = (engine.get()->*what)(load(id), entry(), time(), actions);
    INFO(reply.detail);
    REQUIRE(reply.status < 300);
    carry(std::move(actions));
    return reply;
  }
  Uuid run(size_t count) {
    const Uuid id = plan(count);
    approve(id, 0);
    approve(id, 1);
    (void)ask(&FixEngine::execute, id);
    return id;
  }

  LoadedPlan load(const Uuid& id) const { return load_plan(*store, id).value(); }
  PlanState state(const Uuid& id) const { return load(id).plan.state; }
  std::string steps(const Uuid& id) const {
    std::string text;
    for (const FixStep& step : load(id).steps) {
      text += std::string(to_string(step.progress.state)) + "/" + step.progress.code + " ";
    }
    return text;
  }
  bool unsuspicious() const {
    for (const char* action : {"runner.chain_hole", "runner.chain_break", "runner.chain_fork", "runner.bad_result",
                               "runner.malformed", "runner.refuse", "fix.refused"}) {
      if (!store->accounts().list_audit({.action = action}).value().empty()) return false;
    }
    return true;
  }

  SignedOrg org{"acme", sim::SimClock::wall_at_start.ns / 1'000'000};
  SeededRandom random{5};
  std::unique_ptr<Store> store = make_memory_store();
  std::vector<Agent> agents;
  std::vector<std::unique_ptr<RunnerWorld>> hosts;
  std::set<size_t> online;
  std::unique_ptr<FixEngine> engine;
  uint64_t messages = 0;
};

}  // namespace

TEST_CASE("a plan runs on real runners, once on each, and their results are a chain") {
  Fleet fleet(5);
  const Uuid first = fleet.run(5);
  fleet.settle();
  CHECK(fleet.state(first) == PlanState::done);
  const Uuid second = fleet.run(5);
  fleet.settle();
  CHECK(fleet.state(second) == PlanState::done);
  for (const auto& host : fleet.hosts) CHECK(host->host.started == 2);
  CHECK(fleet.unsuspicious());
  const std::vector<Runner> rows = fleet.store->fixes().list_runners().value();
  for (const Runner& row : rows) {
    CHECK(row.chain_sequence == 2);
    CHECK(row.trust_version == 1);
  }
}

TEST_CASE("a step that takes its time is not begun again by what is sent again") {
  Fleet fleet(1);
  fleet.hosts[0]->host.end = [](const runner::Launch&) { return std::optional<runner::Exit>(); };
  const Uuid plan = fleet.run(1);
  fleet.settle(3min);
  CHECK(fleet.steps(plan) == "dispatched/ ");
  const uint64_t before = fleet.messages;
  fleet.settle(3min);
  CHECK(fleet.messages - before < 40);  // a few a minute, not a storm
  fleet.hosts[0]->host.end = [](const runner::Launch&) { return runner::Exit{.executed = true}; };
  fleet.settle();
  CHECK(fleet.state(plan) == PlanState::done);
  CHECK(fleet.hosts[0]->host.started == 1);
}

TEST_CASE("a runner and a server that start anew go on, and the step runs once") {
  Fleet fleet(1);
  fleet.hosts[0]->host.end = [](const runner::Launch&) { return std::optional<runner::Exit>(); };
  const Uuid plan = fleet.run(1);
  fleet.settle();
  REQUIRE(fleet.hosts[0]->host.started == 1);
  fleet.disconnect(0);
  fleet.hosts[0]->host.end = [](const runner::Launch&) { return runner::Exit{.executed = true}; };
  SECTION("the runner") {
    fleet.settle();
    fleet.hosts[0]->restart();
  }
  SECTION("the server") {
    fleet.restart_server();
  }
  SECTION("both, and nobody has heard of the result") {
    fleet.settle();
    fleet.hosts[0]->restart();
    fleet.restart_server();
  }
  fleet.connect(0);
  fleet.settle();
  CHECK(fleet.state(plan) == PlanState::done);
  CHECK(fleet.hosts[0]->host.started == 1);
  CHECK(fleet.unsuspicious());
}

TEST_CASE("a real runner stops what it is told to stop") {
  Fleet fleet(2);
  fleet.hosts[0]->host.end = [](const runner::Launch&) { return std::optional<runner::Exit>(); };
  const Uuid plan = fleet.run(2);
  fleet.settle();
  (void)fleet.ask(&FixEngine::stop, plan);
  fleet.settle();
  CHECK(fleet.steps(plan) == "failed/stopped not_started/stopped ");
  CHECK(fleet.hosts[1]->host.started == 0);
}

TEST_CASE("a stop for a real runner that never heard of the step ends it as not delivered") {
  Fleet fleet(1);
  const Uuid plan = fleet.run(1);
  fleet.disconnect(0);  // the challenge is asked for, and the answer lost
  fleet.settle();
  CHECK(fleet.hosts[0]->host.started == 0);
  (void)fleet.ask(&FixEngine::stop, plan);
  fleet.connect(0);
  fleet.settle();
  CHECK(fleet.steps(plan).starts_with("not_started/"));
  CHECK(fleet.hosts[0]->host.started == 0);
}

TEST_CASE("a real runner rolls back what it has run") {
  Fleet fleet(2);
  const Uuid plan = fleet.run(2);
  fleet.settle();
  REQUIRE(fleet.state(plan) == PlanState::done);
  (void)fleet.ask(&FixEngine::roll_back, plan);
  fleet.settle();
  CHECK(fleet.state(plan) == PlanState::rolled_back);
  for (const auto& host : fleet.hosts) CHECK(host->host.started == 2);
  CHECK(fleet.unsuspicious());
}

TEST_CASE("a real runner says beforehand that it would run a step") {
  Fleet fleet(1);
  const Uuid plan = fleet.plan(1);
  const FixReply begun = fleet.ask(&FixEngine::preflight, plan);
  fleet.settle();
  const std::vector<StepCheck> checks = fleet.store->fixes().list_checks(begun.command).value();
  REQUIRE(checks.size() == 1);
  REQUIRE(checks[0].state == "done");
  const warrant::Envelope envelope = warrant::decode_envelope(checks[0].envelope).value();
  const warrant::PreflightReport report = warrant::decode_preflight(envelope.payload).value();
  CHECK(!report.checks.empty());
  CHECK(fleet.hosts[0]->host.started == 0);
}

TEST_CASE("a host whose policy changed after the plan was made refuses it, and the plan stops there") {
  Fleet fleet(2);
  const Uuid plan = fleet.plan(2);
  fleet.hosts[0]->policy_text += "  - {name: more, path: /usr/bin/id, user: root, timeout_max: 60s}\n";
  fleet.approve(plan, 0);
  fleet.approve(plan, 1);
  (void)fleet.ask(&FixEngine::execute, plan);
  fleet.settle();
  CHECK(fleet.steps(plan) == "refused/policy_hash not_started/plan_failed ");
}

}  // namespace reeve::server
