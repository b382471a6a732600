// `reeve plan`: a file that says what to do where, turned by the server into steps that people can approve.
#pragma once

#include <string>
#include <string_view>

#include "cli/world.h"
#include "common/base/json.h"
#include "common/base/result.h"

namespace reeve::cli {

struct PlanOptions {
  std::string file;  // YAML or JSON
  bool json = false;
};

// The body of POST /v1/fix/plan. Errors are Code::invalid, a line each: "fix.yaml:4:9: steps[0].exec ...". `name` is
// how they call the file.
Result<Json> parse_plan_file(const std::string& name, std::string_view text);

Status run_plan(World& world, const PlanOptions& options);

}  // namespace reeve::cli
