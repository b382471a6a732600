// The audit over the API and over the link: checkpoints, proofs, exports, and what witnesses say.
#include "common/audit/entry.h"
#include "common/warrant/envelope.h"
#include "common/warrant/merkle.h"
#include "common/warrant/step.h"
#include "server/store/accounts.h"
#include "tests/pch.h"
#include "tests/server/api_harness.h"

namespace reeve::server {
namespace {

const Uuid epoch = parse_uuid("0198c2f0-7c1e-4abc-8def-0123456789ab").value();

std::vector<Json> lines_of(const HttpAnswer& answer) {
  std::vector<Json> lines;
  std::string_view rest = answer.response.body;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    REQUIRE(end != std::string_view::npos);
    lines.push_back(parse_json(rest.substr(0, end)).value());
    rest.remove_prefix(end + 1);
  }
  return lines;
}

AuditEntry entry_of(const Json& line) {
  return {.id = static_cast<uint64_t>(line.int_or("id")),
          .time = WallTime{line.int_or("time_ns")},
          .actor_kind = line.string_or("actor_kind"),
          .actor_id = line.string_or("actor_id"),
          .actor_name = line.string_or("actor_name"),
          .action = line.string_or("action"),
          .target = line.string_or("target"),
          .detail = line.string_or("detail"),
          .request_id = line.string_or("request_id"),
          .peer = line.string_or("peer")};
}

warrant::Checkpoint checkpoint_of(const std::string& envelope_text, const std::string& key_hex) {
  const warrant::Envelope envelope = warrant::decode_envelope(*from_base64url(envelope_text)).value();
  REQUIRE(envelope.payload_type == warrant::type_checkpoint);
  REQUIRE(warrant::signed_by(envelope, *from_hex(key_hex)));
  return warrant::decode_checkpoint(envelope.payload).value();
}

}  // namespace

TEST_CASE("the newest checkpoint is signed by the org's audit key") {
  ApiHarness harness;
  (void)harness.make_token();
  const HttpAnswer answer = harness.get("/v1/audit/checkpoint");
  REQUIRE(answer.status == 200);
  const auto checkpoint = checkpoint_of(answer.json.string_or("envelope"), answer.json.string_or("public_key"));
  CHECK(checkpoint.org == "tests");
  CHECK(checkpoint.size == harness.store->accounts().audit_tree().value().size);
  CHECK(to_hex(checkpoint.root) == answer.json.string_or("root"));
  CHECK(answer.json.int_or("size") == static_cast<int64_t>(checkpoint.size));
  (void)harness.make_token();
  CHECK(harness.get("/v1/audit/checkpoint").json.int_or("size") == answer.json.int_or("size") + 1);
}

TEST_CASE("a proof leads from one checkpoint to the next") {
  ApiHarness harness;
  (void)harness.make_token();
  const Json first = harness.get("/v1/audit/checkpoint").json;
  for (int i = 0; i < 5; ++i) (void)harness.make_token();
  const Json second = harness.get("/v1/audit/checkpoint").json;
  const std::string from = std::to_string(first.int_or("size"));
  const std::string to = std::to_string(second.int_or("size"));

  const HttpAnswer answer = harness.get("/v1/audit/proof?from=" + from + "&to=" + to);

  REQUIRE(answer.status == 200);
  std::vector<warrant::Hash> proof;
  for (const Json& hash : *answer.json.find("proof")->as_array()) proof.push_back(*from_hex(*hash.as_string()));
  CHECK(warrant::verify_consistency(static_cast<uint64_t>(first.int_or("size")), *from_hex(first.string_or("root")),
                                    static_cast<uint64_t>(second.int_or("size")), *from_hex(second.string_or("root")),
                                    proof));
  CHECK(harness.get("/v1/audit/proof?from=" + from).json.int_or("to") == second.int_or("size"));
  CHECK(harness.get("/v1/audit/proof").status == 400);
  CHECK(harness.get("/v1/audit/proof?from=0").status == 400);
  CHECK(harness.get("/v1/audit/proof?from=1000").status == 400);
  CHECK(harness.get("/v1/audit/proof?from=" + to + "&to=1").status == 400);
}

TEST_CASE("an export has every leaf with its entry, and ends with a checkpoint over them") {
  ApiHarness harness;
  for (int i = 0; i < 7; ++i) (void)harness.make_token();

  const std::vector<Json> lines = lines_of(harness.get("/v1/audit/export"));

  REQUIRE(lines.size() >= 9);
  CHECK(lines.front().string_or("format") == "reeve audit export 1");
  CHECK(lines.front().string_or("org") == "tests");
  std::vector<warrant::Hash> leaves;
  for (size_t i = 1; i + 1 < lines.size(); ++i) {
    CHECK(lines[i].int_or("leaf", -1) == static_cast<int64_t>(i - 1));
    leaves.push_back(warrant::leaf_hash(audit_leaf(entry_of(lines[i]))));
    CHECK(to_hex(leaves.back()) == lines[i].string_or("hash"));
  }
  const std::string key_hex = *lines.back().find("public_keys")->as_array()->front().as_string();
  const warrant::Checkpoint checkpoint = checkpoint_of(lines.back().string_or("checkpoint"), key_hex);
  CHECK(checkpoint.size == leaves.size());
  CHECK(checkpoint.root == warrant::merkle_root(leaves));
}

