// See attacks.h.
#include "tests/runner/attacks.h"

#include <algorithm>

#include "common/crypto/digest.h"

namespace reeve::runner {
namespace {

using namespace warrant;

constexpr int64_t minute_ms = 60'000;
constexpr int64_t hour_ms = 60 * minute_ms;

Bytes to_bytes(const Warrant& warrant) {
  return encode(ToRunner(warrant));
}

// Signs the dispatch anew, as who has the planner's key can.
void redispatch(AttackWorld& world, Warrant& warrant, const std::function<void(Dispatch&)>& change) {
  Dispatch dispatch = *decode_dispatch(warrant.dispatch.payload);
  change(dispatch);
  warrant.dispatch = sign(type_dispatch, encode(dispatch), world.ours.org.planner);
}

// Another step under the same approval: everything signed anew but what the approvers signed.
Bytes with_other_step(AttackWorld& world, const std::function<void(Step&)>& change) {
  Warrant warrant = world.genuine();
  Step step = *decode_step(warrant.step);
  change(step);
  warrant.step = encode(step);
  redispatch(world, warrant, [&](Dispatch& dispatch) { dispatch.step = step_id(warrant.step); });
  return to_bytes(warrant);
}

// -- Bytes
// -------------------------------------------------------------------------------------------------------------

Bytes flip_a_bit(AttackWorld& world, Random& random) {
  Bytes bytes = to_bytes(world.genuine());
  const uint64_t bit = random.below(bytes.size() * 8);
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  return bytes;
}

Bytes change_a_byte(AttackWorld& world, Random& random) {
  Bytes bytes = to_bytes(world.genuine());
  const uint64_t at = random.below(bytes.size());
  bytes[at] = static_cast<char>(bytes[at] + 1 + static_cast<char>(random.below(255)));
  return bytes;
}

Bytes cut(AttackWorld& world, Random& random) {
  const Bytes bytes = to_bytes(world.genuine());
  return bytes.substr(0, random.below(bytes.size()));
}

Bytes cut_out(AttackWorld& world, Random& random) {
  Bytes bytes = to_bytes(world.genuine());
  const uint64_t at = random.below(bytes.size());
  return bytes.erase(at, 1 + random.below(64));
}

Bytes put_in(AttackWorld& world, Random& random) {
  Bytes bytes = to_bytes(world.genuine());
  return bytes.insert(random.below(bytes.size() + 1), random.bytes(1 + random.below(32)));
}

Bytes splice_two(AttackWorld& world, Random& random) {
  const Bytes one = to_bytes(world.genuine());
  const Bytes two = encode(ToRunner(world.used));
  // In front of the trust material: another genuine statement of freshness behind a genuine warrant is no attack.
  const size_t trust_bytes = encode(ToRunner(world.used.trust)).size() + 16;
  const uint64_t at = 1 + random.below(std::min(one.size(), two.size()) - trust_bytes);
  return one.substr(0, at) + two.substr(at);
}

// -- Old things
// --------------------------------------------------------------------------------------------------------

Bytes replay_with_new_dispatch(AttackWorld& world, Random&) {
  Warrant warrant = world.used;
  const Bytes challenge = world.ours.challenge();
  redispatch(world, warrant, [&](Dispatch& dispatch) {
    dispatch.challenge = challenge;
    dispatch.sequence = ++world.ours.sequence;
    dispatch.at_ms = world.ours.now_ms();
    dispatch.not_after_ms = dispatch.at_ms + minute_ms;
  });
  warrant.trust = world.ours.org.update(world.ours.now_ms());
  return to_bytes(warrant);
}

Bytes old_challenge(AttackWorld& world, Random& random) {
  Warrant warrant = world.genuine();
  redispatch(world, warrant, [&](Dispatch& dispatch) {
    dispatch.challenge = random.one_in(2) ? random.bytes(32) : decode_dispatch(world.used.dispatch.payload)->challenge;
  });
  return to_bytes(warrant);
}

Bytes old_sequence(AttackWorld& world, Random& random) {
  Warrant warrant = world.genuine();
  redispatch(world, warrant, [&](Dispatch& dispatch) {
    dispatch.sequence = 1 + random.below(decode_dispatch(world.used.dispatch.payload)->sequence);
  });
  return to_bytes(warrant);
}

Bytes expired_dispatch(AttackWorld& world, Random& random) {
  Warrant warrant = world.genuine();
  redispatch(world, warrant, [&](Dispatch& dispatch) {
    dispatch.not_after_ms = world.ours.now_ms() - static_cast<int64_t>(random.below(hour_ms));
    dispatch.at_ms = dispatch.not_after_ms - minute_ms;
  });
  return to_bytes(warrant);
}

Bytes dispatch_from_the_future(AttackWorld& world, Random& random) {
  Warrant warrant = world.genuine();
  redispatch(world, warrant, [&](Dispatch& dispatch) {
    dispatch.at_ms = world.ours.now_ms() + 6 * minute_ms + static_cast<int64_t>(random.below(24 * hour_ms));
    dispatch.not_after_ms = dispatch.at_ms + minute_ms;
  });
  return to_bytes(warrant);
}

// A step whose window is over, or not open yet, approved and dispatched as it should be.
Bytes closed_step(AttackWorld& world, Random& random) {
  Step step = world.ours.step();
  const int64_t away = minute_ms + static_cast<int64_t>(random.below(12 * hour_ms));
  const int64_t begin = random.one_in(2) ? world.ours.now_ms() + away : world.ours.now_ms() - hour_ms - away;
  step.not_before_ms = begin;
  step.not_after_ms = begin + hour_ms;
  return to_bytes(world.ours.warrant_for(world.ours.plan_of(step)));
}

Bytes expired_approval(AttackWorld& world, Random& random) {
  const SignedPlan plan = world.ours.plan_of(world.ours.step());
  const int64_t past = world.ours.now_ms() - 2 * hour_ms - static_cast<int64_t>(random.below(24 * hour_ms));
  return to_bytes(world.ours.warrant_for(plan, {world.ours.org.approve(plan, 0, past)}));
}

Bytes stale_freshness(AttackWorld& world, Random& random) {
  Warrant warrant = world.genuine();
  const int64_t past = world.ours.now_ms() - 2 * hour_ms - static_cast<int64_t>(random.below(hour_ms));
  Freshness wrong = *decode_freshness(world.ours.org.state_freshness(past).payload);
  // The host has seen a newer one for these versions, so it needs one that contradicts.
  wrong.at_ms = world.ours.now_ms();
  wrong.not_after_ms = wrong.at_ms + minute_ms;
  wrong.trust_version += 1 + random.below(3);
  warrant.trust.freshness = sign(type_freshness, encode(wrong), world.ours.org.freshness);
  return to_bytes(warrant);
}

// -- Signed by the wrong ones
// ------------------------------------------------------------------------------------------

Bytes forged_dispatch(AttackWorld& world, Random& random) {
  Warrant warrant = world.genuine();
  const SignedOrg& org = world.ours.org;
  const crypto::SigningKey keys[] = {org.freshness,          org.audit,
                                     org.approvers[0].key,   org.roots[0].key,
                                     world.impostor.planner, world.foreign.org.planner};
  warrant.dispatch = sign(type_dispatch, warrant.dispatch.payload, keys[random.below(std::size(keys))]);
  return to_bytes(warrant);
}

Bytes forged_approval(AttackWorld& world, Random& random) {
  const SignedPlan plan = world.ours.plan_of(world.ours.step());
  const SignedOrg& org = world.ours.org;
  const crypto::SigningKey keys[] = {
      org.planner, org.freshness, org.audit, org.roots[0].key, world.impostor.approvers[0].key, org.approvers[1].key};
  Envelope approval = org.approve(plan, 0, world.ours.now_ms());
  approval = sign(type_approval, approval.payload, keys[random.below(std::size(keys))]);
  return to_bytes(world.ours.warrant_for(plan, {approval}));
}

// The signature's owner is named right, and the signature is another one.
Bytes borrowed_signature(AttackWorld& world, Random& random) {
  Warrant warrant = world.genuine();
  Envelope& victim = random.one_in(2) ? warrant.dispatch : warrant.approvals[0];
  const Envelope donor = random.one_in(2) ? world.used.dispatch : world.used.approvals[0];
  victim.signatures[0].signature = donor.signatures[0].signature;
  return to_bytes(warrant);
}

Bytes other_type(AttackWorld& world, Random& random) {
  Warrant warrant = world.genuine();
  const std::string_view types[] = {type_trust,  type_revocation, type_freshness, type_order,
                                    type_result, type_preflight,  type_checkpoint};
  const std::string_view type = types[random.below(std::size(types))];
  const SignedOrg& org = world.ours.org;
  if (random.one_in(2)) {
    warrant.dispatch = sign(type, warrant.dispatch.payload, org.planner);
  } else {
    warrant.approvals[0] = sign(type, warrant.approvals[0].payload, org.approvers[0].key);
  }
  return to_bytes(warrant);
}

Bytes other_trust(AttackWorld& world, Random& random) {
  Warrant warrant = world.genuine();
  // Trust in which the attacker approves: signed by the server's keys, or by roots of its own.
  Trust next = world.ours.org.trust;
  next.version += random.below(3);
  next.approvers = world.impostor.trust.approvers;
  const crypto::SigningKey keys[] = {world.ours.org.planner, world.ours.org.freshness, world.impostor.roots[0].key};
  warrant.trust.trust.push_back(sign(type_trust, encode(next), keys[random.below(std::size(keys))]));
  const SignedPlan plan = world.ours.plan_of(world.ours.step());
  warrant.step = plan.steps[0];
  warrant.proof.clear();
  warrant.approvals = {world.impostor.approve(plan, 0, world.ours.now_ms())};
  redispatch(world, warrant, [&](Dispatch& dispatch) { dispatch.step = step_id(warrant.step); });
  return to_bytes(warrant);
}

// -- Somebody else's
// ---------------------------------------------------------------------------------------------------

Bytes cross_host(AttackWorld& world, Random& random) {
  // The neighbour's warrant, sent to us: as it is, or dispatched anew to us.
  RunnerWorld& other = world.neighbour;
  const SignedPlan plan = other.plan_of(other.step());
  Warrant warrant = world.ours.warrant_for(plan);
  if (random.one_in(2)) redispatch(world, warrant, [&](Dispatch& dispatch) { dispatch.host = other.host_id; });
  return to_bytes(warrant);
}

Bytes cross_name(AttackWorld& world, Random& random) {
  Step step = world.ours.step();
  if (random.one_in(2)) {
    step.host_name = world.neighbour.host_name;
  } else {
    step.epoch += 1 + random.below(5);
  }
  return to_bytes(world.ours.warrant_for(world.ours.plan_of(step)));
}

Bytes cross_org(AttackWorld& world, Random& random) {
  RunnerWorld& other = world.foreign;
  Step step = world.ours.step();
  const SignedPlan plan = other.org.plan({step});
  Warrant warrant = other.org.issue(plan, {other.org.approve(plan, 0, other.now_ms())},
                                    {.host = world.ours.host_id,
                                     .sequence = ++world.ours.sequence,
                                     .challenge = world.ours.challenge(),
                                     .now_ms = world.ours.now_ms()});
  if (random.one_in(2)) warrant.trust = world.ours.org.update(world.ours.now_ms());
  if (random.one_in(2)) warrant.dispatch = sign(type_dispatch, warrant.dispatch.payload, world.ours.org.planner);
  return to_bytes(warrant);
}

Bytes impostors(AttackWorld& world, Random&) {
  const SignedPlan plan = world.impostor.plan({world.ours.step()});
  return to_bytes(world.impostor.issue(plan, {world.impostor.approve(plan, 0, world.ours.now_ms())},
                                       {.host = world.ours.host_id,
                                        .sequence = ++world.ours.sequence,
                                        .challenge = world.ours.challenge(),
                                        .now_ms = world.ours.now_ms()}));
}

// -- With every key that is online, and without an approver
// ------------------------------------------------------------

Bytes edited_step(AttackWorld& world, Random& random) {
  const uint64_t what = random.below(8);
  return with_other_step(world, [&](Step& step) {
    switch (what) {
      case 0:
        std::get<Argv>(step.exec.what).arguments.push_back("--more");
        break;
      case 1:
        std::get<Argv>(step.exec.what).path = "/usr/bin/false";
        break;
      case 2:
        step.risk = 0;
        break;
      case 3:
        step.not_after_ms += minute_ms;
        break;
      case 4:
        step.requester = "nobody";
        break;
      case 5:
        step.rollback = Exec{.what = Argv{.path = "/usr/bin/false", .user = "root"}, .timeout_ms = 1000};
        break;
      case 6:
        step.exec.timeout_ms += 1;
        break;
      default:
        step.plan = random.bytes(16);
    }
  });
}

Bytes edited_approval(AttackWorld& world, Random& random) {
  Warrant warrant = world.genuine();
  Approval approval = *decode_approval(warrant.approvals[0].payload);
  const uint64_t what = random.below(4);
  if (what == 0) approval.root = random.bytes(32);
  if (what == 1) approval.not_after_ms += minute_ms;
  if (what == 2) approval.person = "bob";
  if (what == 3) approval.count += 1;
  warrant.approvals[0].payload = encode(approval);
  return to_bytes(warrant);
}

Bytes nobody_approved(AttackWorld& world, Random& random) {
  Warrant warrant = world.genuine();
  warrant.approvals.clear();
  if (random.one_in(2)) warrant.approvals = {world.used.approvals[0]};  // of another plan
  return to_bytes(warrant);
}

Bytes too_few(AttackWorld& world, Random& random) {
  Step step = world.ours.step();
  const uint64_t what = random.below(4);
  step.risk = what == 3 ? 4 : 3;
  if (what == 2) step.requester = "ada";
  const SignedPlan plan = world.ours.plan_of(step);
  const SignedOrg& org = world.ours.org;
  const int64_t now = world.ours.now_ms();
  std::vector<Envelope> approvals{org.approve(plan, 0, now)};
  if (what == 1) approvals.push_back(org.approve(plan, 0, now - minute_ms));  // the same person again
  if (what == 2) approvals.push_back(org.approve(plan, 1, now));              // one of the two is the requester
  if (what == 3) approvals = {org.approve(plan, 0, now), org.approve(plan, 1, now), org.approve(plan, 2, now)};
  return to_bytes(world.ours.warrant_for(plan, std::move(approvals)));
}

Bytes vetoed(AttackWorld& world, Random& random) {
  const SignedPlan plan = world.ours.plan_of(world.ours.step());
  const SignedOrg& org = world.ours.org;
  std::vector<Envelope> approvals{org.approve(plan, 0, world.ours.now_ms()),
                                  org.approve(plan, 1, world.ours.now_ms(), Decision::veto)};
  if (random.one_in(2)) std::swap(approvals[0], approvals[1]);
  return to_bytes(world.ours.warrant_for(plan, std::move(approvals)));
}

Bytes wrong_proof(AttackWorld& world, Random& random) {
  std::vector<Step> steps;
  for (int i = 0; i < 5; ++i) {
    steps.push_back(world.ours.step());
    steps.back().exec.timeout_ms += static_cast<uint32_t>(i);
  }
  const SignedPlan plan = world.ours.org.plan(steps);
  Warrant warrant = world.ours.warrant_for(plan, 1 + random.below(3));
  const uint64_t what = random.below(5);
  if (what == 0) std::reverse(warrant.proof.begin(), warrant.proof.end());
  if (what == 1) warrant.proof.pop_back();
  if (what == 2) warrant.proof.push_back(random.bytes(32));
  if (what == 3) warrant.leaf_index = (warrant.leaf_index + 1) % plan.steps.size();
  if (what == 4) warrant.leaf_count += 1;
  return to_bytes(warrant);
}

Bytes swapped_parts(AttackWorld& world, Random& random) {
  Warrant warrant = world.genuine();
  const uint64_t what = random.below(3);
  if (what == 0) std::swap(warrant.dispatch, warrant.approvals[0]);
  if (what == 1) std::swap(warrant.dispatch, *warrant.trust.freshness);
  if (what == 2) std::swap(warrant.trust.trust[0], *warrant.trust.freshness);
  return to_bytes(warrant);
}

Bytes outside_of_policy(AttackWorld& world, Random& random) {
  // Approved by people, and still not allowed here.
  Step step = world.ours.step();
  Argv& argv = std::get<Argv>(step.exec.what);
  const uint64_t what = random.below(4);
  if (what == 0) argv.path = "/usr/bin/id";
  if (what == 1) argv.arguments = {"-c", "id"};
  if (what == 2) argv.user = "nobody";
  if (what == 3) step.policy_hash = random.bytes(32);
  return to_bytes(world.ours.warrant_for(world.ours.plan_of(step)));
}

// Orders cannot start what was never started, nor a rollback twice or without a challenge.
Bytes orders(AttackWorld& world, Random& random) {
  const Warrant fresh = world.genuine();
  const Bytes never = step_id(fresh.step);
  const Bytes ran = step_id(world.used.step);
  const OrderKind kind = random.one_in(3) ? OrderKind::stop : OrderKind::rollback;
  const Bytes challenge = kind != OrderKind::rollback ? Bytes()
                          : random.one_in(2)          ? world.ours.challenge()
                                                      : random.bytes(32);
  return encode(ToRunner(
      world.ours.org.order(world.ours.host_id, random.one_in(2) ? never : ran, kind, challenge, world.ours.now_ms())));
}

Bytes preflights(AttackWorld& world, Random& random) {
  Step step = world.ours.step();
  step.probe = Exec{.what = Argv{.path = "/usr/bin/uptime", .user = "root"}, .timeout_ms = 1000};
  const Bytes bytes = encode(step);
  return encode(ToRunner(PreflightRequest{.step = random.one_in(2) ? bytes : world.genuine().step}));
}

constexpr Attack table[] = {
    {"flip a bit", flip_a_bit},
    {"change a byte", change_a_byte},
    {"cut", cut},
    {"cut out", cut_out},
    {"put in", put_in},
    {"splice two", splice_two},
    {"noise", [](AttackWorld&, Random& random) { return random.bytes(random.below(4096)); }},
    {"replay", [](AttackWorld& world, Random&) { return to_bytes(world.used); }},
    {"replay with a new dispatch", replay_with_new_dispatch},
    {"old challenge", old_challenge},
    {"old sequence", old_sequence},
    {"expired dispatch", expired_dispatch},
    {"dispatch from the future", dispatch_from_the_future},
    {"closed step", closed_step},
    {"expired approval", expired_approval},
    {"stale freshness", stale_freshness},
    {"forged dispatch", forged_dispatch},
    {"forged approval", forged_approval},
    {"borrowed signature", borrowed_signature},
    {"other type", other_type},
    {"other trust", other_trust},
    {"cross-host", cross_host},
    {"cross-name, cross-epoch", cross_name},
    {"cross-org", cross_org},
    {"impostors", impostors},
    {"edited step", edited_step},
    {"edited approval", edited_approval},
    {"nobody approved", nobody_approved},
    {"too few", too_few},
    {"vetoed", vetoed},
    {"wrong proof", wrong_proof},
    {"swapped parts", swapped_parts},
    {"outside of policy", outside_of_policy},
    {"orders", orders},
    {"preflights", preflights},
};

}  // namespace

std::span<const Attack> attacks() {
  return table;
}

AttackWorld::AttackWorld(uint64_t seed)
    : ours(seed),
      neighbour(seed + 1, ours.org, "web-2"),
      foreign(seed + 2, SignedOrg("umbrella", ours.now_ms()), "web-1"),
      impostor("acme", ours.now_ms()) {
  // One step that was carried out, so that there is something to replay.
  used = genuine();
  (void)ours.send(used);
  (void)ours.run_to_end();
  (void)ours.send(ResultAck{.through = 1});
  check(ours.host.started == 1, "a genuine warrant is carried out");
}

Warrant AttackWorld::genuine() {
  return ours.warrant_for(ours.plan_of(ours.step()));
}

AttackReport run_attacks(uint64_t seed, uint64_t attack_count, uint64_t genuine_count) {
  AttackWorld world(seed);
  SeededRandom random(seed);
  AttackReport report;
  const uint64_t rounds = std::max(attack_count, genuine_count);
  uint64_t acknowledged = 1;
  for (uint64_t round = 0; round < rounds; ++round) {
    if (round < attack_count) {
      const Attack& attack = table[round % std::size(table)];
      const uint64_t before = world.ours.host.started;
      ++report.refusals[refusal_in(world.ours.send_bytes(attack.make(world, random)))];
      (void)world.ours.run_to_end();
      ++report.attacks;
      report.started_by_attacks += world.ours.host.started - before;
      if (world.ours.host.started != before) ++report.breaches[attack.name];
      if (world.ours.host.started != before && report.first_breach.empty()) {
        report.first_breach = std::string(attack.name) + ", number " + std::to_string(round);
      }
    }
    // Spread evenly: between the attacks the runner must go on to do what it should.
    const bool due = (round + 1) * genuine_count / rounds != round * genuine_count / rounds;
    if (!due) continue;
    world.used = world.genuine();
    (void)world.ours.send(world.used);
    for (const StepResult& result : world.ours.run_to_end()) {
      report.genuine_done += result.state == StepState::done ? 1 : 0;
      acknowledged = std::max(acknowledged, result.sequence);
    }
    ++report.genuine;
    (void)world.ours.send(ResultAck{.through = acknowledged});
    // Within the rate that the policy can allow; and old ids are forgotten in time, as in life.
    const Duration pause = report.genuine % 1000 == 0 ? Duration(27h) : Duration(7s);
    for (RunnerWorld* each : {&world.ours, &world.neighbour, &world.foreign}) each->clock.advance(pause);
  }
  return report;
}

}  // namespace reeve::runner
