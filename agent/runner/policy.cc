// See policy.h.
#include "agent/runner/policy.h"

#include <unistd.h>

#include <algorithm>

#include "agent/runner/policy_actions.h"
#include "agent/runner/policy_file.h"
#include "agent/runner/policy_paths.h"
#include "agent/runner/policy_windows.h"
#include "common/crypto/digest.h"
#include "common/sys/disk.h"

namespace reeve::runner {

struct Policy::Impl {
  Rules rules{};
  Bytes hash{};
  uint32_t owner = 0;  // beside root, whose programs may be run
};

namespace {

Bytes hash_of(const std::vector<PolicyFile>& files) {
  Bytes all = "reeve policy v1";
  for (const PolicyFile& file : files) {
    for (const std::string* part : {&file.name, &file.text}) {
      append_le<uint64_t>(all, part->size());
      all += *part;
    }
  }
  return crypto::sha256(all);
}

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

Error denied(const std::string& what) {
  return Error(Code::denied, what);
}

// What both commands and actions have to say of a step.
struct Demand {
  const warrant::Exec& exec;
  Purpose purpose;
  uint32_t risk;

  bool must_be_read_only() const { return purpose != Purpose::exec && purpose != Purpose::rollback; }
};

Status within(const Demand& demand, bool read_only, uint32_t risk_min, uint32_t timeout_ms_max) {
  if (demand.must_be_read_only() && !read_only)
    return denied("is not marked read_only, and nothing else may be a probe");
  if (demand.risk < risk_min) {
    return denied("the step claims risk " + std::to_string(demand.risk) + "; allowed: " + std::to_string(risk_min) +
                  " and above");
  }
  if (demand.exec.timeout_ms == 0 || demand.exec.timeout_ms > timeout_ms_max) {
    return denied("the time-out is " + std::to_string(demand.exec.timeout_ms) + " ms; allowed: 1 to " +
                  std::to_string(timeout_ms_max));
  }
  return {};
}

// -- Commands -------------------------------------------------------------------------------------------------------

// How far the checks came before one failed: what came furthest is the rule that was meant.
class Checks {
 public:
  bool passes(const Status& status, const std::string& what) {
    if (status.ok()) {
      depth_++;
      return true;
    }
    why_ = what + (what.empty() ? "" : " is ") + status.error().text();
    return false;
  }
  size_t depth() const { return depth_; }
  const std::string& why() const { return why_; }

