// Trust, runners, plans, steps, approvals, receipts and commands in org.db.
//
// Functions over a connection. Those that write belong inside the caller's transaction.
#pragma once

#include <optional>
#include <vector>

#include "common/base/result.h"
#include "server/store/fixes.h"
#include "server/store/sqlite.h"

namespace reeve::server {

enum class SignedKind : uint8_t { trust = 1, revocation = 2 };

Status save_signed(Database& database, SignedKind kind, const SignedVersion& version);
Result<std::vector<SignedVersion>> list_signed(Database& database, SignedKind kind);  // ascending
Result<std::optional<SignedVersion>> newest_signed(Database& database, SignedKind kind);

Status save_runner(Database& database, const Runner& runner);
Status erase_runner(Database& database, const Uuid& agent);
Result<std::vector<Runner>> list_runners(Database& database);
Result<bool> has_runner(Database& database, const Uuid& agent);
Result<uint64_t> count_runners(Database& database);

Status save_plan(Database& database, const FixPlan& plan);
Result<FixPlan> find_plan(Database& database, const Uuid& id);
Result<std::vector<FixPlan>> list_plans(Database& database, const PlanQuery& query);
Result<uint64_t> count_plans(Database& database);
Status erase_oldest_ended_plan(Database& database);  // with all that belongs to it; none is not an error

Status add_step(Database& database, const Uuid& plan, const FixStep& step);
Status save_progress(Database& database, const Uuid& plan, const StepProgress& step);  // Code::not_found
Result<std::vector<FixStep>> list_steps(Database& database, const Uuid& plan);
Result<StepPlace> find_step(Database& database, BytesView id);

Status save_approval(Database& database, const Uuid& plan, const FixApproval& approval);
Result<std::vector<FixApproval>> list_approvals(Database& database, const Uuid& plan);

Status add_receipt(Database& database, const Receipt& receipt);  // and forgets the oldest stray one beyond the bound
Result<std::vector<Receipt>> list_receipts(Database& database, const Uuid& plan);

Status save_command(Database& database, const FixCommand& command);  // and forgets the oldest one beyond the bound
Result<FixCommand> find_command(Database& database, const Uuid& id);
Status save_check(Database& database, const StepCheck& check);
Result<std::vector<StepCheck>> list_checks(Database& database, const Uuid& command);

}  // namespace reeve::server
