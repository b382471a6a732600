// What is sent to runners, and when: waves, challenges, warrants and orders.
#include <algorithm>
#include <set>

#include "common/base/json.h"
#include "server/fix/approvals.h"
#include "server/fix/engine_state.h"

namespace reeve::server {
namespace {

constexpr int64_t order_life_ms = warrant::dispatch_life_ms_max;

// The hashes beside the way from the leaf up.
std::vector<warrant::Hash> proof_of(const ActivePlan& plan, size_t index) {
  std::vector<warrant::Hash> proof;
  for (const std::vector<warrant::Hash>& level : plan.levels) {
    const size_t sibling = index ^ 1;
    if (sibling < level.size()) proof.push_back(level[sibling]);
    index /= 2;
  }
  return proof;
}

}  // namespace

const Uuid* FixEngine::State::agent_for(const FixStep& step) const {
  const auto agent = agent_of_host.find(step.host);
  return agent == agent_of_host.end() ? nullptr : &agent->second;
}

// -- What comes next -------------------------------------------------------------------------------------------------

// What a plan would do now, if every host were free: for each host its next step.
std::vector<Job> FixEngine::State::jobs_of(const ActivePlan& plan) const {
  std::vector<Job> jobs;
  std::set<BytesView> busy;
  const auto add = [&](JobKind kind, const FixStep& step) {
    if (busy.insert(step.host).second)
      jobs.push_back({.kind = kind, .plan = plan.plan.id, .index = step.progress.index});
  };
  const PlanState state = plan.plan.state;
  if (state == PlanState::running) {
    uint8_t open = UINT8_MAX;
    for (const FixStep& step : plan.steps) {
      if (step.progress.state != FixStepState::done) open = std::min(open, plan.waves[step.progress.index]);
    }
    for (const FixStep& step : plan.steps) {
      if (plan.waves[step.progress.index] == open && !has_ended(step.progress.state)) add(JobKind::run, step);
    }
  } else if (state == PlanState::rolling_back) {
    const auto open_rollback = [](const FixStep& step) {
      return step.progress.rollback && !has_ended(*step.progress.rollback);
    };
    uint8_t open = 0;
    for (const FixStep& step : plan.steps) {
      if (open_rollback(step)) open = std::max(open, plan.waves[step.progress.index]);
    }
    for (auto step = plan.steps.rbegin(); step != plan.steps.rend(); ++step) {
      if (plan.waves[step->progress.index] == open && open_rollback(*step)) add(JobKind::roll_back, *step);
    }
  } else if (state == PlanState::stopped || state == PlanState::vetoed) {
    for (const FixStep& step : plan.steps) {
      if (step.progress.state == FixStepState::dispatched) add(JobKind::stop, step);
    }
  }
  return jobs;
}

void FixEngine::State::advance(FixTime time, FixActions& actions) {
  size_t busy = 0;
  for (const auto& [agent, lane] : lanes) busy += lane.job ? 1 : 0;
  std::vector<Uuid> ids;
  for (const auto& [id, plan] : plans) ids.push_back(id);
  for (const Uuid& id : ids) {
    for (const Job& job : jobs_of(plans.at(id))) {
      const Uuid* agent = agent_for(plans.at(id).steps[job.index]);
      const auto lane = agent == nullptr ? lanes.end() : lanes.find(*agent);
      if (lane == lanes.end() || !lane->second.online) continue;
      std::optional<Job>& current = lane->second.job;
      // A stop goes before all else: what it stops is what the host is busy with.
      const bool stops = job.kind == JobKind::stop && current && current->plan == id && current->kind == JobKind::run;
      if ((current && !stops) || (!current && busy >= options.hosts_at_once_max)) continue;
      busy += current ? 0 : 1;
      current = job;
      pursue(Uuid(*agent), time, actions);
    }
  }
}

// Asks or sends what is under way with this host, where it is time to.
void FixEngine::State::pursue(const Uuid& agent, FixTime time, FixActions& actions) {
  Lane& lane = lanes[agent];
  if (!lane.online || !lane.job || time.now < lane.job->again_at) return;
  Job& job = *lane.job;
  const ActivePlan& plan = plans.at(job.plan);
  const FixStep& step = plan.steps[job.index];
  // Its plan has ended meanwhile: nothing is begun for it any more, and a result is welcome without being asked for.
  const bool over = (job.kind == JobKind::run && plan.plan.state != PlanState::running) ||
                    (job.kind == JobKind::roll_back && plan.plan.state != PlanState::rolling_back);
  if (over) return lane.job.reset();
  job.again_at = time.now + options.resend_interval;
  job.sent_at = time.now;
  if (job.kind == JobKind::stop) {
    job.sent = true;
    return send_order(agent, plan, job.index, warrant::OrderKind::stop, time, actions);
  }
  if (job.kind == JobKind::roll_back && !job.order.empty() && to_ms(time.wall) < job.order_until_ms) {
    job.sent = true;
    actions.push_back(SendToRunner{agent, job.order});
    return;
  }
  if (job.kind == JobKind::run && step.progress.state == FixStepState::dispatched && !job.fresh) {
    job.sent = true;
    return send_warrant(agent, plan, job.index, time, actions);
  }
  job.sent = false;
  send(agent, warrant::ChallengeRequest{}, actions);
}

// -- Dispatches ------------------------------------------------------------------------------------------------------

// The code of what stands against it; a runner would refuse it too.
std::optional<std::string> FixEngine::State::why_not_dispatch(const ActivePlan& plan, uint32_t index,
                                                              WallTime now) const {
  const warrant::TrustState* known = trust.state();
  if (known == nullptr) return "trust_missing";
  const FixStep& step = plan.steps[index];
  if (known->plan_revoked(plan.plan.id.view()) || known->step_revoked(step.id) || known->host_revoked(step.host)) {
    return "revoked";
  }
  const CountedApprovals counted = count_approvals(plan.approvals, plan.plan, *known, now);
  if (counted.vetoed) return "vetoed";
  const Result<uint32_t> needed = approvals_needed(plan.plan, known);
  if (!needed.ok() || counted.persons.size() < *needed) return "approvals";
  return std::nullopt;
}

void FixEngine::State::dispatch(const Uuid& agent, const Bytes& challenge, FixTime time, FixActions& actions) {
  Job& job = *lanes[agent].job;
  ActivePlan& plan = plans.at(job.plan);
  const uint32_t index = job.index;
  StepProgress progress = plan.steps[index].progress;
  if (plan.plan.state != PlanState::running || has_ended(progress.state) || time.wall >= plan.plan.not_after) {
    lanes[agent].job.reset();
    return;
  }
  FixChange change;
  if (const std::optional<std::string> code = why_not_dispatch(plan, index, time.wall)) {
    lanes[agent].job.reset();
    progress.state = FixStepState::not_started;
    progress.code = *code;
    progress.detail = "not dispatched: it would be refused";
    progress.ended = time.wall;
    end_step(plan, std::move(progress), time, change);
    actions.push_back(SaveFixes{std::move(change)});
    return;
  }
  Runner& runner = runners.at(agent);
  runner.dispatch_sequence = std::max(runner.dispatch_sequence, runner.sequence) + 1;
  const warrant::Dispatch signed_now{.org = org,
                                     .host = plan.steps[index].host,
                                     .step = plan.steps[index].id,
                                     .sequence = runner.dispatch_sequence,
                                     .challenge = challenge,
                                     .at_ms = to_ms(time.wall),
                                     .not_after_ms = to_ms(time.wall) + warrant::dispatch_life_ms_max};
  progress.state = FixStepState::dispatched;
  progress.code.clear();
  progress.dispatch = warrant::encode(warrant::sign(warrant::type_dispatch, warrant::encode(signed_now), keys.planner));
  plan.steps[index].progress = progress;
  plan.touched = time.now;
  change.runners = {runner};
  change.progress = {{plan.plan.id, progress}};
  change.audit = {system_entry(
      "fix.dispatch", to_string(plan.plan.id), time.wall,
      Json(
          Json::Object{{"index", index}, {"host_name", plan.steps[index].host_name}, {"sequence", signed_now.sequence}})
          .dump())};
  actions.push_back(SaveFixes{std::move(change)});
  job.sent = true;
  job.fresh = false;
  job.sent_at = time.now;
  job.again_at = time.now + options.resend_interval;
  send_warrant(agent, plan, index, time, actions);
}

void FixEngine::State::send_warrant(const Uuid& agent, const ActivePlan& plan, uint32_t index, FixTime time,
                                    FixActions& actions) {
  const warrant::TrustState* known = trust.state();
  const FixStep& step = plan.steps[index];
  Result<warrant::Envelope> envelope = warrant::decode_envelope(step.progress.dispatch);
  if (known == nullptr || !envelope.ok()) return;
  warrant::Warrant message;
  message.step = step.bytes;
  message.leaf_index = index;
  message.leaf_count = plan.plan.count;
  message.proof = proof_of(plan, index);
  message.approvals = approvals_to_show(plan.approvals, plan.plan, *known, plan.decoded[index].risk, time.wall);
  message.dispatch = std::move(*envelope);
  message.trust = trust.update_for(runners.at(agent).trust_version, time.wall);
  send(agent, message, actions);
}

// -- Orders ----------------------------------------------------------------------------------------------------------

void FixEngine::State::send_order(const Uuid& agent, const ActivePlan& plan, uint32_t index, warrant::OrderKind kind,
                                  FixTime time, FixActions& actions) {
  const warrant::Order order{.org = org,
                             .host = plan.steps[index].host,
                             .step = plan.steps[index].id,
                             .kind = kind,
                             .at_ms = to_ms(time.wall),
                             .not_after_ms = to_ms(time.wall) + order_life_ms};
  warrant::OrderRequest request;
  request.order = warrant::sign(warrant::type_order, warrant::encode(order), keys.planner);
  request.trust = trust.update_for(runners.at(agent).trust_version, time.wall);
  send(agent, request, actions);
}

void FixEngine::State::order_rollback(const Uuid& agent, const Bytes& challenge, FixTime time, FixActions& actions) {
  Job& job = *lanes[agent].job;
  ActivePlan& plan = plans.at(job.plan);
  FixStep& step = plan.steps[job.index];
  if (plan.plan.state != PlanState::rolling_back || !step.progress.rollback || has_ended(*step.progress.rollback)) {
    lanes[agent].job.reset();
    return;
  }
  const warrant::Order order{.org = org,
                             .host = step.host,
                             .step = step.id,
                             .kind = warrant::OrderKind::rollback,
                             .challenge = challenge,
                             .at_ms = to_ms(time.wall),
                             .not_after_ms = to_ms(time.wall) + order_life_ms};
  warrant::OrderRequest request;
  request.order = warrant::sign(warrant::type_order, warrant::encode(order), keys.planner);
  request.trust = trust.update_for(runners.at(agent).trust_version, time.wall);
  step.progress.rollback = FixStepState::dispatched;
  FixChange change;
  change.progress = {{plan.plan.id, step.progress}};
  change.audit = {system_entry("fix.order_rollback", to_string(plan.plan.id), time.wall,
                               Json(Json::Object{{"index", job.index}, {"host_name", step.host_name}}).dump())};
  actions.push_back(SaveFixes{std::move(change)});
  job.order = warrant::encode(warrant::ToRunner(request));
  job.order_until_ms = order.not_after_ms;
  job.sent = true;
  job.sent_at = time.now;
  job.again_at = time.now + options.resend_interval;
  actions.push_back(SendToRunner{agent, job.order});
}

}  // namespace reeve::server
