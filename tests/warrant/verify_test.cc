// The order of verification: each check refuses with its own code, and before every check behind it.
#include "common/warrant/verify.h"

#include "common/crypto/digest.h"
#include "tests/warrant/signed_org.h"

using namespace reeve;
using namespace reeve::warrant;

namespace {

constexpr int64_t now = 1'795'000'000'000;
constexpr int64_t minute = 60'000;
constexpr int64_t hour = 60 * minute;

// One warrant that is right in everything, on a host that would run it. A test changes what it is about.
struct Case {
  SignedOrg org{"acme", now};
  Step step;
  SignedPlan plan;
  std::vector<Envelope> approvals;
  Warrant warrant;
  HostView host;
  Status trust_refused;
  std::optional<TrustState> trust;
  bool seen = false;
  bool open = true;

  Case() {
    host = {.org = "acme",
            .host = Bytes(32, 'h'),
            .host_name = "web-1",
            .epoch = 7,
            .wall_ms = now,
            .signed_ms = now,
            .policy_hash = Bytes(32, 'y'),
            .approvals_min = {1, 1, 1, 2, 0},
            .seen = [this](BytesView) { return seen; },
            .challenge_open = [this](BytesView challenge) { return open && challenge == Bytes(32, 'c'); }};
    step = {.org = "acme",
            .host = host.host,
            .host_name = "web-1",
            .epoch = 7,
            .exec = {.what = Argv{.path = "/usr/bin/true", .user = "root"}, .timeout_ms = 1000},
            .risk = 1,
            .requester = "eve",
            .policy_hash = host.policy_hash,
            .not_before_ms = now,
            .not_after_ms = now + hour};
    trust.emplace("acme", org.fingerprint());
    issue();
  }
  Case(const Case&) = delete;
  Case& operator=(const Case&) = delete;

  void issue(std::vector<size_t> approvers = {0}, Decision decision = Decision::approve) {
    plan = org.plan({step, step, step});
    approvals.clear();
    for (const size_t each : approvers) approvals.push_back(org.approve(plan, each, now, decision));
    redo();
  }
  void redo() {
    warrant = org.issue(plan, approvals,
                        {.host = host.host, .index = 1, .sequence = 5, .challenge = Bytes(32, 'c'), .now_ms = now});
    trust_refused = trust->take(warrant.trust);
  }
  void redispatch(const std::function<void(Dispatch&)>& change) {
    Dispatch dispatch = *decode_dispatch(warrant.dispatch.payload);
    change(dispatch);
    warrant.dispatch = sign(type_dispatch, encode(dispatch), org.planner);
  }
  void reapprove(const std::function<void(Approval&)>& change) {
    Approval approval = *decode_approval(warrant.approvals[0].payload);
    change(approval);
    warrant.approvals[0] = sign(type_approval, encode(approval), org.approvers[0].key);
  }
  void retrust(const std::function<void(Trust&)>& change) {
    Trust next = org.trust;
    ++next.version;
    change(next);
    org.publish(std::move(next));
    redo();
  }

  std::string verdict() {
    const VerifiedWarrant verified = verify_warrant(warrant, trust_refused, host, *trust);
    if (verified.judgement.ok()) {
      CHECK(verified.step_id == step_id(warrant.step));
      CHECK(encode(verified.step) == warrant.step);
      CHECK(!verified.approvers.empty());
    }
    return std::string(to_string(verified.judgement.refusal));
  }
};

}  // namespace

TEST_CASE("a warrant that is right in everything passes") {
  Case c;
  CHECK(c.verdict() == "none");
}

