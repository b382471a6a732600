// What the runner would say to a step, before anybody has approved it. It looks and starts nothing, but for one thing:
// where the step has a probe that the host's policy lists as unapproved_read_only, that probe runs, to tell whether the
// step's effect is there already.
#include <algorithm>

#include "agent/runner/builtin.h"
#include "agent/runner/redact_output.h"
#include "agent/runner/runner.h"
#include "agent/runner/runner_impl.h"
#include "common/crypto/digest.h"

namespace reeve::runner {
namespace {

using warrant::Refusal;
using warrant::Verdict;

constexpr size_t detail_chars_max = 500;
constexpr uint32_t precondition_timeout_ms = 10'000;

class Checks {
 public:
  explicit Checks(warrant::PreflightReport& report) : report_(report) {}
  void add(std::string name, Verdict verdict, std::string_view detail = {}) {
    report_.checks.push_back(
        {.name = std::move(name), .verdict = verdict, .detail = printable(redact_output(detail), detail_chars_max)});
  }
  void require(std::string name, bool holds, std::string_view otherwise) {
    add(std::move(name), holds ? Verdict::holds : Verdict::fails, holds ? "" : otherwise);
  }

 private:
  warrant::PreflightReport& report_;
};

// A built-in that only looks at files and processes is answered here and now; what needs a process cannot be told.
void look_at_precondition(Checks& checks, const std::string& name, const Result<Launch>& launch) {
  if (!launch.ok()) return checks.add(name, Verdict::fails, launch.error().text());
  const auto* action = std::get_if<BuiltIn>(&launch->what);
  const std::optional<Exit> exit = action != nullptr ? run_probe(*action) : std::nullopt;
  if (!exit) return checks.add(name, Verdict::unknown, "it is looked at when the step starts");
  const Verdict verdict = exit->exit_status == 0   ? Verdict::holds
                          : exit->exit_status == 1 ? Verdict::fails
                                                   : Verdict::unknown;
  checks.add(name, verdict, exit->detail.empty() ? exit->output : exit->detail);
}

}  // namespace

void Runner::on(const warrant::PreflightRequest& request) {
  const Bytes id = warrant::step_id(request.step);
  const Result<warrant::Step> step = warrant::decode_step(request.step);
  if (!step.ok()) return refuse({.refusal = Refusal::encoding, .detail = step.error().text()}, id, false);
  const PolicyNow now = world_.read_policy();
  const warrant::HostView host = view(now);
  warrant::PreflightReport report{
      .org = identity_.org, .host = identity_.host(), .step = id, .at_ms = std::max<int64_t>(host.wall_ms, 0)};
  Checks checks(report);
  checks.require("org", step->org == host.org, "it is another org's");
  checks.require("host", step->host == host.host && step->host_name == host.host_name, "it is for another host");
  checks.require("epoch", step->epoch == host.epoch, "it is for another enrolment of this host");
  checks.require("lock", !host.locked, "the host is locked");
  warrant::HostView unlocked = host;
  unlocked.locked = false;
  const warrant::Judgement standing = judge_standing(unlocked, trust_);
  const bool clock = standing.refusal == Refusal::clock;
  checks.require("trust", standing.ok() || clock, standing.detail);
  checks.add("clock", clock ? Verdict::fails : standing.ok() ? Verdict::holds : Verdict::unknown, standing.detail);
  checks.require("seen", !host.seen(id), "this step was accepted before");
  checks.require("window", judged_time_ms(host) < step->not_after_ms, "the step's window is over");
  checks.require("execution", now.policy.execution(), now.why_not.empty() ? "execution is off" : now.why_not);
  checks.require("policy_hash", step->policy_hash == host.policy_hash,
                 "the policy is another than was planned against");

  const std::string launch_id = to_hex(id).substr(0, 40) + "-d" + to_hex(crypto::random_secret(4));
  const auto permitted = [&](const char* name, const warrant::Exec& exec, Purpose purpose) {
    const Result<Launch> launch = now.policy.permit(exec, purpose, step->risk, launch_id);
    checks.require(name, launch.ok(), launch.ok() ? "" : launch.error().text());
  };
  permitted("policy.exec", step->exec, Purpose::exec);
  if (step->probe) permitted("policy.probe", *step->probe, Purpose::probe);
  if (step->rollback) permitted("policy.rollback", *step->rollback, Purpose::rollback);
  for (size_t i = 0; i < step->preconditions.size(); ++i) {
    const warrant::Exec look{.what = step->preconditions[i], .timeout_ms = precondition_timeout_ms};
    look_at_precondition(checks, "precondition." + std::to_string(i),
                         now.policy.permit(look, Purpose::precondition, step->risk, launch_id));
  }
  checks.require("windows", now.policy.open_at(world_.clock.wall()), "the host's policy lets nothing run at this time");
  constexpr int64_t hour_ms = 3'600'000;
  const bool rate = journal_ && journal_->started_since(judged_ms() - hour_ms) < now.policy.rate_per_hour();
  checks.require("rate", rate, "too many steps have started within the hour");
  checks.require("journal", journal_ && !journal_->broken(), journal_ ? "it could not be written" : why_not_);

  const bool looks = step->probe && now.policy.execution() && !host.locked && idle() &&
                     now.policy.permit(*step->probe, Purpose::dry_run, step->risk, launch_id).ok();
  auto waiting = std::make_unique<Active>();
  waiting->report = std::move(report);
  if (!looks) {
    const auto envelope = warrant::sign(warrant::type_preflight, encode(waiting->report), identity_.key);
    return send(warrant::SignedPreflight{.envelope = envelope});
  }
  active_ = std::move(waiting);
  active_->stage = Stage::dry_run;
  active_->step = *step;
  if (!launch(*step->probe, Purpose::dry_run, launch_id)) finish_preflight(nullptr);
}

void Runner::finish_preflight(const Exit* dry_run) {
  Checks checks(active_->report);
  const bool told = dry_run != nullptr && dry_run->executed && !dry_run->lost && dry_run->signal == 0 &&
                    !dry_run->timed_out && dry_run->exit_status <= 1;
  if (!told) {
    checks.add("probe", Verdict::unknown, dry_run != nullptr ? dry_run->detail : active_->unsettled.detail);
  } else {
    checks.require("probe", dry_run->exit_status == 1, "the step's effect is there already");
  }
  const auto envelope = warrant::sign(warrant::type_preflight, encode(active_->report), identity_.key);
  active_.reset();
  send(warrant::SignedPreflight{.envelope = envelope});
}

}  // namespace reeve::runner
