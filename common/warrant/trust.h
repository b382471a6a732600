// Who may sign what: the trust file, what has been revoked, and proof that both are current.
//
// A host learns the fingerprint of the root keys from the person who enrols it. From there trust moves one version at a
// time, N to N+1, signed by the thresholds of both (The Update Framework, specification 1.0, section 5.3). A revocation
// list only takes away, so one root suffices; each holds all of the one before. A freshness statement says which
// versions are current; without one that is, nothing runs. Thresholds count persons, not keys.
//
// Trust files' own expiry is judged when something is to run, not while catching up. Any thread; values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/warrant/envelope.h"
#include "common/warrant/step.h"

namespace reeve::warrant {

constexpr size_t roots_max = 16;
constexpr size_t approvers_max = 256;
constexpr size_t online_keys_max = 8;   // of each kind
constexpr size_t revoked_max = 1000;    // of each kind
constexpr size_t trust_chain_max = 16;  // trust files in one update

struct RootKey {
  Bytes public_key{};
  std::string person{};
  bool operator==(const RootKey&) const = default;
};

struct ApproverKey {
  Bytes public_key{};
  std::string person{};
  uint32_t risk_max = 0;
  int64_t not_after_ms = 0;
  bool operator==(const ApproverKey&) const = default;
};

// Every key stands in it once, whatever it is for.
struct Trust {
  std::string org{};
  uint64_t version = 1;
  int64_t not_after_ms = 0;
  uint32_t root_threshold = 1;  // persons
  std::vector<RootKey> roots{};
  std::vector<ApproverKey> approvers{};
  std::vector<Bytes> planner_keys{};
  std::vector<Bytes> freshness_keys{};
  std::vector<Bytes> audit_keys{};
  std::vector<uint32_t> approvals_min{};  // for each risk 0 to risk_highest; 0: never
  bool operator==(const Trust&) const = default;
};
Bytes encode(const Trust& trust);
Result<Trust> decode_trust(BytesView bytes);

struct Revocation {
  std::string org{};
  uint64_t version = 1;
  int64_t at_ms = 0;
  std::vector<Bytes> keys{};  // key ids; each list sorted, each entry once
  std::vector<std::string> persons{};
  std::vector<Bytes> plans{};
  std::vector<Bytes> steps{};
  std::vector<Bytes> hosts{};
  bool operator==(const Revocation&) const = default;
};
Bytes encode(const Revocation& revocation);
Result<Revocation> decode_revocation(BytesView bytes);

struct Freshness {
  std::string org{};
  uint64_t trust_version = 0;
  uint64_t revocation_version = 0;  // 0: there is no list
  int64_t at_ms = 0;
  int64_t not_after_ms = 0;  // at most freshness_life_ms_max later
  bool operator==(const Freshness&) const = default;
};
Bytes encode(const Freshness& freshness);
Result<Freshness> decode_freshness(BytesView bytes);

// What a host is told when it is enrolled: "sha256:<64 hex digits>@<version>". The digest is of the root keys and their
// threshold (docs/warrant.md); a first trust file is believed if it has those, is signed by their threshold, and is of
// this version or a later one.
struct RootFingerprint {
  Bytes digest{};
  uint64_t version_min = 1;
  bool operator==(const RootFingerprint&) const = default;
};
std::string to_string(const RootFingerprint& fingerprint);
Result<RootFingerprint> parse_root_fingerprint(std::string_view text);
RootFingerprint root_fingerprint(const Trust& trust);

struct TrustUpdate {
  std::vector<Envelope> trust{};
  std::optional<Envelope> revocation{};
  std::optional<Envelope> freshness{};
};

// What one party believes. Changes only forward; a refused envelope changes nothing.
class TrustState {
 public:
  // Nothing is believed yet but the roots with this fingerprint.
  TrustState(std::string org, RootFingerprint fingerprint);
  // As kept() gave it, from a place that nobody else can write: believed without its signatures, whose keys may be
  // gone.
  static Result<TrustState> restore(std::string org, RootFingerprint fingerprint, const TrustUpdate& kept);

  // Code::denied: not signed as it must be, of another org, or a version that does not follow. What is older than what
  // is believed is passed by where it is signed as it must be by its own roots, and so is, before there is any trust,
  // what the fingerprint does not name. The texts begin with what was refused: "trust", "revocation", "freshness".
  Status take(const TrustUpdate& update);
  Status take_trust(const Envelope& envelope);
  Status take_revocation(const Envelope& envelope);
  Status take_freshness(const Envelope& envelope);

  const std::string& org() const { return org_; }
  const std::optional<Trust>& trust() const { return trust_; }
  const std::optional<Revocation>& revocation() const { return revocation_; }
  const std::optional<Freshness>& freshness() const { return freshness_; }
  uint64_t trust_version() const { return trust_ ? trust_->version : 0; }
  uint64_t revocation_version() const { return revocation_ ? revocation_->version : 0; }

  // All that must be kept to come back to this state: the newest of each.
  const TrustUpdate& kept() const { return kept_; }

  bool key_revoked(BytesView public_key) const;
  bool person_revoked(std::string_view person) const;
  bool plan_revoked(BytesView plan) const;
  bool step_revoked(BytesView step_id) const;
  bool host_revoked(BytesView host) const;

 private:
  std::string org_;
  RootFingerprint fingerprint_;
  std::optional<Trust> trust_;
  std::optional<Revocation> revocation_;
  std::optional<Freshness> freshness_;
  TrustUpdate kept_;
};

}  // namespace reeve::warrant
