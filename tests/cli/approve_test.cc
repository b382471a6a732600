// Approving against servers that tell the truth, and servers that do not.
#include <algorithm>

#include "cli/plan_render.h"
#include "tests/cli/trusted_world.h"

using namespace reeve;
using namespace reeve::cli;
using warrant::Step;

namespace {

std::string digits(const std::vector<Step>& steps) {
  return to_hex(root_of(steps)).substr(0, 8);
}

std::vector<Step> steps_on(const std::vector<TestHost>& hosts) {
  std::vector<Step> steps;
  for (uint32_t i = 0; i < hosts.size(); ++i)
    steps.push_back(make_step(hosts[i], i, static_cast<uint32_t>(hosts.size())));
  return steps;
}

// Nothing was signed, whatever else happened.
void check_refused(TrustedWorld& fake, const std::string& why) {
  CHECK_THAT(fake.screen.err, Catch::Contains(why));
  for (const HttpCall& call : fake.server.calls) CHECK(call.path != "/v1/fix/approve");
  CHECK(fake.server.is_done());
}

}  // namespace

TEST_CASE("an approval covers the root hash of the bytes that were shown, and says so for all of them") {
  TrustedWorld fake;
  const std::vector<Step> steps = steps_on({{.name = "web-1"}, {.name = "web-2"}});
  fake.expect_plan(steps);
  fake.expect_approval();
  fake.keyboard.lines = {digits(steps)};

  CHECK(fake.approve({"--comment", "after lunch"}) == 0);

  INFO(fake.screen.err);
  const warrant::Envelope envelope = fake.posted_envelope();
  CHECK(envelope.payload_type == warrant::type_approval);
  const Result<warrant::Approval> approval = warrant::decode_approval(envelope.payload);
  REQUIRE(approval.ok());
  CHECK(*approval == warrant::Approval{.org = "acme",
                                       .plan = plan_bytes(),
                                       .root = root_of(steps),
                                       .count = 2,
                                       .hosts = 2,
                                       .risk_max = 1,
                                       .person = "alice",
                                       .decision = warrant::Decision::approve,
                                       .at_ms = now_ms,
                                       .not_after_ms = now_ms + 7'200'000,
                                       .comment = "after lunch"});
  CHECK(warrant::signed_by(envelope, fake.trust().state.trust()->approvers.front().public_key));
  CHECK_THAT(fake.screen.out, Catch::EndsWith("approved by alice; the server counts 1 of 1, the plan is approved\n"));
}

TEST_CASE("a veto is signed as one") {
  TrustedWorld fake;
  const std::vector<Step> steps = steps_on({{.name = "web-1"}});
  fake.expect_plan(steps);
  fake.server.expect_post("/v1/fix/approve", R"({"counted":0,"needed":1,"state":"vetoed"})");

  CHECK(fake.approve({"--veto", "--yes"}) == 0);

  const Result<warrant::Approval> approval = warrant::decode_approval(fake.posted_envelope().payload);
  REQUIRE(approval.ok());
  CHECK(approval->decision == warrant::Decision::veto);
  CHECK_THAT(fake.screen.out, Catch::EndsWith("vetoed by alice; the server counts 0 of 1, the plan is vetoed\n"));
}

TEST_CASE("the plan is fetched once: what is shown is what is signed") {
  TrustedWorld fake;
  const std::vector<Step> steps = steps_on({{.name = "web-1"}});
  fake.expect_plan(steps);
  fake.expect_approval();
  fake.keyboard.lines = {digits(steps)};

  CHECK(fake.approve() == 0);

  CHECK(std::count_if(fake.server.calls.begin(), fake.server.calls.end(),
                      [](const HttpCall& call) { return call.path == "/v1/fix/plans/" + plan_id; }) == 1);
}

TEST_CASE("step bytes that are not those of the claimed root hash are refused") {
  TrustedWorld fake;
  const std::vector<Step> shown = steps_on({{.name = "web-1"}});
  std::vector<Step> meant = shown;
  std::get<warrant::Action>(meant[0].exec.what).arguments[0].second = std::string("sshd.service");
  Json answer = plan_answer(shown);
  answer.set("root", to_hex(root_of(meant)));
  fake.server.expect("/v1/fix/plans/" + plan_id, answer.dump());

  CHECK(fake.approve({"--yes"}) == 1);

  check_refused(fake, "it shows one plan and means another; nothing was signed");
}

