#include "server/orgs.h"

#include "server/init.h"
#include "server/org_files.h"
#include "tests/pch.h"
#include "tests/server/api_harness.h"

namespace reeve::server {
namespace {

size_t agents_seen_by(ApiHarness& harness, const std::string& key) {
  return harness.ask({.target = "/v1/agents", .key = key}).json.find("agents")->as_array()->size();
}

}  // namespace

TEST_CASE("a token enrols its agent into the token's own org, and only that org sees it") {
  ApiHarness harness;

  const Identity theirs = harness.enrol_with(harness.make_token(harness.foreign_key), "db-1");

  CHECK(sys::certificate_info(theirs.certificate_pem)->organization == "foreign");
  CHECK(agents_seen_by(harness, harness.foreign_key) == 1);
  CHECK(agents_seen_by(harness, harness.admin_key) == 0);
}

TEST_CASE("what an agent ships lands in its org alone") {
  ApiHarness harness;
  const Identity theirs = harness.enrol_with(harness.make_token(harness.foreign_key), "db-1");
  TestLink link(harness, theirs);
  const Uuid epoch = make_uuid_v7(harness.clock.wall(), harness.random);
  link.open(epoch, 1);

  const wire::BlockIdentity identity{.agent = theirs.agent, .epoch = epoch, .lane = wire::Lane::live, .sequence = 1};
  link.send(whole_block(identity, make_line_block(identity, harness.clock.wall(), "their secret")));
  link.take<wire::Ack>();

  const HttpAnswer seen = harness.ask({.target = "/v1/logs", .key = harness.foreign_key});
  CHECK(seen.json.find("logs")->as_array()->size() == 1);
  CHECK(harness.get("/v1/logs").json.find("logs")->as_array()->empty());
  CHECK(harness.get("/v1/logs").response.body.find("their secret") == Bytes::npos);
}

TEST_CASE("one org cannot revoke an agent of another") {
  ApiHarness harness;
  const Identity theirs = harness.enrol_with(harness.make_token(harness.foreign_key), "db-1");

  const HttpAnswer answer = harness.post("/v1/agents/" + to_string(theirs.agent) + "/revoke", "{}");

  CHECK(answer.status == 404);
  CHECK_FALSE(harness.foreign_store->find_agent(theirs.agent)->revoked);
}

TEST_CASE("an org is added to a data folder, listed behind the default one, and added again without harm") {
  TempFolder folder;
  SystemClock clock;
  SystemRandom random;
  REQUIRE(init_org(sys::real_disk(), clock, random, {.data_dir = folder.path()}).ok());
  const ServerConfig config{.data_dir = folder.path()};

  REQUIRE(add_org(sys::real_disk(), clock, random, config, "acme").ok());
  const auto again = add_org(sys::real_disk(), clock, random, config, "acme");

  REQUIRE(again.ok());
  CHECK(again->at(1).ends_with("(kept)"));
  CHECK(*list_orgs(sys::real_disk(), config) == std::vector<std::string>{"default", "acme"});
  CHECK(add_org(sys::real_disk(), clock, random, config, "default").error().code() == Code::invalid);
  CHECK(add_org(sys::real_disk(), clock, random, config, "../x").error().code() == Code::invalid);
}

}  // namespace reeve::server
