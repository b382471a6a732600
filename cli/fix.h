// Plans once they are approved: run, stop, rollback, keep, and the hosts' own signed word on what happened.
#pragma once

#include <string>

#include "cli/world.h"
#include "common/base/result.h"

namespace reeve::cli {

struct FixRunOptions {
  std::string plan;  // a UUID, here and below
  bool preflight = false;
  bool wait = false;
};

struct FixOrderOptions {
  enum class Kind { stop, rollback, keep } kind = Kind::stop;
  std::string plan;
};

struct ReceiptsOptions {
  std::string plan;
  bool json = false;
};

struct FixesOptions {
  bool json = false;
};

Status run_fix(World& world, const FixRunOptions& options);
Status run_fix_order(World& world, const FixOrderOptions& options);
Status run_receipts(World& world, const ReceiptsOptions& options);
Status run_fixes(World& world, const FixesOptions& options);

}  // namespace reeve::cli
