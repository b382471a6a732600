// What is signed about steps, as bytes: see step.h.
#include "common/warrant/codec_impl.h"
#include "common/warrant/step.h"

namespace reeve::warrant {
namespace {

constexpr size_t order_bytes_max = 2_KiB;     // dispatches, orders, checkpoints
constexpr size_t approval_bytes_max = 8_KiB;  // a comment is the longest in it

// Whom it is for, and what about.
template <typename Codec, typename Value>
void describe_addressee(Codec& codec, Value& value) {
  describe_schema(codec);
  codec.bytes(2, value.org, name_size, "the org is not 1 to 256 bytes");
  codec.bytes(3, value.host, hash_size, "the host's id has not 32 bytes");
}

}  // namespace

template <typename Codec, Of<Approval> Value>
void describe(Codec& codec, Value& approval) {
  describe_schema(codec);
  codec.bytes(2, approval.org, name_size, "the org is not 1 to 256 bytes");
  codec.bytes(3, approval.plan, plan_id_size, "the plan's id has not 16 bytes");
  codec.bytes(4, approval.root, hash_size, "the root has not 32 bytes");
  codec.number(5, approval.count, 1, steps_max, "a plan has not 1 to 10000 steps");
  codec.number(6, approval.hosts, 1, steps_max, "not 1 host to one for each step");
  codec.require(approval.hosts <= approval.count, "not 1 host to one for each step");
  codec.number(7, approval.risk_max, 0, risk_highest, "the risk is not 0 to 4");
  codec.bytes(8, approval.person, name_size, "the person is not 1 to 256 bytes");
  codec.number(9, approval.decision, 1, 2, "the decision is neither 1 nor 2");
  describe_life(codec, 10, approval.at_ms, approval.not_after_ms, step_life_ms_max,
                "it is valid for more than 24 h, or for nothing");
  codec.bytes(12, approval.comment, text_size, "the comment is longer than 4096 bytes");
}

template <typename Codec, Of<Dispatch> Value>
void describe(Codec& codec, Value& dispatch) {
  describe_addressee(codec, dispatch);
  codec.bytes(4, dispatch.step, hash_size, "the step's id has not 32 bytes");
  codec.number(5, dispatch.sequence, 1, UINT64_MAX, "sequences begin with 1");
  codec.bytes(6, dispatch.challenge, hash_size, "the challenge has not 32 bytes");
  describe_life(codec, 7, dispatch.at_ms, dispatch.not_after_ms, dispatch_life_ms_max,
                "it is valid for more than 15 min, or for nothing");
}

template <typename Codec, Of<Order> Value>
void describe(Codec& codec, Value& order) {
  describe_addressee(codec, order);
  codec.bytes(4, order.step, hash_size, "the step's id has not 32 bytes");
  codec.number(5, order.kind, 1, 3, "the kind is none of 1 to 3");
  codec.bytes(6, order.challenge, exactly(order.kind == OrderKind::rollback ? hash_size.max : 0),
              "a challenge of 32 bytes stands in a rollback, and in nothing else");
  describe_life(codec, 7, order.at_ms, order.not_after_ms, dispatch_life_ms_max,
                "it is valid for more than 15 min, or for nothing");
}

template <typename Codec, Of<StepResult> Value>
void describe(Codec& codec, Value& result) {
  describe_addressee(codec, result);
  codec.number(4, result.epoch, 0, UINT64_MAX, "");
  codec.bytes(5, result.step, hash_size, "the step's id has not 32 bytes");
  codec.number(6, result.phase, 1, 2, "the phase is neither 1 nor 2");
  codec.number(7, result.state, 1, 5, "the state is none of 1 to 5");
  codec.bytes(8, result.code, {0, name_bytes_max, true}, "the code is longer than 256 bytes");
  codec.bytes(9, result.detail, text_size, "the detail is longer than 4096 bytes");
  codec.signed_number(10, result.exit_status);
  codec.number(11, result.signal, 0, UINT32_MAX, "the signal is too large");
  codec.time(12, result.started_ms);
  codec.time(13, result.ended_ms);
  codec.bytes(14, result.boot, {0, name_bytes_max, true}, "the boot id is longer than 256 bytes");
  codec.bytes(15, result.output, {0, output_bytes_max}, "the output is longer than 32 KiB");
  codec.number(16, result.output_bytes, 0, UINT64_MAX, "");
  codec.bytes(17, result.policy_hash, hash_size, "the policy's hash has not 32 bytes");
  codec.number(18, result.trust_version, 0, UINT64_MAX, "");
  codec.number(19, result.sequence, 0, UINT64_MAX, "");
  codec.require((result.sequence == 0) == (result.state == StepState::refused),
                "a refusal has no sequence, and everything else has one");
  codec.bytes(20, result.previous, exactly(result.sequence > 1 ? hash_size.max : 0),
              "the result before is named from the second one on, with 32 bytes");
}

template <typename Codec, Of<CheckResult> Value>
void describe(Codec& codec, Value& check) {
  codec.bytes(1, check.name, name_size, "a check's name is not 1 to 256 bytes");
  codec.number(2, check.verdict, 1, 3, "a verdict is none of 1 to 3");
  codec.bytes(3, check.detail, text_size, "a check's detail is longer than 4096 bytes");
}

template <typename Codec, Of<PreflightReport> Value>
void describe(Codec& codec, Value& report) {
  describe_addressee(codec, report);
  codec.bytes(4, report.step, hash_size, "the step's id has not 32 bytes");
  codec.time(5, report.at_ms);
  codec.messages(6, report.checks, checks_max, "more than 64 checks");
}

template <typename Codec, Of<Checkpoint> Value>
void describe(Codec& codec, Value& checkpoint) {
  describe_schema(codec);
  codec.bytes(2, checkpoint.org, name_size, "the org is not 1 to 256 bytes");
  codec.number(3, checkpoint.size, 0, UINT64_MAX, "");
  codec.bytes(4, checkpoint.root, hash_size, "the root has not 32 bytes");
  codec.time(5, checkpoint.at_ms);
}

Bytes encode(const Approval& approval) {
  return encode_value(approval);
}
Result<Approval> decode_approval(BytesView bytes) {
  return decode_value<Approval>(bytes, approval_bytes_max, "approval");
}

Bytes encode(const Dispatch& dispatch) {
  return encode_value(dispatch);
}
Result<Dispatch> decode_dispatch(BytesView bytes) {
  return decode_value<Dispatch>(bytes, order_bytes_max, "dispatch");
}

Bytes encode(const Order& order) {
  return encode_value(order);
}
Result<Order> decode_order(BytesView bytes) {
  return decode_value<Order>(bytes, order_bytes_max, "order");
}

Bytes encode(const StepResult& result) {
  return encode_value(result);
}
Result<StepResult> decode_result(BytesView bytes) {
  return decode_value<StepResult>(bytes, payload_bytes_max, "result");
}

Bytes encode(const PreflightReport& report) {
  return encode_value(report);
}
Result<PreflightReport> decode_preflight(BytesView bytes) {
  return decode_value<PreflightReport>(bytes, payload_bytes_max, "preflight");
}

Bytes encode(const Checkpoint& checkpoint) {
  return encode_value(checkpoint);
}
Result<Checkpoint> decode_checkpoint(BytesView bytes) {
  return decode_value<Checkpoint>(bytes, order_bytes_max, "checkpoint");
}

}  // namespace reeve::warrant
