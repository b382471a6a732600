// See plan_text.h. What steps may hold at all, common/warrant/step.h says; it is asked by decoding what was made.
#include "server/fix/plan_text.h"

#include <algorithm>
#include <map>
#include <set>

#include "common/warrant/merkle.h"
#include "common/warrant/step.h"
#include "server/fix/org_trust.h"

namespace reeve::server {
namespace {

using warrant::Action;
using warrant::Argv;
using warrant::Exec;
using warrant::Step;

constexpr size_t title_bytes_max = 200;

Error refuse(const std::string& where, const std::string& why) {
  return Error(Code::denied, where + " " + why);
}

Result<uint32_t> read_ms(const Json& of, std::string_view name, const std::string& where) {
  const std::string text = of.string_or(name);
  const std::optional<Duration> duration = parse_duration(text);
  const int64_t ms = duration ? std::chrono::duration_cast<std::chrono::milliseconds>(*duration).count() : 0;
  if (ms >= 1 && ms <= warrant::timeout_ms_max) return static_cast<uint32_t>(ms);
  return refuse(where + "." + std::string(name), "is \"" + printable(text, 40) + "\"; allowed: a time from 1ms to 1h");
}

// Only whole numbers within the bounds; anything else would be another step than was meant.
Result<uint32_t> read_number(const Json& of, std::string_view name, uint32_t usual, uint32_t max,
                             const std::string& where) {
  const int64_t value = of.int_or(name, usual);
  if (value >= 0 && value <= max) return static_cast<uint32_t>(value);
  return refuse(where + "." + std::string(name),
                "is " + std::to_string(value) + "; allowed: 0 to " + std::to_string(max));
}

Result<Action> read_action(const Json& of, const std::string& where) {
  Action action{.name = of.string_or("action")};
  if (const Json* arguments = of.find("arguments")) {
    if (!arguments->is_object()) return refuse(where + ".arguments", "is no object");
    for (const auto& [name, value] : *arguments->as_object()) {
      if (const std::string* text = value.as_string()) {
        action.arguments.emplace_back(name, *text);
      } else if (const int64_t* number = value.as_int()) {
        action.arguments.emplace_back(name, *number);
      } else {
        return refuse(where + ".arguments." + printable(name, 40), "is neither text nor a whole number");
      }
    }
  }
  const auto by_name = [](const auto& a, const auto& b) { return a.first < b.first; };
  std::sort(action.arguments.begin(), action.arguments.end(), by_name);
  return action;
}

Result<Argv> read_argv(const Json& of, const std::string& where) {
  Argv argv{.path = of.string_or("path"),
            .working_directory = of.string_or("working_directory"),
            .user = of.string_or("user")};
  if (const Json* digest = of.find("sha256")) {
    const std::optional<Bytes> bytes = from_hex(*digest->as_string());
    if (!bytes || bytes->size() != 32) return refuse(where + ".sha256", "is not 64 hex digits");
    argv.sha256 = *bytes;
  }
  if (const Json* arguments = of.find("arguments")) {
    for (const Json& each : *arguments->as_array()) argv.arguments.push_back(*each.as_string());
  }
  if (const Json* environment = of.find("environment")) {
    for (const auto& [name, value] : *environment->as_object()) argv.environment.emplace_back(name, *value.as_string());
  }
  std::sort(argv.environment.begin(), argv.environment.end());
  return argv;
}

Result<Exec> read_exec(const Json& of, const std::string& where) {
  const Json* argv = of.find("argv");
  if ((argv != nullptr) == (of.find("action") != nullptr)) return refuse(where, "has not one of argv and action");
  Exec exec;
  if (argv != nullptr) {
    if (of.find("arguments") != nullptr) return refuse(where, "has arguments beside argv; they belong into it");
    exec.what = TRY(read_argv(*argv, where + ".argv"));
  } else {
    exec.what = TRY(read_action(of, where));
  }
  exec.timeout_ms = TRY(read_ms(of, "timeout", where));
  exec.output_bytes_max = TRY(read_number(of, "output_bytes", output_bytes_usual, warrant::output_bytes_max, where));
  return exec;
}

Result<std::optional<Exec>> read_optional(const Json& step, std::string_view name, const std::string& where) {
  const Json* member = step.find(name);
  if (member == nullptr) return std::optional<Exec>();
  return std::optional(TRY(read_exec(*member, where + "." + std::string(name))));
}

// Every runner by its host's id and by its host's name.
class RunnersByHost {
 public:
  explicit RunnersByHost(const PlanSource& source) {
    for (const Agent& agent : source.agents) {
      if (!agent.revoked) agents_.insert(agent.id);
    }
    for (const Runner& runner : source.runners) {
      by_id_.emplace(runner.host, &runner);
      by_name_.emplace(runner.host_name, &runner);
    }
  }

  Result<const Runner*> find(const std::string& host, const std::string& where) const {
    const std::string what = "is \"" + printable(host, 80) + "\"";
    const std::optional<Bytes> id = host.size() == 64 ? from_hex(host) : std::nullopt;
    const Runner* found = nullptr;
    if (id) {
      const auto known = by_id_.find(*id);
      if (known != by_id_.end()) found = known->second;
    } else {
      if (by_name_.count(host) > 1) return refuse(where, what + ", which several runners are; name one by its id");
      const auto known = by_name_.find(host);
      if (known != by_name_.end()) found = known->second;
    }
    if (found == nullptr) return refuse(where, what + ": no runner of this org is known by it");
    if (!agents_.contains(found->agent)) return refuse(where, what + ", whose agent is revoked");
    return found;
  }

