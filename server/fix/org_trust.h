// What one org's server knows of trust: every version of the trust file, the list of what is revoked, and the key that
// says that these are current.
//
// The server trusts nobody by it; hosts decide for themselves. It applies the same rules all the same, so that it never
// passes on what a host would refuse, and asks nobody's runner to do what was approved by somebody who may not. The
// first trust file is taken as it is, where its own roots have signed it. Values in, values out; one thread.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/crypto/signing.h"
#include "common/warrant/trust.h"
#include "server/store/fixes.h"

namespace reeve::server {

constexpr Duration freshness_step = 60s;  // a statement older than this is made anew before it is sent
constexpr Duration freshness_life = 1h;

constexpr int64_t to_ms(WallTime time) {
  return time.ns / 1'000'000;
}
constexpr WallTime from_ms(int64_t ms) {
  return WallTime{ms * 1'000'000};
}

class OrgTrust {
 public:
  OrgTrust(std::string org, crypto::SigningKey freshness_key)
      : org_(std::move(org)), freshness_key_(std::move(freshness_key)) {}

  // What the store kept. Code::corrupt where it does not follow from one another.
  Status load(const std::vector<SignedVersion>& trust, const std::optional<SignedVersion>& revocation);

  // Gives the version. Code::invalid: malformed. Code::denied: refused, and why; nothing changed then.
  Result<uint64_t> take_trust(BytesView envelope);
  Result<uint64_t> take_revocation(BytesView envelope);

  const warrant::TrustState* state() const { return state_ ? &*state_ : nullptr; }
  uint64_t trust_version() const { return state_ ? state_->trust_version() : 0; }
  uint64_t revocation_version() const { return state_ ? state_->revocation_version() : 0; }

  // For a runner that has this version: what follows it, as many as an update holds, what is revoked, and that both are
  // current, where our key may say so.
  warrant::TrustUpdate update_for(uint64_t trust_version, WallTime now);

 private:
  Status begin(const warrant::Envelope& envelope);  // with the first trust file

  std::string org_;
  crypto::SigningKey freshness_key_;
  std::optional<warrant::TrustState> state_;
  std::vector<std::pair<uint64_t, warrant::Envelope>> chain_;  // ascending
  std::optional<warrant::Envelope> freshness_;
  WallTime freshness_made_ = {};
};

}  // namespace reeve::server
