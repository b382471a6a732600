// Plan files, and what becomes of them.
#include "cli/plan.h"

#include "tests/cli/trusted_world.h"

using namespace reeve;
using namespace reeve::cli;

namespace {

const std::string whole = R"(title: restart nginx
valid_for: 2h
requester: carol
steps:
  - hosts: [web-1, web-2]
    exec:
      action: unit.restart
      arguments: {unit: nginx.service, tries: 3, port: "80"}
      timeout: 30s
    effect: idempotent
    risk: 1
  - host: db-1
    exec:
      argv:
        path: /usr/bin/psql
        arguments: [-c, "select 1"]
        environment: {PGUSER: ops}
        user: postgres
      timeout: 60s
      output_bytes: 0
    rollback:
      action: unit.restart
      arguments: {unit: postgresql.service}
      timeout: 30s
    rollback_on_failure: true
    keep_within: 90s
    effect: once
    risk: 3
    approvals: 2
    preconditions:
      - action: disk.free
        arguments: {bytes: 1000}
)";

std::string complaint(const std::string& text) {
  const Result<Json> plan = parse_plan_file("fix.yaml", text);
  REQUIRE_FALSE(plan.ok());
  CHECK(plan.error().code() == Code::invalid);
  return plan.error().text();
}

std::string with(std::string text, const std::string& before, const std::string& after) {
  const size_t at = text.find(before);
  REQUIRE(at != std::string::npos);
  return text.replace(at, before.size(), after);
}

}  // namespace

TEST_CASE("a plan file becomes the request, one step for each host") {
  const Result<Json> plan = parse_plan_file("fix.yaml", whole);
  INFO((plan ? "" : plan.error().text()));
  REQUIRE(plan.ok());
  CHECK(plan->dump() ==
        R"({"title":"restart nginx","valid_for":"2h","requester":"carol","steps":[)"
        R"({"host":"web-1","exec":{"action":"unit.restart","arguments":{"unit":"nginx.service","tries":3,"port":"80"},)"
        R"("timeout":"30s"},"effect":"idempotent","risk":1},)"
        R"({"host":"web-2","exec":{"action":"unit.restart","arguments":{"unit":"nginx.service","tries":3,"port":"80"},)"
        R"("timeout":"30s"},"effect":"idempotent","risk":1},)"
        R"({"host":"db-1","exec":{"argv":{"path":"/usr/bin/psql","arguments":["-c","select 1"],)"
        R"("environment":{"PGUSER":"ops"},"user":"postgres"},"timeout":"1m","output_bytes":0},)"
        R"("rollback":{"action":"unit.restart","arguments":{"unit":"postgresql.service"},"timeout":"30s"},)"
        R"("rollback_on_failure":true,"keep_within":"90s","effect":"once","risk":3,"approvals":2,)"
        R"("preconditions":[{"action":"disk.free","arguments":{"bytes":1000}}]}]})");
}

TEST_CASE("JSON is a plan file too") {
  const Result<Json> plan = parse_plan_file("fix.yaml", R"({"title": "t", "valid_for": "1h", "steps": [
    {"host": "a", "exec": {"action": "x", "timeout": "1s"}, "effect": "once", "risk": 0}]})");
  REQUIRE(plan.ok());
  CHECK(plan->find("steps")->as_array()->size() == 1);
}

TEST_CASE("what is wrong in a plan file is said with its line") {
  CHECK(complaint(with(whole, "risk: 1", "risk: 5")) ==
        "fix.yaml:11:11: steps[0].risk is \"5\"; allowed: a whole number from 0 to 4");
  CHECK_THAT(complaint(with(whole, "effect: once", "effekt: once")),
             Catch::Contains("steps[1].effekt is no known key"));
  CHECK_THAT(complaint(with(whole, "effect: once", "effekt: once")), Catch::Contains("steps[1] lacks effect"));
  CHECK_THAT(complaint(with(whole, "path: /usr/bin/psql", "path: psql")),
             Catch::Contains("fix.yaml:15:15: steps[1].exec.argv.path is not absolute"));
  CHECK_THAT(complaint(with(whole, "valid_for: 2h", "valid_for: 25h")), Catch::Contains("fix.yaml:2:12: valid_for"));
  CHECK_THAT(complaint(with(whole, "- host: db-1\n", "- risk: 3\n")), Catch::Contains("has one of host and hosts"));
  CHECK_THAT(complaint(with(whole, "      action: unit.restart\n", "")), Catch::Contains("is one of argv and action"));
  CHECK_THAT(complaint(with(whole, "timeout: 60s", "timeout: 3601s")), Catch::Contains("steps[1].exec.timeout"));
  CHECK_THAT(complaint(with(whole, "approvals: 2", "approvals: 0")), Catch::Contains("from 1 to 16"));
  CHECK_THAT(complaint("title: t\nvalid_for: 1h\n"), Catch::Contains("lacks steps"));
  CHECK_THAT(complaint("title: [\n"), Catch::Contains("not YAML"));
}

TEST_CASE("a plan is made, hashed here, and the next command named") {
  TrustedWorld fake;
  const std::string file = fake.write("fix.yaml", whole);
  const std::vector<warrant::Step> steps{make_step({.name = "web-1"})};
  fake.server.expect_post("/v1/fix/plan", plan_answer(steps).dump(), 201);

  CHECK(fake.run({"plan", file}) == 0);

  CHECK(fake.screen.out == "plan   " + plan_id + "\nhash   " + to_hex(root_of(steps)) +
                               "\nsteps  1 on 1 host, highest risk 1\n\nthe server asks for 1 approval, by:\n  reeve "
                               "approve " +
                               plan_id + " --key FILE\n");
}

TEST_CASE("a plan whose hash is not the server's is not passed on") {
  TrustedWorld fake;
  const std::string file = fake.write("fix.yaml", whole);
  Json answer = plan_answer({make_step({.name = "web-1"})});
  answer.set("root", std::string(64, '0'));
  fake.server.expect_post("/v1/fix/plan", answer.dump(), 201);

  CHECK(fake.run({"plan", file}) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("it shows one plan and means another"));
}

TEST_CASE("a refused plan is told in the server's words") {
  TrustedWorld fake;
  const std::string file = fake.write("fix.yaml", whole);
  fake.server.expect_post("/v1/fix/plan", R"({"detail":"steps[2].host \"db-1\" is no host of this org"})", 422);
  CHECK(fake.run({"plan", file}) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("is no host of this org"));
}