TEST_CASE("a server that shows harmless words beside other bytes is shown up, and only the bytes are believed") {
  TrustedWorld fake;
  std::vector<Step> steps = steps_on({{.name = "db-1"}});
  steps[0].exec.what = warrant::Argv{.path = "/usr/bin/rm",
                                     .sha256 = {},
                                     .arguments = {"-rf", "/srv"},
                                     .environment = {},
                                     .working_directory = {},
                                     .user = "root"};
  Json answer = plan_answer(steps);
  answer.set("risk_max", 0);
  answer.set("hosts", 7);
  answer.set("requester", "bob");
  Json row = answer.find("steps")->as_array()->front();
  row.set("host_name", "web-1");
  answer.set("steps", Json::Array{row});
  fake.expect_answer(answer);
  fake.keyboard.lines = {"no"};

  CHECK(fake.approve() == 1);

  check_refused(fake, "\"no\" is not \"" + digits(steps) + "\"; nothing was signed");
  const std::string& out = fake.screen.out;
  CHECK_THAT(out,
             Catch::Contains("run          \"/usr/bin/rm\"\n      argument 1 \"-rf\"\n      argument 2 \"/srv\"\n"));
  CHECK_THAT(out, Catch::Contains("    hosts        \"db-1\"("));
  CHECK_THAT(out,
             Catch::Contains("WARNING: the server says that step 0's host name is \"web-1\"; the steps say \"db-1\""));
  CHECK_THAT(out, Catch::Contains("WARNING: the server says that the number of hosts is \"7\"; the steps say \"1\""));
  CHECK_THAT(out, Catch::Contains("WARNING: the server says that the highest risk is \"0\"; the steps say \"1\""));
  CHECK_THAT(out, Catch::Contains("WARNING: the server says that who asks for it is \"bob\"; the steps say \"carol\""));
}

TEST_CASE("steps out of order, of another plan, or fewer than they say are no plan") {
  TrustedWorld fake;
  const std::vector<TestHost> hosts{{.name = "web-1"}, {.name = "web-2"}};
  std::vector<Step> steps = steps_on(hosts);
  std::string why;
  SECTION("out of order") {
    std::swap(steps[0], steps[1]);
    why = "step 0 of what the server shows says that it is step 1";
  }
  SECTION("of another plan") {
    steps[1].plan = Bytes(16, 'x');
    why = "step 1 of what the server shows is of another plan";
  }
  SECTION("one left out") {
    steps.pop_back();
    why = "says that the plan has 2 steps, but there are 1";
  }
  SECTION("of two orgs") {
    steps[1].org = "other";
    why = "step 1 of what the server shows is of another org";
  }
  fake.server.expect("/v1/fix/plans/" + plan_id, plan_answer(steps).dump());

  CHECK(fake.approve({"--yes"}) == 1);

  check_refused(fake, why);
}

TEST_CASE("bytes that no host would take are no step") {
  TrustedWorld fake;
  Json answer = plan_answer(steps_on({{.name = "web-1"}}));
  Json row = answer.find("steps")->as_array()->front();
  // An unknown field behind the others: field 100, a varint.
  row.set("bytes", to_base64url(*from_base64url(row.string_or("bytes")) + "\xa0\x06\x01"));
  answer.set("steps", Json::Array{row});
  fake.server.expect("/v1/fix/plans/" + plan_id, answer.dump());

  CHECK(fake.approve({"--yes"}) == 1);

  check_refused(fake, "step 0 is not what a host would take");
}

TEST_CASE("a plan of an org whose roots are not known here cannot be approved") {
  TrustedWorld fake;
  std::vector<Step> steps = steps_on({{.name = "web-1"}});
  steps[0].org = "other";
  fake.server.expect("/v1/fix/plans/" + plan_id, plan_answer(steps).dump());

  CHECK(fake.approve({"--yes"}) == 1);

  check_refused(fake, "the root keys of org \"other\" are not known here");
}

TEST_CASE("trust that the roots have not signed stops the approval") {
  TrustedWorld fake;
  fake.server.expect("/v1/fix/plans/" + plan_id, plan_answer(steps_on({{.name = "web-1"}})).dump());
  warrant::Trust forged = *fake.trust().state.trust();
  forged.version += 1;
  const warrant::Envelope envelope =
      warrant::sign(warrant::type_trust, warrant::encode(forged), crypto::SigningKey::make());
  fake.server.expect("/v1/trust", R"({"version":3,"chain":[")" + to_base64url(warrant::encode(envelope)) + "\"]}");

  CHECK(fake.approve({"--yes"}) == 1);

  check_refused(fake, "the server shows trust that the roots have not signed");
}

