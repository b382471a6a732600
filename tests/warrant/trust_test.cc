// How trust moves: one version at a time, signed by those before and those after, and never back.
#include "common/warrant/trust.h"

#include <algorithm>

#include "tests/warrant/signed_org.h"

using namespace reeve;
using namespace reeve::warrant;

namespace {

constexpr int64_t now = 1'795'000'000'000;
constexpr int64_t minute = 60'000;

TrustState believing(const SignedOrg& org) {
  TrustState state(org.name, org.fingerprint());
  REQUIRE(state.take(org.update(now)).ok());
  return state;
}

Envelope sign_by(const Trust& trust, const std::vector<Party>& by) {
  Envelope envelope{.payload_type = std::string(type_trust), .payload = encode(trust)};
  for (const Party& each : by) add_signature(envelope, each.key);
  return envelope;
}

std::string why(const Status& status) {
  return status.ok() ? "" : status.error().text();
}

void sort_roots(Trust& trust) {
  std::sort(trust.roots.begin(), trust.roots.end(),
            [](const RootKey& a, const RootKey& b) { return a.public_key < b.public_key; });
}

}  // namespace

TEST_CASE("a root's fingerprint is printed, read, and pins roots, threshold and version") {
  const SignedOrg org("acme", now);
  const RootFingerprint right = org.fingerprint();
  CHECK(*parse_root_fingerprint(to_string(right)) == right);
  const std::string digest = to_hex(right.digest);

  for (const std::string& bad :
       {std::string(), "sha256:" + digest, "sha256:" + digest + "@", "sha256:" + digest + "@0",
        "sha256:" + digest + "@1x", "md5:" + digest + "@1", "sha256:" + digest.substr(2) + "@1",
        "sha256:" + digest + "@99999999999999999999", "sha256:xx" + digest.substr(2) + "@1"}) {
    INFO(bad);
    CHECK(!parse_root_fingerprint(bad).ok());
  }

  Trust other = org.trust;
  other.roots[0].person = "mallory";
  CHECK(root_fingerprint(other).digest != right.digest);
  other = org.trust;
  other.org = "umbrella";
  CHECK(root_fingerprint(other).digest != right.digest);
  other = org.trust;
  other.approvers.clear();
  other.version = 9;
  CHECK(root_fingerprint(other).digest == right.digest);
  CHECK(root_fingerprint(other).version_min == 9);
}

TEST_CASE("only the pinned roots' trust is believed first, from the pinned version on") {
  SignedOrg org("acme", now);
  Trust second = org.trust;
  second.version = 2;
  org.publish(second);

  TrustState state("acme", {.digest = org.fingerprint().digest, .version_min = 2});
  CHECK(state.take_trust(org.trust_files[0]).ok());
  CHECK(state.trust_version() == 0);
  CHECK(state.take_trust(SignedOrg("acme", now).trust_files[0]).ok());
  CHECK(state.trust_version() == 0);
  CHECK(why(state.take_trust(SignedOrg("umbrella", now).trust_files[0])) == "trust: it is another org's");
  Envelope unsigned_by_root = sign_by(second, {Party{}});
  CHECK(why(state.take_trust(unsigned_by_root)) == "trust: too few of its own roots have signed it");
  CHECK(state.take_trust(org.trust_files[1]).ok());
  CHECK(state.trust_version() == 2);
}

TEST_CASE("the next version needs both thresholds, counted in persons") {
  SignedOrg org("acme", now);
  TrustState state = believing(org);
  const Party old_root = org.roots[0];

  // Two new roots, both needed; the old one goes.
  const Party r2{.person = "root-2"};
  const Party r3{.person = "root-3"};
  Trust next = org.trust;
  next.version = 2;
  next.roots = {{r2.key.public_key(), r2.person}, {r3.key.public_key(), r3.person}};
  next.root_threshold = 2;
  sort_roots(next);

  CHECK(why(state.take_trust(sign_by(next, {old_root, r2}))) == "trust: too few of its own roots have signed it");
  CHECK(why(state.take_trust(sign_by(next, {r2, r3}))) == "trust: too few of the roots before it have signed it");
  CHECK(state.trust_version() == 1);
  CHECK(state.take_trust(sign_by(next, {old_root, r2, r3})).ok());
  CHECK(state.trust_version() == 2);

  // Two keys of one person are one person.
  const Party r2_again{.person = "root-2"};
  Trust third = next;
  third.version = 3;
  third.roots.push_back({r2_again.key.public_key(), r2_again.person});
  sort_roots(third);
  CHECK(!state.take_trust(sign_by(third, {r2, r2_again})).ok());
  CHECK(state.take_trust(sign_by(third, {r2_again, r2, r3})).ok());
}

