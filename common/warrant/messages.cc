// See messages.h.
#include "common/warrant/messages.h"

#include "common/crypto/digest.h"
#include "common/warrant/proto_impl.h"

namespace reeve::warrant {
namespace {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

ToRunner to_runner(const proto::ToRunner& proto) {
  switch (proto.kind_case()) {
    case proto::ToRunner::kTrust:
      return from_proto(proto.trust());
    case proto::ToRunner::kChallenge:
      return ChallengeRequest{};
    case proto::ToRunner::kWarrant: {
      const proto::Warrant& from = proto.warrant();
      Warrant warrant{.step = from.step(),
                      .leaf_index = from.leaf_index(),
                      .leaf_count = from.leaf_count(),
                      .proof = {from.proof().begin(), from.proof().end()},
                      .dispatch = from_proto(from.dispatch()),
                      .trust = from_proto(from.trust())};
      for (const proto::Envelope& each : from.approvals()) warrant.approvals.push_back(from_proto(each));
      return warrant;
    }
    case proto::ToRunner::kPreflight:
      return PreflightRequest{.step = proto.preflight().step()};
    case proto::ToRunner::kOrder:
      return OrderRequest{.order = from_proto(proto.order().order()), .trust = from_proto(proto.order().trust())};
    case proto::ToRunner::kResultAck:
      return ResultAck{.through = proto.result_ack().through()};
    case proto::ToRunner::kState:
    case proto::ToRunner::KIND_NOT_SET:
      break;
  }
  return StateRequest{};  // where nothing is set, the encoding differs and refuses it
}

void look(const TrustUpdate& update, Bounds& bounds) {
  bounds.require(update.trust.size() <= trust_chain_max, "more than 16 trust files");
  for (const Envelope& each : update.trust) look(each, bounds);
  if (update.revocation) look(*update.revocation, bounds);
  if (update.freshness) look(*update.freshness, bounds);
}

void look_at_to_runner(const ToRunner& message, Bounds& bounds) {
  if (const auto* update = std::get_if<TrustUpdate>(&message)) look(*update, bounds);
  if (const auto* preflight = std::get_if<PreflightRequest>(&message)) {
    bounds.require(preflight->step.size() <= step_bytes_max, "the step is longer than 16 KiB");
  }
  if (const auto* order = std::get_if<OrderRequest>(&message)) {
    look(order->order, bounds);
    look(order->trust, bounds);
  }
  const auto* warrant = std::get_if<Warrant>(&message);
  if (warrant == nullptr) return;
  bounds.require(warrant->step.size() <= step_bytes_max, "the step is longer than 16 KiB");
  bounds.require(warrant->proof.size() <= proof_hashes_max, "the proof has more than 64 hashes");
  for (const Hash& each : warrant->proof) bounds.size(each, crypto::digest_bytes, "a hash has not 32 bytes");
  bounds.require(warrant->approvals.size() <= approvals_shown_max, "more than 32 approvals");
  for (const Envelope& each : warrant->approvals) look(each, bounds);
  look(warrant->dispatch, bounds);
  look(warrant->trust, bounds);
}

FromRunner from_runner(const proto::FromRunner& proto) {
  switch (proto.kind_case()) {
    case proto::FromRunner::kState: {
      const proto::RunnerState& from = proto.state();
      return RunnerState{.public_key = from.public_key(),
                         .org = from.org(),
                         .host_name = from.host_name(),
                         .epoch = from.epoch(),
                         .version = from.version(),
                         .policy_hash = from.policy_hash(),
                         .trust_version = from.trust_version(),
                         .revocation_version = from.revocation_version(),
                         .sequence = from.sequence(),
                         .result_sequence = from.result_sequence(),
                         .execution = from.execution(),
                         .why_not = from.why_not()};
    }
    case proto::FromRunner::kChallenge:
      return RunnerChallenge{.challenge = proto.challenge().challenge()};
    case proto::FromRunner::kResult:
      return SignedResult{.envelope = from_proto(proto.result())};
    case proto::FromRunner::kPreflight:
      return SignedPreflight{.envelope = from_proto(proto.preflight())};
    case proto::FromRunner::kRefused:
    case proto::FromRunner::KIND_NOT_SET:
      break;
  }
  return Refused{.code = proto.refused().code(), .detail = proto.refused().detail(), .step = proto.refused().step()};
}

void look_at_from_runner(const FromRunner& message, Bounds& bounds) {
  std::visit(Overloaded{
                 [&](const RunnerState& state) {
                   bounds.size(state.public_key, crypto::public_key_bytes, "the key has not 32 bytes");
                   bounds.name(state.org, "the org is not 1 to 256 bytes");
                   bounds.name(state.host_name, "the host's name is not 1 to 256 bytes");
                   bounds.require(state.version.size() <= name_bytes_max, "the version is longer than 256 bytes");
                   bounds.size(state.policy_hash, crypto::digest_bytes, "the policy's hash has not 32 bytes");
                   bounds.text(state.why_not, "the reason is longer than 4096 bytes");
                 },
                 [&](const RunnerChallenge& challenge) {
                   bounds.size(challenge.challenge, crypto::digest_bytes, "the challenge has not 32 bytes");
                 },
                 [&](const SignedResult& result) { look(result.envelope, bounds); },
                 [&](const SignedPreflight& preflight) { look(preflight.envelope, bounds); },
                 [&](const Refused& refused) {
                   bounds.name(refused.code, "the code is not 1 to 256 bytes");
                   bounds.text(refused.detail, "the detail is longer than 4096 bytes");
                   bounds.require(refused.step.empty() || refused.step.size() == crypto::digest_bytes,
                                  "the step's id has not 32 bytes");
                 },
             },
             message);
}

}  // namespace

void fill(proto::TrustUpdate& out, const TrustUpdate& update) {
  for (const Envelope& each : update.trust) fill(*out.add_trust(), each);
  if (update.revocation) fill(*out.mutable_revocation(), *update.revocation);
  if (update.freshness) fill(*out.mutable_freshness(), *update.freshness);
}

TrustUpdate from_proto(const proto::TrustUpdate& proto) {
  TrustUpdate update;
  for (const proto::Envelope& each : proto.trust()) update.trust.push_back(from_proto(each));
  if (proto.has_revocation()) update.revocation = from_proto(proto.revocation());
  if (proto.has_freshness()) update.freshness = from_proto(proto.freshness());
  return update;
}

Bytes encode(const ToRunner& message) {
  proto::ToRunner proto;
  std::visit(Overloaded{
                 [&](const TrustUpdate& update) { fill(*proto.mutable_trust(), update); },
                 [&](const ChallengeRequest&) { proto.mutable_challenge(); },
                 [&](const Warrant& warrant) {
                   proto::Warrant* out = proto.mutable_warrant();
                   out->set_step(warrant.step);
                   out->set_leaf_index(warrant.leaf_index);
                   out->set_leaf_count(warrant.leaf_count);
                   for (const Hash& each : warrant.proof) out->add_proof(each);
                   for (const Envelope& each : warrant.approvals) fill(*out->add_approvals(), each);
                   fill(*out->mutable_dispatch(), warrant.dispatch);
                   fill(*out->mutable_trust(), warrant.trust);
                 },
                 [&](const PreflightRequest& preflight) { proto.mutable_preflight()->set_step(preflight.step); },
                 [&](const OrderRequest& order) {
                   fill(*proto.mutable_order()->mutable_order(), order.order);
                   fill(*proto.mutable_order()->mutable_trust(), order.trust);
                 },
                 [&](const ResultAck& ack) { proto.mutable_result_ack()->set_through(ack.through); },
                 [&](const StateRequest&) { proto.mutable_state(); },
             },
             message);
  return proto.SerializeAsString();
}

Result<ToRunner> decode_to_runner(BytesView bytes) {
  return decode_strictly<ToRunner, proto::ToRunner>(bytes, message_bytes_max, "message to the runner", to_runner,
                                                    look_at_to_runner);
}

Bytes encode(const FromRunner& message) {
  proto::FromRunner proto;
  std::visit(
      Overloaded{
          [&](const RunnerState& state) {
            proto::RunnerState* out = proto.mutable_state();
            out->set_public_key(state.public_key);
            out->set_org(state.org);
            out->set_host_name(state.host_name);
            out->set_epoch(state.epoch);
            out->set_version(state.version);
            out->set_policy_hash(state.policy_hash);
            out->set_trust_version(state.trust_version);
            out->set_revocation_version(state.revocation_version);
            out->set_sequence(state.sequence);
            out->set_result_sequence(state.result_sequence);
            out->set_execution(state.execution);
            out->set_why_not(state.why_not);
          },
          [&](const RunnerChallenge& challenge) { proto.mutable_challenge()->set_challenge(challenge.challenge); },
          [&](const SignedResult& result) { fill(*proto.mutable_result(), result.envelope); },
          [&](const SignedPreflight& preflight) { fill(*proto.mutable_preflight(), preflight.envelope); },
          [&](const Refused& refused) {
            proto::Refused* out = proto.mutable_refused();
            out->set_code(refused.code);
            out->set_detail(refused.detail);
            out->set_step(refused.step);
          },
      },
      message);
  return proto.SerializeAsString();
}

Result<FromRunner> decode_from_runner(BytesView bytes) {
  return decode_strictly<FromRunner, proto::FromRunner>(bytes, message_bytes_max, "message from the runner",
                                                        from_runner, look_at_from_runner);
}

}  // namespace reeve::warrant
