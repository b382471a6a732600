// Trust files, revocation lists and freshness statements as bytes: see trust.h.
#include <algorithm>
#include <set>

#include "common/warrant/codec_impl.h"
#include "common/warrant/trust.h"

namespace reeve::warrant {
namespace {

constexpr uint32_t approvals_most = 16;
constexpr size_t freshness_bytes_max = 1_KiB;

template <typename T, typename Less = std::less<T>>
bool ascends(const std::vector<T>& values, Less less = {}) {
  return std::adjacent_find(values.begin(), values.end(), [&](const T& a, const T& b) { return !less(a, b); }) ==
         values.end();
}

// Every key has one purpose, so it stands in one place.
bool keys_distinct(const Trust& trust) {
  std::set<BytesView> keys;
  size_t count = trust.roots.size() + trust.approvers.size();
  for (const RootKey& each : trust.roots) keys.insert(each.public_key);
  for (const ApproverKey& each : trust.approvers) keys.insert(each.public_key);
  for (const auto* online : {&trust.planner_keys, &trust.freshness_keys, &trust.audit_keys}) {
    count += online->size();
    keys.insert(online->begin(), online->end());
  }
  return keys.size() == count;
}

size_t root_persons(const Trust& trust) {
  std::set<std::string_view> persons;
  for (const RootKey& each : trust.roots) persons.insert(each.person);
  return persons.size();
}

constexpr auto by_key = [](const auto& a, const auto& b) { return a.public_key < b.public_key; };

}  // namespace

template <typename Codec, Of<RootKey> Value>
void describe(Codec& codec, Value& root) {
  codec.bytes(1, root.public_key, hash_size, "a key has not 32 bytes");
  codec.bytes(2, root.person, name_size, "a root's person is not 1 to 256 bytes");
}

template <typename Codec, Of<ApproverKey> Value>
void describe(Codec& codec, Value& approver) {
  codec.bytes(1, approver.public_key, hash_size, "a key has not 32 bytes");
  codec.bytes(2, approver.person, name_size, "an approver's name is not 1 to 256 bytes");
  codec.number(3, approver.risk_max, 0, risk_highest, "an approver's risk is not 0 to 4");
  codec.time(4, approver.not_after_ms);
  codec.require(approver.not_after_ms > 0, "an approver's key expires in 1970");
}

template <typename Codec, Of<Trust> Value>
void describe(Codec& codec, Value& trust) {
  describe_schema(codec);
  codec.bytes(2, trust.org, name_size, "the org is not 1 to 256 bytes");
  codec.number(3, trust.version, 1, UINT64_MAX, "versions begin with 1");
  codec.time(4, trust.not_after_ms);
  codec.require(trust.not_after_ms > 0, "it expires in 1970");
  codec.number(5, trust.root_threshold, 1, roots_max, "the threshold is not 1 to the number of the roots' persons");
  codec.messages(6, trust.roots, roots_max, "not 1 to 16 roots");
  codec.require(ascends(trust.roots, by_key), "the roots are not sorted by key");
  codec.require(trust.root_threshold <= root_persons(trust),
                "the threshold is not 1 to the number of the roots' persons");
  codec.messages(7, trust.approvers, approvers_max, "more than 256 approvers");
  codec.require(ascends(trust.approvers, by_key), "the approvers are not sorted by key");
  constexpr const char* online = "more than 8 keys of the server of one kind, or one that has not 32 bytes";
  codec.list(8, trust.planner_keys, hash_size, online_keys_max, online);
  codec.list(9, trust.freshness_keys, hash_size, online_keys_max, online);
  codec.list(10, trust.audit_keys, hash_size, online_keys_max, online);
  codec.require(ascends(trust.planner_keys) && ascends(trust.freshness_keys) && ascends(trust.audit_keys),
                "the keys of the server are not sorted");
  codec.require(keys_distinct(trust), "a key stands in it twice");
  codec.numbers(11, trust.approvals_min, risk_highest + 1, approvals_most,
                "the approvals are not 0 to 16 for each risk, 0 to 4");
}

template <typename Codec, Of<Revocation> Value>
void describe(Codec& codec, Value& revocation) {
  describe_schema(codec);
  codec.bytes(2, revocation.org, name_size, "the org is not 1 to 256 bytes");
  codec.number(3, revocation.version, 1, UINT64_MAX, "versions begin with 1");
  codec.time(4, revocation.at_ms);
  constexpr const char* what = "a list has more than 1000 entries, or one that has not its length";
  codec.list(5, revocation.keys, hash_size, revoked_max, what);
  codec.list(6, revocation.persons, name_size, revoked_max, what);
  codec.list(7, revocation.plans, plan_id_size, revoked_max, what);
  codec.list(8, revocation.steps, hash_size, revoked_max, what);
  codec.list(9, revocation.hosts, hash_size, revoked_max, what);
  codec.require(ascends(revocation.keys) && ascends(revocation.persons) && ascends(revocation.plans) &&
                    ascends(revocation.steps) && ascends(revocation.hosts),
                "a list is not sorted, each once");
}

template <typename Codec, Of<Freshness> Value>
void describe(Codec& codec, Value& freshness) {
  describe_schema(codec);
  codec.bytes(2, freshness.org, name_size, "the org is not 1 to 256 bytes");
  codec.number(3, freshness.trust_version, 1, UINT64_MAX, "versions begin with 1");
  codec.number(4, freshness.revocation_version, 0, UINT64_MAX, "");
  describe_life(codec, 5, freshness.at_ms, freshness.not_after_ms, freshness_life_ms_max,
                "it is valid for more than 24 h, or for nothing");
}

Bytes encode(const Trust& trust) {
  return encode_value(trust);
}
Result<Trust> decode_trust(BytesView bytes) {
  return decode_value<Trust>(bytes, payload_bytes_max, "trust");
}

Bytes encode(const Revocation& revocation) {
  return encode_value(revocation);
}
Result<Revocation> decode_revocation(BytesView bytes) {
  return decode_value<Revocation>(bytes, payload_bytes_max, "revocation");
}

Bytes encode(const Freshness& freshness) {
  return encode_value(freshness);
}
Result<Freshness> decode_freshness(BytesView bytes) {
  return decode_value<Freshness>(bytes, freshness_bytes_max, "freshness");
}

}  // namespace reeve::warrant