TEST_CASE("versions are never skipped, gone back to, or replaced") {
  SignedOrg org("acme", now);
  TrustState state = believing(org);
  Trust next = org.trust;
  next.version = 3;
  CHECK(why(state.take_trust(sign_by(next, org.roots))) == "trust: version 3 does not follow 1");
  next.version = 1;
  next.not_after_ms += 1;
  CHECK(why(state.take_trust(sign_by(next, org.roots))) == "trust: there is another version 1");
  // The same content under signatures of another order of making is the same version.
  Envelope again = org.trust_files[0];
  add_signature(again, org.planner);
  CHECK(state.take_trust(again).ok());
  next.version = 2;
  CHECK(state.take_trust(sign_by(next, org.roots)).ok());
  CHECK(state.take_trust(org.trust_files[0]).ok());  // passed by
  CHECK(state.trust_version() == 2);
  CHECK(why(state.take_trust(sign_by(org.trust, {Party{}}))) == "trust: too few of its own roots have signed it");
}

TEST_CASE("what is of another type, or cannot be read, is refused wherever it stands") {
  SignedOrg org("acme", now);
  org.revoke({.version = 1, .at_ms = now});
  TrustState state = believing(org);
  const Envelope wrong = sign(type_order, "x", org.roots[0].key);
  CHECK(why(state.take_trust(wrong)) == "trust: the payload is of another type");
  CHECK(why(state.take_revocation(wrong)) == "revocation: the payload is of another type");
  CHECK(why(state.take_freshness(wrong)) == "freshness: the payload is of another type");
  CHECK(!state.take_trust(sign(type_trust, "x", org.roots[0].key)).ok());
  CHECK(!state.take_revocation(sign(type_revocation, "x", org.roots[0].key)).ok());
  CHECK(!state.take_freshness(sign(type_freshness, "x", org.freshness)).ok());
  CHECK(!state.take({.trust = {wrong}}).ok());
  CHECK(!state.take({.revocation = wrong}).ok());
  CHECK(!state.take({.freshness = wrong}).ok());
}

TEST_CASE("a revocation list only grows, and any root may sign it") {
  SignedOrg org("acme", now);
  TrustState nothing("acme", org.fingerprint());
  const auto list = [&](uint64_t version, std::vector<std::string> persons) {
    return sign(type_revocation,
                encode(Revocation{.org = "acme", .version = version, .at_ms = now, .persons = std::move(persons)}),
                org.roots[0].key);
  };
  CHECK(why(nothing.take_revocation(list(1, {"ada"}))) == "revocation: no trust file is known yet");

  TrustState state = believing(org);
  CHECK(!state.person_revoked("ada"));
  CHECK(state.take_revocation(list(1, {"ada"})).ok());
  CHECK(state.take_revocation(list(1, {"ada"})).ok());
  CHECK(state.person_revoked("ada"));
  CHECK(!state.person_revoked("bob"));
  CHECK(why(state.take_revocation(list(2, {"bob"}))) == "revocation: it lacks something that was revoked before");
  CHECK(state.take_revocation(list(5, {"ada", "bob"})).ok());
  CHECK(state.take_revocation(list(2, {})).ok());  // old: passed by
  CHECK(state.revocation_version() == 5);

  Revocation foreign{.org = "umbrella", .version = 6, .at_ms = now};
  CHECK(why(state.take_revocation(sign(type_revocation, encode(foreign), org.roots[0].key))) ==
        "revocation: it is another org's");
  Revocation forged{.org = "acme", .version = 6, .at_ms = now, .persons = {"ada", "bob"}};
  CHECK(why(state.take_revocation(sign(type_revocation, encode(forged), org.planner))) ==
        "revocation: no root has signed it");
}

