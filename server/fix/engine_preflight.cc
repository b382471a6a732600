// Preflights: every runner is asked what it would say to its steps, and runs nothing.
//
// Not kept in the store until they have ended: who asked asks again after a restart.
#include <algorithm>

#include "server/fix/engine_state.h"

namespace reeve::server {

FixReply FixEngine::preflight(const LoadedPlan& loaded, const AuditEntry& entry, FixTime time, FixActions& actions) {
  State& state = *state_;
  ActivePlan& plan = state.adopt(loaded, time.now);
  const auto running = std::find_if(state.preflights.begin(), state.preflights.end(),
                                    [&](const auto& each) { return each.second.command.plan == plan.plan.id; });
  if (running != state.preflights.end()) {
    return {.status = 202, .plan = plan.plan.id, .command = running->first, .state = plan.plan.state};
  }
  if (state.preflights.size() >= preflights_max) {
    return {.status = 503,
            .detail = std::to_string(preflights_max) + " preflights are under way, the most there may be"};
  }

  Preflight preflight;
  preflight.command = {
      .id = make_uuid_v7(time.wall, state.random), .kind = "preflight", .plan = plan.plan.id, .created = time.wall};
  preflight.until = time.now + state.options.preflight_patience;
  FixChange change;
  for (const FixStep& step : plan.steps) {
    const uint32_t index = step.progress.index;
    const StepCheck check{.command = preflight.command.id, .index = index, .state = "waiting"};
    preflight.checks[index] = check;
    change.checks.push_back(check);
    preflight.to_ask.push_back(index);
  }
  change.commands = {preflight.command};
  change.audit = {entry};
  actions.push_back(SaveFixes{std::move(change)});
  const Uuid command = preflight.command.id;
  state.preflights.emplace(command, std::move(preflight));
  state.ask_preflights(time, actions);
  return {.status = 202, .plan = plan.plan.id, .command = command, .state = plan.plan.state};
}

void FixEngine::State::answer_preflight(Preflight& preflight, StepCheck check) {
  std::erase_if(preflight.asked, [&](const auto& each) { return each.second == check.index; });
  check.command = preflight.command.id;
  preflight.checks[check.index] = std::move(check);
}

// Asks the next ones, and ends what has all its answers or waited long enough.
void FixEngine::State::ask_preflights(FixTime time, FixActions& actions) {
  for (auto each = preflights.begin(); each != preflights.end();) {
    Preflight& preflight = each->second;
    const auto plan = plans.find(preflight.command.plan);
    const bool over = plan == plans.end() || time.now >= preflight.until;
    while (!over && !preflight.to_ask.empty() && preflight.asked.size() < options.preflights_at_once_max) {
      const FixStep& step = plan->second.steps[preflight.to_ask.front()];
      preflight.to_ask.pop_front();
      const Uuid* agent = agent_for(step);
      if (agent == nullptr || !lanes[*agent].online) {
        answer_preflight(preflight,
                         {.index = step.progress.index, .state = "offline", .detail = "the agent has no link"});
        continue;
      }
      preflight.asked[step.id] = step.progress.index;
      send(*agent, warrant::PreflightRequest{step.bytes}, actions);
    }
    if (!over && (!preflight.to_ask.empty() || !preflight.asked.empty())) {
      ++each;
      continue;
    }
    FixChange change;
    for (auto& [index, check] : preflight.checks) {
      if (check.state == "waiting") check.state = "no_answer";
      change.checks.push_back(check);
    }
    preflight.command.done = true;
    change.commands = {preflight.command};
    actions.push_back(SaveFixes{std::move(change)});
    each = preflights.erase(each);
  }
}

void FixEngine::State::on(const Uuid& agent, const warrant::SignedPreflight& message, FixTime time,
                          FixActions& actions) {
  const auto runner = runners.find(agent);
  if (runner == runners.end()) return;
  const warrant::Envelope& envelope = message.envelope;
  if (envelope.payload_type != warrant::type_preflight || !warrant::signed_by(envelope, runner->second.public_key)) {
    return complain(agent, "runner.bad_preflight", "a preflight that the runner's key has not signed", time, actions);
  }
  const Result<warrant::PreflightReport> report = warrant::decode_preflight(envelope.payload);
  if (!report.ok() || report->org != org || report->host != runner->second.host) {
    return complain(agent, "runner.bad_preflight", "a preflight that is malformed or of another host", time, actions);
  }
  for (auto& [command, preflight] : preflights) {
    const auto asked = preflight.asked.find(report->step);
    if (asked == preflight.asked.end()) continue;
    answer_preflight(preflight, {.index = asked->second, .state = "done", .envelope = warrant::encode(envelope)});
  }
  ask_preflights(time, actions);
}

}  // namespace reeve::server
