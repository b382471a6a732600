// Running plans, and the hosts' receipts.
#include "tests/cli/trusted_world.h"

using namespace reeve;
using namespace reeve::cli;
using warrant::Step;

namespace {

const std::string command_id = "0198c2f0-7c1e-7abc-8def-0000000000cc";

warrant::StepResult make_result(const Step& step) {
  return {.org = "acme",
          .host = step.host,
          .epoch = 1,
          .step = warrant::step_id(warrant::encode(step)),
          .phase = warrant::Phase::exec,
          .state = warrant::StepState::done,
          .code = {},
          .detail = {},
          .exit_status = 0,
          .signal = 0,
          .started_ms = now_ms,
          .ended_ms = now_ms + 1500,
          .boot = "boot",
          .output = "fine\n\x1b[2J",
          .output_bytes = 100,
          .policy_hash = Bytes(32, 'p'),
          .trust_version = 2,
          .sequence = 12,
          .previous = Bytes(32, 'v')};
}

std::string receipts_answer(const std::vector<warrant::Envelope>& envelopes) {
  Json::Array rows;
  for (const warrant::Envelope& envelope : envelopes) {
    Json row;
    row.set("index", 0);
    row.set("state", "done");
    row.set("output", "as the server says");
    row.set("envelope", to_base64url(warrant::encode(envelope)));
    rows.push_back(std::move(row));
  }
  Json answer;
  answer.set("plan", plan_id);
  answer.set("receipts", std::move(rows));
  return answer.dump();
}

std::string runners_answer(const std::vector<TestHost>& hosts) {
  Json::Array rows;
  for (const TestHost& host : hosts) {
    Json row;
    row.set("host", to_hex(host.id()));
    row.set("public_key", to_hex(host.key.public_key()));
    rows.push_back(std::move(row));
  }
  Json answer;
  answer.set("runners", std::move(rows));
  return answer.dump();
}

void expect_receipts(FakeWorld& fake, const Step& step, const std::vector<TestHost>& hosts,
                     const std::vector<warrant::Envelope>& envelopes) {
  fake.server.expect("/v1/fix/plans/" + plan_id, plan_answer({step}).dump());
  fake.server.expect("/v1/runners", runners_answer(hosts));
  fake.server.expect("/v1/fix/plans/" + plan_id + "/receipts", receipts_answer(envelopes));
}

}  // namespace

TEST_CASE("a receipt shows what its host has signed, not what the server says") {
  FakeWorld fake;
  fake.log_in();
  const TestHost host{.name = "web-1"};
  const Step step = make_step(host);
  expect_receipts(fake, step, {host},
                  {warrant::sign(warrant::type_result, warrant::encode(make_result(step)), host.key)});

  CHECK(fake.run({"receipts", plan_id}) == 0);

  CHECK_THAT(fake.screen.out, Catch::Contains("[0] \"web-1\"  done, exit status 0\n"));
  CHECK_THAT(fake.screen.out, Catch::Contains("took 1.5 s\n    signed by the host, its result 12\n"
                                              "    | fine\n    | \\x1b[2J\n    (9 of 100 bytes of its output)\n"));
  CHECK_THAT(fake.screen.out, !Catch::Contains("as the server says"));
}

TEST_CASE("a receipt that is not its host's word is shown as such and fails") {
  FakeWorld fake;
  fake.log_in();
  const TestHost host{.name = "web-1"};
  const TestHost other{.name = "web-1"};
  const Step step = make_step(host);
  warrant::StepResult result = make_result(step);
  std::vector<TestHost> shown{host};
  std::string type(warrant::type_result);
  crypto::SigningKey key = host.key;
  std::string why;
  SECTION("signed by another key") {
    key = other.key;
    shown.push_back(other);
    why = "the host has not signed it";
  }
  SECTION("of a host whose key is not shown") {
    shown = {other};
    why = "the server does not show the key of this host";
  }
  SECTION("about a step of another plan") {
    result.step = Bytes(32, 's');
    why = "it is about a step of another plan";
  }
  SECTION("about another host") {
    result.host = other.id();
    why = "it is about another host than the step's";
  }
  SECTION("of another type") {
    type = std::string(warrant::type_preflight);
    why = "it is no result";
  }
  expect_receipts(fake, step, shown, {warrant::sign(type, warrant::encode(result), key)});

  CHECK(fake.run({"receipts", plan_id}) == 1);

  CHECK_THAT(fake.screen.out, Catch::Contains("[0] NOT THE HOST'S WORD: " + why));
  CHECK(fake.screen.err == "1 of 1 receipts are not signed by their host\n");
}

TEST_CASE("receipts as JSON say whether they were verified") {
  FakeWorld fake;
  fake.log_in();
  const TestHost host{.name = "web-1"};
  const Step step = make_step(host);
  expect_receipts(fake, step, {host},
                  {warrant::sign(warrant::type_result, warrant::encode(make_result(step)), host.key),
                   warrant::sign(warrant::type_result, warrant::encode(make_result(step)), TestHost{.name = "x"}.key)});

  CHECK(fake.run({"receipts", plan_id, "--json"}) == 1);

  CHECK_THAT(fake.screen.out, Catch::Contains(R"("verified":true,"why_not":null)"));
  CHECK_THAT(fake.screen.out, Catch::Contains(R"("verified":false,"why_not":"the host has not signed it")"));
}

