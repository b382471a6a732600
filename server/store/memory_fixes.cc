// Maps under a mutex. Everything that can fail comes first, so that a change happens wholly or not at all.
#include "server/store/memory_fixes.h"

#include <algorithm>

#include "server/store/fix_rules.h"

namespace reeve::server {

Status MemoryFixes::check_room(const FixChange& change) {
  if (change.trust && !trust_.contains(change.trust->version)) TRY(check_room_for_trust(trust_.size()));
  uint64_t runners = runners_.size();
  for (const Runner& runner : change.runners) {
    if (!runners_.contains(runner.agent)) TRY(check_room_for_runner(runners++));
  }
  for (const FixPlan& plan : change.plans) {
    if (plans_.contains(plan.id)) continue;
    if (plans_.size() >= fix_plans_max) erase_oldest_ended();
    TRY(check_room_for_plan(plans_.size()));
  }
  const auto comes = [&](const Uuid& id) {
    return std::any_of(change.plans.begin(), change.plans.end(), [&](const FixPlan& plan) { return plan.id == id; });
  };
  for (const FixChange::Progress& each : change.progress) {
    const auto plan = plans_.find(each.plan);
    size_t steps = plan == plans_.end() ? 0 : plan->second.steps.size();
    if (comes(each.plan) && change.plans.front().id == each.plan) steps += change.new_steps.size();
    if (each.step.index >= steps) return no_step();
  }
  for (const FixChange::Approval& each : change.approvals) {
    if (!plans_.contains(each.plan) && !comes(each.plan)) return no_plan();
  }
  return {};
}

Status MemoryFixes::apply(const FixChange& change) {
  std::unique_lock lock(mutex_);
  TRY(check_room(change));
  for (const AuditEntry& entry : change.audit) TRY(accounts_.append_audit(entry));

  if (change.trust) trust_[change.trust->version] = *change.trust;
  if (change.revocation) revocations_[change.revocation->version] = *change.revocation;
  for (const Uuid& agent : change.runners_gone) runners_.erase(agent);
  for (const Runner& runner : change.runners) runners_[runner.agent] = runner;
  for (const FixPlan& plan : change.plans) plans_[plan.id].plan = plan;
  for (const FixStep& step : change.new_steps) {
    const Uuid& plan = change.plans.front().id;
    plans_[plan].steps.push_back(step);
    steps_[step.id] = {plan, step.progress.index};
  }
  for (const FixChange::Progress& each : change.progress) {
    plans_[each.plan].steps[each.step.index].progress = each.step;
  }
  for (const FixChange::Approval& each : change.approvals) {
    std::vector<FixApproval>& known = plans_[each.plan].approvals;
    std::erase_if(known, [&](const FixApproval& other) {
      return other.person == each.approval.person && other.veto == each.approval.veto;
    });
    known.push_back(each.approval);
  }
  for (const Receipt& receipt : change.receipts) put_receipt(receipt);
  for (const FixCommand& command : change.commands) put_command(command);
  for (const StepCheck& each : change.checks) checks_[{each.command, each.index}] = each;
  return {};
}

void MemoryFixes::put_receipt(const Receipt& receipt) {
  Receipt numbered = receipt;
  numbered.id = ++last_receipt_;
  receipts_[numbered.id] = numbered;
  const auto is_stray = [](const auto& each) { return each.second.plan.is_nil(); };
  if (!receipt.plan.is_nil()) return;
  if (std::count_if(receipts_.begin(), receipts_.end(), is_stray) <= static_cast<ptrdiff_t>(receipts_stray_max)) return;
  receipts_.erase(std::find_if(receipts_.begin(), receipts_.end(), is_stray));
}

void MemoryFixes::put_command(const FixCommand& command) {
  commands_[command.id] = command;
  if (commands_.size() <= fix_commands_max) return;
  const Uuid oldest = commands_.begin()->first;
  commands_.erase(oldest);
  std::erase_if(checks_, [&](const auto& each) { return each.first.first == oldest; });
}

bool MemoryFixes::erase_oldest_ended() {
  const auto oldest =
      std::find_if(plans_.begin(), plans_.end(), [](const auto& each) { return has_ended(each.second.plan.state); });
  if (oldest == plans_.end()) return false;
  const Uuid plan = oldest->first;
  for (const FixStep& step : oldest->second.steps) steps_.erase(step.id);
  plans_.erase(oldest);
  std::erase_if(receipts_, [&](const auto& each) { return each.second.plan == plan; });
  for (auto command = commands_.begin(); command != commands_.end();) {
    const bool gone = command->second.plan == plan;
    if (gone) {
      std::erase_if(checks_, [&](const auto& each) { return each.first.first == command->first; });
    }
    command = gone ? commands_.erase(command) : std::next(command);
  }
  return true;
}

// -- Reading ---------------------------------------------------------------------------------------------------------

Result<std::vector<SignedVersion>> MemoryFixes::list_trust() const {
  std::shared_lock lock(mutex_);
  std::vector<SignedVersion> all;
  for (const auto& [version, each] : trust_) all.push_back(each);
  return all;
}

Result<std::optional<SignedVersion>> MemoryFixes::newest_revocation() const {
  std::shared_lock lock(mutex_);
  if (revocations_.empty()) return std::optional<SignedVersion>();
  return std::optional(revocations_.rbegin()->second);
}

Result<std::vector<Runner>> MemoryFixes::list_runners() const {
  std::shared_lock lock(mutex_);
  std::vector<Runner> all;
  for (const auto& [agent, runner] : runners_) all.push_back(runner);
  return all;
}

Result<FixPlan> MemoryFixes::find_plan(const Uuid& plan) const {
  std::shared_lock lock(mutex_);
  const auto known = plans_.find(plan);
  if (known == plans_.end()) return no_plan();
  return known->second.plan;
}

Result<std::vector<FixPlan>> MemoryFixes::list_plans(const PlanQuery& query) const {
  std::shared_lock lock(mutex_);
  std::vector<FixPlan> found;
  for (auto each = plans_.rbegin(); each != plans_.rend() && found.size() < query.limit; ++each) {
    const FixPlan& plan = each->second.plan;
    if (!query.before.is_nil() && !(plan.id < query.before)) continue;
    if (!query.active_only || !has_ended(plan.state)) found.push_back(plan);
  }
  return found;
}

Result<std::vector<FixStep>> MemoryFixes::list_steps(const Uuid& plan) const {
  std::shared_lock lock(mutex_);
  const auto known = plans_.find(plan);
  if (known == plans_.end()) return std::vector<FixStep>();
  return known->second.steps;
}

Result<StepPlace> MemoryFixes::find_step(BytesView id) const {
  std::shared_lock lock(mutex_);
  const auto known = steps_.find(Bytes(id));
  if (known == steps_.end()) return no_step();
  return known->second;
}

Result<std::vector<FixApproval>> MemoryFixes::list_approvals(const Uuid& plan) const {
  std::shared_lock lock(mutex_);
  const auto known = plans_.find(plan);
  if (known == plans_.end()) return std::vector<FixApproval>();
  return known->second.approvals;
}

Result<std::vector<Receipt>> MemoryFixes::list_receipts(const Uuid& plan) const {
  std::shared_lock lock(mutex_);
  std::vector<Receipt> found;
  for (const auto& [id, receipt] : receipts_) {
    if (receipt.plan == plan) found.push_back(receipt);
  }
  return found;
}

Result<FixCommand> MemoryFixes::find_command(const Uuid& command) const {
  std::shared_lock lock(mutex_);
  const auto known = commands_.find(command);
  if (known == commands_.end()) return no_command();
  return known->second;
}

Result<std::vector<StepCheck>> MemoryFixes::list_checks(const Uuid& command) const {
  std::shared_lock lock(mutex_);
  std::vector<StepCheck> found;
  for (const auto& [place, each] : checks_) {
    if (place.first == command) found.push_back(each);
  }
  return found;
}

}  // namespace reeve::server