TEST_CASE("nobody approves what they ask for themselves") {
  TrustedWorld fake;
  std::vector<Step> steps = steps_on({{.name = "web-1"}});
  steps[0].requester = "alice";
  fake.expect_plan(steps);

  CHECK(fake.approve({"--yes"}) == 1);

  check_refused(fake, "alice has asked for this plan");
}

TEST_CASE("a key's highest risk is a limit: at it yes, one past it no") {
  TrustedWorld fake;
  std::vector<Step> steps = steps_on({{.name = "web-1"}});
  steps[0].risk = 2;  // alice's highest
  fake.expect_plan(steps);
  fake.expect_approval();
  CHECK(fake.approve({"--yes"}) == 0);

  steps[0].risk = 3;
  fake.expect_plan(steps);
  CHECK(fake.approve({"--yes"}) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("the key of alice may approve up to risk 2, and this plan has steps of "
                                              "risk 3"));
}

TEST_CASE("a risk that the trust file never allows cannot be approved") {
  TrustedWorld fake;
  fake.alice = fake.new_approver("bold", {"--risk-max", "4"});
  std::vector<Step> steps = steps_on({{.name = "web-1"}});
  steps[0].risk = 4;
  fake.expect_plan(steps);

  CHECK(fake.approve({"--yes"}) == 1);

  check_refused(fake, "never allows a step of this plan's risk");
}

TEST_CASE("expired and revoked keys, and strangers' keys, do not sign") {
  TrustedWorld fake;
  const std::vector<Step> steps = steps_on({{.name = "web-1"}});
  std::string why;
  SECTION("expired") {
    fake.alice = fake.new_approver("brief", {"--expires", "1m"});
    fake.clock.advance(1min);
    why = "the key of brief has expired on 2026-11-21";
  }
  SECTION("revoked by name") {
    fake.must({"keys", "revoke", "alice", "--pass-file", fake.pass_file});
    why = "the key of alice is revoked";
  }
  SECTION("removed") {
    fake.must({"keys", "approver", "remove", "alice", "--pass-file", fake.pass_file});
    why = "is no approver's of trust file 3";
  }
  fake.expect_plan(steps);

  CHECK(fake.approve({"--yes"}) == 1);

  check_refused(fake, why);
}

TEST_CASE("what is over, or revoked, cannot be approved") {
  TrustedWorld fake;
  const std::vector<TestHost> hosts{{.name = "web-1"}};
  const std::vector<Step> steps = steps_on(hosts);
  std::string why;
  SECTION("expired at its last moment") {
    fake.clock.advance(2h);
    why = "the plan has expired";
  }
  SECTION("revoked as a plan") {
    fake.must({"keys", "revoke", plan_id, "--pass-file", fake.pass_file});
    why = "plan " + plan_id + " is revoked";
  }
  SECTION("on a revoked host") {
    fake.must({"keys", "revoke", "host:" + to_hex(hosts[0].id()), "--pass-file", fake.pass_file});
    why = "host \"web-1\" is revoked";
  }
  SECTION("under an expired trust file") {
    fake.must({"keys", "renew", "--expires", "1h", "--pass-file", fake.pass_file});
    fake.clock.advance(1h);
    why = "trust file 3 has expired";
  }
  fake.expect_plan(steps);

  CHECK(fake.approve({"--yes"}) == 1);

  check_refused(fake, why);
}

TEST_CASE("without a terminal the hash is not typed, and --yes is named") {
  TrustedWorld fake;
  fake.expect_plan(steps_on({{.name = "web-1"}}));

  CHECK(fake.approve() == 1);

  check_refused(fake, "there is no terminal to ask on; where that is meant, say --yes");
}

TEST_CASE("a wrong pass phrase opens no key") {
  TrustedWorld fake;
  fake.expect_plan(steps_on({{.name = "web-1"}}));
  fake.write("pass", "another horse battery\n");

  CHECK(fake.approve({"--yes"}) == 1);

  check_refused(fake, "the pass phrase does not open the key");
}

