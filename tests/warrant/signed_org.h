// An org with all its keys, for tests: signs whatever it is asked to, also what nobody should.
#pragma once

#include <string>
#include <vector>

#include "common/crypto/signing.h"
#include "common/warrant/messages.h"
#include "common/warrant/verify.h"

namespace reeve::warrant {

struct Party {
  std::string person{};
  crypto::SigningKey key = crypto::SigningKey::make();
};

// Steps that were planned together, as they are signed.
struct SignedPlan {
  Bytes id{};
  std::vector<Bytes> steps{};
  std::vector<Hash> leaves{};
  Hash root{};
  uint32_t risk_max = 0;
};

class SignedOrg {
 public:
  // One root, three approvers (ada, bob, cyd) for every risk, one key of each kind for the server; valid for a year.
  SignedOrg(std::string name, int64_t now_ms);

  std::string name;
  std::vector<Party> roots;
  std::vector<Party> approvers;
  crypto::SigningKey planner = crypto::SigningKey::make();
  crypto::SigningKey freshness = crypto::SigningKey::make();
  crypto::SigningKey audit = crypto::SigningKey::make();
  Trust trust;
  std::vector<Envelope> trust_files;        // all versions
  std::optional<Envelope> revocation_list;  // the newest

  RootFingerprint fingerprint() const { return root_fingerprint(trust); }
  // The next version, signed by all roots, those that it adds too.
  void publish(Trust next);
  void revoke(Revocation list);  // signed by the first root

  TrustUpdate update(int64_t now_ms) const;  // everything, with a statement of this moment
  Envelope state_freshness(int64_t now_ms) const;

  SignedPlan plan(std::vector<Step> steps) const;  // fills in plan id, index, count and org
  Envelope approve(const SignedPlan& plan, size_t approver, int64_t now_ms,
                   Decision decision = Decision::approve) const;

  struct Dispatching {
    Bytes host{};
    size_t index = 0;
    uint64_t sequence = 1;
    Bytes challenge{};
    int64_t now_ms = 0;
  };
  Warrant issue(const SignedPlan& plan, std::vector<Envelope> approvals, const Dispatching& dispatching) const;
  OrderRequest order(const Bytes& host, const Bytes& step_id, OrderKind kind, const Bytes& challenge,
                     int64_t now_ms) const;
};

}  // namespace reeve::warrant
