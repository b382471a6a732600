// Trust files, revocation lists and freshness statements as bytes: see trust.h.
#include <algorithm>
#include <set>

#include "common/crypto/digest.h"
#include "common/warrant/proto_impl.h"
#include "common/warrant/trust.h"

namespace reeve::warrant {
namespace {

constexpr uint32_t schema = 1;
constexpr size_t plan_bytes = 16;
constexpr uint32_t approvals_most = 16;
constexpr size_t revocation_bytes_max = payload_bytes_max;
constexpr size_t freshness_bytes_max = 1_KiB;
constexpr int64_t trust_life_ms_max = INT64_MAX;  // its own expiry is the only bound

template <typename T, typename Less>
bool ascends(const std::vector<T>& values, Less less) {
  return std::adjacent_find(values.begin(), values.end(), [&](const T& a, const T& b) { return !less(a, b); }) ==
         values.end();
}
template <typename T>
bool ascends(const std::vector<T>& values) {
  return ascends(values, std::less<T>());
}

Trust from_trust(const proto::Trust& proto) {
  Trust trust{.org = proto.org(),
              .version = proto.version(),
              .not_after_ms = proto.not_after_ms(),
              .root_threshold = proto.root_threshold()};
  for (const proto::RootKey& each : proto.roots()) {
    trust.roots.push_back({.public_key = each.public_key(), .person = each.person()});
  }
  for (const proto::ApproverKey& each : proto.approvers()) {
    trust.approvers.push_back({.public_key = each.public_key(),
                               .person = each.person(),
                               .risk_max = each.risk_max(),
                               .not_after_ms = each.not_after_ms()});
  }
  trust.planner_keys = {proto.planner_keys().begin(), proto.planner_keys().end()};
  trust.freshness_keys = {proto.freshness_keys().begin(), proto.freshness_keys().end()};
  trust.audit_keys = {proto.audit_keys().begin(), proto.audit_keys().end()};
  trust.approvals_min = {proto.approvals_min().begin(), proto.approvals_min().end()};
  return trust;
}

// Every key has one purpose, so it stands in one place.
void look_at_keys(const Trust& trust, Bounds& bounds) {
  std::set<Bytes> keys;
  const auto take = [&](const Bytes& key) {
    bounds.size(key, crypto::public_key_bytes, "a key has not 32 bytes");
    bounds.require(keys.insert(key).second, "a key stands in it twice");
  };
  const auto by_key = [](const auto& a, const auto& b) { return a.public_key < b.public_key; };
  bounds.require(ascends(trust.roots, by_key), "the roots are not sorted by key");
  bounds.require(ascends(trust.approvers, by_key), "the approvers are not sorted by key");
  for (const RootKey& each : trust.roots) take(each.public_key);
  for (const ApproverKey& each : trust.approvers) take(each.public_key);
  for (const auto* keys_of : {&trust.planner_keys, &trust.freshness_keys, &trust.audit_keys}) {
    bounds.require(keys_of->size() <= online_keys_max, "more than 8 keys of the server of one kind");
    bounds.require(ascends(*keys_of), "the keys of the server are not sorted");
    for (const Bytes& each : *keys_of) take(each);
  }
}

void look_at_trust(const Trust& trust, Bounds& bounds) {
  bounds.name(trust.org, "the org is not 1 to 256 bytes");
  bounds.require(trust.version >= 1, "versions begin with 1");
  bounds.life(0, trust.not_after_ms, trust_life_ms_max, "it expires before it began, or after the year 9999");
  bounds.require(!trust.roots.empty() && trust.roots.size() <= roots_max, "not 1 to 16 roots");
  bounds.require(trust.approvers.size() <= approvers_max, "more than 256 approvers");
  look_at_keys(trust, bounds);
  std::set<std::string_view> root_persons;
  for (const RootKey& each : trust.roots) {
    bounds.name(each.person, "a root's person is not 1 to 256 bytes");
    root_persons.insert(each.person);
  }
  bounds.require(trust.root_threshold >= 1 && trust.root_threshold <= root_persons.size(),
                 "the threshold is not 1 to the number of the roots' persons");
  for (const ApproverKey& each : trust.approvers) {
    bounds.name(each.person, "an approver's name is not 1 to 256 bytes");
    bounds.require(each.risk_max <= risk_highest, "an approver's risk is not 0 to 4");
    bounds.life(0, each.not_after_ms, trust_life_ms_max, "an approver's key expires before 1970, or after 9999");
  }
  bounds.require(trust.approvals_min.size() == risk_highest + 1, "the approvals are not given for each risk, 0 to 4");
  for (const uint32_t each : trust.approvals_min) bounds.require(each <= approvals_most, "more than 16 approvals");
}

Revocation from_revocation(const proto::Revocation& proto) {
  return {.org = proto.org(),
          .version = proto.version(),
          .at_ms = proto.at_ms(),
          .keys = {proto.keys().begin(), proto.keys().end()},
          .persons = {proto.persons().begin(), proto.persons().end()},
          .plans = {proto.plans().begin(), proto.plans().end()},
          .steps = {proto.steps().begin(), proto.steps().end()},
          .hosts = {proto.hosts().begin(), proto.hosts().end()}};
}

void look_at_revocation(const Revocation& revocation, Bounds& bounds) {
  bounds.name(revocation.org, "the org is not 1 to 256 bytes");
  bounds.require(revocation.version >= 1, "versions begin with 1");
  bounds.require(revocation.at_ms >= 0, "its time is before 1970");
  const auto ids = [&](const std::vector<Bytes>& list, size_t size) {
    bounds.require(list.size() <= revoked_max, "more than 1000 of one kind are revoked");
    bounds.require(ascends(list), "a list is not sorted, each once");
    for (const Bytes& each : list) bounds.size(each, size, "an id has not its length");
  };
  ids(revocation.keys, crypto::digest_bytes);
  ids(revocation.plans, plan_bytes);
  ids(revocation.steps, crypto::digest_bytes);
  ids(revocation.hosts, crypto::digest_bytes);
  bounds.require(revocation.persons.size() <= revoked_max, "more than 1000 persons are revoked");
  bounds.require(ascends(revocation.persons), "the persons are not sorted, each once");
  for (const std::string& each : revocation.persons) bounds.name(each, "a person is not 1 to 256 bytes");
}

Freshness from_freshness(const proto::Freshness& proto) {
  return {.org = proto.org(),
          .trust_version = proto.trust_version(),
          .revocation_version = proto.revocation_version(),
          .at_ms = proto.at_ms(),
          .not_after_ms = proto.not_after_ms()};
}

void look_at_freshness(const Freshness& freshness, Bounds& bounds) {
  bounds.name(freshness.org, "the org is not 1 to 256 bytes");
  bounds.require(freshness.trust_version >= 1, "versions begin with 1");
  bounds.life(freshness.at_ms, freshness.not_after_ms, freshness_life_ms_max,
              "it is valid for more than 24 h, or for nothing");
}

}  // namespace

Bytes encode(const Trust& trust) {
  proto::Trust proto;
  proto.set_schema(schema);
  proto.set_org(trust.org);
  proto.set_version(trust.version);
  proto.set_not_after_ms(trust.not_after_ms);
  proto.set_root_threshold(trust.root_threshold);
  for (const RootKey& each : trust.roots) {
    proto::RootKey* root = proto.add_roots();
    root->set_public_key(each.public_key);
    root->set_person(each.person);
  }
  for (const ApproverKey& each : trust.approvers) {
    proto::ApproverKey* approver = proto.add_approvers();
    approver->set_public_key(each.public_key);
    approver->set_person(each.person);
    approver->set_risk_max(each.risk_max);
    approver->set_not_after_ms(each.not_after_ms);
  }
  for (const Bytes& each : trust.planner_keys) proto.add_planner_keys(each);
  for (const Bytes& each : trust.freshness_keys) proto.add_freshness_keys(each);
  for (const Bytes& each : trust.audit_keys) proto.add_audit_keys(each);
  for (const uint32_t each : trust.approvals_min) proto.add_approvals_min(each);
  return proto.SerializeAsString();
}

Result<Trust> decode_trust(BytesView bytes) {
  return decode_strictly<Trust, proto::Trust>(bytes, payload_bytes_max, "trust", from_trust, look_at_trust);
}

Bytes encode(const Revocation& revocation) {
  proto::Revocation proto;
  proto.set_schema(schema);
  proto.set_org(revocation.org);
  proto.set_version(revocation.version);
  proto.set_at_ms(revocation.at_ms);
  for (const Bytes& each : revocation.keys) proto.add_keys(each);
  for (const std::string& each : revocation.persons) proto.add_persons(each);
  for (const Bytes& each : revocation.plans) proto.add_plans(each);
  for (const Bytes& each : revocation.steps) proto.add_steps(each);
  for (const Bytes& each : revocation.hosts) proto.add_hosts(each);
  return proto.SerializeAsString();
}

Result<Revocation> decode_revocation(BytesView bytes) {
  return decode_strictly<Revocation, proto::Revocation>(bytes, revocation_bytes_max, "revocation", from_revocation,
                                                        look_at_revocation);
}

Bytes encode(const Freshness& freshness) {
  proto::Freshness proto;
  proto.set_schema(schema);
  proto.set_org(freshness.org);
  proto.set_trust_version(freshness.trust_version);
  proto.set_revocation_version(freshness.revocation_version);
  proto.set_at_ms(freshness.at_ms);
  proto.set_not_after_ms(freshness.not_after_ms);
  return proto.SerializeAsString();
}

Result<Freshness> decode_freshness(BytesView bytes) {
  return decode_strictly<Freshness, proto::Freshness>(bytes, freshness_bytes_max, "freshness", from_freshness,
                                                      look_at_freshness);
}

}  // namespace reeve::warrant
