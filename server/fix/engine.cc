// See engine.h: what people ask for.
#include "server/fix/engine.h"

#include <algorithm>

#include "common/base/json.h"
#include "server/fix/approvals.h"
#include "server/fix/engine_state.h"

namespace reeve::server {
namespace {

constexpr uint8_t waves = 3;
constexpr size_t second_wave_share = 10;  // a tenth of the hosts, at least one

FixReply refuse(int status, std::string detail) {
  return {.status = status, .detail = std::move(detail)};
}

// The first host, a tenth of the hosts, the rest; in the order in which the plan names them.
std::vector<uint8_t> waves_of(const std::vector<FixStep>& steps) {
  std::map<Bytes, size_t> rank;
  for (const FixStep& step : steps) rank.emplace(step.host, rank.size());
  const size_t second = std::max<size_t>(1, rank.size() / second_wave_share);
  std::vector<uint8_t> of;
  for (const FixStep& step : steps) {
    const size_t at = rank[step.host];
    of.push_back(at == 0 ? 0 : at <= second ? 1 : waves - 1);
  }
  return of;
}

// A node without a sibling goes up as it is: the tree of RFC 6962, from below.
std::vector<std::vector<warrant::Hash>> levels_of(const std::vector<FixStep>& steps) {
  std::vector<std::vector<warrant::Hash>> levels(1);
  for (const FixStep& step : steps) levels[0].push_back(warrant::leaf_hash(step.bytes));
  while (levels.back().size() > 1) {
    const std::vector<warrant::Hash>& below = levels.back();
    std::vector<warrant::Hash> level;
    for (size_t i = 0; i + 1 < below.size(); i += 2) level.push_back(warrant::node_hash(below[i], below[i + 1]));
    if (below.size() % 2 == 1) level.push_back(below.back());
    levels.push_back(std::move(level));
  }
  return levels;
}

std::string counts_json(uint32_t counted, uint32_t needed) {
  return Json(Json::Object{{"counted", counted}, {"needed", needed}}).dump();
}

}  // namespace

FixEngine::State::State(std::string the_org, Keys the_keys, Options the_options, Random& the_random)
    : org(std::move(the_org)),
      keys(std::move(the_keys)),
      options(the_options),
      random(the_random),
      planner_key(keys.planner.public_key()),
      freshness_key(keys.freshness.public_key()),
      trust(org, keys.freshness) {}

FixEngine::FixEngine(std::string org, Keys keys, Options options, Random& random)
    : state_(std::make_unique<State>(std::move(org), std::move(keys), options, random)) {}
FixEngine::~FixEngine() = default;

const Bytes& FixEngine::planner_key() const {
  return state_->planner_key;
}
const Bytes& FixEngine::freshness_key() const {
  return state_->freshness_key;
}

Status FixEngine::load(LoadedFixes loaded, FixTime time) {
  TRY(state_->trust.load(loaded.trust, loaded.revocation));
  for (Runner& runner : loaded.runners) {
    state_->agent_of_host[runner.host] = runner.agent;
    state_->runners[runner.agent] = std::move(runner);
  }
  for (const LoadedPlan& plan : loaded.plans) {
    for (const FixStep& step : plan.steps) {
      if (!warrant::decode_step(step.bytes).ok()) {
        return Error(Code::corrupt, "step " + to_hex(step.id) + " in the store is none");
      }
    }
    state_->adopt(plan, time.now);
  }
  return {};
}

// -- Plans in memory -------------------------------------------------------------------------------------------------

ActivePlan& FixEngine::State::adopt(const LoadedPlan& loaded, Instant now) {
  const auto known = plans.find(loaded.plan.id);
  if (known != plans.end()) {
    known->second.touched = now;
    return known->second;
  }
  make_room();
  ActivePlan plan{.plan = loaded.plan, .steps = loaded.steps, .approvals = loaded.approvals, .touched = now};
  for (const FixStep& step : plan.steps) {
    Result<warrant::Step> decoded = warrant::decode_step(step.bytes);
    check(decoded.ok(), "what was made a step is one");
    plan.decoded.push_back(std::move(*decoded));
    places[step.id] = {plan.plan.id, step.progress.index};
  }
  plan.levels = levels_of(plan.steps);
  plan.waves = waves_of(plan.steps);
  plan.rollback_until = plan.plan.changed + plan_life_max;
  return plans.emplace(plan.plan.id, std::move(plan)).first->second;
}

bool FixEngine::State::rests(const ActivePlan& plan) const {
  const auto dispatched = [](const FixStep& step) { return step.progress.state == FixStepState::dispatched; };
  return has_ended(plan.plan.state) && std::none_of(plan.steps.begin(), plan.steps.end(), dispatched);
}

// Ended plans are in memory for no more than speed.
void FixEngine::State::make_room() {
  uint64_t bytes = 0;
  std::vector<Uuid> resting;
  for (const auto& [id, plan] : plans) {
    bytes += plan.plan.bytes;
    if (rests(plan)) resting.push_back(id);
  }
  if (bytes <= 2 * active_bytes_max) return;
  for (const Uuid& id : resting) forget(id);
}

void FixEngine::State::forget(const Uuid& id) {
  const auto plan = plans.find(id);
  if (plan == plans.end()) return;
  for (auto& [agent, lane] : lanes) {
    if (lane.job && lane.job->plan == id) lane.job.reset();
  }
  for (const FixStep& step : plan->second.steps) places.erase(step.id);
  plans.erase(plan);
}

uint64_t FixEngine::State::active_bytes() const {
  uint64_t bytes = 0;
  for (const auto& [id, plan] : plans) bytes += has_ended(plan.plan.state) ? 0 : plan.plan.bytes;
  return bytes;
}

AuditEntry FixEngine::State::system_entry(std::string action, std::string target, WallTime now,
                                          std::string detail) const {
  return {.time = now,
          .actor_kind = "system",
          .actor_name = "fix engine",
          .action = std::move(action),
          .target = std::move(target),
          .detail = std::move(detail)};
}

void FixEngine::State::set_state(ActivePlan& plan, PlanState state, WallTime now, FixChange& change) {
  plan.plan.state = state;
  plan.plan.changed = now;
  change.plans.push_back(plan.plan);
}

FixReply FixEngine::State::reply_of(const ActivePlan& plan, FixTime time) const {
  FixReply reply{.plan = plan.plan.id, .state = plan.plan.state};
  const warrant::TrustState* known = trust.state();
  reply.needed = approvals_needed(plan.plan, known).ok() ? *approvals_needed(plan.plan, known) : 0;
  if (known != nullptr) {
    reply.counted = static_cast<uint32_t>(count_approvals(plan.approvals, plan.plan, *known, time.wall).persons.size());
  }
  return reply;
}

// -- Trust -----------------------------------------------------------------------------------------------------------

FixReply FixEngine::take_trust(BytesView envelope, const AuditEntry& entry, FixTime time, FixActions& actions) {
  const Result<uint64_t> version = state_->trust.take_trust(envelope);
  if (!version.ok()) return refuse(version.error().code() == Code::invalid ? 400 : 422, version.error().text());
  FixChange change;
  change.trust = SignedVersion{*version, Bytes(envelope), time.wall};
  change.audit = {entry};
  change.audit.back().target = std::to_string(*version);
  actions.push_back(SaveFixes{std::move(change)});
  for (const auto& [agent, lane] : state_->lanes) {
    if (lane.online) state_->send_trust(agent, time, actions);
  }
  return {.status = 201, .version = *version};
}

FixReply FixEngine::take_revocation(BytesView envelope, const AuditEntry& entry, FixTime time, FixActions& actions) {
  const Result<uint64_t> version = state_->trust.take_revocation(envelope);
  if (!version.ok()) return refuse(version.error().code() == Code::invalid ? 400 : 422, version.error().text());
  FixChange change;
  change.revocation = SignedVersion{*version, Bytes(envelope), time.wall};
  change.audit = {entry};
  change.audit.back().target = std::to_string(*version);
  // Approvals may count no longer: what was approved is looked at again.
  for (auto& [id, plan] : state_->plans) {
    if (plan.plan.state != PlanState::approved) continue;
    const FixReply reply = state_->reply_of(plan, time);
    if (reply.counted < reply.needed) state_->set_state(plan, PlanState::waiting, time.wall, change);
  }
  actions.push_back(SaveFixes{std::move(change)});
  for (const auto& [agent, lane] : state_->lanes) {
    if (lane.online) state_->send_trust(agent, time, actions);
  }
  return {.status = 201, .version = *version};
}

// -- Plans -----------------------------------------------------------------------------------------------------------

FixReply FixEngine::add_plan(const LoadedPlan& loaded, const AuditEntry& entry, FixTime time, FixActions& actions) {
  State& state = *state_;
  if (const warrant::TrustState* known = state.trust.state()) {
    for (const FixStep& step : loaded.steps) {
      if (known->host_revoked(step.host)) {
        return refuse(422, "steps[" + std::to_string(step.progress.index) + "].host is \"" +
                               printable(step.host_name, 80) + "\", which is revoked");
      }
    }
    const Result<uint32_t> needed = approvals_needed(loaded.plan, known);
    if (!needed.ok()) return refuse(422, needed.error().text());
  }
  const auto active = std::count_if(state.plans.begin(), state.plans.end(),
                                    [](const auto& each) { return !has_ended(each.second.plan.state); });
  if (active >= active_plans_max) {
    return refuse(503, std::to_string(active) + " plans are under way, the most there may be; stop some");
  }
  if (state.active_bytes() + loaded.plan.bytes > active_bytes_max) {
    return refuse(503, "the plans under way have all the " + std::to_string(active_bytes_max) +
                           " bytes that they may; wait for some to end, or stop them");
  }
  FixChange change;
  change.plans = {loaded.plan};
  change.new_steps = loaded.steps;
  change.audit = {entry};
  ActivePlan& plan = state.adopt(loaded, time.now);
  actions.push_back(SaveFixes{std::move(change)});
  FixReply reply = state.reply_of(plan, time);
  reply.status = 201;
  return reply;
}

FixReply FixEngine::standing(const LoadedPlan& loaded, FixTime time) const {
  const auto known = state_->plans.find(loaded.plan.id);
  if (known != state_->plans.end()) return state_->reply_of(known->second, time);
  const ActivePlan plan{.plan = loaded.plan, .approvals = loaded.approvals};
  return state_->reply_of(plan, time);
}

FixReply FixEngine::approve(const LoadedPlan& loaded, BytesView envelope, const AuditEntry& entry, FixTime time,
                            FixActions& actions) {
  State& state = *state_;
  ActivePlan& plan = state.adopt(loaded, time.now);
  const warrant::TrustState* known = state.trust.state();
  if (known == nullptr) return refuse(422, "there is no trust file yet that says who may approve");
  const Result<warrant::Approval> approval = check_approval(envelope, plan.plan, *known, time.wall);
  if (!approval.ok()) return refuse(422, approval.error().text());
  const bool veto = approval->decision == warrant::Decision::veto;
  if (has_ended(plan.plan.state) && plan.plan.state != PlanState::vetoed) {
    return refuse(409, "the plan is " + std::string(to_string(plan.plan.state)) + "; it takes no approvals any more");
  }

  FixApproval kept{
      .person = approval->person, .veto = veto, .at = from_ms(approval->at_ms), .envelope = Bytes(envelope)};
  std::erase_if(plan.approvals,
                [&](const FixApproval& each) { return each.person == kept.person && each.veto == veto; });
  plan.approvals.push_back(kept);
  FixChange change;
  change.approvals = {{plan.plan.id, kept}};
  if (veto && plan.plan.state != PlanState::vetoed) {
    state.set_state(plan, PlanState::vetoed, time.wall, change);
    state.cancel_waiting(plan, "vetoed", time.wall, change);
  }
  const FixReply reply = state.reply_of(plan, time);
  if (plan.plan.state == PlanState::waiting && reply.needed > 0 && reply.counted >= reply.needed) {
    state.set_state(plan, PlanState::approved, time.wall, change);
  }
  change.audit = {entry};
  change.audit.back().action = veto ? "fix.veto" : "fix.approve";
  change.audit.back().detail =
      Json(Json::Object{{"person", kept.person}, {"counted", reply.counted}, {"needed", reply.needed}}).dump();
  actions.push_back(SaveFixes{std::move(change)});
  state.advance(time, actions);
  return state.reply_of(plan, time);
}

FixReply FixEngine::State::refuse_unless_approved(const ActivePlan& plan, FixTime time) const {
  FixReply reply = reply_of(plan, time);
  const warrant::TrustState* known = trust.state();
  if (known == nullptr) return refuse(409, "there is no trust file yet");
  if (known->plan_revoked(plan.plan.id.view())) return refuse(409, "the plan is revoked");
  if (time.wall >= plan.plan.not_after) return refuse(409, "the plan has expired");
  const Result<uint32_t> needed = approvals_needed(plan.plan, known);
  if (!needed.ok()) return refuse(409, needed.error().text());
  if (reply.counted < *needed) {
    return refuse(409, std::to_string(reply.counted) + " of " + std::to_string(*needed) +
                           " persons have approved the plan; it cannot run yet");
  }
  return reply;
}

FixReply FixEngine::execute(const LoadedPlan& loaded, const AuditEntry& entry, FixTime time, FixActions& actions) {
  State& state = *state_;
  ActivePlan& plan = state.adopt(loaded, time.now);
  if (!plan.plan.command.is_nil()) {  // asked before: the same command
    FixReply reply = state.reply_of(plan, time);
    reply.status = 202;
    reply.command = plan.plan.command;
    return reply;
  }
  if (has_ended(plan.plan.state)) {
    return refuse(409, "the plan is " + std::string(to_string(plan.plan.state)) + "; it runs no more");
  }
  FixReply reply = state.refuse_unless_approved(plan, time);
  if (reply.status >= 400) return reply;

  FixChange change;
  plan.plan.command = make_uuid_v7(time.wall, state.random);
  state.set_state(plan, PlanState::running, time.wall, change);
  change.commands = {{.id = plan.plan.command, .kind = "execute", .plan = plan.plan.id, .created = time.wall}};
  change.audit = {entry};
  change.audit.back().detail = counts_json(reply.counted, reply.needed);
  actions.push_back(SaveFixes{std::move(change)});
  state.advance(time, actions);
  return {.status = 202, .plan = plan.plan.id, .command = plan.plan.command, .state = plan.plan.state};
}

FixReply FixEngine::stop(const LoadedPlan& loaded, const AuditEntry& entry, FixTime time, FixActions& actions) {
  State& state = *state_;
  ActivePlan& plan = state.adopt(loaded, time.now);
  const PlanState before = plan.plan.state;
  if (before == PlanState::stopped) return state.reply_of(plan, time);
  if (has_ended(before)) {
    return refuse(409, "the plan is " + std::string(to_string(before)) + "; there is nothing to stop");
  }
  FixChange change;
  state.set_state(plan, PlanState::stopped, time.wall, change);
  state.cancel_waiting(plan, "stopped", time.wall, change);
  for (const FixStep& step : plan.steps) {
    if (step.progress.rollback == FixStepState::waiting) {
      state.end_rollback(plan, step.progress.index, FixStepState::not_started, time.wall, change);
    }
  }
  change.audit = {entry};
  actions.push_back(SaveFixes{std::move(change)});
  state.advance(time, actions);
  return state.reply_of(plan, time);
}

FixReply FixEngine::roll_back(const LoadedPlan& loaded, const AuditEntry& entry, FixTime time, FixActions& actions) {
  State& state = *state_;
  ActivePlan& plan = state.adopt(loaded, time.now);
  const PlanState before = plan.plan.state;
  if (before == PlanState::rolling_back || before == PlanState::rolled_back) {
    FixReply reply = state.reply_of(plan, time);
    reply.status = 202;
    reply.command = plan.plan.rollback_command;
    return reply;
  }
  if (before == PlanState::running) return refuse(409, "the plan is running; stop it first");
  const bool under_way = std::any_of(plan.steps.begin(), plan.steps.end(), [](const FixStep& step) {
    return step.progress.state == FixStepState::dispatched;
  });
  if (under_way) return refuse(409, "a step of the plan is still under way; wait for its end");

  FixChange change;
  uint32_t ordered = 0;
  for (FixStep& step : plan.steps) {
    const FixStepState how = step.progress.state;
    const bool ended = how == FixStepState::done || how == FixStepState::failed || how == FixStepState::unknown;
    if (!ended || !plan.decoded[step.progress.index].rollback || step.progress.rollback == FixStepState::done) continue;
    step.progress.rollback = FixStepState::waiting;
    change.progress.push_back({plan.plan.id, step.progress});
    ++ordered;
  }
  if (ordered == 0) return refuse(409, "no step of the plan has ended that says how it is rolled back");
  plan.plan.rollback_command = make_uuid_v7(time.wall, state.random);
  plan.rollback_until = time.wall + plan_life_max;
  state.set_state(plan, PlanState::rolling_back, time.wall, change);
  change.commands = {
      {.id = plan.plan.rollback_command, .kind = "rollback", .plan = plan.plan.id, .created = time.wall}};
  change.audit = {entry};
  change.audit.back().detail = Json(Json::Object{{"steps", ordered}}).dump();
  actions.push_back(SaveFixes{std::move(change)});
  state.advance(time, actions);
  return {.status = 202, .plan = plan.plan.id, .command = plan.plan.rollback_command, .state = plan.plan.state};
}

FixReply FixEngine::keep(const LoadedPlan& loaded, const AuditEntry& entry, FixTime time, FixActions& actions) {
  State& state = *state_;
  ActivePlan& plan = state.adopt(loaded, time.now);
  FixChange change;
  std::vector<uint32_t> ordered;
  for (FixStep& step : plan.steps) {
    const warrant::Step& what = plan.decoded[step.progress.index];
    if (what.keep_within_ms == 0 || step.progress.state != FixStepState::done || step.progress.rollback) continue;
    ordered.push_back(step.progress.index);
    if (step.progress.keep_ordered) continue;
    step.progress.keep_ordered = true;
    change.progress.push_back({plan.plan.id, step.progress});
  }
  if (ordered.empty()) return refuse(409, "no step of the plan waits to be kept");
  change.audit = {entry};
  actions.push_back(SaveFixes{std::move(change)});
  for (const uint32_t index : ordered) {
    const Uuid* agent = state.agent_for(plan.steps[index]);
    if (agent != nullptr && state.lanes[*agent].online) {
      state.send_order(*agent, plan, index, warrant::OrderKind::keep, time, actions);
    }
  }
  return state.reply_of(plan, time);
}

}  // namespace reeve::server
