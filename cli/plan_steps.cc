// Decodes, compares, hashes.
#include "cli/plan_steps.h"

#include <algorithm>
#include <set>

#include "cli/harmless.h"
#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/warrant/merkle.h"

namespace reeve::cli {

namespace {

Error not_one_plan(size_t index, const std::string& why) {
  return Error(Code::denied,
               "step " + std::to_string(index) + " of what the server shows " + why + "; nobody can approve this");
}

Result<warrant::Step> read_step(const Json& row, size_t index, Bytes& bytes) {
  std::optional<Bytes> decoded = from_base64url(row.string_or("bytes"));
  if (!decoded) return Error(Code::corrupt, "step " + std::to_string(index) + " of the server's answer has no bytes");
  bytes = *std::move(decoded);
  return TRY_DURING(warrant::decode_step(bytes), "step " + std::to_string(index) + " is not what a host would take");
}

void compare(std::vector<std::string>& to, const std::string& what, const std::string& server,
             const std::string& bytes) {
  if (server == bytes) return;
  to.push_back("the server says that " + what + " is \"" + harmless_line(server) + "\"; the steps say \"" +
               harmless_line(bytes) + "\"");
}

// A server that says nothing about it contradicts nothing.
void compare_number(std::vector<std::string>& to, const Json& answer, const char* member, const std::string& what,
                    uint64_t bytes) {
  const Json* said = answer.find(member);
  if (said != nullptr) compare(to, what, said->dump(), std::to_string(bytes));
}

void compare_step(std::vector<std::string>& to, const Json& row, const warrant::Step& step, BytesView bytes) {
  const std::string place = "step " + std::to_string(step.index) + "'s ";
  if (row.find("id") != nullptr) compare(to, place + "id", row.string_or("id"), to_hex(warrant::step_id(bytes)));
  if (row.find("host") != nullptr) compare(to, place + "host", row.string_or("host"), to_hex(step.host));
  if (row.find("host_name") != nullptr) compare(to, place + "host name", row.string_or("host_name"), step.host_name);
}

// What the steps have in common, and what they add up to.
void sum_up(PlanSteps& plan) {
  std::set<Bytes> hosts;
  std::set<std::string> requesters;
  plan.not_before_ms = plan.steps.front().not_before_ms;
  for (const warrant::Step& step : plan.steps) {
    hosts.insert(step.host);
    requesters.insert(step.requester);
    plan.risk_max = std::max(plan.risk_max, step.risk);
    plan.approvals = std::max(plan.approvals, step.approvals);
    plan.not_before_ms = std::min(plan.not_before_ms, step.not_before_ms);
    plan.not_after_ms = std::max(plan.not_after_ms, step.not_after_ms);
  }
  plan.hosts = static_cast<uint32_t>(hosts.size());
  plan.requesters.assign(requesters.begin(), requesters.end());
}

}  // namespace

Result<PlanSteps> read_plan(const Json& answer, std::string_view wanted_id) {
  PlanSteps plan;
  plan.id = std::string(wanted_id);
  const std::optional<Uuid> id = parse_uuid(wanted_id);
  check(id.has_value(), "a plan is asked for by its id");
  const Json* rows = answer.find("steps");
  if (rows == nullptr || !rows->is_array() || rows->as_array()->empty())
    return Error(Code::corrupt, "the server shows no steps of plan " + plan.id);
  const Json::Array& list = *rows->as_array();
  if (list.size() > warrant::steps_max)
    return Error(Code::denied, "the server shows " + std::to_string(list.size()) + " steps; allowed are " +
                                   std::to_string(warrant::steps_max));

  std::vector<warrant::Hash> leaves;
  for (size_t i = 0; i < list.size(); ++i) {
    Bytes bytes;
    warrant::Step step = TRY(read_step(list[i], i, bytes));
    if (step.plan != id->view()) return not_one_plan(i, "is of another plan than " + plan.id);
    if (step.index != i) return not_one_plan(i, "says that it is step " + std::to_string(step.index));
    if (step.count != list.size())
      return not_one_plan(i, "says that the plan has " + std::to_string(step.count) + " steps, but there are " +
                                 std::to_string(list.size()));
    if (i > 0 && step.org != plan.steps.front().org) return not_one_plan(i, "is of another org than the first");
    compare_step(plan.contradictions, list[i], step, bytes);
    leaves.push_back(warrant::leaf_hash(bytes));
    plan.bytes.push_back(std::move(bytes));
    plan.steps.push_back(std::move(step));
  }
  plan.org = plan.steps.front().org;
  plan.root = warrant::merkle_root(leaves);
  const std::optional<Bytes> claimed = from_hex(answer.string_or("root"));
  if (!claimed || *claimed != plan.root)
    return Error(Code::denied, "the server says that the plan's root hash is \"" +
                                   harmless_line(answer.string_or("root")) + "\", but the steps it shows have " +
                                   to_hex(plan.root) + ": it shows one plan and means another; nothing was signed");
  sum_up(plan);

  plan.words = {.title = answer.string_or("title"), .state = answer.string_or("state")};
  compare(plan.contradictions, "the plan's id", answer.string_or("id"), plan.id);
  compare_number(plan.contradictions, answer, "count", "the number of steps", plan.steps.size());
  compare_number(plan.contradictions, answer, "hosts", "the number of hosts", plan.hosts);
  compare_number(plan.contradictions, answer, "risk_max", "the highest risk", plan.risk_max);
  if (answer.find("requester") != nullptr && plan.requesters.size() == 1)
    compare(plan.contradictions, "who asks for it", answer.string_or("requester"), plan.requesters.front());
  return plan;
}

}  // namespace reeve::cli
