// Trust files and revocation lists as their root holders make them.
#include "tests/cli/trusted_world.h"

using namespace reeve;
using namespace reeve::cli;

namespace {

const std::string one = std::string(64, '1');
const std::string two = std::string(64, '2');
const std::string three = std::string(64, '3');

std::vector<std::string> init_words(const FakeWorld& fake, const std::vector<std::string>& more) {
  std::vector<std::string> words{"keys", "init", "--org", "acme", "--pass-file", fake.folder + "/pass"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

const std::vector<std::string> online{"--planner", one, "--freshness", two, "--audit", three};

}  // namespace

TEST_CASE("a first trust file is signed, believed here, and nothing was sent") {
  TrustedWorld fake;

  const LocalTrust local = fake.trust();
  const warrant::Trust& trust = *local.state.trust();
  CHECK(trust.version == 2);  // alice was added
  CHECK(trust.org == "acme");
  CHECK(trust.root_threshold == 1);
  CHECK(trust.approvals_min == std::vector<uint32_t>{1, 1, 1, 2, 0});
  CHECK(trust.not_after_ms == now_ms + 365 * day_ms);
  CHECK(trust.planner_keys == std::vector<Bytes>{*from_hex(one)});
  REQUIRE(trust.approvers.size() == 1);
  CHECK(trust.approvers[0].person == "alice");
  CHECK(trust.approvers[0].risk_max == 2);
  CHECK(trust.approvers[0].not_after_ms == now_ms + 90 * day_ms);
  CHECK(fake.server.calls.empty());
}

TEST_CASE("the pass phrase is asked for twice and not shown") {
  FakeWorld fake;
  std::vector<std::string> words{"keys", "approver", "new", "bob", "--out", fake.folder + "/bob.pem"};
  fake.keyboard.lines = {phrase, phrase};
  CHECK(fake.run(words) == 0);
  CHECK(fake.keyboard.hidden == 2);
  CHECK_THAT(fake.read("bob.pem"), Catch::StartsWith("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
  CHECK(fake.screen.out.size() == 65);

  CHECK(fake.run(words) == 1);  // never overwritten
  CHECK_THAT(fake.screen.err, Catch::Contains("a key is never overwritten"));
}

TEST_CASE("pass phrases that differ, are too short, or have nobody to ask make no key") {
  FakeWorld fake;
  const std::vector<std::string> words{"keys", "approver", "new", "bob", "--out", fake.folder + "/bob.pem"};
  SECTION("differ") {
    fake.keyboard.lines = {phrase, phrase + "x"};
    CHECK(fake.run(words) == 1);
    CHECK(fake.screen.err == "the two pass phrases differ; nothing was made, try again\n");
  }
  SECTION("one byte short of the least") {
    fake.keyboard.lines = {"123456789"};
    CHECK(fake.run(words) == 1);
    CHECK(fake.screen.err == "the pass phrase has 9 bytes; allowed are 10 to 512\n");
  }
  SECTION("no terminal") {
    CHECK(fake.run(words) == 1);
    CHECK(fake.screen.err == "there is no terminal to ask on; without one, say --pass-file FILE\n");
  }
  CHECK_FALSE(std::filesystem::exists(fake.folder + "/bob.pem"));
}

TEST_CASE("the server's keys are its own word until the person confirms them") {
  FakeWorld fake;
  fake.log_in();
  fake.write("pass", phrase);
  const std::string answer = R"({"version":0,"online_keys":{"planner":")" + one + R"(","freshness":")" + two +
                             R"(","audit":")" + three + "\"}}";
  fake.server.expect("/v1/trust", answer);
  fake.keyboard.lines = {"22222222"};
  CHECK(fake.run(init_words(fake, {"--from-server"})) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("\"22222222\" is not \"11111111\"; nothing was signed"));

  fake.server.expect("/v1/trust", answer);
  fake.keyboard.lines = {"11111111"};
  CHECK(fake.run(init_words(fake, {"--from-server"})) == 0);
}

TEST_CASE("without the server's keys there is no trust file") {
  FakeWorld fake;
  fake.write("pass", phrase);
  CHECK(fake.run(init_words(fake, {"--planner", one})) == 1);
  CHECK_THAT(fake.screen.err, Catch::StartsWith("the trust file names the server's keys: say --planner HEX"));
}

TEST_CASE("the same key for two purposes is refused") {
  FakeWorld fake;
  fake.write("pass", phrase);
  CHECK(fake.run(init_words(fake, {"--planner", one, "--freshness", one, "--audit", three})) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("would stand in the trust file twice"));
}

TEST_CASE("init happens once") {
  TrustedWorld fake;
  std::vector<std::string> words = init_words(fake, online);
  CHECK(fake.run(words) == 1);
  CHECK_THAT(fake.screen.err, Catch::StartsWith("org \"acme\" has its keys already"));
}

TEST_CASE("two of three root holders make a version, one makes a proposal") {
  FakeWorld fake;
  fake.write("pass", phrase);
  const std::string pass = fake.folder + "/pass";
  const auto new_root = [&](const std::string& name) {
    fake.screen.out.clear();
    REQUIRE(fake.run({"keys", "root", "new", name, "--out", fake.folder + "/" + name, "--pass-file", pass}) == 0);
    return fake.screen.out.substr(0, 64);
  };
  const std::string bob = new_root("bob");
  const std::string eve = new_root("eve");
  std::vector<std::string> words = init_words(fake, online);
  for (const std::string& root : {"ann=" + fake.folder + "/ann", "bob=" + bob, "eve=" + eve}) {
    words.emplace_back("--root");
    words.push_back(root);
  }
  words.insert(words.end(), {"--threshold", "2"});
  REQUIRE(fake.run(words) == 0);
  CHECK_THAT(fake.screen.out, Catch::Contains("2 must sign; signed: ann; can: bob, eve"));
  const std::string proposal = fake.folder + "/config/trust/acme/trust-1.proposed.rvt";

  Result<LocalTrust> local = load_trust(fake.world, "acme");
  REQUIRE(local.ok());
  CHECK(local->state.trust_version() == 0);
  CHECK(fake.run({"keys", "show"}) == 1);

  // The same person again is no second one.
  CHECK(fake.run({"keys", "sign", proposal, "--root", fake.folder + "/ann", "--pass-file", pass, "--yes"}) == 0);
  CHECK(load_trust(fake.world, "acme")->state.trust_version() == 0);
  // A stranger's signature is none.
  new_root("mallory");
  CHECK(fake.run({"keys", "sign", proposal, "--root", fake.folder + "/mallory", "--pass-file", pass, "--yes"}) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("is no root of org \"acme\""));

  CHECK(fake.run({"keys", "sign", proposal, "--root", fake.folder + "/eve", "--pass-file", pass, "--yes"}) == 0);
  CHECK(load_trust(fake.world, "acme")->state.trust_version() == 1);
  CHECK_FALSE(std::filesystem::exists(proposal));
}

TEST_CASE("a signature to a proposal is confirmed by its hash") {
  FakeWorld fake;
  fake.write("pass", phrase);
  const std::string pass = fake.folder + "/pass";
  std::vector<std::string> words = init_words(fake, online);
  words.insert(words.end(), {"--root", "ann=" + fake.folder + "/ann", "--root", "bob=" + fake.folder + "/bob"});
  words.insert(words.end(), {"--threshold", "2"});
  REQUIRE(fake.run(words) == 0);
  REQUIRE(fake.run({"keys", "renew", "--root", fake.folder + "/ann", "--pass-file", pass}) == 0);
  const std::string proposal = fake.folder + "/config/trust/acme/trust-2.proposed.rvt";
  const std::vector<std::string> sign{"keys", "sign", proposal, "--root", fake.folder + "/bob", "--pass-file", pass};

  fake.keyboard.lines = {"yes"};
  CHECK(fake.run(sign) == 1);
  CHECK(load_trust(fake.world, "acme")->state.trust_version() == 1);

  // A second wish waits until the first is settled.
  CHECK(fake.run({"keys", "renew", "--root", fake.folder + "/ann", "--pass-file", pass}) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("waits for signatures"));

  const Result<warrant::Envelope> envelope = read_envelope_file(fake.world.disk, proposal);
  REQUIRE(envelope.ok());
  fake.keyboard.lines = {to_hex(crypto::sha256(envelope->payload)).substr(0, 8)};
  CHECK(fake.run(sign) == 0);
  CHECK(load_trust(fake.world, "acme")->state.trust_version() == 2);
}

TEST_CASE("a rotated root is signed by the old and the new key, and the fingerprint follows") {
  TrustedWorld fake;
  const std::string before = warrant::to_string(warrant::root_fingerprint(*fake.trust().state.trust()));
  fake.must({"keys", "rotate", "root", "--new", "root=" + fake.folder + "/new.pem", "--pass-file", fake.pass_file});

  const LocalTrust local = fake.trust();
  CHECK(local.state.trust_version() == 3);
  REQUIRE(local.state.trust()->roots.size() == 1);
  CHECK(local.state.kept().trust.back().signatures.size() == 2);
  CHECK(warrant::to_string(warrant::root_fingerprint(*local.state.trust())) != before);

  // The old key has nothing to say any more.
  CHECK(fake.run({"keys", "renew", "--pass-file", fake.pass_file}) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("is no root of org \"acme\""));
  fake.must({"keys", "renew", "--root", fake.folder + "/new.pem", "--pass-file", fake.pass_file});
  CHECK(fake.trust().state.trust_version() == 4);
}

TEST_CASE("one of the server's keys is rotated, the others stay; --keep leaves the old one beside it") {
  TrustedWorld fake;
  const std::string four = std::string(64, '4');
  fake.must({"keys", "rotate", "freshness", "--new", four, "--keep", "--pass-file", fake.pass_file});
  CHECK(fake.trust().state.trust()->freshness_keys == std::vector<Bytes>{*from_hex(two), *from_hex(four)});
  fake.must({"keys", "rotate", "planner", "--new", std::string(64, '5'), "--pass-file", fake.pass_file});
  CHECK(fake.trust().state.trust()->planner_keys == std::vector<Bytes>{*from_hex(std::string(64, '5'))});
  CHECK(fake.trust().state.trust()->audit_keys == std::vector<Bytes>{*from_hex(three)});
}

TEST_CASE("an approver's new key takes the place of the old, with the same limits") {
  TrustedWorld fake;
  fake.must({"keys", "rotate", "approver", "alice", "--new", std::string(64, '6'), "--pass-file", fake.pass_file});
  const warrant::Trust trust = *fake.trust().state.trust();
  REQUIRE(trust.approvers.size() == 1);
  CHECK(trust.approvers[0].public_key == *from_hex(std::string(64, '6')));
  CHECK(trust.approvers[0].not_after_ms == now_ms + 90 * day_ms);

  CHECK(fake.run({"keys", "rotate", "approver", "bob", "--new", one, "--pass-file", fake.pass_file}) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("no approver is called \"bob\"; there are: alice"));
}

TEST_CASE("a revocation list grows, and knows keys by their id") {
  TrustedWorld fake;
  const Bytes alice_key = fake.trust().state.trust()->approvers[0].public_key;
  fake.must({"keys", "revoke", to_hex(alice_key), plan_id, "--pass-file", fake.pass_file});
  fake.must({"keys", "revoke", "person:mallory", "--pass-file", fake.pass_file});

  const LocalTrust local = fake.trust();
  CHECK(local.state.revocation_version() == 2);
  CHECK(local.state.key_revoked(alice_key));
  CHECK(local.state.plan_revoked(plan_bytes()));
  CHECK(local.state.person_revoked("mallory"));
  CHECK_FALSE(local.state.person_revoked("alice"));
  fake.screen.out.clear();
  fake.must({"keys", "show"});
  CHECK_THAT(fake.screen.out, Catch::Contains("alice, up to risk 2, until 2027-02-19  REVOKED"));

  CHECK(fake.run({"keys", "revoke", "nobody", "--pass-file", fake.pass_file}) == 1);
  CHECK(fake.run({"keys", "revoke", std::string(64, '9'), "--pass-file", fake.pass_file}) == 1);
  CHECK_THAT(fake.screen.err, Catch::Contains("is no key of the trust file"));
}

TEST_CASE("a machine that pins the fingerprint believes what follows from it, and nothing else") {
  TrustedWorld home;
  const std::string folder = home.folder + "/config/trust/acme/";
  const std::string fingerprint =
      warrant::to_string(warrant::root_fingerprint(*home.trust().state.trust())).substr(0, 71) + "@1";
  FakeWorld away;
  CHECK(away.run({"keys", "take", folder + "trust-1.rvt"}) == 1);
  REQUIRE(away.run({"keys", "pin", fingerprint, "--org", "acme"}) == 0);
  CHECK(away.run({"keys", "pin", fingerprint, "--org", "acme"}) == 1);
  CHECK(away.run({"keys", "take", folder + "trust-1.rvt", folder + "trust-2.rvt"}) == 0);
  CHECK(load_trust(away.world, "acme")->state.trust_version() == 2);

  FakeWorld misled;
  REQUIRE(misled.run({"keys", "pin", "sha256:" + one + "@1", "--org", "acme"}) == 0);
  CHECK(misled.run({"keys", "take", folder + "trust-1.rvt"}) == 1);
  CHECK_THAT(misled.screen.err, Catch::Contains("has other roots than the fingerprint that is pinned"));
}

TEST_CASE("a chain from the server is believed as far as it is signed, and each version is kept") {
  TrustedWorld home;
  const auto envelope = [&](int version) {
    return to_base64url(home.read("config/trust/acme/trust-" + std::to_string(version) + ".rvt"));
  };
  FakeWorld away;
  away.log_in();
  const std::string fingerprint =
      warrant::to_string(warrant::root_fingerprint(*home.trust().state.trust())).substr(0, 71) + "@1";
  REQUIRE(away.run({"keys", "pin", fingerprint, "--org", "acme"}) == 0);
  away.server.expect("/v1/trust", R"({"version":2,"chain":[")" + envelope(1) + "\",\"" + envelope(2) + "\"]}");
  CHECK(away.run({"keys", "fetch"}) == 0);
  CHECK(std::filesystem::exists(away.folder + "/config/trust/acme/trust-1.rvt"));
  CHECK(load_trust(away.world, "acme")->state.trust_version() == 2);
}

TEST_CASE("push sends what the server lacks, in order") {
  TrustedWorld fake;
  fake.must({"keys", "revoke", "alice", "--pass-file", fake.pass_file});
  fake.server.expect("/v1/trust", R"({"version":1,"revocation_version":0})");
  fake.server.expect_post("/v1/trust", R"({"version":2})", 201);
  fake.server.expect_post("/v1/trust/revocations", R"({"version":1})", 201);
  fake.must({"keys", "push"});
  CHECK(fake.server.is_done());
}

TEST_CASE("the enrol command tells the runner the roots that are known here, not what the server says") {
  TrustedWorld fake;
  const std::string answer = R"({"command":"reeve-agent enroll --token t","root":"sha256:bad@1"})";
  fake.server.expect_post("/v1/agents/tokens", answer, 201);
  fake.server.expect("/v1/me", R"({"org":"acme","role":"admin"})");
  fake.must({"agents", "token"});
  CHECK(fake.screen.out == "reeve-agent enroll --token t && reeve-runner enroll --org acme --root " +
                               warrant::to_string(warrant::root_fingerprint(*fake.trust().state.trust())) + "\n");

  // An org whose roots are not known here gets the agent's command alone.
  fake.screen.out.clear();
  fake.server.expect_post("/v1/agents/tokens", answer, 201);
  fake.server.expect("/v1/me", R"({"org":"other; rm -rf /","role":"admin"})");
  fake.must({"agents", "token"});
  CHECK(fake.screen.out == "reeve-agent enroll --token t\n");
}

TEST_CASE("words that make no command are refused with what is allowed") {
  FakeWorld fake;
  const auto refused = [&](const std::vector<std::string>& words) {
    fake.screen.err.clear();
    CHECK(fake.run(words) == 2);
    return fake.screen.err;
  };
  CHECK_THAT(refused({"keys", "init", "--org", "../x"}), Catch::Contains("allowed: 1 to 64 of a-z, 0-9 and -"));
  CHECK_THAT(refused({"keys", "init", "--org", "a", "--threshold", "0"}), Catch::Contains("from 1 to 16"));
  CHECK_THAT(refused({"keys", "init", "--org", "a", "--approvals", "0:1,1:1,2:1,3:2"}), Catch::Contains("4:never"));
  CHECK_THAT(refused({"keys", "init", "--org", "a", "--approvals", "0:1,1:1,2:1,3:2,4:17"}),
             Catch::Contains("1 to 16"));
  CHECK_THAT(refused({"keys", "approver", "add", "bob", "--public", one, "--risk-max", "5"}),
             Catch::Contains("a whole number from 0 to 4"));
  CHECK_THAT(refused({"keys", "approver", "add", "bo\nb", "--public", one}), Catch::Contains("can be seen"));
  CHECK_THAT(refused({"keys", "approver", "add", "bob", "--public", one, "--expires", "0s"}),
             Catch::Contains("from 1s to 3650d"));
  CHECK_THAT(refused({"keys", "rotate", "planner", "bob"}), Catch::Contains("it takes no NAME"));
  CHECK_THAT(refused({"keys", "rotate", "root"}), Catch::Contains("say what changes"));
  CHECK_THAT(refused({"keys", "pin", "sha256:00@1", "--org", "a"}), Catch::Contains("is no root fingerprint"));
  CHECK_THAT(refused({"approve", plan_id}), Catch::Contains("say where your key is"));
  CHECK_THAT(refused({"approve", plan_id, "--pkcs11", "x.so"}), Catch::Contains("--token LABEL and --key-label"));
  CHECK_THAT(refused({"run", "x/../y"}), Catch::Contains("allowed is a plan's id"));
}