TEST_CASE("type, trust and standing come first") {
  Case c;
  c.trust_refused = Error(Code::denied, "trust: no");
  CHECK(c.verdict() == "trust");
  c.warrant.dispatch.payload_type = type_order;
  CHECK(c.verdict() == "type");

  Case missing;
  missing.trust.emplace("acme", missing.org.fingerprint());
  CHECK(missing.verdict() == "trust_missing");
  Case expired;
  expired.retrust([](Trust& trust) { trust.not_after_ms = now; });
  CHECK(expired.verdict() == "trust_expired");
  Case stale;
  stale.host.wall_ms = stale.host.signed_ms = now + 61 * minute;
  CHECK(stale.verdict() == "stale");
  Case never;
  never.trust.emplace("acme", never.org.fingerprint());
  REQUIRE(never.trust->take_trust(never.org.trust_files[0]).ok());
  CHECK(never.verdict() == "stale");
  Case behind;
  behind.org.trust.version = 2;  // the statement names a version that nobody shows
  REQUIRE(behind.trust->take_freshness(behind.org.state_freshness(now + 1)).ok());
  CHECK(behind.verdict() == "stale");
  Case behind_revocation;
  behind_revocation.org.revoke({.version = 1, .at_ms = now});
  REQUIRE(behind_revocation.trust->take_freshness(behind_revocation.org.state_freshness(now + 1)).ok());
  CHECK(behind_revocation.verdict() == "stale");

  Case clock;
  clock.host.wall_ms = now - clock_difference_ms_max;
  CHECK(clock.verdict() == "none");
  clock.host.wall_ms = now - clock_difference_ms_max - 1;
  CHECK(clock.verdict() == "clock");
  clock.host.wall_ms = now + clock_difference_ms_max + 1;
  CHECK(clock.verdict() == "clock");
  Case locked;
  locked.host.locked = true;
  CHECK(locked.verdict() == "locked");
}

TEST_CASE("only the planner's key may dispatch, and what it signs must be what it says") {
  Case c;
  c.warrant.dispatch = sign(type_dispatch, c.warrant.dispatch.payload, c.org.freshness);
  CHECK(c.verdict() == "planner");
  c.warrant.dispatch = sign(type_dispatch, "nonsense", c.org.planner);
  CHECK(c.verdict() == "encoding");
  Case step;
  step.warrant.step += "x";
  CHECK(step.verdict() == "encoding");
  Case revoked;
  revoked.org.revoke({.version = 1, .at_ms = now, .keys = {key_id(revoked.org.planner.public_key())}});
  revoked.redo();
  CHECK(revoked.verdict() == "planner");
}

TEST_CASE("it is for this org, host, name and enrolment") {
  Case org;
  org.redispatch([](Dispatch& d) { d.org = "umbrella"; });
  CHECK(org.verdict() == "org");
  Case step_org;
  step_org.step.org = "umbrella";
  step_org.plan = step_org.org.plan({step_org.step});
  Step foreign = step_org.step;
  step_org.warrant.step = encode([&] {
    foreign.plan = Bytes(16, 'p');
    return foreign;
  }());
  CHECK(step_org.verdict() == "org");
  Case host;
  host.redispatch([](Dispatch& d) { d.host = Bytes(32, 'i'); });
  CHECK(host.verdict() == "host");
  Case step_host;
  step_host.step.host = Bytes(32, 'i');
  step_host.issue();
  CHECK(step_host.verdict() == "host");
  Case name;
  name.step.host_name = "db-1";
  name.issue();
  CHECK(name.verdict() == "host");
  Case epoch;
  epoch.step.epoch = 8;
  epoch.issue();
  CHECK(epoch.verdict() == "epoch");
}

TEST_CASE("it is new: by its step, its sequence, its time and its challenge") {
  Case seen;
  seen.seen = true;
  CHECK(seen.verdict() == "seen");
  Case sequence;
  sequence.host.sequence = 5;
  CHECK(sequence.verdict() == "sequence");
  sequence.host.sequence = 4;
  CHECK(sequence.verdict() == "none");
  Case early;
  early.step.not_before_ms = now + 1;
  early.issue();
  CHECK(early.verdict() == "window");
  Case late;
  late.step.not_before_ms = now - hour;
  late.step.not_after_ms = now;
  late.issue();
  CHECK(late.verdict() == "window");
  Case dispatch_late;
  dispatch_late.redispatch([](Dispatch& d) { d.at_ms = now - minute, d.not_after_ms = now; });
  CHECK(dispatch_late.verdict() == "window");
  Case dispatch_early;
  dispatch_early.redispatch([](Dispatch& d) { d.at_ms = now + 5 * minute + 1, d.not_after_ms = now + hour / 6; });
  CHECK(dispatch_early.verdict() == "window");
  dispatch_early.redispatch([](Dispatch& d) { d.at_ms = now + 5 * minute; });
  CHECK(dispatch_early.verdict() == "none");
  Case challenge;
  challenge.open = false;
  CHECK(challenge.verdict() == "challenge");
}

