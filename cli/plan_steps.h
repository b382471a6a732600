// A plan as its step bytes have it, and nothing else: what a signature over their root hash would cover.
//
// The bytes come from the server, which is not believed: each step is decoded strictly, its place, plan and org are
// compared with its neighbours', and the root hash is computed here. What the server says besides is kept apart, in
// `words`, and where it contradicts the bytes, `contradictions` has a sentence for it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/json.h"
#include "common/base/result.h"
#include "common/warrant/step.h"

namespace reeve::cli {

struct PlanSteps {
  std::string id;  // a UUID
  std::string org;
  Bytes root;  // computed from the bytes
  std::vector<Bytes> bytes;
  std::vector<warrant::Step> steps;  // by index
  uint32_t hosts = 0;
  uint32_t risk_max = 0;
  uint32_t approvals = 1;               // the most that any step asks for
  std::vector<std::string> requesters;  // sorted, each once
  int64_t not_before_ms = 0;            // the first that may begin
  int64_t not_after_ms = 0;             // the last that may end

  struct Words {
    std::string title;
    std::string state;
  } words;
  std::vector<std::string> contradictions;
};

// Of GET /v1/fix/plans/{id}. Code::denied where the bytes are not one plan, or are not what the server's own root hash
// says; Code::corrupt where they are no steps at all.
Result<PlanSteps> read_plan(const Json& answer, std::string_view wanted_id);

}  // namespace reeve::cli