TEST_CASE("every byte of an argument is told apart in what is shown") {
  CHECK(quoted("plain") == R"("plain")");
  CHECK(quoted("a\"b\\c") == R"("a\"b\\c")");
  CHECK(quoted("a\nb\tc\x1b[2J\x7f") == R"("a\nb\tc\x1b[2J\x7f")");
  CHECK(quoted("\\n") == R"("\\n")");
  CHECK(quoted("caf\xc3\xa9 \xe2\x80\xae") == R"("caf\xc3\xa9 \xe2\x80\xae")");
  CHECK(quoted(" ") == R"(" ")");
  CHECK(quoted("") == R"("")");
}

TEST_CASE("a long argument is broken between characters, never within an escape") {
  const std::string text = std::string(18, 'a') + "\x01" + "b";

  CHECK(quoted_lines(text, 20, 40) == "\"" + std::string(18, 'a') + "\n" + std::string(20, ' ') + "|\\x01b\"");
}

TEST_CASE("a plan reads as the hosts would run it, the same on many hosts once") {
  const std::vector<TestHost> hosts{{.name = "web-1"}, {.name = "web-2"}, {.name = "db-1"}};
  std::vector<Step> steps = steps_on(hosts);
  steps[2].exec = {.what = warrant::Argv{.path = "/usr/bin/psql",
                                         .sha256 = Bytes(32, '\xab'),
                                         .arguments = {"-c", "select 1;\nselect 2"},
                                         .environment = {{"PGUSER", "ops"}},
                                         .working_directory = "/tmp",
                                         .user = "postgres"},
                   .timeout_ms = 60'000,
                   .output_bytes_max = 100};
  steps[2].rollback = steps[0].exec;
  steps[2].rollback_on_failure = true;
  steps[2].keep_within_ms = 90'000;
  steps[2].preconditions = {{.name = "disk.free", .arguments = {{"bytes", int64_t{5}}}}};
  const Result<PlanSteps> plan = read_plan(plan_answer(steps), plan_id);
  REQUIRE(plan.ok());
  ::setenv("TZ", "UTC", 1);
  ::tzset();

  const std::string text = render_plan(*plan, 100);

  const auto short_id = [&](size_t i) { return "(" + to_hex(hosts[i].id()).substr(0, 12) + ")"; };
  CHECK(
      text ==
      "plan 0198c2f0-7c1e-7abc-8def-0000000000aa of org \"acme\"\n"
      "    root hash    " +
          to_hex(root_of(steps)) +
          "\n"
          "    steps        3 on 3 hosts, highest risk 1\n"
          "\n[1] on 2 hosts, the same on each\n"
          "    hosts        \"web-1\"" +
          short_id(0) + " \"web-2\"" + short_id(1) +
          "\n"
          "    run          built-in action \"unit.restart\"\n"
          "                 \"unit\" = \"nginx.service\"\n"
          "      at most    30s, 8192 bytes of its output are kept\n"
          "    probe        none\n"
          "    rollback     none: this cannot be undone from here\n"
          "    only if      no conditions\n"
          "    effect       idempotent: it is said to change nothing when done twice\n"
          "    risk         1 of 4, asks for at least 1 approval\n"
          "    asked by     \"carol\"\n"
          "    not before   2026-11-21T02:54:00.000Z\n"
          "    not after    2026-11-21T04:54:00.000Z\n"
          "    policy       707070707070...\n"
          "\n[2] on 1 host\n"
          "    hosts        \"db-1\"" +
          short_id(2) +
          "\n"
          "    run          \"/usr/bin/psql\"\n"
          "      argument 1 \"-c\"\n"
          "      argument 2 \"select 1;\\nselect 2\"\n"
          "      as user    \"postgres\"\n"
          "      in folder  \"/tmp\"\n"
          "      variable   \"PGUSER\" = \"ops\"\n"
          "      program    only with SHA-256 " +
          to_hex(Bytes(32, '\xab')) +
          "\n"
          "      at most    1m, 100 bytes of its output are kept\n"
          "    probe        none\n"
          "    rollback     built-in action \"unit.restart\"\n"
          "                 \"unit\" = \"nginx.service\"\n"
          "      at most    30s, 8192 bytes of its output are kept\n"
          "      runs       at once when the step fails, or by order; and by itself 90s after the step, unless `reeve "
          "keep` comes first\n"
          "    only if      built-in check \"disk.free\"\n"
          "                 \"bytes\" = 5 (a number)\n"
          "    effect       idempotent: it is said to change nothing when done twice\n"
          "    risk         1 of 4, asks for at least 1 approval\n"
          "    asked by     \"carol\"\n"
          "    not before   2026-11-21T02:54:00.000Z\n"
          "    not after    2026-11-21T04:54:00.000Z\n"
          "    policy       707070707070...\n");
}
