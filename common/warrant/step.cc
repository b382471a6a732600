// Steps as bytes, and the names of what is decided: see step.h.
#include "common/warrant/step.h"

#include <algorithm>

#include "common/crypto/digest.h"
#include "common/warrant/codec_impl.h"

namespace reeve::warrant {
namespace {

constexpr uint32_t approvals_most = 16;

template <typename Pairs>
bool ascends(const Pairs& pairs) {
  return std::adjacent_find(pairs.begin(), pairs.end(),
                            [](const auto& a, const auto& b) { return a.first >= b.first; }) == pairs.end();
}

}  // namespace

bool is_plain_path(std::string_view path) {
  if (path == "/") return true;
  if (path.empty() || path[0] != '/') return false;
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at + 1), path.size());
    const std::string_view part = path.substr(at + 1, end - at - 1);
    if (part.empty() || part == "." || part == "..") return false;
    at = end;
  }
  return true;
}

template <typename Codec, Of<Argv> Value>
void describe(Codec& codec, Value& argv) {
  codec.bytes(1, argv.path, text_size, "a program's path is not absolute and plain");
  codec.require(is_plain_path(argv.path), "a program's path is not absolute and plain");
  codec.bytes(2, argv.sha256, {0, crypto::digest_bytes}, "a program's hash has not 32 bytes");
  codec.require(argv.sha256.empty() || argv.sha256.size() == crypto::digest_bytes, "a program's hash has not 32 bytes");
  codec.list(3, argv.arguments, text_size, arguments_max, "more than 64 arguments, or one of more than 4096 bytes");
  codec.messages(4, argv.environment, environment_max, "more than 32 environment variables");
  codec.require(ascends(argv.environment), "environment variables are not sorted by name, each once");
  codec.bytes(5, argv.working_directory, text_size, "the working directory is not absolute and plain");
  codec.require(argv.working_directory.empty() || is_plain_path(argv.working_directory),
                "the working directory is not absolute and plain");
  codec.bytes(6, argv.user, name_size, "a program's user is not 1 to 256 bytes");
}

template <typename Codec, Of<Action> Value>
void describe(Codec& codec, Value& action) {
  codec.bytes(1, action.name, name_size, "an action's name is not 1 to 256 bytes");
  codec.messages(2, action.arguments, arguments_max, "more than 64 arguments");
  codec.require(ascends(action.arguments), "an action's arguments are not sorted by name, each once");
}

template <typename Codec, Of<Exec> Value>
void describe(Codec& codec, Value& exec) {
  codec.choice(exec.what);
  codec.number(3, exec.timeout_ms, 1, timeout_ms_max, "a time-out is not 1 ms to 1 h");
  codec.number(4, exec.output_bytes_max, 0, output_bytes_max, "more than 32 KiB of output are asked for");
}

template <typename Codec, Of<Step> Value>
void describe(Codec& codec, Value& step) {
  describe_schema(codec);
  codec.bytes(2, step.org, name_size, "the org is not 1 to 256 bytes");
  codec.bytes(3, step.plan, plan_id_size, "the plan's id has not 16 bytes");
  codec.number(4, step.index, 0, steps_max, "the index is beyond the count");
  codec.number(5, step.count, 1, steps_max, "a plan has not 1 to 10000 steps");
  codec.require(step.index < step.count, "the index is beyond the count");
  codec.bytes(6, step.host, hash_size, "the host's id has not 32 bytes");
  codec.bytes(7, step.host_name, name_size, "the host's name is not 1 to 256 bytes");
  codec.number(8, step.epoch, 0, UINT64_MAX, "");
  codec.message(9, step.exec);
  codec.message(10, step.probe);
  codec.message(11, step.rollback);
  codec.number(12, step.rollback_on_failure, 0, 1, "neither true nor false");
  codec.number(13, step.keep_within_ms, 0, keep_within_ms_max, "it is to be kept within more than 1 h");
  codec.require(step.rollback || (!step.rollback_on_failure && step.keep_within_ms == 0),
                "it is to be rolled back, but has no rollback");
  codec.number(14, step.effect, 1, 3, "the effect is none of 1 to 3");
  codec.number(15, step.risk, 0, risk_highest, "the risk is not 0 to 4");
  codec.number(16, step.approvals, 1, approvals_most, "not 1 to 16 approvals are asked for");
  codec.bytes(17, step.requester, name_size, "the requester is not 1 to 256 bytes");
  codec.bytes(18, step.policy_hash, hash_size, "the policy's hash has not 32 bytes");
  describe_life(codec, 19, step.not_before_ms, step.not_after_ms, step_life_ms_max, "its window is not within 24 h");
  codec.messages(21, step.preconditions, preconditions_max, "more than 16 preconditions");
}

const std::string* Action::text(std::string_view argument) const {
  for (const auto& [key, value] : arguments) {
    if (key == argument) return std::get_if<std::string>(&value);
  }
  return nullptr;
}

const int64_t* Action::number(std::string_view argument) const {
  for (const auto& [key, value] : arguments) {
    if (key == argument) return std::get_if<int64_t>(&value);
  }
  return nullptr;
}

Bytes encode(const Step& step) {
  return encode_value(step);
}
Result<Step> decode_step(BytesView bytes) {
  return decode_value<Step>(bytes, step_bytes_max, "step");
}

Bytes step_id(BytesView step_bytes) {
  return crypto::sha256(step_bytes);
}

std::string_view to_string(Effect effect) {
  constexpr std::string_view names[] = {"none", "read_only", "idempotent", "once"};
  return names[static_cast<uint32_t>(effect)];
}
std::string_view to_string(Decision decision) {
  return decision == Decision::approve ? "approve" : "veto";
}
std::string_view to_string(OrderKind kind) {
  constexpr std::string_view names[] = {"none", "stop", "rollback", "keep"};
  return names[static_cast<uint32_t>(kind)];
}
std::string_view to_string(Phase phase) {
  return phase == Phase::exec ? "exec" : "rollback";
}
std::string_view to_string(StepState state) {
  constexpr std::string_view names[] = {"none", "not_started", "done", "failed", "unknown", "refused"};
  return names[static_cast<uint32_t>(state)];
}
std::string_view to_string(Verdict verdict) {
  constexpr std::string_view names[] = {"none", "holds", "fails", "unknown"};
  return names[static_cast<uint32_t>(verdict)];
}

}  // namespace reeve::warrant
