// The whole way over HTTP and the link: a trust file, a plan, approvals, the run, its receipts; and who may what.
#include "common/sys/disk.h"
#include "common/wire/runner_message.h"
#include "server/fix/org_trust.h"
#include "server/org_files.h"
#include "server/store/accounts.h"
#include "server/store/fixes.h"
#include "tests/pch.h"
#include "tests/server/api_harness.h"
#include "tests/server/fake_runner.h"

namespace reeve::server {
namespace {

using test::FakeRunner;
using test::FixPeople;

constexpr const char* step_text =
    R"({"host":"web-1","exec":{"action":"unit.restart","arguments":{"unit":"nginx.service"},"timeout":"30s"},)"
    R"("effect":"idempotent","risk":2})";

// An agent with a runner behind it.
struct FixApi {
  ApiHarness harness;
  FixPeople people;
  std::unique_ptr<FakeRunner> runner;
  std::unique_ptr<TestLink> link;
  Identity identity;
  std::string approver_key = "rvk_approver-key-of-the-tests";
  std::string engineer_key = "rvk_engineer-key-of-the-tests";
  uint64_t said = 0;
  wire::RunnerAssembly assembly;

  explicit FixApi() {
    people.org = harness.config.org;
    const Json keys = *harness.get("/v1/trust").json.find("online_keys");
    people.planner = *from_hex(keys.string_or("planner"));
    people.freshness = *from_hex(keys.string_or("freshness"));
    people.audit = *from_hex(keys.string_or("audit"));
    add_key(approver_key, "approver");
    add_key(engineer_key, "engineer");
  }
  void add_key(const std::string& key, const std::string& role) {
    REQUIRE(harness.store
                ->add_api_key({.id = make_uuid_v7(harness.clock.wall(), harness.random),
                               .prefix = key.substr(0, 10),
                               .hash = crypto::sha256(key),
                               .role = role,
                               .created = harness.clock.wall(),
                               .label = role + " of the tests"})
                .ok());
  }
  HttpAnswer post(const std::string& key, const std::string& target, const Json& body) {
    return harness.ask({.method = "POST", .target = target, .key = key, .body = body.dump()});
  }
  HttpAnswer give_trust() {
    return post(harness.admin_key, "/v1/trust", Json::Object{{"envelope", to_base64url(people.signed_trust())}});
  }
  void connect() {
    identity = harness.enrol();
    runner = std::make_unique<FakeRunner>(people.org, "web-1", warrant::root_fingerprint(people.trust()));
    link = std::make_unique<TestLink>(harness, identity);
    link->open(make_uuid_v4(harness.random), 1);
    runner->connect();
    talk();
  }
  // Hands on what runner and server say until the runner is known.
  void talk() {
    for (const Bytes& message : std::exchange(runner->outgoing, {})) {
      for (wire::RunnerMessage& chunk : wire::cut_runner_message(said++, message)) link->send(std::move(chunk));
    }
  }
  void hear() {
    const auto chunk = link->take<wire::RunnerMessage>();
    const std::optional<Bytes> whole = assembly.add(chunk).value();
    if (whole) runner->on_message(*whole, to_ms(harness.clock.wall()));
    talk();
  }
  HttpAnswer make_plan(const std::string& more = "") {
    Json body =
        parse_json(R"({"title":"restart","valid_for":"1h")" + more + R"(,"steps":[)" + step_text + "]}").value();
    return post(engineer_key, "/v1/fix/plan", body);
  }
  Bytes approval(const Json& plan, const std::string& person) {
    const warrant::Approval made{.org = people.org,
                                 .plan = Bytes(parse_uuid(plan.string_or("id"))->view()),
                                 .root = *from_hex(plan.string_or("root")),
                                 .count = static_cast<uint32_t>(plan.int_or("count")),
                                 .hosts = static_cast<uint32_t>(plan.int_or("hosts")),
                                 .risk_max = static_cast<uint32_t>(plan.int_or("risk_max")),
                                 .person = person,
                                 .decision = warrant::Decision::approve,
                                 .at_ms = to_ms(harness.clock.wall()),
                                 .not_after_ms = to_ms(harness.clock.wall() + 1h)};
    return warrant::encode(warrant::sign(warrant::type_approval, warrant::encode(made), people.approvers.at(person)));
  }
  HttpAnswer approve(const Json& plan, const std::string& person) {
    return post(approver_key, "/v1/fix/approve",
                Json::Object{{"plan", plan.string_or("id")}, {"envelope", to_base64url(approval(plan, person))}});
  }
  HttpAnswer about(const std::string& what, const std::string& plan) {
    return post(engineer_key, "/v1/fix/" + what, Json::Object{{"plan", plan}});
  }
};

}  // namespace

TEST_CASE("a plan goes from its text to the receipts that a runner signed") {
  FixApi api;
  REQUIRE(api.give_trust().status == 201);
  api.connect();
  api.harness.wait_for("the runner's row", [&] {
    if (api.link) api.talk();
    return !api.harness.store->fixes().list_runners().value().empty();
  });
  const HttpAnswer runners = api.harness.get("/v1/runners");
  REQUIRE(runners.json.find("runners")->as_array()->size() == 1);
  const Json& row = (*runners.json.find("runners")->as_array())[0];
  CHECK(row.string_or("host_name") == "web-1");
  CHECK(row.string_or("host") == to_hex(api.runner->host()));
  CHECK(*row.find("online")->as_bool());

  const HttpAnswer made = api.make_plan();
  INFO(made.response.body);
  REQUIRE(made.status == 201);
  const std::string plan = made.json.string_or("id");
  CHECK(made.json.string_or("state") == "waiting");
  CHECK(made.json.int_or("approvals_needed") == 2);
  CHECK(made.json.string_or("requester") == "engineer of the tests");
  const HttpAnswer shown = api.harness.get("/v1/fix/plans/" + plan);
  CHECK(shown.json.dump() == made.json.dump());
  CHECK(api.harness.get("/v1/fix/plans").json.find("plans")->as_array()->size() == 1);

  CHECK(api.about("execute", plan).status == 409);
  CHECK(api.approve(made.json, "bea").json.int_or("counted") == 1);
  CHECK(api.approve(made.json, "bea").json.int_or("counted") == 1);
  CHECK(api.approve(made.json, "cid").json.string_or("state") == "approved");

  const HttpAnswer begun = api.about("execute", plan);
  REQUIRE(begun.status == 202);
  CHECK(api.about("execute", plan).json.string_or("command") == begun.json.string_or("command"));
  const std::string command = "/v1/commands/" + begun.json.string_or("command");
  while (api.runner->acknowledged == 0) api.hear();
  CHECK(api.runner->began.size() == 1);
  CHECK(api.harness.get("/v1/fix/plans/" + plan).json.string_or("state") == "done");
  const HttpAnswer ended = api.harness.get(command);
  CHECK(ended.json.string_or("state") == "done");
  const Json& step = (*ended.json.find("steps")->as_array())[0];
  CHECK(step.string_or("state") == "done");
  CHECK(step.find("result")->string_or("output") == "hello\n");

  const HttpAnswer receipts = api.harness.get("/v1/fix/plans/" + plan + "/receipts");
  REQUIRE(receipts.json.find("receipts")->as_array()->size() == 1);
  const Json& receipt = (*receipts.json.find("receipts")->as_array())[0];
  const auto envelope = warrant::decode_envelope(*from_base64url(receipt.string_or("envelope"))).value();
  CHECK(warrant::signed_by(envelope, api.runner->key.public_key()));
  CHECK(receipt.int_or("sequence") == 1);

  const HttpAnswer audit = api.harness.get("/v1/audit?limit=1000");
  for (const char* action : {"trust.change", "runner.bind", "fix.plan", "fix.approve", "fix.execute", "fix.dispatch",
                             "fix.result", "fix.end"}) {
    INFO(action);
    CHECK_THAT(audit.response.body, Catch::Contains("\"" + std::string(action) + "\""));
  }
}

TEST_CASE("the server's keys are made at its first start, for itself alone") {
  FixApi api;
  const OrgFiles files{api.harness.folder.path()};
  for (const std::string& path : {files.planner_key(), files.freshness_key(), files.audit_key()}) {
    const Result<Bytes> pem = sys::read_file(sys::real_disk(), path, 4096);
    REQUIRE(pem.ok());
    CHECK(crypto::SigningKey::from_pem(*pem).ok());
  }
  const Json trust = api.harness.get("/v1/trust").json;
  CHECK(trust.int_or("version", -1) == 0);
  CHECK(trust.find("envelope")->is_null());
  CHECK(trust.find("root_fingerprint")->is_null());
  const Json foreign = api.harness.ask({.target = "/v1/trust", .key = api.harness.foreign_key}).json;
  CHECK(foreign.find("online_keys")->string_or("planner") != trust.find("online_keys")->string_or("planner"));

  REQUIRE(api.give_trust().status == 201);
  const Json now = api.harness.get("/v1/trust").json;
  CHECK(now.int_or("version") == 1);
  CHECK(now.find("chain")->as_array()->size() == 1);
  CHECK(now.string_or("root_fingerprint") == warrant::to_string(warrant::root_fingerprint(api.people.trust())));
  CHECK(api.give_trust().status == 422);
}

TEST_CASE("what is asked of fixes wrongly is refused with a reason") {
  FixApi api;
  const std::string nobody = "019aa000-0000-7000-8000-000000000000";

  SECTION("trust that is none") {
    CHECK(api.post(api.harness.admin_key, "/v1/trust", Json::Object{{"envelope", "AAAA"}}).status == 400);
    CHECK(api.post(api.harness.admin_key, "/v1/trust", Json::Object{{"envelope", "*"}}).status == 400);
    CHECK(api.post(api.harness.admin_key, "/v1/trust", Json::Object{}).status == 400);
    CHECK(api.post(api.harness.admin_key, "/v1/trust/revocations", Json::Object{{"envelope", "AAAA"}}).status == 400);
  }
  SECTION("a plan for a host that nobody knows") {
    const HttpAnswer refused = api.make_plan();
    CHECK(refused.status == 422);
    CHECK_THAT(refused.detail(), Catch::Contains("web-1"));
  }
  SECTION("a plan of the wrong shape") {
    CHECK(api.post(api.engineer_key, "/v1/fix/plan", Json::Object{{"title", "x"}}).status == 400);
    CHECK(api.make_plan(R"(,"shell":"rm")").status == 400);
  }
  SECTION("a plan that is not there") {
    for (const char* what : {"execute", "stop", "rollback", "keep", "preflight"}) {
      CHECK(api.about(what, nobody).status == 404);
      CHECK(api.about(what, "x").status == 400);
    }
    CHECK(api.harness.get("/v1/fix/plans/" + nobody).status == 404);
    CHECK(api.harness.get("/v1/fix/plans/" + nobody + "/receipts").status == 404);
    CHECK(api.harness.get("/v1/commands/" + nobody).status == 404);
    CHECK(api.harness.get("/v1/fix/plans?cursor=x").status == 400);
  }
}

TEST_CASE("another org's plan is not there, and who may not may not") {
  FixApi api;
  REQUIRE(api.give_trust().status == 201);
  api.connect();
  api.harness.wait_for("the runner's row", [&] { return !api.harness.store->fixes().list_runners().value().empty(); });
  const HttpAnswer made = api.make_plan();
  REQUIRE(made.status == 201);
  const std::string plan = made.json.string_or("id");

  CHECK(api.harness.ask({.target = "/v1/fix/plans/" + plan, .key = api.harness.foreign_key}).status == 404);
  CHECK(api.post(api.harness.foreign_key, "/v1/fix/stop", Json::Object{{"plan", plan}}).status == 404);
  CHECK(api.harness.ask({.target = "/v1/runners", .key = api.harness.foreign_key})
            .json.find("runners")
            ->as_array()
            ->empty());

  const std::string viewer = api.harness.viewer_key;
  CHECK(api.post(viewer, "/v1/fix/plan", Json::Object{}).status == 403);
  CHECK(api.post(viewer, "/v1/fix/execute", Json::Object{{"plan", plan}}).status == 403);
  CHECK(api.post(viewer, "/v1/fix/stop", Json::Object{{"plan", plan}}).status == 403);
  CHECK(api.post(api.engineer_key, "/v1/fix/approve", Json::Object{{"plan", plan}}).status == 403);
  CHECK(api.post(api.engineer_key, "/v1/trust", Json::Object{{"envelope", "AAAA"}}).status == 403);
  CHECK(api.harness.ask({.target = "/v1/fix/plans/" + plan, .key = viewer}).status == 200);
  CHECK(api.harness.ask({.target = "/v1/fix/plans/" + plan}).status == 401);
}

TEST_CASE("a preflight is looked at as a command, and a stop says what the plan is") {
  FixApi api;
  REQUIRE(api.give_trust().status == 201);
  api.connect();
  api.harness.wait_for("the runner's row", [&] { return !api.harness.store->fixes().list_runners().value().empty(); });
  const std::string plan = api.make_plan().json.string_or("id");
  const HttpAnswer begun = api.about("preflight", plan);
  REQUIRE(begun.status == 202);
  const std::string target = "/v1/commands/" + begun.json.string_or("command");
  HttpAnswer shown = api.harness.get(target);
  CHECK(shown.json.string_or("kind") == "preflight");
  // Its question may be behind others; the answer to it takes its way through the store.
  while (api.runner->preflights == 0) api.hear();
  for (int i = 0; i < 1000 && shown.json.string_or("state") != "done"; ++i) shown = api.harness.get(target);
  REQUIRE(shown.json.string_or("state") == "done");
  const Json& step = (*shown.json.find("steps")->as_array())[0];
  CHECK(step.string_or("state") == "done");
  CHECK((*step.find("checks")->as_array())[0].string_or("verdict") == "holds");
  CHECK(step.find("result")->is_null());

  const HttpAnswer stopped = api.about("stop", plan);
  CHECK(stopped.status == 200);
  CHECK(stopped.json.string_or("state") == "stopped");
  CHECK(api.about("stop", plan).status == 200);
}

}  // namespace reeve::server
