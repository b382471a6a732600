// Which approvals of a plan count, by the trust file that is current. Pure functions.
//
// The runner decides for itself and trusts nothing here. This keeps what cannot count out of the store, and what does
// not count any more (a person who was revoked, a key that expired) from ever being sent, because a runner refuses a
// warrant with a single bad approval in it.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/warrant/step.h"
#include "common/warrant/trust.h"
#include "server/store/fixes.h"

namespace reeve::server {

// A signed approval or veto of this very plan by an approver who may give it. Code::invalid says why not.
Result<warrant::Approval> check_approval(BytesView envelope, const FixPlan& plan, const warrant::TrustState& trust,
                                         WallTime now);

struct CountedApprovals {
  std::set<std::string> persons = {};  // who approve; not the requester
  bool vetoed = false;
};
CountedApprovals count_approvals(const std::vector<FixApproval>& approvals, const FixPlan& plan,
                                 const warrant::TrustState& trust, WallTime now);

// How many persons must approve. Code::denied where the trust file forbids such a risk.
Result<uint32_t> approvals_needed(const FixPlan& plan, const warrant::TrustState* trust);

// Those to show a runner with a step of this risk: each one counts.
std::vector<warrant::Envelope> approvals_to_show(const std::vector<FixApproval>& approvals, const FixPlan& plan,
                                                 const warrant::TrustState& trust, uint32_t risk, WallTime now);

}  // namespace reeve::server
