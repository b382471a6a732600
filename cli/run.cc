// From a command to its function, and from its outcome to an exit code.
#include "cli/run.h"

#include "cli/args.h"

namespace reeve::cli {

namespace {

constexpr int exit_done = 0;
constexpr int exit_failed = 1;
constexpr int exit_not_understood = 2;
constexpr int exit_interrupted = 130;

struct Runner {
  World& world;

  Status operator()(const Answer& answer) const { return world.screen.print(answer.text); }
  Status operator()(const LoginOptions& options) const { return run_login(world, options); }
  Status operator()(const StatusOptions& options) const { return run_status(world, options); }
  Status operator()(const AgentsListOptions& options) const { return run_agents_list(world, options); }
  Status operator()(const AgentsTokenOptions& options) const { return run_agents_token(world, options); }
  Status operator()(const AgentsRevokeOptions& options) const { return run_agents_revoke(world, options); }
  Status operator()(const LogsOptions& options) const { return run_logs(world, options); }
  Status operator()(const MetricsListOptions& options) const { return run_metrics_list(world, options); }
  Status operator()(const MetricsQueryOptions& options) const { return run_metrics_query(world, options); }
  Status operator()(const AuditListOptions& options) const { return run_audit_list(world, options); }
  Status operator()(const AuditExportOptions& options) const { return run_audit_export(world, options); }
  Status operator()(const AuditVerifyOptions& options) const { return run_audit_verify(world, options); }

  Status operator()(const KeysInitOptions& options) const { return run_keys_init(world, options); }
  Status operator()(const KeysNewOptions& options) const { return run_keys_new(world, options); }
  Status operator()(const KeysApproverAddOptions& options) const { return run_keys_approver_add(world, options); }
  Status operator()(const KeysApproverRemoveOptions& options) const { return run_keys_approver_remove(world, options); }
  Status operator()(const KeysRotateOptions& options) const { return run_keys_rotate(world, options); }
  Status operator()(const KeysRenewOptions& options) const { return run_keys_renew(world, options); }
  Status operator()(const KeysSignOptions& options) const { return run_keys_sign(world, options); }
  Status operator()(const KeysRevokeOptions& options) const { return run_keys_revoke(world, options); }
  Status operator()(const KeysShowOptions& options) const { return run_keys_show(world, options); }
  Status operator()(const KeysPinOptions& options) const { return run_keys_pin(world, options); }
  Status operator()(const KeysTakeOptions& options) const { return run_keys_take(world, options); }
  Status operator()(const KeysFetchOptions& options) const { return run_keys_fetch(world, options); }
  Status operator()(const KeysPushOptions& options) const { return run_keys_push(world, options); }

  Status operator()(const PlanOptions& options) const { return run_plan(world, options); }
  Status operator()(const ApproveOptions& options) const { return run_approve(world, options); }
  Status operator()(const FixRunOptions& options) const { return run_fix(world, options); }
  Status operator()(const FixOrderOptions& options) const { return run_fix_order(world, options); }
  Status operator()(const ReceiptsOptions& options) const { return run_receipts(world, options); }
  Status operator()(const FixesOptions& options) const { return run_fixes(world, options); }
};

}  // namespace

int run(const std::vector<std::string>& arguments, World& world) {
  const Result<Command> command = parse_args(arguments, world.clock.wall());
  if (!command) {
    world.screen.say(command.error().text());
    return exit_not_understood;
  }

  const Status status = std::visit(Runner{world}, *command);
  if (status) return exit_done;
  if (status.error().code() == Code::cancelled) return world.patience.has_ended() ? exit_interrupted : exit_done;
  world.screen.say(status.error().text());
  return exit_failed;
}

}  // namespace reeve::cli