TEST_CASE("receipts name the approvers whose signatures can be checked here") {
  TrustedWorld fake;
  const TestHost host{.name = "web-1"};
  const Step step = make_step(host);
  fake.expect_plan({step});
  fake.expect_approval();
  fake.must({"approve", plan_id, "--key", fake.alice, "--pass-file", fake.pass_file, "--yes"});
  Json answer = plan_answer({step});
  Json row;
  row.set("person", "somebody");
  row.set("envelope", to_base64url(warrant::encode(fake.posted_envelope())));
  answer.set("approvals", Json::Array{row});
  fake.server.expect("/v1/fix/plans/" + plan_id, answer.dump());
  fake.server.expect("/v1/runners", runners_answer({host}));
  fake.server.expect("/v1/fix/plans/" + plan_id + "/receipts", receipts_answer({}));
  fake.screen.out.clear();

  CHECK(fake.run({"receipts", plan_id}) == 0);

  CHECK_THAT(fake.screen.out, Catch::Contains("signed by  alice (approve)\n1 of 1 steps have no receipt\n"));
}

TEST_CASE("a preflight tells what each host would say, and fails where one would refuse or nobody knows") {
  FakeWorld fake;
  fake.log_in();
  const std::string begin = R"({"state":"done","steps":[{"index":0,"host_name":"web-1","state":"done","checks":)"
                            R"([{"name":"org","verdict":"holds"},{"name":"window","verdict":"holds"}]})";
  const auto ask = [&](const std::string& more) {
    fake.screen.out.clear();
    fake.server.expect_post("/v1/fix/preflight", R"({"command":")" + command_id + "\"}", 202);
    fake.server.expect("/v1/commands/" + command_id, R"({"state":"running","steps":[]})");
    fake.server.expect("/v1/commands/" + command_id, begin + more + "]}");
    return fake.run({"run", plan_id, "--preflight"});
  };

  CHECK(ask("") == 0);
  CHECK(fake.screen.out == "  [0] web-1  would run it: 2 checks hold\n");
  CHECK(
      ask(R"(,{"index":1,"host_name":"web-2","checks":[{"name":"program","verdict":"unknown","detail":"no hash"}]})") ==
      1);
  CHECK_THAT(fake.screen.out, Catch::Contains("  [1] web-2  would refuse:\n      program unknown: no hash\n"));
  CHECK(ask(R"(,{"index":1,"host_name":"web-2","state":"waiting","checks":[]})") == 1);
  CHECK_THAT(fake.screen.out, Catch::Contains("  [1] web-2  has not answered (waiting)\n"));
}

TEST_CASE("a run that is waited for ends with what became of the plan") {
  FakeWorld fake;
  fake.log_in();
  const auto wait_for = [&](const std::string& state) {
    fake.server.expect_post("/v1/fix/execute", R"({"command":")" + command_id + "\"}", 202);
    fake.server.expect("/v1/commands/" + command_id, R"({"state":"running"})");
    fake.server.expect("/v1/commands/" + command_id, R"({"state":"done"})");
    fake.server.expect("/v1/fix/plans/" + plan_id, R"({"state":")" + state +
                                                       R"(","steps":[{"index":0,"host_name":"web-1","state":"failed",)"
                                                       R"("code":"timeout","detail":"","rollback_state":"done"}]})");
    return fake.run({"run", plan_id, "--wait"});
  };
  CHECK(wait_for("done") == 0);
  CHECK_THAT(fake.screen.out, Catch::Contains("  [0] web-1  failed (timeout); rollback done\nthe plan is done"));
  CHECK(wait_for("rolled_back") == 1);
  CHECK(fake.screen.err == "plan " + plan_id + " ended as rolled_back\n");
}

TEST_CASE("a plan that is not approved does not run") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect_post("/v1/fix/execute", R"({"detail":"it has 0 of 1 approvals"})", 409);
  CHECK(fake.run({"run", plan_id}) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("it has 0 of 1 approvals"));
}

TEST_CASE("stop, rollback and keep name the plan and nothing else") {
  FakeWorld fake;
  fake.log_in();
  for (const std::string word : {"stop", "rollback", "keep"}) {
    fake.server.expect_post("/v1/fix/" + word, "{}");
    CHECK(fake.run({word, plan_id}) == 0);
    CHECK(fake.server.calls.back().body == R"({"plan":")" + plan_id + "\"}");
  }
}

TEST_CASE("plans are listed over all pages") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/fix/plans",
                     R"({"plans":[{"id":"a","title":"one\u001b[2J","state":"done","requester":"carol",)"
                     R"("created":"2026-11-21T02:53:00Z"}],"next_cursor":"c"})");
  fake.server.expect("/v1/fix/plans?cursor=c", R"({"plans":[],"next_cursor":null})");
  CHECK(fake.run({"fixes"}) == 0);
  CHECK(fake.screen.out ==
        "ID  STATE  MADE    ASKED BY  TITLE\n"
        "a   done   1m ago  carol     one\\x1b[2J\n");
}