TEST_CASE("an export comes in pieces that fit together") {
  ApiHarness harness;
  for (int i = 0; i < 7; ++i) (void)harness.make_token();
  const std::vector<Json> first = lines_of(harness.get("/v1/audit/export?limit=3"));
  REQUIRE(first.size() == 5);
  CHECK(first.back().int_or("next") == 3);
  const std::vector<Json> rest = lines_of(harness.get("/v1/audit/export?from=3&limit=1000"));
  CHECK(rest.front().int_or("leaf") == 3);
  CHECK_FALSE(rest.back().string_or("checkpoint").empty());
  const int64_t size = rest.back().int_or("size");
  CHECK(rest.size() == static_cast<size_t>(size - 3 + 1));
  const std::vector<Json> behind = lines_of(harness.get("/v1/audit/export?from=" + std::to_string(size)));
  CHECK(behind.size() == 1);
  CHECK(harness.get("/v1/audit/export?limit=0").status == 400);
}

TEST_CASE("the audit's checkpoints are for those who may read reports, of their own org") {
  ApiHarness harness;
  for (const char* path : {"/v1/audit/checkpoint", "/v1/audit/proof?from=1", "/v1/audit/export"}) {
    CHECK(harness.ask({.target = path, .key = harness.viewer_key}).status == 403);
    CHECK(harness.ask({.target = path}).status == 401);
  }
  const HttpAnswer foreign = harness.ask({.target = "/v1/audit/checkpoint", .key = harness.foreign_key});
  const auto checkpoint = checkpoint_of(foreign.json.string_or("envelope"), foreign.json.string_or("public_key"));
  CHECK(checkpoint.org == "foreign");
  CHECK(foreign.json.string_or("public_key") != harness.get("/v1/audit/checkpoint").json.string_or("public_key"));
}

TEST_CASE("a linked witness is shown the newest checkpoint with a proof from its pin") {
  ApiHarness harness;
  const Identity identity = harness.enrol();
  TestLink link(harness, identity);
  link.open(epoch, 1);

  link.send(wire::AuditPin{});
  const wire::AuditHead first = link.take<wire::AuditHead>();
  const std::string key = harness.get("/v1/audit/checkpoint").json.string_or("public_key");
  CHECK(to_hex(first.public_key) == key);
  const warrant::Checkpoint one = checkpoint_of(to_base64url(first.envelope), key);

  (void)harness.make_token();
  (void)harness.get("/v1/audit/checkpoint");  // signed now
  link.send(wire::AuditPin{.size = one.size, .root = one.root, .alarm = {}});
  const wire::AuditHead second = link.take<wire::AuditHead>();
  const warrant::Checkpoint two = checkpoint_of(to_base64url(second.envelope), key);
  CHECK(two.size > one.size);
  CHECK(warrant::verify_consistency(one.size, one.root, two.size, two.root, second.proof));
}

TEST_CASE("an agent's alarm shows in the fleet, stands in the audit once, and goes when it is cleared") {
  ApiHarness harness;
  const Identity identity = harness.enrol();
  TestLink link(harness, identity);
  link.open(epoch, 1);
  const auto alarm = [&] {
    return harness.get("/v1/agents").json.find("agents")->as_array()->front().string_or("audit_alarm", "none");
  };
  const auto told = [&](const std::string& action) {
    return harness.get("/v1/audit?action=" + action).json.find("entries")->as_array()->size();
  };
  CHECK(alarm() == "none");

  link.send(wire::AuditPin{.size = 5, .root = Bytes(32, 'r'), .alarm = "it was rewritten"});
  harness.wait_for("the alarm", [&] { return alarm() == "it was rewritten"; });
  link.send(wire::AuditPin{.size = 5, .root = Bytes(32, 'r'), .alarm = "it was rewritten"});
  link.send(wire::AuditPin{});
  harness.wait_for("the alarm's end", [&] { return alarm() == "none"; });

  CHECK(told("audit.alarm") == 1);
  CHECK(told("audit.alarm_cleared") == 1);
}

TEST_CASE("an enrolled agent is told the audit's key") {
  ApiHarness harness;
  const auto key = sys::make_key().value();
  Json body;
  body.set("token", harness.make_token());
  body.set("csr", sys::make_csr(key, "web-1").value());
  body.set("host", "web-1");
  const HttpAnswer answer = harness.ask({.method = "POST", .target = "/v1/enroll", .body = body.dump()});
  REQUIRE(answer.status == 201);
  CHECK(answer.json.string_or("audit_key") == harness.get("/v1/audit/checkpoint").json.string_or("public_key"));
}

}  // namespace reeve::server
