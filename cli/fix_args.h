// The words of plan, approve, run, stop, rollback, keep, receipts and fixes.
#pragma once

#include <vector>

#include "cli/args.h"
#include "cli/command_rows.h"

namespace reeve::cli {

// What was typed, before it is looked at. Outlives the rows.
struct FixTyped {
  PlanOptions plan;
  ApproveOptions approve;
  FixRunOptions run;
  FixOrderOptions order;
  ReceiptsOptions receipts;
  FixesOptions fixes;
};

std::vector<CommandRow<Command>> fix_rows(FixTyped& typed);

}  // namespace reeve::cli
