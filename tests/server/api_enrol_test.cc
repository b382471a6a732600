// Enrolment, the link's mutual TLS, revocation, and a block's way from a link to an answer; all over real sockets.
#include "common/crypto/digest.h"
#include "tests/pch.h"
#include "tests/server/api_harness.h"
#include "tests/server/stubborn_store.h"

namespace reeve::server {
namespace {

const Uuid epoch = *parse_uuid("1198c2f0-7c1e-4abc-8def-0123456789ab");

std::string enrol_body(const std::string& token, const Bytes& csr) {
  Json body;
  body.set("token", token);
  body.set("csr", csr);
  body.set("host", "web-1");
  return body.dump();
}

HttpAnswer enrol_with(ApiHarness& harness, const std::string& token) {
  const Bytes csr = *sys::make_csr(*sys::make_key(), "web-1");
  return harness.ask({.method = "POST", .target = "/v1/enroll", .body = enrol_body(token, csr)});
}

std::string state_of(ApiHarness& harness, const Uuid& agent) {
  const HttpAnswer agents = harness.get("/v1/agents");
  for (const Json& each : *agents.json.find("agents")->as_array()) {
    if (each.string_or("id") == to_string(agent)) return each.string_or("state");
  }
  return "unknown";
}

}  // namespace

TEST_CASE("a token enrols one agent, with an identity that the org's CA signed") {
  ApiHarness harness;

  const HttpAnswer token = harness.post("/v1/agents/tokens", "{\"valid_for\":\"10m\"}");
  REQUIRE(token.status == 201);
  CHECK_THAT(token.json.string_or("ca_fingerprint"), Catch::StartsWith("sha256:"));
  CHECK_THAT(token.json.string_or("command"), Catch::Contains(token.json.string_or("token")));
  const HttpAnswer enrolled = enrol_with(harness, token.json.string_or("token"));

  REQUIRE(enrolled.status == 201);
  CHECK(enrolled.json.string_or("org") == "tests");
  CHECK(enrolled.json.string_or("ca") == harness.ca.certificate_pem);
  CHECK(enrolled.json.string_or("link") == "127.0.0.1:" + std::to_string(harness.pipeline->agents_port()));
  const auto info = sys::certificate_info(enrolled.json.string_or("certificate"));
  REQUIRE(info.ok());
  CHECK(info->common_name == enrolled.json.string_or("agent_id"));
  CHECK(info->organization == "tests");
}

TEST_CASE("an unknown, used or expired token is denied, and the detail says which") {
  ApiHarness harness;
  const HttpAnswer unknown = enrol_with(harness, "rvt_nobody-made-this");
  CHECK(unknown.status == 403);
  CHECK_THAT(unknown.detail(), Catch::Contains("unknown"));

  const std::string token = harness.make_token();
  CHECK(enrol_with(harness, token).status == 201);
  const HttpAnswer used = enrol_with(harness, token);
  CHECK(used.status == 403);
  CHECK_THAT(used.detail(), Catch::Contains("used"));

  REQUIRE(harness.store->add_enrol_token({.hash = crypto::sha256("old"), .expires = harness.clock.wall() - 1s}).ok());
  const HttpAnswer expired = enrol_with(harness, "old");
  CHECK(expired.status == 403);
  CHECK_THAT(expired.detail(), Catch::Contains("expired"));
}

TEST_CASE("a wrong signing request does not use the token up") {
  ApiHarness harness;
  const std::string token = harness.make_token();

  CHECK(harness.ask({.method = "POST", .target = "/v1/enroll", .body = enrol_body(token, "no csr")}).status == 400);

  CHECK(enrol_with(harness, token).status == 201);
}

TEST_CASE("a line that comes over the link is acknowledged and found") {
  ApiHarness harness;
  const Identity identity = harness.enrol();
  TestLink link(harness, identity);
  link.open(epoch, 2);
  CHECK(state_of(harness, identity.agent) == "online");

  const wire::BlockIdentity block_id{.agent = identity.agent, .epoch = epoch, .lane = wire::Lane::live, .sequence = 1};
  const Bytes block = make_line_block(block_id, harness.clock.wall(), "disk sda1 is on fire");
  link.send(whole_block(block_id, block));
  CHECK(link.take<wire::Ack>().lane.through == 1);

  const HttpAnswer found = harness.get("/v1/logs?text=on%20fire");
  REQUIRE(found.status == 200);
  const Json::Array& logs = *found.json.find("logs")->as_array();
  REQUIRE(logs.size() == 1);
  CHECK(logs[0].string_or("body") == "disk sda1 is on fire");
  CHECK(logs[0].string_or("level") == "info");
  CHECK(logs[0].string_or("service") == "app");
  CHECK(logs[0].string_or("host") == "web-1");
  CHECK(logs[0].string_or("source") == "/var/log/app.log");
  CHECK(logs[0].string_or("agent") == to_string(identity.agent));
  CHECK(harness.get("/v1/logs?text=water").json.find("logs")->as_array()->empty());
}

TEST_CASE("a body that is not UTF-8 comes back exactly") {
  ApiHarness harness;
  const Identity identity = harness.enrol();
  TestLink link(harness, identity);
  link.open(epoch, 2);
  const wire::BlockIdentity block_id{.agent = identity.agent, .epoch = epoch, .lane = wire::Lane::live, .sequence = 1};
  const Bytes body = "caf\xe9 closed";
  link.send(whole_block(block_id, make_line_block(block_id, harness.clock.wall(), body)));
  (void)link.take<wire::Ack>();  // stored is all that matters here

  const HttpAnswer found = harness.get("/v1/logs");
  const Json& log = found.json.find("logs")->as_array()->at(0);
  CHECK(log.string_or("body") == "caf\xef\xbf\xbd closed");
  CHECK(from_base64url(log.string_or("body_base64url")) == body);
}

TEST_CASE("who follows is woken by the commit, and agents are told to hurry") {
  ApiHarness harness;
  const Identity identity = harness.enrol();
  TestLink link(harness, identity);
  link.open(epoch, 2);
  const std::string cursor = harness.get("/v1/logs/tail").json.string_or("cursor");
  CHECK(link.take<wire::LiveHint>().for_ms > 0);

  // The follower waits first; the block comes while it does.
  const wire::BlockIdentity block_id{.agent = identity.agent, .epoch = epoch, .lane = wire::Lane::live, .sequence = 1};
  const Bytes block = make_line_block(block_id, harness.clock.wall(), "news");
  const sys::TimerId later = harness.loop.after(100ms, [&] { link.send(whole_block(block_id, block)); });
  const Instant before = harness.clock.now();
  const HttpAnswer answer = harness.get("/v1/logs/tail?wait=20s&cursor=" + sys::percent_encode(cursor));
  harness.loop.cancel(later);

  const Json::Array& logs = *answer.json.find("logs")->as_array();
  REQUIRE(logs.size() == 1);
  CHECK(logs[0].string_or("body") == "news");
  CHECK(harness.clock.now() - before < 10s);
}

TEST_CASE("a revoked agent's link is closed at once, and it cannot come back") {
  ApiHarness harness;
  const Identity identity = harness.enrol();
  TestLink link(harness, identity);
  link.open(epoch, 1);

  const HttpAnswer revoked = harness.post("/v1/agents/" + to_string(identity.agent) + "/revoke", "");
  CHECK(revoked.status == 200);
  harness.wait_for("the link's end", [&] { return link.finished(); });
  CHECK(link.closed()->reason == "revoked");
  CHECK(state_of(harness, identity.agent) == "revoked");

  TestLink again(harness, identity);
  harness.wait_for("the refusal", [&] { return again.finished(); });
  REQUIRE(again.refusal());
  CHECK(again.refusal()->code() == Code::denied);

  CHECK(harness.post("/v1/agents/" + to_string(identity.agent) + "/revoke", "").status == 200);
}

TEST_CASE("nobody links without a certificate, with a foreign one, or as an agent that is not enrolled") {
  ApiHarness harness;
  const auto refused = [&](const Identity& identity) {
    TestLink link(harness, identity);
    harness.wait_for("the refusal", [&] { return link.finished(); });
    return !link.connected() || link.closed().has_value();
  };
  const Bytes key = *sys::make_key();
  const Bytes csr = *sys::make_csr(key, "x");
  const Uuid stranger = make_uuid_v7(harness.clock.wall(), harness.random);
  const sys::ClientCertificateSpec spec{
      .common_name = to_string(stranger), .organization = "tests", .now = harness.clock.wall(), .validity = 24h};

  CHECK(refused({}));
  const auto foreign_ca = *sys::make_ca({.organization = "tests", .now = harness.clock.wall(), .validity = 24h});
  CHECK(refused({.agent = stranger, .key_pem = key, .certificate_pem = *sys::sign_csr(foreign_ca, csr, spec)}));
  CHECK(refused({.agent = stranger, .key_pem = key, .certificate_pem = *sys::sign_csr(harness.ca, csr, spec)}));

  sys::ClientCertificateSpec expired = spec;
  expired.common_name = to_string(harness.enrol().agent);
  expired.now = harness.clock.wall() - 24h * 3;
  CHECK(refused({.agent = stranger, .key_pem = key, .certificate_pem = *sys::sign_csr(harness.ca, csr, expired)}));
  CHECK(harness.pipeline->counters().sessions_total == 0);
}

TEST_CASE("a link does not outlive its certificate") {
  ApiHarness harness;
  Identity identity = harness.enrol();
  identity.certificate_pem = *sys::sign_csr(
      harness.ca, *sys::make_csr(identity.key_pem, "web-1"),
      {.common_name = to_string(identity.agent), .organization = "tests", .now = harness.clock.wall(), .validity = 2s});
  TestLink link(harness, identity);
  link.open(epoch, 1);

  harness.wait_for("the link's end", [&] { return link.finished(); });

  CHECK(link.closed()->reason == "the certificate has expired");
}

TEST_CASE("a newer connection of an agent replaces the older") {
  ApiHarness harness;
  const Identity identity = harness.enrol();
  TestLink older(harness, identity);
  older.open(epoch, 1);

  TestLink newer(harness, identity);
  newer.open(epoch, 1);

  harness.wait_for("the older link's end", [&] { return older.finished(); });
  CHECK(harness.pipeline->counters().sessions == 1);
  CHECK(harness.pipeline->counters().sessions_replaced == 1);
}

TEST_CASE("a certificate is renewed over the link") {
  ApiHarness harness;
  const Identity identity = harness.enrol();
  TestLink link(harness, identity);
  link.open(epoch, 1);

  const Bytes key = *sys::make_key();
  link.send(wire::RenewRequest{.csr_pem = *sys::make_csr(key, "web-1")});
  const auto renewed = link.take<wire::RenewResponse>();

  CHECK(renewed.error.empty());
  CHECK(*sys::key_matches(key, renewed.certificate_pem));
  CHECK(sys::certificate_info(renewed.certificate_pem)->common_name == to_string(identity.agent));
  CHECK(harness.store->find_agent(identity.agent)->certificate_serial ==
        sys::certificate_info(renewed.certificate_pem)->serial);
}

TEST_CASE("a full disk refuses ingest and says so, questions are answered, and it goes on by itself") {
  auto owned = std::make_unique<StubbornStore>();
  StubbornStore& store = *owned;
  ApiHarness harness(std::move(owned));
  const Identity identity = harness.enrol();
  TestLink link(harness, identity);
  link.open(epoch, 2);
  const wire::BlockIdentity block_id{.agent = identity.agent, .epoch = epoch, .lane = wire::Lane::live, .sequence = 1};
  const Bytes block = make_line_block(block_id, harness.clock.wall(), "late");

  store.full = true;
  link.send(whole_block(block_id, block));
  harness.wait_for("the link's end", [&] { return link.finished(); });
  CHECK_THAT(link.closed()->reason, Catch::Contains("full"));
  CHECK(harness.get("/v1/logs").status == 200);

  store.full = false;
  harness.wait_for("the pause's end", [&] { return harness.get("/readyz").status == 200; });
  TestLink again(harness, identity);
  again.open(epoch, 2);
  again.send(whole_block(block_id, block));
  CHECK(again.take<wire::Ack>().lane.through == 1);
}

}  // namespace reeve::server