 private:
  std::set<Uuid> agents_;
  std::map<Bytes, const Runner*> by_id_;
  std::multimap<std::string, const Runner*> by_name_;
};

warrant::Effect effect_of(std::string_view text) {
  if (text == "read_only") return warrant::Effect::read_only;
  return text == "idempotent" ? warrant::Effect::idempotent : warrant::Effect::once;
}

Result<Step> read_step(const PlanSource& source, const RunnersByHost& runners, const Json& json,
                       const std::string& where) {
  const Runner* runner = TRY(runners.find(json.string_or("host"), where + ".host"));
  Step step{.org = source.org,
            .plan = Bytes(source.id.view()),
            .host = runner->host,
            .host_name = runner->host_name,
            .epoch = runner->epoch,
            .policy_hash = runner->policy_hash};
  step.exec = TRY(read_exec(*json.find("exec"), where + ".exec"));
  step.probe = TRY(read_optional(json, "probe", where));
  step.rollback = TRY(read_optional(json, "rollback", where));
  const Json* on_failure = json.find("rollback_on_failure");
  step.rollback_on_failure = on_failure != nullptr && *on_failure->as_bool();
  if (json.find("keep_within") != nullptr) step.keep_within_ms = TRY(read_ms(json, "keep_within", where));
  if (!step.rollback && (step.rollback_on_failure || step.keep_within_ms > 0)) {
    return refuse(where, "is to be rolled back and says not how");
  }
  step.effect = effect_of(json.string_or("effect"));
  step.risk = TRY(read_number(json, "risk", 0, warrant::risk_highest, where));
  step.approvals = TRY(read_number(json, "approvals", 1, warrant::approvers_max, where));
  if (const Json* preconditions = json.find("preconditions")) {
    for (const Json& each : *preconditions->as_array()) {
      step.preconditions.push_back(TRY(read_action(each, where + ".preconditions")));
    }
  }
  return step;
}

Status finish(LoadedPlan& loaded, std::vector<Step> steps) {
  std::set<Bytes> hosts;
  std::vector<warrant::Hash> leaves;
  FixPlan& plan = loaded.plan;
  for (size_t i = 0; i < steps.size(); ++i) {
    Step& step = steps[i];
    step.index = static_cast<uint32_t>(i);
    step.count = static_cast<uint32_t>(steps.size());
    step.requester = plan.requester;
    step.not_before_ms = to_ms(plan.created);
    step.not_after_ms = to_ms(plan.not_after);
    FixStep made{.bytes = warrant::encode(step), .host = step.host, .host_name = step.host_name};
    const Result<Step> allowed = warrant::decode_step(made.bytes);
    if (!allowed.ok()) return refuse("steps[" + std::to_string(i) + "]", "cannot be: " + allowed.error().text());
    made.id = warrant::step_id(made.bytes);
    made.progress.index = step.index;
    hosts.insert(step.host);
    leaves.push_back(warrant::leaf_hash(made.bytes));
    plan.risk_max = std::max(plan.risk_max, step.risk);
    plan.approvals = std::max(plan.approvals, step.approvals);
    plan.bytes += made.bytes.size();
    loaded.steps.push_back(std::move(made));
    if (plan.bytes > plan_bytes_max) {
      return refuse("the plan", "has more than " + std::to_string(plan_bytes_max) + " bytes of steps");
    }
  }
  plan.count = static_cast<uint32_t>(steps.size());
  plan.hosts = static_cast<uint32_t>(hosts.size());
  plan.root = warrant::merkle_root(leaves);
  return {};
}

Status check_line(std::string_view name, const std::string& text, size_t bytes_max) {
  const bool control = std::any_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; });
  if (!text.empty() && text.size() <= bytes_max && is_utf8(text) && !control) return {};
  return refuse(std::string(name), "has " + std::to_string(text.size()) + " bytes; allowed is a line of text of 1 to " +
                                       std::to_string(bytes_max));
}

}  // namespace

Result<LoadedPlan> make_plan(const PlanSource& source) {
  LoadedPlan loaded;
  FixPlan& plan = loaded.plan;
  plan.id = source.id;
  plan.title = source.body.string_or("title");
  plan.requester = source.body.string_or("requester", source.caller);
  TRY(check_line("title", plan.title, title_bytes_max));
  TRY(check_line("requester", plan.requester, warrant::name_bytes_max));
  const std::string valid_for = source.body.string_or("valid_for");
  const std::optional<Duration> life = parse_duration(valid_for);
  if (!life || *life < 1s || *life > plan_life_max) {
    return refuse("valid_for", "is \"" + printable(valid_for, 40) + "\"; allowed: a time from 1s to 24h");
  }
  // Whole milliseconds, as steps have them.
  plan.created = from_ms(to_ms(source.now));
  plan.changed = plan.created;
  plan.not_after = plan.created + *life;

  const Json::Array& steps = *source.body.find("steps")->as_array();
  if (steps.empty() || steps.size() > warrant::steps_max) {
    return refuse("steps", "has " + std::to_string(steps.size()) + " entries; allowed are 1 to " +
                               std::to_string(warrant::steps_max));
  }
  const RunnersByHost runners(source);
  std::vector<Step> made;
  for (size_t i = 0; i < steps.size(); ++i) {
    made.push_back(TRY(read_step(source, runners, steps[i], "steps[" + std::to_string(i) + "]")));
  }
  TRY(finish(loaded, std::move(made)));
  return loaded;
}

}  // namespace reeve::server
