// Which input is read by which worker.
//
// A script is bounded, and still it may be slow on every line. So an input that names a parser of ours in Lua gets a
// worker of its own, as long as there are some; then they share. All others stay on the first, and whatever a script
// does, they do not wait for it. A position goes on with the input that would go on with it if all were on one worker.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "agent/batcher.h"
#include "agent/parse/line_rules.h"
#include "collectors/table.h"
#include "common/wire/record.h"

namespace reeve::agent {

constexpr size_t script_workers_max = 4;

struct WorkerShare {
  collect::CollectorConfigs inputs;
  std::vector<wire::SourcePosition> restored;
};

// The first has no scripts, the others nothing else.
std::vector<WorkerShare> plan_workers(const collect::CollectorConfigs& inputs, const std::vector<LineRules>& line_rules,
                                      const std::vector<wire::SourcePosition>& restored);

// What all workers have counted together.
BatcherCounters sum_of(const std::vector<BatcherCounters>& each);

}  // namespace reeve::agent
