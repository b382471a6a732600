// A plan's text made into steps, and what is refused.
#include "common/warrant/merkle.h"
#include "tests/pch.h"
#include "tests/server/fix_bench.h"

namespace reeve::server::test {
namespace {

std::string refusal(FixBench& bench, const std::string& text) {
  const Result<LoadedPlan> made = bench.make(text);
  REQUIRE(!made.ok());
  CHECK(made.error().code() == Code::denied);
  return made.error().text();
}

std::string one(const std::string& step, const std::string& more = "") {
  return FixBench::plan_json({step}, more);
}

}  // namespace

TEST_CASE("a step says all that was written, and what its host is") {
  FixBench bench;
  const std::string argv =
      R"({"host":"web-1","exec":{"argv":{"path":"/usr/bin/systemctl","sha256":")" + std::string(64, 'a') +
      R"(","arguments":["restart","nginx"],"environment":{"LANG":"C","A":"1"},"working_directory":"/srv","user":"root"},)"
      R"("timeout":"2m","output_bytes":0},"probe":{"action":"unit.active","arguments":{"unit":"nginx.service","n":5},)"
      R"("timeout":"5s"},"rollback":{"action":"unit.stop","timeout":"1s"},"rollback_on_failure":true,)"
      R"("keep_within":"60s","effect":"once","risk":3,"approvals":2,)"
      R"("preconditions":[{"action":"disk.free","arguments":{"path":"/"}}]})";
  const LoadedPlan made = bench.make(one(argv)).value();
  REQUIRE(made.steps.size() == 1);
  const warrant::Step step = warrant::decode_step(made.steps[0].bytes).value();
  CHECK(step.org == "acme");
  CHECK(step.plan == made.plan.id.view());
  CHECK(step.host == bench.runner().host());
  CHECK(step.host_name == "web-1");
  CHECK(step.epoch == 1);
  CHECK(step.policy_hash == bench.runner().policy_hash);
  CHECK(step.requester == "ada@example.net");
  const auto& exec = std::get<warrant::Argv>(step.exec.what);
  CHECK(exec.sha256 == Bytes(32, '\xaa'));
  CHECK(exec.arguments == std::vector<std::string>{"restart", "nginx"});
  CHECK(exec.environment.front().first == "A");
  CHECK(step.exec.timeout_ms == 120'000);
  CHECK(step.exec.output_bytes_max == 0);
  CHECK(*std::get<warrant::Action>(step.probe->what).number("n") == 5);
  CHECK(step.probe->output_bytes_max == 8192);
  CHECK(step.rollback_on_failure);
  CHECK(step.keep_within_ms == 60'000);
  CHECK(step.effect == warrant::Effect::once);
  CHECK(step.risk == 3);
  CHECK(step.preconditions.size() == 1);
  CHECK(step.not_after_ms - step.not_before_ms == 7'200'000);
  CHECK(made.plan.risk_max == 3);
  CHECK(made.plan.approvals == 2);
  CHECK(made.steps[0].id == warrant::step_id(made.steps[0].bytes));
  CHECK(made.plan.root == warrant::leaf_hash(made.steps[0].bytes));
}

TEST_CASE("a host is named by its name or its id, and by nothing else") {
  FixBench bench(2);
  CHECK(bench.make(one(FixBench::step_json(to_hex(bench.runner(1).host())))).value().steps[0].host_name == "web-2");
  CHECK_THAT(refusal(bench, one(FixBench::step_json("db-1"))),
             Catch::Contains("steps[0].host") && Catch::Contains("db-1"));
  CHECK_THAT(refusal(bench, one(FixBench::step_json(std::string(64, 'f')))), Catch::Contains("no runner"));

  bench.add_runner("web-1");
  CHECK_THAT(refusal(bench, one(FixBench::step_json("web-1"))), Catch::Contains("several"));
  bench.agents[1].revoked = true;
  CHECK_THAT(refusal(bench, one(FixBench::step_json("web-2"))), Catch::Contains("revoked"));
}

TEST_CASE("a plan for a host that is offline is made all the same") {
  FixBench bench;
  bench.disconnect(bench.agent());
  CHECK(bench.make(one(FixBench::step_json("web-1"))).ok());
}

TEST_CASE("an edited plan is another plan with another root") {
  FixBench bench;
  const LoadedPlan first = bench.make(one(FixBench::step_json("web-1"))).value();
  const LoadedPlan same = bench.make(one(FixBench::step_json("web-1"))).value();
  CHECK(first.plan.id != same.plan.id);
  CHECK(first.plan.root != same.plan.root);
}

TEST_CASE("what cannot be a step is refused with its place") {
  FixBench bench;
  const auto with_exec = [](const std::string& exec) {
    return one(R"({"host":"web-1","exec":)" + exec + R"(,"effect":"once","risk":1})");
  };
  CHECK_THAT(refusal(bench, with_exec(R"({"timeout":"1s"})")), Catch::Contains("steps[0].exec"));
  CHECK_THAT(refusal(bench, with_exec(R"({"action":"a","argv":{"path":"/x","user":"u"},"timeout":"1s"})")),
             Catch::Contains("one of argv and action"));
  CHECK_THAT(refusal(bench, with_exec(R"({"argv":{"path":"/x","user":"u"},"arguments":{},"timeout":"1s"})")),
             Catch::Contains("arguments"));
  CHECK_THAT(refusal(bench, with_exec(R"({"argv":{"path":"x","user":"u"},"timeout":"1s"})")),
             Catch::Contains("steps[0]"));
  CHECK_THAT(refusal(bench, with_exec(R"({"argv":{"path":"/x","sha256":"aa","user":"u"},"timeout":"1s"})")),
             Catch::Contains("sha256"));
  CHECK_THAT(refusal(bench, with_exec(R"({"action":"a","arguments":{"x":1.5},"timeout":"1s"})")),
             Catch::Contains("arguments.x"));
  CHECK_THAT(refusal(bench, with_exec(R"({"action":"a","arguments":[],"timeout":"1s"})")),
             Catch::Contains("no object"));
  CHECK_THAT(refusal(bench, with_exec(R"({"action":"a","timeout":"61m"})")), Catch::Contains("timeout"));
  CHECK_THAT(refusal(bench, with_exec(R"({"action":"a","timeout":"0s"})")), Catch::Contains("timeout"));
  CHECK_THAT(refusal(bench, with_exec(R"({"action":"a","timeout":"1s","output_bytes":32769})")),
             Catch::Contains("output_bytes"));
  CHECK(bench.make(with_exec(R"({"action":"a","timeout":"1h","output_bytes":32768})")).ok());
  CHECK_THAT(refusal(bench, one(FixBench::step_json("web-1", R"(,"keep_within":"5s")"))),
             Catch::Contains("rolled back"));
  CHECK_THAT(refusal(bench, one(FixBench::step_json("web-1", R"(,"approvals":0)"))), Catch::Contains("approvals"));
  std::string risky = FixBench::step_json("web-1");
  risky.replace(risky.find("\"risk\":2"), 8, "\"risk\":5");
  CHECK_THAT(refusal(bench, one(risky)), Catch::Contains("risk"));
}

TEST_CASE("a plan is valid for at most a day and has at most ten thousand steps") {
  FixBench bench;
  const auto valid_for = [](const std::string& text) {
    return R"({"title":"x","valid_for":")" + text + R"(","steps":[)" + FixBench::step_json("web-1") + "]}";
  };
  CHECK(bench.make(valid_for("24h")).ok());
  CHECK_THAT(refusal(bench, valid_for("25h")), Catch::Contains("valid_for"));
  CHECK_THAT(refusal(bench, valid_for("0s")), Catch::Contains("valid_for"));
  CHECK_THAT(refusal(bench, valid_for("soon")), Catch::Contains("valid_for"));

  CHECK_THAT(refusal(bench, FixBench::plan_json({})), Catch::Contains("steps"));
  std::vector<std::string> many(10'001, FixBench::step_json("web-1"));
  CHECK_THAT(refusal(bench, FixBench::plan_json(many)), Catch::Contains("10001"));
  many.pop_back();
  CHECK(bench.make(FixBench::plan_json(many)).value().plan.count == 10'000);
}

TEST_CASE("a title and a requester are lines of text") {
  FixBench bench;
  CHECK_THAT(refusal(bench, R"({"title":"","valid_for":"1h","steps":[]})"), Catch::Contains("title"));
  CHECK_THAT(refusal(bench, R"({"title":"a\nb","valid_for":"1h","steps":[]})"), Catch::Contains("title"));
  CHECK_THAT(refusal(bench, one(FixBench::step_json("web-1"), R"(,"requester":"")")), Catch::Contains("requester"));
}

}  // namespace reeve::server::test