TEST_CASE("time is judged by whichever of clock and signed time is later") {
  Case c;
  c.host.wall_ms = now - 4 * minute;
  c.host.signed_ms = now;
  CHECK(judged_time_ms(c.host) == now);
  c.host.wall_ms = now + 1;
  CHECK(judged_time_ms(c.host) == now + 1);
}

TEST_CASE("what was revoked does not run") {
  Case host;
  host.org.revoke({.version = 1, .at_ms = now, .hosts = {host.host.host}});
  host.redo();
  CHECK(host.verdict() == "revoked");
  Case plan;
  plan.org.revoke({.version = 1, .at_ms = now, .plans = {plan.plan.id}});
  plan.redo();
  CHECK(plan.verdict() == "revoked");
  Case step;
  step.org.revoke({.version = 1, .at_ms = now, .steps = {step_id(step.warrant.step)}});
  step.redo();
  CHECK(step.verdict() == "revoked");
  Case person;
  person.org.revoke({.version = 1, .at_ms = now, .persons = {"ada"}});
  person.redo();
  CHECK(person.verdict() == "revoked");
  Case key;
  key.org.revoke({.version = 1, .at_ms = now, .keys = {key_id(key.org.approvers[0].key.public_key())}});
  key.redo();
  CHECK(key.verdict() == "revoked");
}

TEST_CASE("the step is where it was approved") {
  Case other;
  other.redispatch([&](Dispatch& d) { d.step = step_id(other.plan.steps[0]); });
  CHECK(other.verdict() == "proof");
  Case index;
  index.warrant.leaf_index = 2;
  CHECK(index.verdict() == "proof");
  Case count;
  count.warrant.leaf_count = 4;
  CHECK(count.verdict() == "proof");
  Case proof;
  proof.warrant.proof[0][0] ^= 1;
  CHECK(proof.verdict() == "proof");
  Case root;
  root.reapprove([](Approval& a) { a.root[0] ^= 1; });
  CHECK(root.verdict() == "proof");
}

TEST_CASE("an approval is of its type, its plan, its person, its time and its risk") {
  Case type;
  type.warrant.approvals[0].payload_type = type_order;
  CHECK(type.verdict() == "approval");
  Case broken;
  broken.warrant.approvals[0].payload = "x";
  CHECK(broken.verdict() == "approval");
  const auto changed = [](const std::function<void(Approval&)>& change) {
    Case c;
    c.reapprove(change);
    return c.verdict();
  };
  CHECK(changed([](Approval&) {}) == "none");
  CHECK(changed([](Approval& a) { a.org = "umbrella"; }) == "approval");
  CHECK(changed([](Approval& a) { a.plan[0] ^= 1; }) == "approval");
  CHECK(changed([](Approval& a) { a.count = 4; }) == "approval");
  CHECK(changed([](Approval& a) { a.risk_max = 0; }) == "approval");
  CHECK(changed([](Approval& a) { a.person = "bob"; }) == "approval");
  CHECK(changed([](Approval& a) { a.person = "mallory"; }) == "approval");
  CHECK(changed([](Approval& a) { a.at_ms = now + 5 * minute + 1; }) == "approval");
  CHECK(changed([](Approval& a) { a.at_ms = now - hour, a.not_after_ms = now; }) == "approval");
  Case second_root;
  second_root.issue({0, 1});
  Approval other = *decode_approval(second_root.warrant.approvals[1].payload);
  other.root[0] ^= 1;
  second_root.warrant.approvals[1] = sign(type_approval, encode(other), second_root.org.approvers[1].key);
  CHECK(second_root.verdict() == "approval");
  Case key_expired;
  key_expired.retrust([](Trust& trust) {
    for (ApproverKey& each : trust.approvers) each.not_after_ms = now;
  });
  CHECK(key_expired.verdict() == "approval");
  Case key_risk;
  key_risk.retrust([](Trust& trust) {
    for (ApproverKey& each : trust.approvers) each.risk_max = 0;
  });
  CHECK(key_risk.verdict() == "approval");
}

TEST_CASE("a veto ends it, wherever it stands") {
  Case alone;
  alone.issue({0}, Decision::veto);
  CHECK(alone.verdict() == "vetoed");
  Case second;
  second.approvals.push_back(second.org.approve(second.plan, 1, now - 20 * hour, Decision::veto));
  second.redo();
  CHECK(second.verdict() == "vetoed");
}

