// See signed_org.h.
#include "tests/warrant/signed_org.h"

#include <algorithm>
#include <set>

#include "common/crypto/digest.h"

namespace reeve::warrant {
namespace {

constexpr int64_t hour_ms = 3'600'000;
constexpr int64_t year_ms = 365 * 24 * hour_ms;
constexpr int64_t approval_life_ms = 2 * hour_ms;
constexpr int64_t dispatch_life_ms = 600'000;

}  // namespace

SignedOrg::SignedOrg(std::string the_name, int64_t now_ms) : name(std::move(the_name)) {
  roots.push_back({.person = "root-1"});
  for (const char* person : {"ada", "bob", "cyd"}) approvers.push_back({.person = person});
  Trust first{.org = name, .version = 1, .not_after_ms = now_ms + year_ms, .root_threshold = 1};
  first.roots = {{.public_key = roots[0].key.public_key(), .person = roots[0].person}};
  for (const Party& each : approvers) {
    first.approvers.push_back({.public_key = each.key.public_key(),
                               .person = each.person,
                               .risk_max = risk_highest,
                               .not_after_ms = now_ms + year_ms});
  }
  std::sort(first.approvers.begin(), first.approvers.end(),
            [](const ApproverKey& a, const ApproverKey& b) { return a.public_key < b.public_key; });
  first.planner_keys = {planner.public_key()};
  first.freshness_keys = {freshness.public_key()};
  first.audit_keys = {audit.public_key()};
  first.approvals_min = {1, 1, 1, 2, 0};
  publish(std::move(first));
}

void SignedOrg::publish(Trust next) {
  Envelope envelope{.payload_type = std::string(type_trust), .payload = encode(next)};
  for (const Party& each : roots) add_signature(envelope, each.key);
  trust = std::move(next);
  trust_files.push_back(std::move(envelope));
}

void SignedOrg::revoke(Revocation list) {
  list.org = name;
  revocation_list = sign(type_revocation, encode(list), roots[0].key);
}

Envelope SignedOrg::state_freshness(int64_t now_ms) const {
  uint64_t revoked = 0;
  if (revocation_list) revoked = decode_revocation(revocation_list->payload)->version;
  const Freshness statement{.org = name,
                            .trust_version = trust.version,
                            .revocation_version = revoked,
                            .at_ms = now_ms,
                            .not_after_ms = now_ms + hour_ms};
  return sign(type_freshness, encode(statement), freshness);
}

TrustUpdate SignedOrg::update(int64_t now_ms) const {
  return {.trust = trust_files, .revocation = revocation_list, .freshness = state_freshness(now_ms)};
}

SignedPlan SignedOrg::plan(std::vector<Step> steps) const {
  SignedPlan made{.id = crypto::random_secret(16)};
  for (size_t i = 0; i < steps.size(); ++i) {
    steps[i].org = name;
    steps[i].plan = made.id;
    steps[i].index = static_cast<uint32_t>(i);
    steps[i].count = static_cast<uint32_t>(steps.size());
    made.risk_max = std::max(made.risk_max, steps[i].risk);
    made.steps.push_back(encode(steps[i]));
    made.leaves.push_back(leaf_hash(made.steps.back()));
  }
  made.root = merkle_root(made.leaves);
  return made;
}

Envelope SignedOrg::approve(const SignedPlan& plan, size_t approver, int64_t now_ms, Decision decision) const {
  std::set<Bytes> hosts;
  for (const Bytes& each : plan.steps) hosts.insert(decode_step(each)->host);
  const Approval approval{.org = name,
                          .plan = plan.id,
                          .root = plan.root,
                          .count = static_cast<uint32_t>(plan.steps.size()),
                          .hosts = static_cast<uint32_t>(hosts.size()),
                          .risk_max = plan.risk_max,
                          .person = approvers[approver].person,
                          .decision = decision,
                          .at_ms = now_ms,
                          .not_after_ms = now_ms + approval_life_ms};
  return sign(type_approval, encode(approval), approvers[approver].key);
}

Warrant SignedOrg::issue(const SignedPlan& plan, std::vector<Envelope> approvals,
                         const Dispatching& dispatching) const {
  const Dispatch dispatch{.org = name,
                          .host = dispatching.host,
                          .step = step_id(plan.steps[dispatching.index]),
                          .sequence = dispatching.sequence,
                          .challenge = dispatching.challenge,
                          .at_ms = dispatching.now_ms,
                          .not_after_ms = dispatching.now_ms + dispatch_life_ms};
  return {.step = plan.steps[dispatching.index],
          .leaf_index = dispatching.index,
          .leaf_count = plan.steps.size(),
          .proof = inclusion_proof(plan.leaves, dispatching.index),
          .approvals = std::move(approvals),
          .dispatch = sign(type_dispatch, encode(dispatch), planner),
          .trust = update(dispatching.now_ms)};
}

OrderRequest SignedOrg::order(const Bytes& host, const Bytes& step_id, OrderKind kind, const Bytes& challenge,
                              int64_t now_ms) const {
  const Order order{.org = name,
                    .host = host,
                    .step = step_id,
                    .kind = kind,
                    .challenge = challenge,
                    .at_ms = now_ms,
                    .not_after_ms = now_ms + dispatch_life_ms};
  return {.order = sign(type_order, encode(order), planner), .trust = update(now_ms)};
}

}  // namespace reeve::warrant
