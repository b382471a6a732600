// See verify.h. The checks stand in the order in which they are made.
#include "common/warrant/verify.h"

#include <algorithm>
#include <cstdlib>
#include <set>

namespace reeve::warrant {
namespace {

constexpr std::string_view refusal_names[] = {
    "none",   "size",          "shape",    "type",        "trust",        "trust_missing", "trust_expired",
    "stale",  "clock",         "locked",   "planner",     "encoding",     "org",           "host",
    "epoch",  "seen",          "sequence", "window",      "challenge",    "proof",         "approval",
    "vetoed", "approvals",     "revoked",  "policy_hash", "policy",       "precondition",  "rate",
    "closed", "execution_off", "busy",     "journal",     "unknown_step", "order",
};
static_assert(std::size(refusal_names) == static_cast<size_t>(Refusal::count_), "every refusal has a name");

Judgement refuse(Refusal refusal, std::string detail) {
  return {.refusal = refusal, .detail = std::move(detail)};
}

// The planner may only propose; which of its keys signed does not matter.
bool signed_by_planner(const Envelope& envelope, const TrustState& trust) {
  const std::vector<Bytes>& keys = trust.trust()->planner_keys;
  return std::any_of(keys.begin(), keys.end(),
                     [&](const Bytes& key) { return !trust.key_revoked(key) && signed_by(envelope, key); });
}

bool in_window(int64_t now_ms, int64_t from_ms, int64_t to_ms) {
  return from_ms <= now_ms && now_ms < to_ms;
}

class Approvals {
 public:
  Approvals(const Warrant& warrant, const Step& step, const HostView& host, const TrustState& trust)
      : warrant_(warrant), step_(step), host_(host), trust_(trust) {}

  // Whether the step is in the tree that was approved, and enough persons approved it.
  Judgement judge(BytesView step_bytes) {
    for (const Envelope& each : warrant_.approvals) {
      if (each.payload_type != type_approval) return refuse(Refusal::approval, "an approval is of another type");
      Result<Approval> approval = decode_approval(each.payload);
      if (!approval.ok()) return refuse(Refusal::approval, approval.error().text());
      decoded_.push_back(std::move(*approval));
    }
    if (decoded_.empty()) return refuse(Refusal::approvals, "nobody has approved it");
    root_ = decoded_.front().root;
    const bool in_place = warrant_.leaf_index == step_.index && warrant_.leaf_count == step_.count;
    if (!in_place || !verify_inclusion(step_bytes, step_.index, step_.count, warrant_.proof, root_)) {
      return refuse(Refusal::proof, "the step is not in the plan that was approved");
    }
    for (size_t i = 0; i < decoded_.size(); ++i) {
      if (Judgement judgement = judge_one(decoded_[i], warrant_.approvals[i]); !judgement.ok()) return judgement;
    }
    return judge_number();
  }

  std::vector<std::string> persons() const { return {persons_.begin(), persons_.end()}; }

 private:
  Judgement judge_one(const Approval& approval, const Envelope& envelope) {
    const std::string who = "the approval of " + printable(approval.person);
    if (approval.org != step_.org || approval.plan != step_.plan || approval.root != root_ ||
        approval.count != step_.count || approval.risk_max < step_.risk) {
      return refuse(Refusal::approval, who + " is for another plan");
    }
    const ApproverKey* signer = find_signer(approval, envelope);
    if (signer == nullptr) return refuse(Refusal::approval, who + " is not signed by a key of theirs");
    if (trust_.person_revoked(signer->person) || trust_.key_revoked(signer->public_key)) {
      return refuse(Refusal::revoked, printable(approval.person) + " may approve nothing any more");
    }
    if (approval.decision == Decision::veto) return refuse(Refusal::vetoed, printable(approval.person) + " said no");
    const int64_t now = judged_time_ms(host_);
    if (approval.at_ms > now + clock_difference_ms_max || now >= approval.not_after_ms || now >= signer->not_after_ms) {
      return refuse(Refusal::approval, who + " has expired, or is from the future");
    }
    if (signer->risk_max < step_.risk) return refuse(Refusal::approval, who + " does not reach the step's risk");
    if (signer->person != step_.requester) persons_.insert(signer->person);
    return {};
  }

