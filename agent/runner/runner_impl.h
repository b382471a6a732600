// What is under way, shared by the runner's own .cc files.
#pragma once

#include <memory>
#include <string>

#include "agent/runner/runner.h"

namespace reeve::runner {

enum class Stage { precondition, exec, rollback, probe, dry_run };

// One thing at a time: a step with its preconditions, its own process and what settles it, or a preflight's dry run.
struct Runner::Active {
  Stage stage = Stage::exec;
  warrant::Step step{};
  Bytes step_bytes{};
  Bytes step_id{};
  warrant::Phase phase = warrant::Phase::exec;
  std::string launch_id{};
  int64_t started_ms = 0;

  // Of a warrant that has not begun yet.
  warrant::Warrant warrant{};
  uint64_t sequence = 0;
  size_t precondition = 0;

  std::unique_ptr<Running> running{};  // null: what an earlier life of ours has left
  Instant looked{};                    // when we last asked for that
  Exit unsettled{};                    // what is known of a step that a probe is to settle
  warrant::PreflightReport report{};   // waiting for its dry run
};

}  // namespace reeve::runner
