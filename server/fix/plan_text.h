// A plan as people write it (JSON, docs/api.md) made into steps as they are signed: every step names the host, its
// enrolment and its policy as the host's runner last told them. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/base/json.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "server/store/fixes.h"
#include "server/store/store.h"

namespace reeve::server {

constexpr Duration plan_life_max = 24h;
constexpr uint64_t plan_bytes_max = 16_MiB;  // of all its steps
constexpr uint32_t output_bytes_usual = 8192;

// A plan with all that belongs to it.
struct LoadedPlan {
  FixPlan plan = {};
  std::vector<FixStep> steps = {};
  std::vector<FixApproval> approvals = {};
};

struct PlanSource {
  const Json& body;  // of the shape that the route's schema asks for
  std::string org;
  std::string caller;  // asks for it, unless the body says who
  Uuid id;
  WallTime now;
  const std::vector<Runner>& runners;
  const std::vector<Agent>& agents;
};
// Code::denied names the step and what cannot be of it.
Result<LoadedPlan> make_plan(const PlanSource& source);

}  // namespace reeve::server