  const ApproverKey* find_signer(const Approval& approval, const Envelope& envelope) const {
    for (const ApproverKey& each : trust_.trust()->approvers) {
      if (each.person == approval.person && signed_by(envelope, each.public_key)) return &each;
    }
    return nullptr;
  }

  Judgement judge_number() const {
    const uint32_t trust_min = trust_.trust()->approvals_min[step_.risk];
    const uint32_t local_min = host_.approvals_min[step_.risk];
    const std::string risk = "risk " + std::to_string(step_.risk);
    if (trust_min == 0) return refuse(Refusal::approvals, "the org's trust file forbids steps of " + risk);
    if (local_min == 0) return refuse(Refusal::approvals, "the host's policy forbids steps of " + risk);
    const uint32_t needed = std::max({step_.approvals, trust_min, local_min});
    if (persons_.size() >= needed) return {};
    return refuse(Refusal::approvals, std::to_string(persons_.size()) + " of " + std::to_string(needed) +
                                          " persons other than the requester have approved it");
  }

  const Warrant& warrant_;
  const Step& step_;
  const HostView& host_;
  const TrustState& trust_;
  std::vector<Approval> decoded_;
  Bytes root_;
  std::set<std::string> persons_;
};

// Everything but the approvals, in order; `into` gets what was decoded.
Judgement judge_dispatch(const Warrant& warrant, const Status& trust_refused, const HostView& host,
                         const TrustState& trust, VerifiedWarrant& into) {
  if (warrant.dispatch.payload_type != type_dispatch) return refuse(Refusal::type, "this is no dispatch");
  if (!trust_refused.ok()) return refuse(Refusal::trust, trust_refused.error().text());
  if (Judgement standing = judge_standing(host, trust); !standing.ok()) return standing;
  if (!signed_by_planner(warrant.dispatch, trust)) return refuse(Refusal::planner, "no planner key has signed it");

  Result<Dispatch> dispatch = decode_dispatch(warrant.dispatch.payload);
  if (!dispatch.ok()) return refuse(Refusal::encoding, dispatch.error().text());
  Result<Step> step = decode_step(warrant.step);
  if (!step.ok()) return refuse(Refusal::encoding, step.error().text());
  into.dispatch = std::move(*dispatch);
  into.step = std::move(*step);
  into.step_id = step_id(warrant.step);

  if (into.dispatch.org != host.org || into.step.org != host.org) return refuse(Refusal::org, "it is another org's");
  if (into.dispatch.host != host.host || into.step.host != host.host) {
    return refuse(Refusal::host, "it is for another host");
  }
  if (into.step.host_name != host.host_name) {
    return refuse(Refusal::host, "it was approved for a host called " + printable(into.step.host_name));
  }
  if (into.step.epoch != host.epoch) return refuse(Refusal::epoch, "it is for another enrolment of this host");
  if (host.seen(into.step_id)) return refuse(Refusal::seen, "this step was accepted before");
  if (into.dispatch.sequence <= host.sequence) {
    return refuse(Refusal::sequence, "sequence " + std::to_string(into.dispatch.sequence) + "; the highest so far is " +
                                         std::to_string(host.sequence));
  }
  const int64_t now = judged_time_ms(host);
  if (!in_window(now, into.step.not_before_ms, into.step.not_after_ms)) {
    return refuse(Refusal::window, "the step's window is not open");
  }
  if (!in_window(now, into.dispatch.at_ms - clock_difference_ms_max, into.dispatch.not_after_ms)) {
    return refuse(Refusal::window, "the dispatch is not valid now");
  }
  if (!host.challenge_open(into.dispatch.challenge)) {
    return refuse(Refusal::challenge, "the challenge is not one of ours, or was used");
  }
  if (trust.host_revoked(into.step.host) || trust.plan_revoked(into.step.plan) || trust.step_revoked(into.step_id)) {
    return refuse(Refusal::revoked, "the host, the plan or the step is revoked");
  }
  if (into.dispatch.step != into.step_id) return refuse(Refusal::proof, "the dispatch is for another step");
  return {};
}

}  // namespace

std::string_view to_string(Refusal refusal) {
  return refusal_names[static_cast<size_t>(refusal)];
}

int64_t judged_time_ms(const HostView& host) {
  return std::max(host.wall_ms, host.signed_ms);
}

Judgement judge_standing(const HostView& host, const TrustState& trust) {
  if (!trust.trust()) return refuse(Refusal::trust_missing, "no trust file is known yet");
  const int64_t now = judged_time_ms(host);
  if (now >= trust.trust()->not_after_ms) return refuse(Refusal::trust_expired, "the trust file has expired");
  const std::optional<Freshness>& freshness = trust.freshness();
  if (!freshness || now >= freshness->not_after_ms) {
    return refuse(Refusal::stale, "no statement that is current says which versions are");
  }
  if (freshness->trust_version != trust.trust_version() ||
      freshness->revocation_version != trust.revocation_version()) {
    return refuse(Refusal::stale, "current are trust " + std::to_string(freshness->trust_version) + " and revocation " +
                                      std::to_string(freshness->revocation_version) + "; this host has " +
                                      std::to_string(trust.trust_version()) + " and " +
                                      std::to_string(trust.revocation_version()));
  }
  if (std::abs(host.wall_ms - host.signed_ms) > clock_difference_ms_max) {
    return refuse(Refusal::clock, "the clock differs from the signed time by more than 5 min");
  }
  if (host.locked) return refuse(Refusal::locked, "the host is locked");
  return {};
}

VerifiedWarrant verify_warrant(const Warrant& warrant, const Status& trust_refused, const HostView& host,
                               const TrustState& trust) {
  VerifiedWarrant verified;
  verified.judgement = judge_dispatch(warrant, trust_refused, host, trust, verified);
  if (!verified.judgement.ok()) return verified;
  Approvals approvals(warrant, verified.step, host, trust);
  verified.judgement = approvals.judge(warrant.step);
  verified.approvers = approvals.persons();
  if (!verified.judgement.ok()) return verified;
  if (verified.step.policy_hash != host.policy_hash) {
    verified.judgement = refuse(Refusal::policy_hash, "the host's policy is another than the plan was made for");
  }
  return verified;
}

VerifiedOrder verify_order(const OrderRequest& request, const Status& trust_refused, const HostView& host,
                           const TrustState& trust) {
  VerifiedOrder verified;
  const auto refused = [&](Refusal refusal, std::string detail) {
    verified.judgement = refuse(refusal, std::move(detail));
    return verified;
  };
  if (request.order.payload_type != type_order) return refused(Refusal::type, "this is no order");
  if (!trust_refused.ok()) return refused(Refusal::trust, trust_refused.error().text());
  if (!trust.trust()) return refused(Refusal::trust_missing, "no trust file is known yet");
  if (!signed_by_planner(request.order, trust)) return refused(Refusal::planner, "no planner key has signed it");
  Result<Order> order = decode_order(request.order.payload);
  if (!order.ok()) return refused(Refusal::encoding, order.error().text());
  verified.order = std::move(*order);
  // To stop or to keep something is allowed by less than to start a rollback.
  const bool starts = verified.order.kind == OrderKind::rollback;
  if (starts) {
    verified.judgement = judge_standing(host, trust);
    if (!verified.judgement.ok()) return verified;
  }
  if (verified.order.org != host.org) return refused(Refusal::org, "it is another org's");
  if (verified.order.host != host.host) return refused(Refusal::host, "it is for another host");
  const int64_t now = judged_time_ms(host);
  if (!in_window(now, verified.order.at_ms - clock_difference_ms_max, verified.order.not_after_ms)) {
    return refused(Refusal::window, "the order is not valid now");
  }
  if (starts && !host.challenge_open(verified.order.challenge)) {
    return refused(Refusal::challenge, "the challenge is not one of ours, or was used");
  }
  if (starts && trust.host_revoked(host.host)) return refused(Refusal::revoked, "the host is revoked");
  return verified;
}

}  // namespace reeve::warrant
