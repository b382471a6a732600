// The command line's words, read into one typed command.
//
// Every value is checked here, before anything is touched: a wrong one is answered by one sentence that says where,
// what was found and what is allowed, and exit code 2.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "cli/agents.h"
#include "cli/approve.h"
#include "cli/audit.h"
#include "cli/fix.h"
#include "cli/keys.h"
#include "cli/login.h"
#include "cli/logs.h"
#include "cli/metrics.h"
#include "cli/plan.h"
#include "cli/status.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace reeve::cli {

// Help or the version, asked for.
struct Answer {
  std::string text;
};

using Command =
    std::variant<Answer, LoginOptions, StatusOptions, AgentsListOptions, AgentsTokenOptions, AgentsRevokeOptions,
                 LogsOptions, MetricsListOptions, MetricsQueryOptions, AuditListOptions, AuditExportOptions,
                 AuditVerifyOptions, KeysInitOptions, KeysNewOptions, KeysApproverAddOptions, KeysApproverRemoveOptions,
                 KeysRotateOptions, KeysRenewOptions, KeysSignOptions, KeysRevokeOptions, KeysShowOptions,
                 KeysPinOptions, KeysTakeOptions, KeysFetchOptions, KeysPushOptions, PlanOptions, ApproveOptions,
                 FixRunOptions, FixOrderOptions, ReceiptsOptions, FixesOptions>;

// `arguments` without the program's name. `now` is the day that "10:30" is on. Errors are Code::invalid.
Result<Command> parse_args(const std::vector<std::string>& arguments, WallTime now);

}  // namespace reeve::cli