TEST_CASE("everything that can be revoked is, by its id; a revoked root signs no list") {
  SignedOrg org("acme", now);
  TrustState state = believing(org);
  const Bytes root_key = org.roots[0].key.public_key();
  Revocation list{.version = 1, .at_ms = now};
  list.keys = {key_id(root_key), key_id(org.freshness.public_key())};
  std::sort(list.keys.begin(), list.keys.end());
  list.plans = {Bytes(16, 'p')};
  list.steps = {Bytes(32, 's')};
  list.hosts = {Bytes(32, 'h')};
  org.revoke(list);
  REQUIRE(state.take_revocation(*org.revocation_list).ok());

  CHECK(state.key_revoked(root_key));
  CHECK(!state.key_revoked(org.planner.public_key()));
  CHECK(state.plan_revoked(Bytes(16, 'p')));
  CHECK(!state.plan_revoked(Bytes(16, 'q')));
  CHECK(state.step_revoked(Bytes(32, 's')));
  CHECK(!state.step_revoked(Bytes(32, 't')));
  CHECK(state.host_revoked(Bytes(32, 'h')));
  CHECK(!state.host_revoked(Bytes(32, 'i')));
  list.version = 2;
  org.revoke(list);
  CHECK(why(state.take_revocation(*org.revocation_list)) == "revocation: no root has signed it");
  CHECK(why(state.take_freshness(org.state_freshness(now + minute))) == "freshness: no freshness key has signed it");

  for (const auto& keep_out :
       {Revocation{.plans = {Bytes(16, 'p')}}, Revocation{.keys = list.keys}, Revocation{.steps = {Bytes(32, 's')}}}) {
    SignedOrg other("acme", now);
    TrustState fresh = believing(other);
    other.revoke(
        {.version = 1, .at_ms = now, .plans = {Bytes(16, 'p')}, .steps = {Bytes(32, 's')}, .hosts = {Bytes(32, 'h')}});
    REQUIRE(fresh.take_revocation(*other.revocation_list).ok());
    Revocation less = keep_out;
    less.version = 2;
    other.revoke(less);
    CHECK(!fresh.take_revocation(*other.revocation_list).ok());
  }
}

TEST_CASE("a statement of freshness is signed by its key, and never goes back") {
  SignedOrg org("acme", now);
  TrustState nothing("acme", org.fingerprint());
  CHECK(why(nothing.take_freshness(org.state_freshness(now))) == "freshness: no trust file is known yet");
  TrustState state = believing(org);
  CHECK(state.take_freshness(org.state_freshness(now - minute)).ok());
  CHECK(state.freshness()->at_ms == now);
  CHECK(state.take_freshness(org.state_freshness(now + minute)).ok());
  CHECK(state.freshness()->at_ms == now + minute);
  const Freshness foreign{.org = "umbrella", .trust_version = 1, .at_ms = now, .not_after_ms = now + minute};
  CHECK(why(state.take_freshness(sign(type_freshness, encode(foreign), org.freshness))) ==
        "freshness: it is another org's");
  CHECK(why(state.take_freshness(sign(type_freshness, org.state_freshness(now).payload, org.planner))) ==
        "freshness: no freshness key has signed it");
}

TEST_CASE("what is believed is kept, and comes back without the keys that signed it") {
  SignedOrg org("acme", now);
  org.revoke({.version = 3, .at_ms = now, .persons = {"cyd"}});
  const TrustState state = believing(org);

  const Result<TrustState> back = TrustState::restore("acme", org.fingerprint(), state.kept());
  REQUIRE(back.ok());
  CHECK(back->trust() == state.trust());
  CHECK(back->revocation() == state.revocation());
  CHECK(back->freshness() == state.freshness());
  CHECK(back->org() == "acme");

  const Result<TrustState> empty = TrustState::restore("acme", org.fingerprint(), {});
  REQUIRE(empty.ok());
  CHECK(empty->trust_version() == 0);
  const Envelope broken = sign(type_trust, "x", org.roots[0].key);
  CHECK(!TrustState::restore("acme", org.fingerprint(), {.trust = {broken}}).ok());
  CHECK(!TrustState::restore("acme", org.fingerprint(), {.revocation = broken}).ok());
  CHECK(!TrustState::restore("acme", org.fingerprint(), {.freshness = broken}).ok());
}
