// An engine with a store in memory, fake runners and a clock that tests move: everything between them is carried by
// hand, so that a test decides what arrives.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/json.h"
#include "server/fix/desk.h"
#include "server/fix/engine.h"
#include "server/fix/org_trust.h"
#include "tests/server/fake_runner.h"
#include "tests/server/store_world.h"

namespace reeve::server::test {

struct FixBench {
  FixPeople people;
  FixEngine::Keys keys{crypto::SigningKey::make(), crypto::SigningKey::make()};
  std::unique_ptr<Store> store;
  SeededRandom random{7};
  FixTime time{Instant{1'000'000'000'000}, noon};
  std::unique_ptr<FixEngine> engine;
  std::map<Uuid, FakeRunner> runners;
  std::map<Uuid, bool> online;
  std::vector<Agent> agents;
  std::vector<std::pair<Uuid, Bytes>> lost;  // messages to those who are offline
  bool to_runners_lost = false;              // nothing reaches a runner
  uint8_t made = 0;

  explicit FixBench(size_t hosts = 1, bool with_trust = true, std::unique_ptr<Store> the_store = make_memory_store())
      : store(std::move(the_store)) {
    people.planner = keys.planner.public_key();
    people.freshness = keys.freshness.public_key();
    restart();
    if (with_trust) REQUIRE(take_trust(people.signed_trust()).status == 201);
    for (size_t i = 0; i < hosts; ++i) add_runner("web-" + std::to_string(i + 1));
  }

  void restart() {
    engine = std::make_unique<FixEngine>("acme", keys, FixEngine::Options{}, random);
    REQUIRE(engine->load(load_fixes(*store, time.wall).value(), time).ok());
    for (auto& [agent, open] : online) {
      if (std::exchange(open, false)) connect(agent);
    }
  }
  // As if it were another moment: the clock, and what the engine does by it.
  void pass(Duration duration) {
    time.now = time.now + duration;
    time.wall = time.wall + duration;
    FixActions actions;
    engine->tick(time, actions);
    carry(std::move(actions));
  }

  Uuid add_runner(const std::string& name, bool connected = true) {
    const Uuid agent = make_id(++made);
    agents.push_back({.id = agent, .host = name});
    runners.emplace(agent, FakeRunner("acme", name, warrant::root_fingerprint(people.trust())));
    if (connected) connect(agent);
    return agent;
  }
  FakeRunner& runner(size_t n = 0) { return runners.at(make_id(static_cast<uint8_t>(n + 1))); }
  Uuid agent(size_t n = 0) const { return make_id(static_cast<uint8_t>(n + 1)); }

  void connect(const Uuid& agent) {
    online[agent] = true;
    FixActions actions;
    engine->on_online(agent, time, actions);
    runners.at(agent).outgoing.clear();
    runners.at(agent).connect();
    carry(std::move(actions));
  }
  void disconnect(const Uuid& agent) {
    online[agent] = false;
    runners.at(agent).outgoing.clear();
    engine->on_offline(agent);
  }

  // Performs actions, hands on answers, until nobody has anything to say.
  void carry(FixActions actions) {
    for (int rounds = 0; rounds < 10'000; ++rounds) {
      for (FixAction& action : actions) perform(action);
      actions = std::exchange(found, {});
      for (auto& [agent, runner] : runners) {
        if (!online[agent] || runner.outgoing.empty()) continue;
        const Bytes message = runner.outgoing.front();
        runner.outgoing.erase(runner.outgoing.begin());
        engine->on_message(agent, message, time, actions);
      }
      if (actions.empty() && quiet()) return;
    }
    FAIL("they never stop talking");
  }
  bool quiet() {
    for (auto& [agent, runner] : runners) {
      if (online[agent] && !runner.outgoing.empty()) return false;
    }
    return true;
  }
  void perform(FixAction& action) {
    if (auto* save = std::get_if<SaveFixes>(&action)) {
      REQUIRE(store->fixes().apply(save->change).ok());
    } else if (auto* message = std::get_if<SendToRunner>(&action)) {
      if (online[message->agent] && !to_runners_lost) {
        runners.at(message->agent).on_message(message->message, to_ms(time.wall));
      } else {
        lost.emplace_back(message->agent, message->message);
      }
    } else {
      const auto& wanted = std::get<FindStep>(action);
      std::optional<LoadedPlan> plan;
      if (const Result<StepPlace> place = store->fixes().find_step(wanted.step); place.ok()) {
        plan = load_plan(*store, place->plan).value();
      }
      engine->on_step_found(wanted.agent, plan ? &*plan : nullptr, time, found);
    }
  }
  FixActions found;

  // -- Requests

