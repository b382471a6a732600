// What is signed about steps, as bytes: see step.h.
#include <algorithm>

#include "common/crypto/digest.h"
#include "common/warrant/proto_impl.h"
#include "common/warrant/step.h"

namespace reeve::warrant {
namespace {

constexpr uint32_t schema = 1;
constexpr size_t plan_bytes = 16;
constexpr size_t order_bytes_max = 2_KiB;     // dispatches, orders, checkpoints
constexpr size_t approval_bytes_max = 8_KiB;  // a comment is the longest in it

template <typename T>
void look_at_addressee(const T& value, Bounds& bounds) {
  bounds.name(value.org, "the org is not 1 to 256 bytes");
  bounds.size(value.host, crypto::digest_bytes, "the host's id has not 32 bytes");
  bounds.size(value.step, crypto::digest_bytes, "the step's id has not 32 bytes");
}

Approval from_approval(const proto::Approval& proto) {
  return {.org = proto.org(),
          .plan = proto.plan(),
          .root = proto.root(),
          .count = proto.count(),
          .hosts = proto.hosts(),
          .risk_max = proto.risk_max(),
          .person = proto.person(),
          .decision = static_cast<Decision>(proto.decision()),
          .at_ms = proto.at_ms(),
          .not_after_ms = proto.not_after_ms(),
          .comment = proto.comment()};
}

void look_at_approval(const Approval& approval, Bounds& bounds) {
  bounds.name(approval.org, "the org is not 1 to 256 bytes");
  bounds.size(approval.plan, plan_bytes, "the plan's id has not 16 bytes");
  bounds.size(approval.root, crypto::digest_bytes, "the root has not 32 bytes");
  bounds.require(approval.count >= 1 && approval.count <= steps_max, "a plan has not 1 to 10000 steps");
  bounds.require(approval.hosts >= 1 && approval.hosts <= approval.count, "not 1 host to one for each step");
  bounds.require(approval.risk_max <= risk_highest, "the risk is not 0 to 4");
  bounds.name(approval.person, "the person is not 1 to 256 bytes");
  bounds.require(approval.decision == Decision::approve || approval.decision == Decision::veto,
                 "the decision is neither 1 nor 2");
  bounds.life(approval.at_ms, approval.not_after_ms, step_life_ms_max,
              "it is valid for more than 24 h, or for nothing");
  bounds.text(approval.comment, "the comment is longer than 4096 bytes");
}

Dispatch from_dispatch(const proto::Dispatch& proto) {
  return {.org = proto.org(),
          .host = proto.host(),
          .step = proto.step(),
          .sequence = proto.sequence(),
          .challenge = proto.challenge(),
          .at_ms = proto.at_ms(),
          .not_after_ms = proto.not_after_ms()};
}

void look_at_dispatch(const Dispatch& dispatch, Bounds& bounds) {
  look_at_addressee(dispatch, bounds);
  bounds.require(dispatch.sequence >= 1, "sequences begin with 1");
  bounds.size(dispatch.challenge, crypto::digest_bytes, "the challenge has not 32 bytes");
  bounds.life(dispatch.at_ms, dispatch.not_after_ms, dispatch_life_ms_max,
              "it is valid for more than 15 min, or for nothing");
}

Order from_order(const proto::Order& proto) {
  return {.org = proto.org(),
          .host = proto.host(),
          .step = proto.step(),
          .kind = static_cast<OrderKind>(proto.kind()),
          .challenge = proto.challenge(),
          .at_ms = proto.at_ms(),
          .not_after_ms = proto.not_after_ms()};
}

void look_at_order(const Order& order, Bounds& bounds) {
  look_at_addressee(order, bounds);
  bounds.require(order.kind >= OrderKind::stop && order.kind <= OrderKind::keep, "the kind is none of 1 to 3");
  const size_t challenge_bytes = order.kind == OrderKind::rollback ? crypto::digest_bytes : 0;
  bounds.size(order.challenge, challenge_bytes, "a challenge of 32 bytes stands in a rollback, and in nothing else");
  bounds.life(order.at_ms, order.not_after_ms, dispatch_life_ms_max,
              "it is valid for more than 15 min, or for nothing");
}

StepResult from_result(const proto::Result& proto) {
  return {.org = proto.org(),
          .host = proto.host(),
          .epoch = proto.epoch(),
          .step = proto.step(),
          .phase = static_cast<Phase>(proto.phase()),
          .state = static_cast<StepState>(proto.state()),
          .code = proto.code(),
          .detail = proto.detail(),
          .exit_status = proto.exit_status(),
          .signal = proto.signal(),
          .started_ms = proto.started_ms(),
          .ended_ms = proto.ended_ms(),
          .boot = proto.boot(),
          .output = proto.output(),
          .output_bytes = proto.output_bytes(),
          .policy_hash = proto.policy_hash(),
          .trust_version = proto.trust_version(),
          .sequence = proto.sequence(),
          .previous = proto.previous()};
}

void look_at_result(const StepResult& result, Bounds& bounds) {
  look_at_addressee(result, bounds);
  bounds.require(result.phase == Phase::exec || result.phase == Phase::rollback, "the phase is neither 1 nor 2");
  bounds.require(result.state >= StepState::not_started && result.state <= StepState::refused,
                 "the state is none of 1 to 5");
  bounds.require(result.code.size() <= name_bytes_max, "the code is longer than 256 bytes");
  bounds.text(result.detail, "the detail is longer than 4096 bytes");
  bounds.require(result.boot.size() <= name_bytes_max, "the boot id is longer than 256 bytes");
  bounds.require(result.output.size() <= output_bytes_max, "the output is longer than 32 KiB");
  bounds.size(result.policy_hash, crypto::digest_bytes, "the policy's hash has not 32 bytes");
  bounds.require((result.sequence == 0) == (result.state == StepState::refused),
                 "a refusal has no sequence, and everything else has one");
  bounds.size(result.previous, result.sequence > 1 ? crypto::digest_bytes : 0,
              "the result before is named from the second one on, with 32 bytes");
}

PreflightReport from_preflight(const proto::Preflight& proto) {
  PreflightReport report{.org = proto.org(), .host = proto.host(), .step = proto.step(), .at_ms = proto.at_ms()};
  for (const proto::Check& each : proto.checks()) {
    report.checks.push_back(
        {.name = each.name(), .verdict = static_cast<Verdict>(each.verdict()), .detail = each.detail()});
  }
  return report;
}

void look_at_preflight(const PreflightReport& report, Bounds& bounds) {
  look_at_addressee(report, bounds);
  bounds.require(report.checks.size() <= checks_max, "more than 64 checks");
  for (const CheckResult& each : report.checks) {
    bounds.name(each.name, "a check's name is not 1 to 256 bytes");
    bounds.require(each.verdict >= Verdict::holds && each.verdict <= Verdict::unknown, "a verdict is none of 1 to 3");
    bounds.text(each.detail, "a check's detail is longer than 4096 bytes");
  }
}

Checkpoint from_checkpoint(const proto::Checkpoint& proto) {
  return {.org = proto.org(), .size = proto.size(), .root = proto.root(), .at_ms = proto.at_ms()};
}

void look_at_checkpoint(const Checkpoint& checkpoint, Bounds& bounds) {
  bounds.name(checkpoint.org, "the org is not 1 to 256 bytes");
  bounds.size(checkpoint.root, crypto::digest_bytes, "the root has not 32 bytes");
}

}  // namespace

Bytes encode(const Approval& approval) {
  proto::Approval proto;
  proto.set_schema(schema);
  proto.set_org(approval.org);
  proto.set_plan(approval.plan);
  proto.set_root(approval.root);
  proto.set_count(approval.count);
  proto.set_hosts(approval.hosts);
  proto.set_risk_max(approval.risk_max);
  proto.set_person(approval.person);
  proto.set_decision(static_cast<uint32_t>(approval.decision));
  proto.set_at_ms(approval.at_ms);
  proto.set_not_after_ms(approval.not_after_ms);
  proto.set_comment(approval.comment);
  return proto.SerializeAsString();
}

Result<Approval> decode_approval(BytesView bytes) {
  return decode_strictly<Approval, proto::Approval>(bytes, approval_bytes_max, "approval", from_approval,
                                                    look_at_approval);
}

Bytes encode(const Dispatch& dispatch) {
  proto::Dispatch proto;
  proto.set_schema(schema);
  proto.set_org(dispatch.org);
  proto.set_host(dispatch.host);
  proto.set_step(dispatch.step);
  proto.set_sequence(dispatch.sequence);
  proto.set_challenge(dispatch.challenge);
  proto.set_at_ms(dispatch.at_ms);
  proto.set_not_after_ms(dispatch.not_after_ms);
  return proto.SerializeAsString();
}

Result<Dispatch> decode_dispatch(BytesView bytes) {
  return decode_strictly<Dispatch, proto::Dispatch>(bytes, order_bytes_max, "dispatch", from_dispatch,
                                                    look_at_dispatch);
}

Bytes encode(const Order& order) {
  proto::Order proto;
  proto.set_schema(schema);
  proto.set_org(order.org);
  proto.set_host(order.host);
  proto.set_step(order.step);
  proto.set_kind(static_cast<uint32_t>(order.kind));
  proto.set_challenge(order.challenge);
  proto.set_at_ms(order.at_ms);
  proto.set_not_after_ms(order.not_after_ms);
  return proto.SerializeAsString();
}

Result<Order> decode_order(BytesView bytes) {
  return decode_strictly<Order, proto::Order>(bytes, order_bytes_max, "order", from_order, look_at_order);
}

Bytes encode(const StepResult& result) {
  proto::Result proto;
  proto.set_schema(schema);
  proto.set_org(result.org);
  proto.set_host(result.host);
  proto.set_epoch(result.epoch);
  proto.set_step(result.step);
  proto.set_phase(static_cast<uint32_t>(result.phase));
  proto.set_state(static_cast<uint32_t>(result.state));
  proto.set_code(result.code);
  proto.set_detail(result.detail);
  proto.set_exit_status(result.exit_status);
  proto.set_signal(result.signal);
  proto.set_started_ms(result.started_ms);
  proto.set_ended_ms(result.ended_ms);
  proto.set_boot(result.boot);
  proto.set_output(result.output);
  proto.set_output_bytes(result.output_bytes);
  proto.set_policy_hash(result.policy_hash);
  proto.set_trust_version(result.trust_version);
  proto.set_sequence(result.sequence);
  proto.set_previous(result.previous);
  return proto.SerializeAsString();
}

Result<StepResult> decode_result(BytesView bytes) {
  return decode_strictly<StepResult, proto::Result>(bytes, payload_bytes_max, "result", from_result, look_at_result);
}

Bytes encode(const PreflightReport& report) {
  proto::Preflight proto;
  proto.set_schema(schema);
  proto.set_org(report.org);
  proto.set_host(report.host);
  proto.set_step(report.step);
  proto.set_at_ms(report.at_ms);
  for (const CheckResult& each : report.checks) {
    proto::Check* check = proto.add_checks();
    check->set_name(each.name);
    check->set_verdict(static_cast<uint32_t>(each.verdict));
    check->set_detail(each.detail);
  }
  return proto.SerializeAsString();
}

Result<PreflightReport> decode_preflight(BytesView bytes) {
  return decode_strictly<PreflightReport, proto::Preflight>(bytes, payload_bytes_max, "preflight", from_preflight,
                                                            look_at_preflight);
}

Bytes encode(const Checkpoint& checkpoint) {
  proto::Checkpoint proto;
  proto.set_schema(schema);
  proto.set_org(checkpoint.org);
  proto.set_size(checkpoint.size);
  proto.set_root(checkpoint.root);
  proto.set_at_ms(checkpoint.at_ms);
  return proto.SerializeAsString();
}

Result<Checkpoint> decode_checkpoint(BytesView bytes) {
  return decode_strictly<Checkpoint, proto::Checkpoint>(bytes, order_bytes_max, "checkpoint", from_checkpoint,
                                                        look_at_checkpoint);
}

}  // namespace reeve::warrant
