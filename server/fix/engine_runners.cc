// What runners say. Everything in it that matters is signed; the rest is only believed as far as a lie would hurt
// nobody but the host that tells it.
//
// A runner's results are a chain: each names the hash of the one before. What is missing from it, or does not fit, is
// written into the audit; the result is kept all the same, because it is signed.
#include <algorithm>

#include "common/base/json.h"
#include "common/crypto/digest.h"
#include "server/fix/engine_state.h"

namespace reeve::server {
namespace {

constexpr Duration seen_step = 60s;    // a runner's row is written for last_seen alone this often
constexpr Duration trust_pause = 10s;  // between two updates for a runner that does not take them

std::string json_of(Json::Object members) {
  return Json(std::move(members)).dump();
}

bool same_but_seen(Runner a, const Runner& b) {
  a.last_seen = b.last_seen;
  return a == b;
}

FixStepState state_of(warrant::StepState state) {
  switch (state) {
    case warrant::StepState::not_started:
      return FixStepState::not_started;
    case warrant::StepState::done:
      return FixStepState::done;
    case warrant::StepState::failed:
      return FixStepState::failed;
    case warrant::StepState::refused:
      return FixStepState::refused;
    case warrant::StepState::unknown:
      break;
  }
  return FixStepState::unknown;
}

}  // namespace

// -- The conversation ------------------------------------------------------------------------------------------------

void FixEngine::State::send(const Uuid& agent, const warrant::ToRunner& message, FixActions& actions) const {
  actions.push_back(SendToRunner{agent, warrant::encode(message)});
}

void FixEngine::State::send_trust(const Uuid& agent, FixTime time, FixActions& actions) {
  const auto runner = runners.find(agent);
  if (runner == runners.end() || trust.state() == nullptr) return;
  lanes[agent].trust_sent = time.now;
  send(agent, trust.update_for(runner->second.trust_version, time.wall), actions);
}

void FixEngine::State::complain(const Uuid& agent, std::string action, const std::string& why, FixTime time,
                                FixActions& actions) {
  Lane& lane = lanes[agent];
  if (lane.complained.ns != INT64_MIN && time.now - lane.complained < complaint_interval) return;
  lane.complained = time.now;
  FixChange change;
  change.audit = {system_entry(std::move(action), to_string(agent), time.wall, json_of({{"reason", why}}))};
  actions.push_back(SaveFixes{std::move(change)});
}

void FixEngine::on_online(const Uuid& agent, FixTime, FixActions& actions) {
  Lane& lane = state_->lanes[agent];
  lane = {};
  lane.online = true;
  state_->send(agent, warrant::StateRequest{}, actions);
}

// What was under way follows from the store's rows once the agent is back.
void FixEngine::on_offline(const Uuid& agent) {
  state_->lanes.erase(agent);
}

void FixEngine::on_message(const Uuid& agent, BytesView message, FixTime time, FixActions& actions) {
  Lane& lane = state_->lanes[agent];
  if (!lane.online) return;
  if (!lane.finding) return state_->process(agent, message, time, actions);
  // What is dropped here comes again: nothing was acknowledged.
  if (lane.held.size() < held_messages_max) lane.held.emplace_back(message);
}

void FixEngine::on_step_found(const Uuid& agent, const LoadedPlan* plan, FixTime time, FixActions& actions) {
  State& state = *state_;
  Lane& lane = state.lanes[agent];
  if (!lane.finding) return;
  lane.finding = false;
  if (plan != nullptr) {
    state.adopt(*plan, time.now);
    lane.stray.clear();
  }
  while (!lane.held.empty() && !lane.finding) {
    const Bytes message = std::move(lane.held.front());
    lane.held.pop_front();
    state.process(agent, message, time, actions);
    lane.stray.clear();
  }
}

void FixEngine::State::process(const Uuid& agent, BytesView message, FixTime time, FixActions& actions) {
  const Result<warrant::FromRunner> decoded = warrant::decode_from_runner(message);
  if (!decoded.ok()) {
    return complain(agent, "runner.malformed", "a message that is none: " + decoded.error().text(), time, actions);
  }
  if (const auto* result = std::get_if<warrant::SignedResult>(&*decoded)) {
    const Result<warrant::StepResult> told = warrant::decode_result(result->envelope.payload);
    Lane& lane = lanes[agent];
    const bool known = !told.ok() || told->state == warrant::StepState::refused || places.contains(told->step) ||
                       lane.stray == told->step;
    if (!known) {
      lane.finding = true;
      lane.stray = told->step;
      lane.held.emplace_front(message);
      actions.push_back(FindStep{agent, told->step});
      return;
    }
  }
  std::visit([&](const auto& each) { on(agent, each, time, actions); }, *decoded);
}

// -- Who it is -------------------------------------------------------------------------------------------------------

// Which agent speaks for which host. False: refused.
bool FixEngine::State::bind(const Runner& before, Runner& runner, FixChange& change, FixTime time,
                            FixActions& actions) {
  const auto other = agent_of_host.find(runner.host);
  if (other != agent_of_host.end() && other->second != runner.agent) {
    const auto lane = lanes.find(other->second);
    if (lane != lanes.end() && lane->second.online) {
      complain(runner.agent, "runner.refuse", "agent " + to_string(other->second) + " speaks for this host", time,
               actions);
      return false;
    }
    // The host was enrolled anew: its runner is the same, and so is what we know of it.
    const Runner& old = runners[other->second];
    runner.dispatch_sequence = old.dispatch_sequence;
    runner.chain_epoch = old.chain_epoch;
    runner.chain_sequence = old.chain_sequence;
    runner.chain_hash = old.chain_hash;
    change.runners_gone.push_back(old.agent);
    change.audit.push_back(system_entry("runner.move", to_string(runner.agent), time.wall,
                                        json_of({{"host", to_hex(runner.host)}, {"from", to_string(old.agent)}})));
    runners.erase(other->second);
  } else if (before.host.empty()) {
    change.audit.push_back(system_entry("runner.bind", to_string(runner.agent), time.wall,
                                        json_of({{"host", to_hex(runner.host)}, {"host_name", runner.host_name}})));
  }
  if (!before.host.empty() && before.host != runner.host) {
    change.audit.push_back(system_entry("runner.rekey", to_string(runner.agent), time.wall,
                                        json_of({{"host", to_hex(runner.host)}, {"was", to_hex(before.host)}})));
    agent_of_host.erase(before.host);
  }
  agent_of_host[runner.host] = runner.agent;
  return true;
}

void FixEngine::State::on(const Uuid& agent, const warrant::RunnerState& message, FixTime time, FixActions& actions) {
  if (message.org != org) {
    return complain(agent, "runner.refuse", "the runner belongs to org \"" + printable(message.org, 80) + "\"", time,
                    actions);
  }
  const auto known = runners.find(agent);
  const Runner before = known == runners.end() ? Runner{} : known->second;
  Runner runner{.agent = agent,
                .host = warrant::key_id(message.public_key),
                .public_key = message.public_key,
                .host_name = message.host_name,
                .epoch = message.epoch,
                .version = message.version,
                .policy_hash = message.policy_hash,
                .trust_version = message.trust_version,
                .revocation_version = message.revocation_version,
                .sequence = message.sequence,
                .result_sequence = message.result_sequence,
                .execution = message.execution,
                .why_not = message.why_not,
                .first_seen = before.agent.is_nil() ? time.wall : before.first_seen,
                .last_seen = time.wall};
  FixChange change;
  if (before.host == runner.host) {
    runner.dispatch_sequence = before.dispatch_sequence;
    runner.chain_epoch = before.chain_epoch;
    runner.chain_sequence = before.chain_sequence;
    runner.chain_hash = before.chain_hash;
  } else if (!bind(before, runner, change, time, actions)) {
    return;
  }
  if (runner.epoch == runner.chain_epoch && runner.result_sequence < runner.chain_sequence) {
    complain(agent, "runner.chain_break",
             "the runner says it has given " + std::to_string(runner.result_sequence) + " results; " +
                 std::to_string(runner.chain_sequence) + " are here",
             time, actions);
  }
  runners[agent] = runner;
  if (!same_but_seen(before, runner) || runner.last_seen - before.last_seen >= seen_step) {
    change.runners = {runner};
    actions.push_back(SaveFixes{std::move(change)});
  }

  Lane& lane = lanes[agent];
  const bool behind =
      runner.trust_version < trust.trust_version() || runner.revocation_version < trust.revocation_version();
  const bool moves = runner.trust_version > before.trust_version || before.agent.is_nil();
  const bool rested = lane.trust_sent.ns == INT64_MIN || time.now - lane.trust_sent >= trust_pause;
  // A runner answers each update with its state: one that does not take it must not make a circle of this.
  if (rested || (behind && moves)) send_trust(agent, time, actions);

  // It may have been away: what has no answer is sent again, but not what has only just been sent.
  note_not_delivered(runner, time, actions);
  if (lane.job && time.now >= lane.job->sent_at + options.retry_interval) lane.job->again_at = {INT64_MIN};
  pursue(agent, time, actions);
  advance(time, actions);
}

// Of plans that run no more: a dispatch that never arrived must not be sent again, and nothing will come of it.
void FixEngine::State::note_not_delivered(const Runner& runner, FixTime time, FixActions& actions) {
  for (auto& [id, plan] : plans) {
    if (plan.plan.state == PlanState::running) continue;
    FixChange change;
    for (FixStep& step : plan.steps) {
      if (step.host != runner.host || step.progress.state != FixStepState::dispatched) continue;
      const Result<warrant::Envelope> envelope = warrant::decode_envelope(step.progress.dispatch);
      if (!envelope.ok()) continue;
      const Result<warrant::Dispatch> dispatch = warrant::decode_dispatch(envelope->payload);
      if (!dispatch.ok() || dispatch->sequence <= runner.sequence) continue;
      StepProgress progress = step.progress;
      progress.state = FixStepState::not_started;
      progress.code = "not_delivered";
      progress.ended = time.wall;
      end_step(plan, std::move(progress), time, change);
      close_job(runner.agent, id, step.progress.index);
    }
    if (!change.progress.empty()) actions.push_back(SaveFixes{std::move(change)});
  }
}

void FixEngine::State::on(const Uuid& agent, const warrant::RunnerChallenge& message, FixTime time,
                          FixActions& actions) {
  const Lane& lane = lanes[agent];
  if (!lane.job || lane.job->sent) return;
  if (lane.job->kind == JobKind::run) dispatch(agent, message.challenge, time, actions);
  if (lane.job && lane.job->kind == JobKind::roll_back) order_rollback(agent, message.challenge, time, actions);
}

// -- Results ---------------------------------------------------------------------------------------------------------

// Moves the chain on. False: this result was here before, or is none of the chain's.
bool FixEngine::State::follows_chain(const warrant::StepResult& result, BytesView body, Runner& runner,
                                     FixChange& change, FixTime time, FixActions& actions) {
  const std::string target = to_string(runner.agent);
  if (result.epoch < runner.chain_epoch) {
    complain(runner.agent, "runner.chain_break", "a result of an enrolment that is over", time, actions);
    return false;
  }
  if (result.epoch > runner.chain_epoch) {
    if (runner.chain_epoch > 0) {
      change.audit.push_back(system_entry("runner.new_chain", target, time.wall,
                                          json_of({{"epoch", result.epoch}, {"was", runner.chain_epoch}})));
    }
    runner.chain_epoch = result.epoch;
    runner.chain_sequence = 0;
    runner.chain_hash.clear();
  }
  if (result.sequence <= runner.chain_sequence) {
    if (result.sequence == runner.chain_sequence && crypto::sha256(body) != runner.chain_hash) {
      complain(runner.agent, "runner.chain_fork", "two results have the sequence " + std::to_string(result.sequence),
               time, actions);
    }
    return false;
  }
  const uint64_t expected = runner.chain_sequence + 1;
  if (result.sequence != expected) {
    change.audit.push_back(system_entry("runner.chain_hole", target, time.wall,
                                        json_of({{"expected", expected}, {"came", result.sequence}})));
  } else if (result.previous != runner.chain_hash) {
    change.audit.push_back(
        system_entry("runner.chain_break", target, time.wall,
                     json_of({{"sequence", result.sequence}, {"reason", "its predecessor is another"}})));
  }
  runner.chain_sequence = result.sequence;
  runner.chain_hash = crypto::sha256(body);
  return true;
}

void FixEngine::State::on(const Uuid& agent, const warrant::SignedResult& message, FixTime time, FixActions& actions) {
  const auto known = runners.find(agent);
  if (known == runners.end()) return send(agent, warrant::StateRequest{}, actions);
  const warrant::Envelope& envelope = message.envelope;
  if (envelope.payload_type != warrant::type_result || !warrant::signed_by(envelope, known->second.public_key)) {
    return complain(agent, "runner.bad_result", "a result that the runner's key has not signed", time, actions);
  }
  const Result<warrant::StepResult> result = warrant::decode_result(envelope.payload);
  if (!result.ok()) {
    return complain(agent, "runner.bad_result", "a result that is malformed: " + result.error().text(), time, actions);
  }
  if (result->org != org || result->host != known->second.host) {
    return complain(agent, "runner.bad_result", "a result of another org or host", time, actions);
  }
  if (result->state == warrant::StepState::refused) {
    return on_refused(agent, *result, warrant::encode(envelope), time, actions);
  }
  record(agent, *result, envelope, time, actions);
}

void FixEngine::State::record(const Uuid& agent, const warrant::StepResult& result, const warrant::Envelope& envelope,
                              FixTime time, FixActions& actions) {
  Runner& runner = runners[agent];
  FixChange change;
  if (!follows_chain(result, envelope.payload, runner, change, time, actions)) {
    return send(agent, warrant::ResultAck{runner.chain_sequence}, actions);
  }
  change.runners = {runner};
  Receipt receipt{.step = result.step,
                  .host = result.host,
                  .sequence = result.sequence,
                  .envelope = warrant::encode(envelope),
                  .received = time.wall};
  std::string target = "step " + to_hex(result.step);
  const auto place = places.find(result.step);
  ActivePlan* plan = place == places.end() ? nullptr : &plans.at(place->second.plan);
  // A host speaks of its own steps alone.
  if (plan != nullptr && plan->steps[place->second.index].host != result.host) plan = nullptr;
  if (plan != nullptr) {
    receipt.plan = place->second.plan;
    receipt.index = place->second.index;
    target = to_string(receipt.plan);
  }
  change.receipts = {receipt};
  change.audit.push_back(system_entry("fix.result", target, time.wall,
                                      json_of({{"index", receipt.index},
                                               {"step", to_hex(result.step)},
                                               {"phase", warrant::to_string(result.phase)},
                                               {"state", warrant::to_string(result.state)},
                                               {"code", result.code},
                                               {"sequence", result.sequence}})));
  if (plan != nullptr) {
    plan->touched = time.now;
    close_job(agent, receipt.plan, receipt.index);
    if (result.phase == warrant::Phase::exec) {
      StepProgress progress = plan->steps[receipt.index].progress;
      progress.state = state_of(result.state);
      progress.code = result.code;
      progress.detail = result.detail;
      progress.ended = from_ms(result.ended_ms);
      end_step(*plan, std::move(progress), time, change);
    } else {
      end_rollback(*plan, receipt.index, state_of(result.state), time.wall, change);
      settle(*plan, time, change);
    }
  }
  actions.push_back(SaveFixes{std::move(change)});
  send(agent, warrant::ResultAck{runner.chain_sequence}, actions);
  advance(time, actions);
}

void FixEngine::State::on(const Uuid& agent, const warrant::Refused& message, FixTime time, FixActions& actions) {
  Lane& lane = lanes[agent];
  if (message.step.empty()) {  // of a challenge, perhaps: asked again later
    if (lane.job) lane.job->again_at = std::max(lane.job->again_at, time.now + options.retry_interval);
    return;
  }
  for (auto& [command, preflight] : preflights) {
    const auto asked = preflight.asked.find(message.step);
    if (asked == preflight.asked.end()) continue;
    answer_preflight(preflight,
                     {.index = asked->second, .state = "refused", .detail = message.code + ": " + message.detail});
  }
  // Not signed: it is believed as far as it goes, and what is signed later counts more.
  on_refused(
      agent,
      {.step = message.step, .state = warrant::StepState::refused, .code = message.code, .detail = message.detail}, {},
      time, actions);
}

}  // namespace reeve::server
