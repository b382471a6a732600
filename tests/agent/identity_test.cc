#include "agent/identity.h"

#include <catch2/catch.hpp>

#include "agent/status.h"
#include "common/sys/crypto.h"
#include "tests/sim/sim_disk.h"

namespace reeve::agent {

namespace {

const Uuid agent_id = parse_uuid("0198c2f0-7c1e-7abc-8def-0123456789ab").value();
const WallTime now = parse_rfc3339("2026-11-21T12:00:00Z").value();
constexpr Duration day = 24h;

struct IdentityTest {
  SeededRandom random{1};
  sim::SimDisk disk{random};
  sys::KeyAndCertificate ca = sys::make_ca({.organization = "home", .now = now, .validity = day * 365}).value();
  Identity identity;

  IdentityTest() {
    identity.agent = agent_id;
    identity.org = "home";
    identity.link = {"watch.example", 7701};
    identity.key_pem = sys::make_key().value();
    identity.certificate_pem = sign(identity.key_pem, to_string(agent_id), now);
    identity.ca_pem = ca.certificate_pem;
  }

  Bytes sign(const Bytes& key, const std::string& name, WallTime from) const {
    const Bytes csr = sys::make_csr(key, name).value();
    return sys::sign_csr(ca, csr, {.common_name = name, .organization = "home", .now = from, .validity = day * 30})
        .value();
  }
};

}  // namespace

TEST_CASE_METHOD(IdentityTest, "an identity comes back as it was saved") {
  REQUIRE(save_identity(disk, "/identity", identity).ok());

  const auto loaded = load_identity(disk, "/identity");

  REQUIRE(loaded.ok());
  CHECK(loaded->agent == agent_id);
  CHECK(loaded->org == "home");
  CHECK(loaded->link == Endpoint{"watch.example", 7701});
  CHECK(loaded->key_pem == identity.key_pem);
  CHECK(loaded->certificate_pem == identity.certificate_pem);
  CHECK(loaded->ca_pem == identity.ca_pem);
}

TEST_CASE_METHOD(IdentityTest, "a host that is not enrolled is told what to do") {
  const auto loaded = load_identity(disk, "/identity");

  CHECK(loaded.error().code() == Code::not_found);
  CHECK(loaded.error().text().find("this host is not enrolled") != std::string::npos);
  CHECK(loaded.error().text().find("reeve agents token") != std::string::npos);
}

TEST_CASE_METHOD(IdentityTest, "an enrolment that was cut short is none") {
  for (uint64_t changes = 1;; ++changes) {
    sim::SimDisk fresh(random);
    fresh.stop_after(changes);
    if (save_identity(fresh, "/identity", identity).ok()) break;
    fresh.restart(sim::SimDisk::Crash::process_killed);

    const auto loaded = load_identity(fresh, "/identity");

    INFO("crash in change " << changes);
    CHECK((!loaded.ok() || loaded->key_pem == identity.key_pem));
    if (!loaded.ok()) CHECK(loaded.error().code() == Code::not_found);
  }
}

TEST_CASE_METHOD(IdentityTest, "a certificate is renewed when two thirds of its life are over") {
  const auto at = renewal_time(identity);

  REQUIRE(at.ok());
  // The certificate begins a little before it was signed, for clocks that differ.
  CHECK(*at <= now + day * 20);
  CHECK(*at >= now + day * 19);
}

TEST_CASE_METHOD(IdentityTest, "a new certificate is installed when it is ours, and refused otherwise") {
  REQUIRE(save_identity(disk, "/identity", identity).ok());
  const Bytes fresh = sign(identity.key_pem, to_string(agent_id), now + day * 20);

  REQUIRE(install_certificate(disk, "/identity", identity, fresh).ok());

  CHECK(identity.certificate_pem == fresh);
  CHECK(load_identity(disk, "/identity")->certificate_pem == fresh);
  const Bytes other_key = sys::make_key().value();
  CHECK(install_certificate(disk, "/identity", identity, sign(other_key, to_string(agent_id), now)).error().text() ==
        "the new certificate is not for our key");
  CHECK_FALSE(install_certificate(disk, "/identity", identity, sign(identity.key_pem, "somebody", now)).ok());
  CHECK_FALSE(install_certificate(disk, "/identity", identity, "no certificate").ok());
  CHECK(load_identity(disk, "/identity")->certificate_pem == fresh);
}

TEST_CASE("what the agent tells Prometheus has a help, a type and a value for each name") {
  AgentSnapshot snapshot;
  snapshot.batcher.rows = 7;
  snapshot.batcher.dropped_bytes["line_too_long"] = 11;
  snapshot.batcher.parsers.push_back({.name = "json", .parsed = 3, .unknown = 2});
  snapshot.batcher.redacted.push_back({.name = "jwt", .replaced = 4});
  snapshot.link = "open";
  snapshot.spool.view.lanes[0] = {3, 5};

  const std::string text = to_prometheus(snapshot);

  CHECK(text.find("# TYPE reeve_agent_rows_total counter\nreeve_agent_rows_total 7\n") != std::string::npos);
  CHECK(text.find("reeve_agent_dropped_total{stage=\"collect\",reason=\"line_too_long\"} 11\n") != std::string::npos);
  CHECK(text.find("reeve_agent_parser_lines_total{parser=\"json\",result=\"unknown\"} 2\n") != std::string::npos);
  CHECK(text.find("reeve_agent_redacted_total{rule=\"jwt\"} 4\n") != std::string::npos);
  CHECK(text.find("reeve_agent_spool_blocks 2\n") != std::string::npos);
  CHECK(text.find("reeve_agent_link_up 1\n") != std::string::npos);
  CHECK(dropped_total(snapshot) == 11);
}

}  // namespace reeve::agent
