// Steps as bytes: see step.h. What else is signed is in signed.cc.
#include "common/warrant/step.h"

#include <algorithm>

#include "common/crypto/digest.h"
#include "common/warrant/proto_impl.h"

namespace reeve::warrant {
namespace {

constexpr uint32_t schema = 1;
constexpr uint32_t approvals_most = 16;
constexpr size_t plan_bytes = 16;

template <typename Pairs>
bool ascends(const Pairs& pairs) {
  return std::adjacent_find(pairs.begin(), pairs.end(),
                            [](const auto& a, const auto& b) { return a.first >= b.first; }) == pairs.end();
}

// -- Actions and programs
// ----------------------------------------------------------------------------------------------

void fill(proto::Action& out, const Action& action) {
  out.set_name(action.name);
  for (const auto& [name, value] : action.arguments) {
    proto::Argument* argument = out.add_arguments();
    argument->set_name(name);
    if (const auto* text = std::get_if<std::string>(&value)) {
      argument->set_text(*text);
    } else {
      argument->set_number(std::get<int64_t>(value));
    }
  }
}

Action from_proto(const proto::Action& proto) {
  Action action{.name = proto.name()};
  for (const proto::Argument& each : proto.arguments()) {
    Action::Value value = each.has_number() ? Action::Value(each.number()) : Action::Value(each.text());
    action.arguments.emplace_back(each.name(), std::move(value));
  }
  return action;
}

void look(const Action& action, Bounds& bounds) {
  bounds.name(action.name, "an action's name is not 1 to 256 bytes");
  bounds.require(action.arguments.size() <= arguments_max, "an action has more than 64 arguments");
  bounds.require(ascends(action.arguments), "an action's arguments are not sorted by name, each once");
  for (const auto& [name, value] : action.arguments) {
    bounds.name(name, "an argument's name is not 1 to 256 bytes");
    if (const auto* text = std::get_if<std::string>(&value))
      bounds.text(*text, "an argument is longer than 4096 bytes");
  }
}

void fill(proto::Argv& out, const Argv& argv) {
  out.set_path(argv.path);
  out.set_sha256(argv.sha256);
  for (const std::string& each : argv.arguments) out.add_arguments(each);
  for (const auto& [name, value] : argv.environment) {
    proto::EnvironmentVariable* variable = out.add_environment();
    variable->set_name(name);
    variable->set_value(value);
  }
  out.set_working_directory(argv.working_directory);
  out.set_user(argv.user);
}

Argv from_proto(const proto::Argv& proto) {
  Argv argv{.path = proto.path(),
            .sha256 = proto.sha256(),
            .arguments = {proto.arguments().begin(), proto.arguments().end()},
            .working_directory = proto.working_directory(),
            .user = proto.user()};
  for (const proto::EnvironmentVariable& each : proto.environment()) {
    argv.environment.emplace_back(each.name(), each.value());
  }
  return argv;
}

void look(const Argv& argv, Bounds& bounds) {
  bounds.path(argv.path, "a program's path is not absolute and plain");
  bounds.require(argv.sha256.empty() || argv.sha256.size() == crypto::digest_bytes,
                 "a program's hash has not 32 bytes");
  bounds.require(argv.arguments.size() <= arguments_max, "a program has more than 64 arguments");
  for (const std::string& each : argv.arguments)
    bounds.text(each, "an argument is longer than 4096 bytes, or holds NUL");
  bounds.require(argv.environment.size() <= environment_max, "more than 32 environment variables");
  bounds.require(ascends(argv.environment), "environment variables are not sorted by name, each once");
  for (const auto& [name, value] : argv.environment) {
    bounds.name(name, "an environment variable's name is not 1 to 256 bytes");
    bounds.require(name.find('=') == std::string::npos, "an environment variable's name holds \"=\"");
    bounds.text(value, "an environment variable is longer than 4096 bytes");
  }
  if (!argv.working_directory.empty()) bounds.path(argv.working_directory, "the working directory is not absolute");
  bounds.name(argv.user, "a program's user is not 1 to 256 bytes");
}

void fill(proto::Exec& out, const Exec& exec) {
  if (const auto* argv = std::get_if<Argv>(&exec.what)) {
    fill(*out.mutable_argv(), *argv);
  } else {
    fill(*out.mutable_action(), std::get<Action>(exec.what));
  }
  out.set_timeout_ms(exec.timeout_ms);
  out.set_output_bytes_max(exec.output_bytes_max);
}

Exec from_proto(const proto::Exec& proto) {
  Exec exec;
  if (proto.has_action()) {
    exec.what = from_proto(proto.action());
  } else {
    exec.what = from_proto(proto.argv());
  }
  exec.timeout_ms = proto.timeout_ms();
  exec.output_bytes_max = proto.output_bytes_max();
  return exec;
}

void look(const Exec& exec, Bounds& bounds) {
  std::visit([&bounds](const auto& what) { look(what, bounds); }, exec.what);
  bounds.require(exec.timeout_ms >= 1 && exec.timeout_ms <= timeout_ms_max, "a time-out is not 1 ms to 1 h");
  bounds.require(exec.output_bytes_max <= output_bytes_max, "more than 32 KiB of output are asked for");
}

// -- Steps
// -------------------------------------------------------------------------------------------------------------

Step from_step(const proto::Step& proto) {
  Step step{.org = proto.org(),
            .plan = proto.plan(),
            .index = proto.index(),
            .count = proto.count(),
            .host = proto.host(),
            .host_name = proto.host_name(),
            .epoch = proto.epoch(),
            .exec = from_proto(proto.exec())};
  if (proto.has_probe()) step.probe = from_proto(proto.probe());
  if (proto.has_rollback()) step.rollback = from_proto(proto.rollback());
  step.rollback_on_failure = proto.rollback_on_failure();
  step.keep_within_ms = proto.keep_within_ms();
  step.effect = static_cast<Effect>(proto.effect());
  step.risk = proto.risk();
  step.approvals = proto.approvals();
  step.requester = proto.requester();
  step.policy_hash = proto.policy_hash();
  step.not_before_ms = proto.not_before_ms();
  step.not_after_ms = proto.not_after_ms();
  for (const proto::Action& each : proto.preconditions()) step.preconditions.push_back(from_proto(each));
  return step;
}

void look_at_step(const Step& step, Bounds& bounds) {
  bounds.name(step.org, "the org is not 1 to 256 bytes");
  bounds.size(step.plan, plan_bytes, "the plan's id has not 16 bytes");
  bounds.require(step.count >= 1 && step.count <= steps_max, "a plan has not 1 to 10000 steps");
  bounds.require(step.index < step.count, "the index is beyond the count");
  bounds.size(step.host, crypto::digest_bytes, "the host's id has not 32 bytes");
  bounds.name(step.host_name, "the host's name is not 1 to 256 bytes");
  look(step.exec, bounds);
  if (step.probe) look(*step.probe, bounds);
  if (step.rollback) look(*step.rollback, bounds);
  bounds.require(step.rollback || !step.rollback_on_failure, "it is to be rolled back on failure, but has no rollback");
  bounds.require(step.rollback || step.keep_within_ms == 0, "it is to be kept in time, but has no rollback");
  bounds.require(step.keep_within_ms <= keep_within_ms_max, "it is to be kept within more than 1 h");
  bounds.require(step.effect >= Effect::read_only && step.effect <= Effect::once, "the effect is none of 1 to 3");
  bounds.require(step.risk <= risk_highest, "the risk is not 0 to 4");
  bounds.require(step.approvals >= 1 && step.approvals <= approvals_most, "not 1 to 16 approvals are asked for");
  bounds.name(step.requester, "the requester is not 1 to 256 bytes");
  bounds.size(step.policy_hash, crypto::digest_bytes, "the policy's hash has not 32 bytes");
  bounds.life(step.not_before_ms, step.not_after_ms, step_life_ms_max, "its window is not within 24 h");
  bounds.require(step.preconditions.size() <= preconditions_max, "more than 16 preconditions");
  for (const Action& each : step.preconditions) look(each, bounds);
}

}  // namespace

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
  proto::Step proto;
  proto.set_schema(schema);
  proto.set_org(step.org);
  proto.set_plan(step.plan);
  proto.set_index(step.index);
  proto.set_count(step.count);
  proto.set_host(step.host);
  proto.set_host_name(step.host_name);
  proto.set_epoch(step.epoch);
  fill(*proto.mutable_exec(), step.exec);
  if (step.probe) fill(*proto.mutable_probe(), *step.probe);
  if (step.rollback) fill(*proto.mutable_rollback(), *step.rollback);
  proto.set_rollback_on_failure(step.rollback_on_failure);
  proto.set_keep_within_ms(step.keep_within_ms);
  proto.set_effect(static_cast<uint32_t>(step.effect));
  proto.set_risk(step.risk);
  proto.set_approvals(step.approvals);
  proto.set_requester(step.requester);
  proto.set_policy_hash(step.policy_hash);
  proto.set_not_before_ms(step.not_before_ms);
  proto.set_not_after_ms(step.not_after_ms);
  for (const Action& each : step.preconditions) fill(*proto.add_preconditions(), each);
  return proto.SerializeAsString();
}

Result<Step> decode_step(BytesView bytes) {
  return decode_strictly<Step, proto::Step>(bytes, step_bytes_max, "step", from_step, look_at_step);
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
