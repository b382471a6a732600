// One change, one transaction, its audit entries inside of it.
#include "server/store/sqlite_fixes.h"

#include "server/store/account_tables.h"
#include "server/store/audit_log.h"
#include "server/store/fix_rules.h"
#include "server/store/fix_tables.h"

namespace reeve::server {

namespace {

Status put_trust_and_runners(Database& database, const FixChange& change) {
  if (change.trust) {
    const std::vector<SignedVersion> known = TRY(list_signed(database, SignedKind::trust));
    const bool is_new = known.empty() || known.back().version < change.trust->version;
    if (is_new) TRY(check_room_for_trust(known.size()));
    TRY(save_signed(database, SignedKind::trust, *change.trust));
  }
  if (change.revocation) TRY(save_signed(database, SignedKind::revocation, *change.revocation));
  for (const Uuid& agent : change.runners_gone) TRY(erase_runner(database, agent));
  for (const Runner& runner : change.runners) {
    const bool known = TRY(has_runner(database, runner.agent));
    if (!known) {
      const uint64_t others = TRY(count_runners(database));
      TRY(check_room_for_runner(others));
    }
    TRY(save_runner(database, runner));
  }
  return {};
}

Status put_plans(Database& database, const FixChange& change) {
  for (const FixPlan& plan : change.plans) {
    const Result<FixPlan> known = find_plan(database, plan.id);
    if (!known.ok() && known.error().code() != Code::not_found) return known.error();
    if (!known.ok()) {
      uint64_t others = TRY(count_plans(database));
      if (others >= fix_plans_max) {
        TRY(erase_oldest_ended_plan(database));
        others = TRY(count_plans(database));
      }
      TRY(check_room_for_plan(others));
    }
    TRY(save_plan(database, plan));
  }
  for (const FixStep& step : change.new_steps) TRY(add_step(database, change.plans.front().id, step));
  for (const FixChange::Progress& each : change.progress) TRY(save_progress(database, each.plan, each.step));
  for (const FixChange::Approval& each : change.approvals) TRY(save_approval(database, each.plan, each.approval));
  for (const Receipt& receipt : change.receipts) TRY(add_receipt(database, receipt));
  for (const FixCommand& command : change.commands) TRY(save_command(database, command));
  for (const StepCheck& each : change.checks) TRY(save_check(database, each));
  return {};
}

}  // namespace

Status SqliteFixes::apply(const FixChange& change) {
  Entities changed;
  const auto put = [&](Database& database) -> Status {
    changed = {};
    TRY(put_trust_and_runners(database, change));
    TRY(put_plans(database, change));
    for (const AuditEntry& entry : change.audit) {
      const uint64_t id = TRY(server::append_audit(database, entry));
      if (id % audit_copy_step == 0) changed.audit_through = id + audit_copy_step;
    }
    return {};
  };
  TRY(doors_.write("change the fixes", put));
  if (changed.audit_through) doors_.copy(changed);
  return {};
}

// -- Reading ---------------------------------------------------------------------------------------------------------

template <typename T>
Result<T> SqliteFixes::read(const std::function<Result<T>(Database&)>& find) const {
  std::optional<T> found;
  const auto look = [&](Database& database) -> Status {
    found = TRY(find(database));
    return {};
  };
  TRY(doors_.read(look));
  return std::move(*found);
}

Result<std::vector<SignedVersion>> SqliteFixes::list_trust() const {
  return read<std::vector<SignedVersion>>([](Database& database) { return list_signed(database, SignedKind::trust); });
}

Result<std::optional<SignedVersion>> SqliteFixes::newest_revocation() const {
  return read<std::optional<SignedVersion>>(
      [](Database& database) { return newest_signed(database, SignedKind::revocation); });
}

Result<std::vector<Runner>> SqliteFixes::list_runners() const {
  return read<std::vector<Runner>>([](Database& database) { return server::list_runners(database); });
}

Result<FixPlan> SqliteFixes::find_plan(const Uuid& plan) const {
  return read<FixPlan>([&](Database& database) { return server::find_plan(database, plan); });
}

Result<std::vector<FixPlan>> SqliteFixes::list_plans(const PlanQuery& query) const {
  return read<std::vector<FixPlan>>([&](Database& database) { return server::list_plans(database, query); });
}

Result<std::vector<FixStep>> SqliteFixes::list_steps(const Uuid& plan) const {
  return read<std::vector<FixStep>>([&](Database& database) { return server::list_steps(database, plan); });
}

Result<StepPlace> SqliteFixes::find_step(BytesView id) const {
  return read<StepPlace>([&](Database& database) { return server::find_step(database, id); });
}

Result<std::vector<FixApproval>> SqliteFixes::list_approvals(const Uuid& plan) const {
  return read<std::vector<FixApproval>>([&](Database& database) { return server::list_approvals(database, plan); });
}

Result<std::vector<Receipt>> SqliteFixes::list_receipts(const Uuid& plan) const {
  return read<std::vector<Receipt>>([&](Database& database) { return server::list_receipts(database, plan); });
}

Result<FixCommand> SqliteFixes::find_command(const Uuid& command) const {
  return read<FixCommand>([&](Database& database) { return server::find_command(database, command); });
}

Result<std::vector<StepCheck>> SqliteFixes::list_checks(const Uuid& command) const {
  return read<std::vector<StepCheck>>([&](Database& database) { return server::list_checks(database, command); });
}

}  // namespace reeve::server
