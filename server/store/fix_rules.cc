// The decisions that both stores' fixes share, and what states are called.
#include "server/store/fix_rules.h"

#include <array>
#include <string>

namespace reeve::server {
namespace {

Status check_room(uint64_t count, uint64_t count_max, const std::string& what) {
  if (count < count_max) return {};
  return Error(Code::exhausted,
               "there are " + std::to_string(count) + " " + what + "; an org has at most " + std::to_string(count_max));
}

}  // namespace

std::string_view to_string(PlanState state) {
  constexpr std::array<std::string_view, 11> names{"",        "waiting",      "approved",   "running",
                                                   "stopped", "done",         "failed",     "vetoed",
                                                   "expired", "rolling_back", "rolled_back"};
  return names[static_cast<size_t>(state)];
}

bool has_ended(PlanState state) {
  return state != PlanState::waiting && state != PlanState::approved && state != PlanState::running &&
         state != PlanState::rolling_back;
}

std::string_view to_string(FixStepState state) {
  constexpr std::array<std::string_view, 9> names{"",       "waiting", "dispatched", "not_started", "done",
                                                  "failed", "unknown", "refused",    "expired"};
  return names[static_cast<size_t>(state)];
}

bool has_ended(FixStepState state) {
  return state != FixStepState::waiting && state != FixStepState::dispatched;
}

Error no_plan() {
  return Error(Code::not_found, "there is no such plan");
}
Error no_step() {
  return Error(Code::not_found, "there is no such step");
}
Error no_command() {
  return Error(Code::not_found, "there is no such command");
}

Status check_room_for_trust(uint64_t count) {
  return check_room(count, trust_files_max, "versions of the trust file");
}
Status check_room_for_runner(uint64_t count) {
  return check_room(count, runners_max, "runners");
}
Status check_room_for_plan(uint64_t count) {
  return check_room(count, fix_plans_max, "plans under way");
}

}  // namespace reeve::server
