// What follows from the end of a step: the next one, or the end of its plan.
#include <algorithm>
#include <array>

#include "common/base/json.h"
#include "server/fix/engine_state.h"

namespace reeve::server {
namespace {

// A runner that refuses for one of these has accepted nothing and may accept it later.
bool may_pass(std::string_view code) {
  constexpr std::array<std::string_view, 4> codes{"challenge", "window", "sequence", "stale"};
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}
// And these pass by themselves, however often they come.
bool will_pass(std::string_view code) {
  return code == "busy" || code == "rate";
}

}  // namespace

Job* FixEngine::State::job_of(const Uuid& agent, const Uuid& plan, uint32_t index) {
  const auto lane = lanes.find(agent);
  if (lane == lanes.end() || !lane->second.job) return nullptr;
  Job& job = *lane->second.job;
  return job.plan == plan && job.index == index ? &job : nullptr;
}

void FixEngine::State::close_job(const Uuid& agent, const Uuid& plan, uint32_t index) {
  if (job_of(agent, plan, index) != nullptr) lanes[agent].job.reset();
}

void FixEngine::State::cancel_waiting(ActivePlan& plan, const std::string& code, WallTime now, FixChange& change) {
  for (FixStep& step : plan.steps) {
    if (step.progress.state != FixStepState::waiting) continue;
    step.progress.state = FixStepState::not_started;
    step.progress.code = code;
    step.progress.ended = now;
    change.progress.push_back({plan.plan.id, step.progress});
    // A challenge that is asked for has no use any more.
    if (const Uuid* agent = agent_for(step)) close_job(Uuid(*agent), plan.plan.id, step.progress.index);
  }
}

void FixEngine::State::end_step(ActivePlan& plan, StepProgress progress, FixTime time, FixChange& change) {
  StepProgress& known = plan.steps[progress.index].progress;
  known = std::move(progress);
  change.progress.push_back({plan.plan.id, known});
  settle(plan, time, change);
}

void FixEngine::State::end_rollback(ActivePlan& plan, uint32_t index, FixStepState state, WallTime, FixChange& change) {
  StepProgress& known = plan.steps[index].progress;
  known.rollback = state;
  change.progress.push_back({plan.plan.id, known});
}

// What the states of its steps make of a plan.
void FixEngine::State::settle(ActivePlan& plan, FixTime time, FixChange& change) {
  size_t done = 0;
  size_t bad = 0;
  size_t expired = 0;
  size_t rolling = 0;
  size_t rolled_back = 0;
  size_t rolled_badly = 0;
  for (const FixStep& step : plan.steps) {
    const FixStepState state = step.progress.state;
    done += state == FixStepState::done ? 1 : 0;
    expired += state == FixStepState::expired ? 1 : 0;
    bad += has_ended(state) && state != FixStepState::done && state != FixStepState::expired ? 1 : 0;
    if (!step.progress.rollback) continue;
    rolling += has_ended(*step.progress.rollback) ? 0 : 1;
    rolled_back += *step.progress.rollback == FixStepState::done ? 1 : 0;
    rolled_badly += has_ended(*step.progress.rollback) && *step.progress.rollback != FixStepState::done ? 1 : 0;
  }
  const PlanState before = plan.plan.state;
  std::optional<PlanState> next;
  if (before == PlanState::running) {
    if (done == plan.steps.size()) next = PlanState::done;
    if (expired > 0) next = PlanState::expired;
    if (bad > 0) next = PlanState::failed;
  } else if (before == PlanState::rolling_back && rolling == 0) {
    next = rolled_badly == 0 ? PlanState::rolled_back : PlanState::failed;
  } else if (before == PlanState::done && rolled_back > 0 && rolled_back == done) {
    next = PlanState::rolled_back;  // the hosts did it by themselves: nobody has kept it
  }
  if (!next) return;
  if (before == PlanState::running && *next != PlanState::done) {
    cancel_waiting(plan, *next == PlanState::failed ? "plan_failed" : "plan_expired", time.wall, change);
  }
  set_state(plan, *next, time.wall, change);
  change.audit.push_back(system_entry("fix.end", to_string(plan.plan.id), time.wall,
                                      Json(Json::Object{{"state", to_string(*next)}}).dump()));
}

void FixEngine::State::on_refused(const Uuid& agent, const warrant::StepResult& refusal, const Bytes& envelope,
                                  FixTime time, FixActions& actions) {
  const auto place = places.find(refusal.step);
  const auto runner = runners.find(agent);
  if (place == places.end() || runner == runners.end()) return;
  const StepPlace at = place->second;
  ActivePlan& plan = plans.at(at.plan);
  StepProgress progress = plan.steps[at.index].progress;
  // That it was seen before says nothing: its result will. "none" is how an order is answered that was obeyed.
  if (plan.steps[at.index].host != runner->second.host || refusal.code == "seen" || refusal.code == "none") return;

  Job* job = job_of(agent, at.plan, at.index);
  const bool of_rollback =
      refusal.phase == warrant::Phase::rollback || (job != nullptr && job->kind == JobKind::roll_back);
  const bool open =
      of_rollback ? progress.rollback == FixStepState::dispatched : progress.state == FixStepState::dispatched;
  if (!open) return;
  const bool of_stop = job != nullptr && job->kind == JobKind::stop;
  if (of_stop && refusal.code != "unknown_step") {
    // Not under way: it has ended, and its result comes, or it never arrived, which the runner's sequence tells.
    if (refusal.code == "order") send(agent, warrant::StateRequest{}, actions);
    return;
  }
  if (job != nullptr && !of_stop &&
      (will_pass(refusal.code) || (may_pass(refusal.code) && job->refusals < options.refusals_max))) {
    ++job->refusals;
    job->fresh = true;
    job->sent = false;
    job->order.clear();
    job->again_at = time.now + options.retry_interval;
    if (refusal.code == "sequence") send(agent, warrant::StateRequest{}, actions);
    return;
  }

  FixChange change;
  if (!envelope.empty()) {
    change.receipts = {{.plan = at.plan,
                        .index = at.index,
                        .step = refusal.step,
                        .host = runner->second.host,
                        .envelope = envelope,
                        .received = time.wall}};
  }
  change.audit = {system_entry("fix.refused", to_string(at.plan), time.wall,
                               Json(Json::Object{{"index", at.index},
                                                 {"code", refusal.code},
                                                 {"detail", printable(refusal.detail)},
                                                 {"signed", !envelope.empty()}})
                                   .dump())};
  close_job(agent, at.plan, at.index);
  if (of_rollback) {
    end_rollback(plan, at.index, FixStepState::refused, time.wall, change);
    settle(plan, time, change);
  } else {
    progress.state = of_stop ? FixStepState::not_started : FixStepState::refused;
    progress.code = of_stop ? "stopped" : refusal.code;
    progress.detail = refusal.detail;
    progress.ended = time.wall;
    end_step(plan, std::move(progress), time, change);
  }
  actions.push_back(SaveFixes{std::move(change)});
  advance(time, actions);
}

// -- By the clock ----------------------------------------------------------------------------------------------------

void FixEngine::State::expire(ActivePlan& plan, FixTime time, FixActions& actions) {
  const PlanState before = plan.plan.state;
  FixChange change;
  const bool over = time.wall >= plan.plan.not_after;
  for (FixStep& step : plan.steps) {
    if (!over || has_ended(step.progress.state)) continue;
    StepProgress progress = step.progress;
    const Uuid* agent = agent_for(step);
    Job* job = agent == nullptr ? nullptr : job_of(*agent, plan.plan.id, progress.index);
    const Duration longest =
        std::chrono::milliseconds(plan.decoded[progress.index].exec.timeout_ms) + options.silence_max;
    // Refused by its runner each time so far: nothing of it was accepted.
    const bool refused_so_far = job != nullptr && job->fresh && !job->sent;
    if (progress.state == FixStepState::waiting || refused_so_far) {
      progress.state = FixStepState::expired;
      progress.code = "window";
    } else if (progress.state == FixStepState::dispatched && time.wall >= plan.plan.not_after + longest) {
      progress.state = FixStepState::unknown;
      progress.code = "no_answer";
    } else {
      continue;
    }
    progress.ended = time.wall;
    if (agent != nullptr) close_job(Uuid(*agent), plan.plan.id, progress.index);
    end_step(plan, std::move(progress), time, change);
  }
  if (before == PlanState::rolling_back && time.wall >= plan.rollback_until) {
    for (const FixStep& step : plan.steps) {
      if (!step.progress.rollback || has_ended(*step.progress.rollback)) continue;
      if (const Uuid* agent = agent_for(step)) close_job(Uuid(*agent), plan.plan.id, step.progress.index);
      end_rollback(plan, step.progress.index, FixStepState::expired, time.wall, change);
    }
    settle(plan, time, change);
  }
  if (over && (before == PlanState::waiting || before == PlanState::approved)) {
    set_state(plan, PlanState::expired, time.wall, change);
    change.audit.push_back(system_entry("fix.end", to_string(plan.plan.id), time.wall, R"({"state":"expired"})"));
  }
  if (!change.progress.empty() || !change.plans.empty()) {
    plan.touched = time.now;
    actions.push_back(SaveFixes{std::move(change)});
  }
}

void FixEngine::tick(FixTime time, FixActions& actions) {
  State& state = *state_;
  std::vector<Uuid> forgotten;
  for (auto& [id, plan] : state.plans) {
    state.expire(plan, time, actions);
    if (state.rests(plan) && time.now - plan.touched >= state.options.forget_after) forgotten.push_back(id);
  }
  for (const Uuid& id : forgotten) state.forget(id);

  std::vector<Uuid> online;
  for (const auto& [agent, lane] : state.lanes) {
    if (lane.online) online.push_back(agent);
  }
  for (const Uuid& agent : online) {
    const Lane& lane = state.lanes[agent];
    const bool told = lane.trust_sent.ns != INT64_MIN && time.now - lane.trust_sent < state.options.trust_interval;
    if (!told) state.send_trust(agent, time, actions);
    state.pursue(agent, time, actions);
  }
  state.advance(time, actions);
  state.ask_preflights(time, actions);
}

}  // namespace reeve::server
