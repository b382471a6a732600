// See org_trust.h.
#include "server/fix/org_trust.h"

#include <algorithm>

namespace reeve::server {

using warrant::Envelope;

Status OrgTrust::load(const std::vector<SignedVersion>& trust, const std::optional<SignedVersion>& revocation) {
  for (const SignedVersion& each : trust) {
    const Result<uint64_t> taken = take_trust(each.envelope);
    if (!taken.ok())
      return Error(Code::corrupt, "trust file " + std::to_string(each.version) + ": " + taken.error().text());
  }
  if (!revocation) return {};
  const Result<uint64_t> taken = take_revocation(revocation->envelope);
  if (!taken.ok()) return Error(Code::corrupt, "the list of what is revoked: " + taken.error().text());
  return {};
}

Status OrgTrust::begin(const Envelope& envelope) {
  const warrant::Trust first = TRY(warrant::decode_trust(envelope.payload));
  warrant::TrustState fresh(org_, warrant::root_fingerprint(first));
  TRY(fresh.take_trust(envelope));
  check(fresh.trust().has_value(), "a trust file that was taken is believed");
  state_ = std::move(fresh);
  return {};
}

Result<uint64_t> OrgTrust::take_trust(BytesView bytes) {
  const Envelope envelope = TRY(warrant::decode_envelope(bytes));
  if (envelope.payload_type != warrant::type_trust) {
    return Error(Code::invalid,
                 "the envelope holds \"" + printable(envelope.payload_type) + "\", which is no trust file");
  }
  if (!state_) {
    TRY(begin(envelope));
  } else {
    const warrant::Trust next = TRY(warrant::decode_trust(envelope.payload));
    if (next.version <= state_->trust_version()) {
      return Error(Code::denied, "trust: version " + std::to_string(next.version) + " is not newer than " +
                                     std::to_string(state_->trust_version()));
    }
    TRY(state_->take_trust(envelope));
  }
  chain_.emplace_back(state_->trust_version(), envelope);
  freshness_.reset();
  return state_->trust_version();
}

Result<uint64_t> OrgTrust::take_revocation(BytesView bytes) {
  const Envelope envelope = TRY(warrant::decode_envelope(bytes));
  if (envelope.payload_type != warrant::type_revocation) {
    return Error(Code::invalid, "the envelope holds \"" + printable(envelope.payload_type) +
                                    "\", which is no list of what is revoked");
  }
  if (!state_) return Error(Code::denied, "revocation: there is no trust file yet");
  const warrant::Revocation next = TRY(warrant::decode_revocation(envelope.payload));
  if (next.version <= state_->revocation_version()) {
    return Error(Code::denied, "revocation: version " + std::to_string(next.version) + " is not newer than " +
                                   std::to_string(state_->revocation_version()));
  }
  TRY(state_->take_revocation(envelope));
  freshness_.reset();
  return state_->revocation_version();
}

warrant::TrustUpdate OrgTrust::update_for(uint64_t trust_version, WallTime now) {
  warrant::TrustUpdate update;
  if (!state_) return update;
  // Who has none yet passes by what lies before its enrolment, so that the newest ones are those that help.
  const auto begins =
      trust_version == 0 && chain_.size() > warrant::trust_chain_max
          ? chain_.end() - warrant::trust_chain_max
          : std::find_if(chain_.begin(), chain_.end(), [&](const auto& each) { return each.first > trust_version; });
  for (auto each = begins; each != chain_.end() && update.trust.size() < warrant::trust_chain_max; ++each) {
    update.trust.push_back(each->second);
  }
  update.revocation = state_->kept().revocation;

  const auto& keys = state_->trust()->freshness_keys;
  const Bytes key = freshness_key_.public_key();
  if (std::find(keys.begin(), keys.end(), key) == keys.end() || state_->key_revoked(key)) return update;
  if (!freshness_ || now - freshness_made_ >= freshness_step || now < freshness_made_) {
    const warrant::Freshness current{.org = org_,
                                     .trust_version = state_->trust_version(),
                                     .revocation_version = state_->revocation_version(),
                                     .at_ms = to_ms(now),
                                     .not_after_ms = to_ms(now + freshness_life)};
    freshness_ = warrant::sign(warrant::type_freshness, warrant::encode(current), freshness_key_);
    freshness_made_ = now;
  }
  update.freshness = freshness_;
  return update;
}

}  // namespace reeve::server
