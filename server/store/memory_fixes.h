// The fixes that live in memory: for tests and simulations.
#pragma once

#include <map>
#include <mutex>
#include <shared_mutex>
#include <utility>
#include <vector>

#include "server/store/fixes.h"

namespace reeve::server {

// `accounts` keep the audit and outlive this.
class MemoryFixes : public Fixes {
 public:
  explicit MemoryFixes(Accounts& accounts) : accounts_(accounts) {}

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
  struct Plan {
    FixPlan plan;
    std::vector<FixStep> steps;
    std::vector<FixApproval> approvals;
  };
  // Under the mutex, as are those below.
  Status check_room(const FixChange& change);
  void put_receipt(const Receipt& receipt);
  void put_command(const FixCommand& command);
  bool erase_oldest_ended();

  Accounts& accounts_;
  mutable std::shared_mutex mutex_;
  std::map<uint64_t, SignedVersion> trust_;
  std::map<uint64_t, SignedVersion> revocations_;
  std::map<Uuid, Runner> runners_;
  std::map<Uuid, Plan> plans_;  // ids grow with time
  std::map<Bytes, StepPlace> steps_;
  std::map<uint64_t, Receipt> receipts_;
  uint64_t last_receipt_ = 0;
  std::map<Uuid, FixCommand> commands_;
  std::map<std::pair<Uuid, uint32_t>, StepCheck> checks_;
};

}  // namespace reeve::server