 private:
  size_t depth_ = 0;
  std::string why_{};
};

Status equal(const std::string& found, const std::string& allowed) {
  if (found == allowed) return {};
  return denied("\"" + printable(found) + "\"; allowed: \"" + printable(allowed) + "\"");
}

Status variable(const CommandRule& rule, const std::string& name, const std::string& value) {
  std::string allowed;
  for (const auto& [known, values] : rule.environment) {
    if (known != name) continue;
    for (const ArgumentRule& one : values) {
      if (match(one, value).ok()) return {};
      allowed += (allowed.empty() ? "" : ", or ") + describe(one);
    }
  }
  return denied("\"" + printable(value) + "\"; allowed: " + (allowed.empty() ? "not to be set" : allowed));
}

Status folder(const CommandRule& rule, const std::string& wanted, uint32_t owner) {
  if (wanted.empty()) return {};
  if (rule.working_directory.empty()) return denied("\"" + printable(wanted) + "\"; allowed: none");
  if (wanted != rule.working_directory) {
    TRY(resolve_below(rule.working_directory, wanted, Below::folder));
  }
  return rule.user == "root" ? trusted_path(wanted, owner) : Status();
}

bool allows(const CommandRule& rule, const warrant::Argv& argv, const Demand& demand, bool listed, uint32_t owner,
            Checks& checks) {
  const auto count = [](size_t n) { return std::to_string(n) + (n == 1 ? " argument" : " arguments"); };
  if (!checks.passes(equal(count(argv.arguments.size()), count(rule.arguments.size())), "its number")) return false;
  for (size_t i = 0; i < rule.arguments.size(); i++) {
    const std::string what = "arguments[" + std::to_string(i) + "]";
    if (!checks.passes(match(rule.arguments[i], argv.arguments[i]), what)) return false;
    // What root is told to use must not be exchanged between this look and the program's own.
    const bool exchangeable = rule.user == "root" && rule.arguments[i].kind == ArgumentRule::Kind::path_below;
    if (exchangeable && !checks.passes(trusted_path(argv.arguments[i], owner), what)) return false;
  }
  for (const auto& [name, value] : argv.environment) {
    if (!checks.passes(variable(rule, name, value), "environment." + printable(name))) return false;
  }
  const bool same_file = argv.sha256.empty() || rule.sha256.empty() || argv.sha256 == rule.sha256;
  return checks.passes(equal(argv.user, rule.user), "user") &&
         checks.passes(folder(rule, argv.working_directory, owner), "working_directory") &&
         checks.passes(same_file ? Status() : denied("another than policy's"), "sha256") &&
         checks.passes(listed ? Status() : denied("not under unapproved_read_only"), "it") &&
         checks.passes(within(demand, rule.read_only, rule.risk_min, rule.timeout_ms_max), "") &&
         checks.passes(trusted_program(rule.path, owner), "the program");
}

Status permit_command(const Rules& rules, const warrant::Argv& argv, const Demand& demand, uint32_t owner,
                      Launch& launch) {
  std::string closest;
  std::string paths;
  size_t depth = 0;
  for (const CommandRule& rule : rules.commands) {
    if (paths.find(rule.path) == paths.npos) paths += (paths.empty() ? "" : ", ") + rule.path;
    if (rule.path != argv.path) continue;
    const auto& dry_runs = rules.unapproved_read_only;
    const bool listed =
        demand.purpose != Purpose::dry_run || std::find(dry_runs.begin(), dry_runs.end(), rule.name) != dry_runs.end();
    Checks checks;
    if (allows(rule, argv, demand, listed, owner, checks)) {
      launch.what = Program{.path = rule.path,
                            .sha256 = rule.sha256.empty() ? argv.sha256 : rule.sha256,
                            .arguments = argv.arguments,
                            .environment = argv.environment,
                            .working_directory = argv.working_directory};
      launch.user = rule.user;
      launch.network = rule.network;
      launch.write_paths = rule.write;
      return {};
    }
    if (closest.empty() || checks.depth() > depth) {
      depth = checks.depth();
      closest = "command " + rule.name + ": " + checks.why();
    }
  }
  if (closest.empty()) {
    return denied("no command has the path " + printable(argv.path) +
                  "; allowed: " + (paths.empty() ? "none" : printable(paths)));
  }
  return denied(closest);
}

// -- Actions --------------------------------------------------------------------------------------------------------

Status permit_action(const Rules& rules, const warrant::Action& action, const Demand& demand, uint32_t owner,
                     Launch& launch) {
  const ActionLimits* limits = find_action(action.name);
  if (limits == nullptr) return denied("there is no such action");
  const auto found = rules.actions.find(action.name);
  const ActionRule rule = found == rules.actions.end() ? ActionRule() : found->second;
  if (rule.off) return denied("policy has it off");
  launch.user = rule.user;
  TRY(within(demand, limits->read_only, rule.risk_min.value_or(limits->risk_min), rule.timeout_ms_max));
  TRY(resolve_action(rules, action, launch));
  const auto* program = std::get_if<Program>(&launch.what);
  return program == nullptr ? Status() : trusted_program(program->path, owner);
}

}  // namespace

Policy::Policy(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Policy::Policy(Policy&&) noexcept = default;
Policy& Policy::operator=(Policy&&) noexcept = default;
Policy::~Policy() = default;

Result<Policy> Policy::load(const std::string& directory, uint32_t owner) {
  const std::vector<sys::DirectoryEntry> entries = TRY(sys::real_disk().list(directory));
  std::vector<PolicyFile> files;
  for (const sys::DirectoryEntry& entry : entries) {
    if (entry.is_directory || !entry.name.ends_with(".yaml")) continue;
    const std::string path = directory + "/" + entry.name;
    TRY_DURING(trusted_path(path, owner), "policy");
    if (files.size() == policy_files_max) return Error(Code::invalid, directory + " has more than 64 policy files");
    const Bytes text = TRY(sys::read_file(sys::real_disk(), path, policy_bytes_max));
    files.push_back({entry.name, text});
  }
  if (files.empty()) return Error(Code::not_found, directory + " has no policy: no file whose name ends in .yaml");
  Rules rules = TRY_DURING(parse_rules(files), directory);
  return Policy(std::make_unique<const Impl>(Impl{std::move(rules), hash_of(files), owner}));
}

Result<Policy> Policy::parse(const std::string& name, std::string_view text) {
  Rules rules = TRY(parse_rules({{name, std::string(text)}}));
  const Bytes hash = hash_of({{base_name(name), std::string(text)}});
  return Policy(std::make_unique<const Impl>(Impl{std::move(rules), hash, ::geteuid()}));
}

Policy Policy::deny_all() {
  return Policy(std::make_unique<const Impl>(Impl{Rules(), hash_of({}), 0}));
}

bool Policy::execution() const {
  return impl_->rules.execution;
}
const Bytes& Policy::hash() const {
  return impl_->hash;
}
const std::array<uint32_t, warrant::risk_highest + 1>& Policy::approvals_min() const {
  return impl_->rules.approvals_min;
}
uint32_t Policy::rate_per_hour() const {
  return impl_->rules.rate_per_hour;
}
bool Policy::open_at(WallTime now) const {
  return !impl_->rules.windows || (*impl_->rules.windows)[minute_of_week(now)];
}

Result<Launch> Policy::permit(const warrant::Exec& exec, Purpose purpose, uint32_t risk, const std::string& id) const {
  Launch launch;
  launch.id = id;
  launch.timeout_ms = exec.timeout_ms;
  launch.output_bytes_max = exec.output_bytes_max;
  const Demand demand{exec, purpose, risk};
  const auto* argv = std::get_if<warrant::Argv>(&exec.what);
  const auto* action = std::get_if<warrant::Action>(&exec.what);
  const Status allowed = argv != nullptr ? permit_command(impl_->rules, *argv, demand, impl_->owner, launch)
                                         : permit_action(impl_->rules, *action, demand, impl_->owner, launch);
  if (!allowed.ok()) {
    return denied((argv != nullptr ? "" : "action " + printable(action->name) + ": ") + allowed.error().text());
  }
  return launch;
}

}  // namespace reeve::runner
