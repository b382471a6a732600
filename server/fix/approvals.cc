// See approvals.h.
#include "server/fix/approvals.h"

#include <algorithm>

#include "common/warrant/messages.h"
#include "common/warrant/verify.h"
#include "server/fix/org_trust.h"

namespace reeve::server {
namespace {

using warrant::Approval;
using warrant::ApproverKey;
using warrant::Envelope;

Error refuse(std::string why) {
  return Error(Code::invalid, "this approval does not count: " + std::move(why));
}

const ApproverKey* find_signer(const Approval& approval, const Envelope& envelope, const warrant::TrustState& trust) {
  for (const ApproverKey& key : trust.trust()->approvers) {
    if (key.person == approval.person && warrant::signed_by(envelope, key.public_key)) return &key;
  }
  return nullptr;
}

// As the runner looks at it (common/warrant/verify.h), for a step of this risk.
Result<Approval> judge(const Envelope& envelope, const FixPlan& plan, const warrant::TrustState& trust, uint32_t risk,
                       WallTime now) {
  if (envelope.payload_type != warrant::type_approval) return refuse("it is of another type");
  const Result<Approval> decoded = warrant::decode_approval(envelope.payload);
  if (!decoded.ok()) return refuse(decoded.error().text());
  const Approval& approval = *decoded;
  if (approval.org != trust.org()) return refuse("it is another org's");
  if (approval.plan != plan.id.view()) return refuse("it is for another plan");
  if (approval.root != plan.root) return refuse("its root is not that of the plan's steps");
  if (approval.count != plan.count || approval.hosts != plan.hosts || approval.risk_max != plan.risk_max) {
    return refuse("it tells another number of steps or hosts, or another risk, than the plan has");
  }
  const ApproverKey* key = find_signer(approval, envelope, trust);
  if (key == nullptr)
    return refuse("it is not signed by a key that the trust file has for " + printable(approval.person));
  if (trust.person_revoked(key->person) || trust.key_revoked(key->public_key)) {
    return refuse(printable(key->person) + " or their key is revoked");
  }
  if (approval.decision == warrant::Decision::veto) return approval;
  const int64_t now_ms = to_ms(now);
  if (approval.at_ms > now_ms + warrant::clock_difference_ms_max) return refuse("it is from the future");
  if (now_ms >= approval.not_after_ms || now_ms >= key->not_after_ms) return refuse("it or its key has expired");
  if (key->risk_max < risk) {
    return refuse("the key reaches a risk of " + std::to_string(key->risk_max) + ", the plan has " +
                  std::to_string(risk));
  }
  return approval;
}

}  // namespace

Result<Approval> check_approval(BytesView bytes, const FixPlan& plan, const warrant::TrustState& trust, WallTime now) {
  const Result<Envelope> envelope = warrant::decode_envelope(bytes);
  if (!envelope.ok()) return refuse(envelope.error().text());
  const Approval approval = TRY(judge(*envelope, plan, trust, plan.risk_max, now));
  if (approval.decision == warrant::Decision::approve && approval.person == plan.requester) {
    return refuse(printable(approval.person) + " has asked for this plan and cannot approve it");
  }
  return approval;
}

CountedApprovals count_approvals(const std::vector<FixApproval>& approvals, const FixPlan& plan,
                                 const warrant::TrustState& trust, WallTime now) {
  CountedApprovals counted;
  for (const FixApproval& each : approvals) {
    const Result<Approval> approval = check_approval(each.envelope, plan, trust, now);
    if (!approval.ok()) continue;
    if (approval->decision == warrant::Decision::veto) counted.vetoed = true;
    if (approval->decision == warrant::Decision::approve) counted.persons.insert(approval->person);
  }
  return counted;
}

Result<uint32_t> approvals_needed(const FixPlan& plan, const warrant::TrustState* trust) {
  if (trust == nullptr) return plan.approvals;
  uint32_t needed = plan.approvals;
  const std::vector<uint32_t>& by_risk = trust->trust()->approvals_min;
  for (uint32_t risk = 0; risk <= plan.risk_max && risk < by_risk.size(); ++risk)
    needed = std::max(needed, by_risk[risk]);
  if (by_risk[plan.risk_max] == 0) {
    return Error(Code::denied, "the org's trust file forbids steps of risk " + std::to_string(plan.risk_max));
  }
  return needed;
}

std::vector<Envelope> approvals_to_show(const std::vector<FixApproval>& approvals, const FixPlan& plan,
                                        const warrant::TrustState& trust, uint32_t risk, WallTime now) {
  std::vector<Envelope> shown;
  for (const FixApproval& each : approvals) {
    if (each.veto || shown.size() >= warrant::approvals_shown_max) continue;
    Result<Envelope> envelope = warrant::decode_envelope(each.envelope);
    if (envelope.ok() && judge(*envelope, plan, trust, std::max(risk, plan.risk_max), now).ok()) {
      shown.push_back(std::move(*envelope));
    }
  }
  return shown;
}

}  // namespace reeve::server
