// The fixes in org.db, through the same doors as the accounts.
#pragma once

#include <functional>

#include "server/store/fixes.h"
#include "server/store/sqlite_accounts.h"

namespace reeve::server {

class SqliteFixes : public Fixes {
 public:
  explicit SqliteFixes(SqliteAccounts::Doors doors) : doors_(std::move(doors)) {}

  Status apply(const FixChange& change) override;

  Result<std::vector<SignedVersion>> list_trust() const override;
  Result<std::optional<SignedVersion>> newest_revocation() const override;
  Result<std::vector<Runner>> list_runners() const override;
  Result<FixPlan> find_plan(const Uuid& plan) const override;
  Result<std::vector<FixPlan>> list_plans(const PlanQuery& query) const override;
  Result<std::vector<FixStep>> list_steps(const Uuid& plan) const override;
  Result<StepPlace> find_step(BytesView id) const override;
  Result<std::vector<FixApproval>> list_approvals(const Uuid& plan) const override;
  Result<std::vector<Receipt>> list_receipts(const Uuid& plan) const override;
  Result<FixCommand> find_command(const Uuid& command) const override;
  Result<std::vector<StepCheck>> list_checks(const Uuid& command) const override;

 private:
  // `find` through a reader.
  template <typename T>
  Result<T> read(const std::function<Result<T>(Database&)>& find) const;

  const SqliteAccounts::Doors doors_;
};

}  // namespace reeve::server