  AuditEntry entry(const std::string& action = "test") const {
    return {.time = time.wall, .actor_kind = "user", .actor_name = "ada@example.net", .action = action};
  }
  FixReply take_trust(const Bytes& envelope) {
    FixActions actions;
    const FixReply reply = engine->take_trust(envelope, entry("trust.change"), time, actions);
    carry(std::move(actions));
    return reply;
  }
  FixReply revoke(const warrant::Revocation& revocation) {
    FixActions actions;
    const FixReply reply =
        engine->take_revocation(people.signed_revocation(revocation), entry("trust.revoke"), time, actions);
    carry(std::move(actions));
    return reply;
  }

  static std::string step_json(const std::string& host, const std::string& more = "") {
    return R"({"host":")" + host +
           R"(","exec":{"action":"unit.restart","arguments":{"unit":"nginx.service"},"timeout":"30s"},)"
           R"("effect":"idempotent","risk":2)" +
           more + "}";
  }
  static std::string plan_json(const std::vector<std::string>& steps, const std::string& more = "") {
    std::string body = R"({"title":"restart","valid_for":"2h")" + more + R"(,"steps":[)";
    for (size_t i = 0; i < steps.size(); ++i) body += (i > 0 ? "," : "") + steps[i];
    return body + "]}";
  }
  Result<LoadedPlan> make(const std::string& text) {
    const Json body = parse_json(text).value();
    const std::vector<Runner> known = store->fixes().list_runners().value();
    return make_plan({.body = body,
                      .org = "acme",
                      .caller = "ada@example.net",
                      .id = make_uuid_v7(time.wall, random),
                      .now = time.wall,
                      .runners = known,
                      .agents = agents});
  }
  // A plan with one step a host, in their order; gives its id.
  Uuid plan(size_t hosts = 1, const std::string& more = "") {
    std::vector<std::string> steps;
    for (size_t i = 0; i < hosts; ++i) steps.push_back(step_json("web-" + std::to_string(i + 1), more));
    const LoadedPlan made_plan = make(plan_json(steps)).value();
    FixActions actions;
    REQUIRE(engine->add_plan(made_plan, entry("fix.plan"), time, actions).status == 201);
    carry(std::move(actions));
    return made_plan.plan.id;
  }
  LoadedPlan load(const Uuid& id) const { return load_plan(*store, id).value(); }
  PlanState state(const Uuid& id) const { return store->fixes().find_plan(id).value().state; }
  std::string states(const Uuid& id) const {
    std::string text;
    for (const FixStep& step : load(id).steps) text += std::string(to_string(step.progress.state)) + " ";
    return text;
  }

  warrant::Approval approval_of(const Uuid& id, const std::string& person) const {
    const FixPlan plan = store->fixes().find_plan(id).value();
    return {.org = "acme",
            .plan = Bytes(plan.id.view()),
            .root = plan.root,
            .count = plan.count,
            .hosts = plan.hosts,
            .risk_max = plan.risk_max,
            .person = person,
            .decision = warrant::Decision::approve,
            .at_ms = to_ms(time.wall),
            .not_after_ms = to_ms(time.wall + 3h)};
  }
  FixReply submit(const Uuid& id, const warrant::Approval& approval, const crypto::SigningKey& key) {
    const warrant::Envelope envelope = warrant::sign(warrant::type_approval, warrant::encode(approval), key);
    FixActions actions;
    const FixReply reply = engine->approve(load(id), warrant::encode(envelope), entry(), time, actions);
    carry(std::move(actions));
    return reply;
  }
  FixReply approve(const Uuid& id, const std::string& person) {
    return submit(id, approval_of(id, person), people.approvers.at(person));
  }
  FixReply veto(const Uuid& id, const std::string& person) {
    warrant::Approval no = approval_of(id, person);
    no.decision = warrant::Decision::veto;
    return submit(id, no, people.approvers.at(person));
  }
  using Ask = FixReply (FixEngine::*)(const LoadedPlan&, const AuditEntry&, FixTime, FixActions&);
  FixReply ask(Ask what, const Uuid& id) {
    FixActions actions;
    const FixReply reply = (engine.get()->*what)(load(id), entry(), time, actions);
    carry(std::move(actions));
    return reply;
  }
  // Approved by two, and executed.
  Uuid run(size_t hosts = 1, const std::string& more = "") {
    const Uuid id = plan(hosts, more);
    REQUIRE(approve(id, "bea").status == 200);
    REQUIRE(approve(id, "cid").status == 200);
    REQUIRE(ask(&FixEngine::execute, id).status == 202);
    return id;
  }
  size_t audited(const std::string& action) const {
    return store->accounts().list_audit({.action = action, .limit = 1000}).value().size();
  }
};

}  // namespace reeve::server::test
