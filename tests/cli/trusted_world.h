// A command line whose owner holds an org's keys, and plans to sign for.
#pragma once

#include <string>
#include <vector>

#include "cli/keys_store.h"
#include "common/base/ids.h"
#include "common/base/json.h"
#include "common/crypto/digest.h"
#include "common/warrant/merkle.h"
#include "common/warrant/messages.h"
#include "tests/cli/fake_world.h"

namespace reeve::cli {

const std::string plan_id = "0198c2f0-7c1e-7abc-8def-0000000000aa";
const std::string phrase = "correct horse battery";

constexpr int64_t now_ms = test_now.ns / 1'000'000;
constexpr int64_t day_ms = 24LL * 3600 * 1000;

inline Bytes plan_bytes() {
  return Bytes(parse_uuid(plan_id)->view());
}

// A host with its runner's key.
struct TestHost {
  std::string name;
  crypto::SigningKey key = crypto::SigningKey::make();
  Bytes id() const { return crypto::sha256(key.public_key()); }
};

inline warrant::Step make_step(const TestHost& host, uint32_t index = 0, uint32_t count = 1) {
  return {.org = "acme",
          .plan = plan_bytes(),
          .index = index,
          .count = count,
          .host = host.id(),
          .host_name = host.name,
          .epoch = 1,
          .exec = {.what = warrant::Action{.name = "unit.restart", .arguments = {{"unit", "nginx.service"}}},
                   .timeout_ms = 30'000,
                   .output_bytes_max = 8192},
          .probe = std::nullopt,
          .rollback = std::nullopt,
          .rollback_on_failure = false,
          .keep_within_ms = 0,
          .effect = warrant::Effect::idempotent,
          .risk = 1,
          .approvals = 1,
          .requester = "carol",
          .policy_hash = Bytes(32, 'p'),
          .not_before_ms = now_ms,
          .not_after_ms = now_ms + 7'200'000,
          .preconditions = {}};
}

inline Bytes root_of(const std::vector<warrant::Step>& steps) {
  std::vector<warrant::Hash> leaves;
  for (const warrant::Step& step : steps) leaves.push_back(warrant::leaf_hash(warrant::encode(step)));
  return warrant::merkle_root(leaves);
}

// GET /v1/fix/plans/{id} of an honest server.
inline Json plan_answer(const std::vector<warrant::Step>& steps) {
  Json answer;
  answer.set("id", plan_id);
  answer.set("title", "restart nginx");
  answer.set("requester", steps.front().requester);
  answer.set("state", "waiting");
  answer.set("root", to_hex(root_of(steps)));
  answer.set("count", uint64_t{steps.size()});
  answer.set("approvals_needed", 1);
  Json::Array rows;
  for (const warrant::Step& step : steps) {
    const Bytes bytes = warrant::encode(step);
    Json row;
    row.set("index", step.index);
    row.set("id", to_hex(warrant::step_id(bytes)));
    row.set("bytes", to_base64url(bytes));
    row.set("host", to_hex(step.host));
    row.set("host_name", step.host_name);
    row.set("state", "waiting");
    rows.push_back(std::move(row));
  }
  answer.set("steps", std::move(rows));
  return answer;
}

// Root "root" with its key in the org's folder, approver "alice" with alice.pem; logged in.
class TrustedWorld : public FakeWorld {
 public:
  TrustedWorld() {
    log_in();
    pass_file = write("pass", phrase + "\n");
    must({"keys", "init", "--org", "acme", "--planner", std::string(64, '1'), "--freshness", std::string(64, '2'),
          "--audit", std::string(64, '3'), "--pass-file", pass_file});
    alice = new_approver("alice");
  }

  // Makes the key and adds it.
  std::string new_approver(const std::string& name, const std::vector<std::string>& more = {}) {
    const std::string file = folder + "/" + name + ".pem";
    screen.out.clear();
    must({"keys", "approver", "new", name, "--out", file, "--pass-file", pass_file});
    const std::string public_key = screen.out.substr(0, 64);
    std::vector<std::string> add{"keys", "approver", "add", name, "--public", public_key, "--pass-file", pass_file};
    add.insert(add.end(), more.begin(), more.end());
    must(add);
    screen.out.clear();
    screen.err.clear();
    return file;
  }

  void must(const std::vector<std::string>& arguments) {
    const int code = run(arguments);
    INFO(screen.err);
    REQUIRE(code == 0);
  }

  LocalTrust trust() {
    Result<LocalTrust> local = load_trust(world, "acme");
    REQUIRE(local.ok());
    return *std::move(local);
  }

  // GET /v1/trust of a server that has what is believed here.
  std::string trust_answer() {
    const LocalTrust local = trust();
    Json answer;
    answer.set("version", local.state.trust_version());
    Json::Array chain;
    chain.push_back(to_base64url(warrant::encode(local.state.kept().trust.back())));
    answer.set("chain", std::move(chain));
    answer.set("revocation",
               local.state.revocation() ? Json(to_base64url(warrant::encode(*local.state.kept().revocation))) : Json());
    return answer.dump();
  }

  // The calls of an approval, up to its end.
  void expect_plan(const std::vector<warrant::Step>& steps) { expect_answer(plan_answer(steps)); }
  void expect_answer(const Json& answer) {
    server.expect("/v1/fix/plans/" + plan_id, answer.dump());
    server.expect("/v1/trust", trust_answer());
  }
  void expect_approval() { server.expect_post("/v1/fix/approve", R"({"counted":1,"needed":1,"state":"approved"})"); }

  int approve(const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"approve", plan_id, "--key", alice, "--pass-file", pass_file};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }

  // What was posted last, decoded.
  warrant::Envelope posted_envelope() const {
    REQUIRE_FALSE(server.calls.empty());
    const Result<Json> body = parse_json(server.calls.back().body);
    REQUIRE(body.ok());
    const std::optional<Bytes> bytes = from_base64url(body->string_or("envelope"));
    REQUIRE(bytes.has_value());
    Result<warrant::Envelope> envelope = warrant::decode_envelope(*bytes);
    REQUIRE(envelope.ok());
    return *std::move(envelope);
  }

  std::string pass_file;
  std::string alice;
};

}  // namespace reeve::cli
