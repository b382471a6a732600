// See trust.h.
#include "common/warrant/trust.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "common/crypto/digest.h"

namespace reeve::warrant {
namespace {

constexpr std::string_view fingerprint_prefix = "sha256:";
constexpr std::string_view fingerprint_domain = "reeve root v1";

template <typename T>
bool contains(const std::vector<T>& sorted, const T& value) {
  return std::binary_search(sorted.begin(), sorted.end(), value);
}
template <typename T>
bool holds_all(const std::vector<T>& sorted, const std::vector<T>& of) {
  return std::includes(sorted.begin(), sorted.end(), of.begin(), of.end());
}

// Persons, not keys: who holds two of them counts once.
bool signed_by_threshold(const Envelope& envelope, const Trust& trust) {
  std::set<std::string_view> persons;
  for (const RootKey& each : trust.roots) {
    if (!persons.contains(each.person) && signed_by(envelope, each.public_key)) persons.insert(each.person);
  }
  return persons.size() >= trust.root_threshold;
}

Error refuse(const char* what, const std::string& why) {
  return Error(Code::denied, std::string(what) + ": " + why);
}

}  // namespace

// -- The root's fingerprint
// --------------------------------------------------------------------------------------------

RootFingerprint root_fingerprint(const Trust& trust) {
  Bytes covered(fingerprint_domain);
  covered.append(1, '\0').append(trust.org).append(1, '\0');
  append_le<uint32_t>(covered, trust.root_threshold);
  for (const RootKey& each : trust.roots) covered.append(each.public_key).append(each.person).append(1, '\0');
  return {.digest = crypto::sha256(covered), .version_min = trust.version};
}

std::string to_string(const RootFingerprint& fingerprint) {
  return std::string(fingerprint_prefix) + to_hex(fingerprint.digest) + "@" + std::to_string(fingerprint.version_min);
}

Result<RootFingerprint> parse_root_fingerprint(std::string_view text) {
  const Error bad(Code::invalid, "\"" + printable(text) +
                                     "\" is no root fingerprint; allowed: sha256:, 64 hex digits, " +
                                     "@ and a version, as `reeve keys show` prints it");
  if (!text.starts_with(fingerprint_prefix)) return bad;
  text.remove_prefix(fingerprint_prefix.size());
  const size_t at = text.find('@');
  if (at == std::string_view::npos) return bad;
  const std::optional<Bytes> digest = from_hex(text.substr(0, at));
  const std::string_view version = text.substr(at + 1);
  uint64_t version_min = 0;
  const auto [end, failure] = std::from_chars(version.data(), version.data() + version.size(), version_min);
  const bool whole = failure == std::errc() && end == version.data() + version.size() && version_min > 0;
  if (!digest || digest->size() != crypto::digest_bytes || !whole) return bad;
  return RootFingerprint{.digest = *digest, .version_min = version_min};
}

// -- The state
// ---------------------------------------------------------------------------------------------------------

TrustState::TrustState(std::string org, RootFingerprint fingerprint)
    : org_(std::move(org)), fingerprint_(std::move(fingerprint)) {}

Result<TrustState> TrustState::restore(std::string org, RootFingerprint fingerprint, const TrustUpdate& kept) {
  TrustState state(std::move(org), std::move(fingerprint));
  state.kept_ = kept;
  if (!kept.trust.empty()) state.trust_ = TRY(decode_trust(kept.trust.back().payload));
  if (kept.revocation) state.revocation_ = TRY(decode_revocation(kept.revocation->payload));
  if (kept.freshness) state.freshness_ = TRY(decode_freshness(kept.freshness->payload));
  return state;
}

Status TrustState::take(const TrustUpdate& update) {
  for (const Envelope& each : update.trust) TRY(take_trust(each));
  if (update.revocation) TRY(take_revocation(*update.revocation));
  if (update.freshness) TRY(take_freshness(*update.freshness));
  return {};
}

Status TrustState::take_trust(const Envelope& envelope) {
  if (!kept_.trust.empty() && envelope == kept_.trust.back()) return {};
  if (envelope.payload_type != type_trust) return refuse("trust", "the payload is of another type");
  const Trust next = TRY(decode_trust(envelope.payload));
  if (next.org != org_) return refuse("trust", "it is another org's");
  if (!signed_by_threshold(envelope, next)) return refuse("trust", "too few of its own roots have signed it");
  // A chain may begin before the enrolment: what is not pinned is neither believed nor an attack.
  const bool pinned = root_fingerprint(next).digest == fingerprint_.digest && next.version >= fingerprint_.version_min;
  if (!trust_ && !pinned) return {};
  if (trust_ && next.version == trust_->version && next != *trust_) {
    return refuse("trust", "there is another version " + std::to_string(next.version));
  }
  if (trust_ && next.version <= trust_->version) return {};
  if (trust_ && next.version != trust_->version + 1) {
    return refuse("trust",
                  "version " + std::to_string(next.version) + " does not follow " + std::to_string(trust_->version));
  }
  if (trust_ && !signed_by_threshold(envelope, *trust_)) {
    return refuse("trust", "too few of the roots before it have signed it");
  }
  trust_ = next;
  kept_.trust = {envelope};
  return {};
}

Status TrustState::take_revocation(const Envelope& envelope) {
  if (kept_.revocation && envelope == *kept_.revocation) return {};
  if (envelope.payload_type != type_revocation) return refuse("revocation", "the payload is of another type");
  const Revocation next = TRY(decode_revocation(envelope.payload));
  if (next.org != org_) return refuse("revocation", "it is another org's");
  if (!trust_) return refuse("revocation", "no trust file is known yet");
  const bool by_a_root = std::any_of(trust_->roots.begin(), trust_->roots.end(), [&](const RootKey& each) {
    return !key_revoked(each.public_key) && signed_by(envelope, each.public_key);
  });
  if (!by_a_root) return refuse("revocation", "no root has signed it");
  if (next.version <= revocation_version()) return {};
  const Revocation before = revocation_.value_or(Revocation{});
  const bool grows = holds_all(next.keys, before.keys) && holds_all(next.persons, before.persons) &&
                     holds_all(next.plans, before.plans) && holds_all(next.steps, before.steps) &&
                     holds_all(next.hosts, before.hosts);
  if (!grows) return refuse("revocation", "it lacks something that was revoked before");
  revocation_ = next;
  kept_.revocation = envelope;
  return {};
}

Status TrustState::take_freshness(const Envelope& envelope) {
  if (envelope.payload_type != type_freshness) return refuse("freshness", "the payload is of another type");
  const Freshness next = TRY(decode_freshness(envelope.payload));
  if (next.org != org_) return refuse("freshness", "it is another org's");
  if (!trust_) return refuse("freshness", "no trust file is known yet");
  const bool by_the_key = std::any_of(trust_->freshness_keys.begin(), trust_->freshness_keys.end(),
                                      [&](const Bytes& key) { return !key_revoked(key) && signed_by(envelope, key); });
  if (!by_the_key) return refuse("freshness", "no freshness key has signed it");
  if (freshness_ && next.at_ms < freshness_->at_ms) return {};
  freshness_ = next;
  kept_.freshness = envelope;
  return {};
}

bool TrustState::key_revoked(BytesView public_key) const {
  return revocation_ && contains(revocation_->keys, key_id(public_key));
}
bool TrustState::person_revoked(std::string_view person) const {
  return revocation_ && contains(revocation_->persons, std::string(person));
}
bool TrustState::plan_revoked(BytesView plan) const {
  return revocation_ && contains(revocation_->plans, Bytes(plan));
}
bool TrustState::step_revoked(BytesView step_id) const {
  return revocation_ && contains(revocation_->steps, Bytes(step_id));
}
bool TrustState::host_revoked(BytesView host) const {
  return revocation_ && contains(revocation_->hosts, Bytes(host));
}

}  // namespace reeve::warrant