TEST_CASE("enough persons approve: distinct ones, and not the requester") {
  Case nobody;
  nobody.warrant.approvals.clear();
  CHECK(nobody.verdict() == "approvals");
  Case two;
  two.step.approvals = 2;
  two.issue({0});
  CHECK(two.verdict() == "approvals");
  two.issue({0, 0});
  CHECK(two.verdict() == "approvals");
  two.issue({0, 1});
  CHECK(two.verdict() == "none");
  Case requester;
  requester.step.requester = "ada";
  requester.issue({0});
  CHECK(requester.verdict() == "approvals");
  requester.issue({0, 1});
  CHECK(requester.verdict() == "none");
  Case by_trust;
  by_trust.step.risk = 3;
  by_trust.host.approvals_min = {1, 1, 1, 1, 1};
  by_trust.issue({0});
  CHECK(by_trust.verdict() == "approvals");
  by_trust.issue({0, 2});
  CHECK(by_trust.verdict() == "none");
  Case by_host;
  by_host.host.approvals_min = {1, 2, 1, 1, 1};
  CHECK(by_host.verdict() == "approvals");
  Case never_here;
  never_here.host.approvals_min = {1, 0, 1, 1, 1};
  CHECK(never_here.verdict() == "approvals");
  Case never_there;
  never_there.step.risk = 4;
  never_there.host.approvals_min = {1, 1, 1, 1, 1};
  never_there.issue({0, 1, 2});
  CHECK(never_there.verdict() == "approvals");
}

TEST_CASE("the host's policy is the one that was planned against") {
  Case c;
  c.host.policy_hash[0] ^= 1;
  CHECK(c.verdict() == "policy_hash");
}

TEST_CASE("an order is of the planner, for this host, and of now") {
  Case c;
  const auto verdict = [&](OrderKind kind, const std::function<void(Order&)>& change = {}) {
    OrderRequest request =
        c.org.order(c.host.host, Bytes(32, 's'), kind, kind == OrderKind::rollback ? Bytes(32, 'c') : Bytes(), now);
    Order order = *decode_order(request.order.payload);
    if (change) change(order);
    request.order = sign(type_order, encode(order), c.org.planner);
    const VerifiedOrder verified = verify_order(request, c.trust_refused, c.host, *c.trust);
    return std::string(to_string(verified.judgement.refusal));
  };
  for (const OrderKind kind : {OrderKind::stop, OrderKind::keep, OrderKind::rollback}) {
    CHECK(verdict(kind) == "none");
    CHECK(verdict(kind, [](Order& o) { o.org = "umbrella"; }) == "org");
    CHECK(verdict(kind, [](Order& o) { o.host = Bytes(32, 'i'); }) == "host");
    CHECK(verdict(kind, [](Order& o) { o.at_ms = now - minute, o.not_after_ms = now; }) == "window");
    CHECK(verdict(kind, [](Order& o) { o.at_ms = now + 5 * minute + 1; }) == "window");
  }
  CHECK(verdict(OrderKind::stop, [](Order& o) { o.org = ""; }) == "encoding");
  c.host.locked = true;
  CHECK(verdict(OrderKind::stop) == "none");
  CHECK(verdict(OrderKind::rollback) == "locked");
  c.host.locked = false;
  c.open = false;
  CHECK(verdict(OrderKind::keep) == "none");
  CHECK(verdict(OrderKind::rollback) == "challenge");
  c.open = true;
  c.org.revoke({.version = 1, .at_ms = now, .hosts = {c.host.host}});
  c.redo();
  CHECK(verdict(OrderKind::rollback) == "revoked");

  OrderRequest forged = c.org.order(c.host.host, Bytes(32, 's'), OrderKind::stop, {}, now);
  forged.order = sign(type_order, forged.order.payload, c.org.audit);
  CHECK(verify_order(forged, {}, c.host, *c.trust).judgement.refusal == Refusal::planner);
  CHECK(verify_order(forged, Error(Code::denied, "no"), c.host, *c.trust).judgement.refusal == Refusal::trust);
  CHECK(verify_order(forged, {}, c.host, TrustState("acme", c.org.fingerprint())).judgement.refusal ==
        Refusal::trust_missing);
  forged.order.payload_type = type_dispatch;
  CHECK(verify_order(forged, {}, c.host, *c.trust).judgement.refusal == Refusal::type);
}
