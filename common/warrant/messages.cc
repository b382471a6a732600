// See messages.h.
#include "common/warrant/messages.h"

#include "common/crypto/digest.h"
#include "common/warrant/codec_impl.h"

namespace reeve::warrant {

template <typename Codec, Of<TrustUpdate> Value>
void describe(Codec& codec, Value& update) {
  codec.messages(1, update.trust, trust_chain_max, "more than 16 trust files");
  codec.message(2, update.revocation);
  codec.message(3, update.freshness);
}

template <typename Codec, Of<ChallengeRequest> Value>
void describe(Codec&, Value&) {}
template <typename Codec, Of<StateRequest> Value>
void describe(Codec&, Value&) {}

template <typename Codec, Of<Warrant> Value>
void describe(Codec& codec, Value& warrant) {
  codec.bytes(1, warrant.step, {0, step_bytes_max}, "the step is longer than 16 KiB");
  codec.number(2, warrant.leaf_index, 0, UINT64_MAX, "");
  codec.number(3, warrant.leaf_count, 0, UINT64_MAX, "");
  codec.list(4, warrant.proof, hash_size, proof_hashes_max, "more than 64 hashes, or one that has not 32 bytes");
  codec.messages(5, warrant.approvals, approvals_shown_max, "more than 32 approvals");
  codec.message(6, warrant.dispatch);
  codec.message(7, warrant.trust);
}

template <typename Codec, Of<PreflightRequest> Value>
void describe(Codec& codec, Value& request) {
  codec.bytes(1, request.step, {0, step_bytes_max}, "the step is longer than 16 KiB");
}

template <typename Codec, Of<OrderRequest> Value>
void describe(Codec& codec, Value& request) {
  codec.message(1, request.order);
  codec.message(2, request.trust);
}

template <typename Codec, Of<ResultAck> Value>
void describe(Codec& codec, Value& ack) {
  codec.number(1, ack.through, 0, UINT64_MAX, "");
}

template <typename Codec, Of<RunnerState> Value>
void describe(Codec& codec, Value& state) {
  codec.bytes(1, state.public_key, hash_size, "the key has not 32 bytes");
  codec.bytes(2, state.org, name_size, "the org is not 1 to 256 bytes");
  codec.bytes(3, state.host_name, name_size, "the host's name is not 1 to 256 bytes");
  codec.number(4, state.epoch, 0, UINT64_MAX, "");
  codec.bytes(5, state.version, {0, name_bytes_max, true}, "the version is longer than 256 bytes");
  codec.bytes(6, state.policy_hash, hash_size, "the policy's hash has not 32 bytes");
  codec.number(7, state.trust_version, 0, UINT64_MAX, "");
  codec.number(8, state.revocation_version, 0, UINT64_MAX, "");
  codec.number(9, state.sequence, 0, UINT64_MAX, "");
  codec.number(10, state.result_sequence, 0, UINT64_MAX, "");
  codec.number(11, state.execution, 0, 1, "neither true nor false");
  codec.bytes(12, state.why_not, text_size, "the reason is longer than 4096 bytes");
}

template <typename Codec, Of<RunnerChallenge> Value>
void describe(Codec& codec, Value& challenge) {
  codec.bytes(1, challenge.challenge, hash_size, "the challenge has not 32 bytes");
}

template <typename Codec, Of<SignedResult> Value>
void describe(Codec& codec, Value& result) {
  describe(codec, result.envelope);
}
template <typename Codec, Of<SignedPreflight> Value>
void describe(Codec& codec, Value& preflight) {
  describe(codec, preflight.envelope);
}

template <typename Codec, Of<Refused> Value>
void describe(Codec& codec, Value& refused) {
  codec.bytes(1, refused.code, name_size, "the code is not 1 to 256 bytes");
  codec.bytes(2, refused.detail, text_size, "the detail is longer than 4096 bytes");
  codec.bytes(3, refused.step, {0, crypto::digest_bytes}, "the step's id has not 32 bytes");
  codec.require(refused.step.empty() || refused.step.size() == crypto::digest_bytes, "the step's id has not 32 bytes");
}

template <typename Codec, Of<ToRunner> Value>
void describe(Codec& codec, Value& message) {
  codec.choice(message);
}
template <typename Codec, Of<FromRunner> Value>
void describe(Codec& codec, Value& message) {
  codec.choice(message);
}

Bytes encode(const ToRunner& message) {
  return encode_value(message);
}
Result<ToRunner> decode_to_runner(BytesView bytes) {
  return decode_value<ToRunner>(bytes, message_bytes_max, "message to the runner");
}

Bytes encode(const FromRunner& message) {
  return encode_value(message);
}
Result<FromRunner> decode_from_runner(BytesView bytes) {
  return decode_value<FromRunner>(bytes, message_bytes_max, "message from the runner");
}

}  // namespace reeve::warrant
