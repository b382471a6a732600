// What becomes of a step that was accepted: see runner.h. Each function here is one move; tick() makes the next one.
#include <algorithm>

#include "agent/runner/redact_output.h"
#include "agent/runner/runner.h"
#include "agent/runner/runner_impl.h"
#include "common/base/log.h"
#include "common/crypto/digest.h"

namespace reeve::runner {
namespace {

using warrant::Phase;
using warrant::Refusal;
using warrant::StepState;

constexpr uint32_t precondition_timeout_ms = 10'000;
constexpr Duration remains_interval = 100ms;
constexpr Duration forget_interval = 1h;
constexpr int64_t remembered_ms = 24LL * 3600 * 1000;  // behind the end of a step's window
constexpr size_t detail_chars_max = 1000;
constexpr size_t launch_id_chars = 40;

constexpr int64_t to_ms(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

// Of one step each stage has its own, and no two steps share one.
std::string launch_id(BytesView step_id, const std::string& stage) {
  return to_hex(step_id).substr(0, launch_id_chars) + "-" + stage;
}

struct Outcome {
  StepState state;
  const char* code;
};

Outcome outcome_of(const Exit& exit) {
  if (!exit.executed) return {StepState::not_started, "launch"};
  if (exit.timed_out) return {StepState::failed, "timeout"};
  if (exit.stopped) return {StepState::failed, "stopped"};
  if (exit.signal != 0) return {StepState::failed, "signal"};
  if (exit.exit_status != 0) return {StepState::failed, "exit"};
  return {StepState::done, ""};
}

}  // namespace

int Runner::descriptor() const {
  return active_ && active_->running ? active_->running->descriptor() : -1;
}

const JournalEntry* Runner::due() const {
  for (const JournalEntry* entry : journal_->awaiting_keep()) {
    if (judged_ms() >= entry->keep_until_ms) return entry;
  }
  return nullptr;
}

bool Runner::idle() const {
  if (active_) return false;
  return !journal_ || journal_->broken() || (journal_->unfinished().empty() && due() == nullptr);
}

void Runner::tick() {
  watch_clock();
  if (active_ && active_->running) {
    // A copy: what follows may end the process' object.
    if (const std::optional<Exit> exit = active_->running->take_news()) on_exit(*exit);
    return;
  }
  if (active_) {
    if (world_.clock.now() - active_->looked < remains_interval) return;
    active_->looked = world_.clock.now();
    const Result<Remains> remains = world_.launcher.find(active_->launch_id);
    if (remains.ok() && remains->state == Remains::State::running) return;
    if (remains.ok() && remains->state == Remains::State::ended) return on_exit(remains->exit);
    return probe();
  }
  if (!journal_ || journal_->broken()) return;
  if (const auto unfinished = journal_->unfinished(); !unfinished.empty()) return settle(*unfinished.front());
  if (const JournalEntry* entry = due()) {
    log_warn("a step is rolled back by its deadline", {{"step", to_hex(entry->step_id)}});
    return roll_back(*entry);
  }
  if (world_.clock.now() - forgot_at_ < forget_interval) return;
  forgot_at_ = world_.clock.now();
  const Status forgotten = journal_->forget(judged_ms());
  if (!forgotten.ok()) log_warn("old steps are not forgotten", {{"error", forgotten.error().text()}});
}

// -- Forward
// -----------------------------------------------------------------------------------------------------------

// Begins the process at the gate and opens it at once: for what leaves no trace in the journal.
bool Runner::launch(const warrant::Exec& exec, Purpose purpose, const std::string& id) {
  const PolicyNow now = world_.read_policy();
  const Result<Launch> allowed = now.policy.permit(exec, purpose, active_->step.risk, id);
  if (!allowed.ok()) {
    active_->unsettled.detail = allowed.error().text();
    return false;
  }
  active_->launch_id = id;
  Result<std::unique_ptr<Running>> running = world_.launcher.prepare(*allowed);
  if (running.ok()) {
    active_->running = std::move(*running);
    const Status opened = active_->running->open_gate();
    if (opened.ok()) return true;
    active_->running.reset();
    active_->unsettled.detail = opened.error().text();
    return false;
  }
  active_->unsettled.detail = running.error().text();
  return false;
}

void Runner::look_at_preconditions() {
  const std::vector<warrant::Action>& all = active_->step.preconditions;
  if (active_->precondition < all.size()) {
    const warrant::Exec look{.what = all[active_->precondition], .timeout_ms = precondition_timeout_ms};
    const std::string id = launch_id(active_->step_id, "c" + std::to_string(active_->precondition));
    if (launch(look, Purpose::precondition, id)) return;
    const Bytes step_id = active_->step_id;
    const std::string why = active_->unsettled.detail;
    active_.reset();
    return refuse({.refusal = Refusal::precondition, .detail = why}, step_id, true);
  }
  // Time has passed since the warrant was verified: what may have changed is looked at again.
  const warrant::Judgement standing = judge_standing(view(world_.read_policy()), trust_);
  if (!standing.ok() || judged_ms() >= active_->step.not_after_ms) {
    const Bytes step_id = active_->step_id;
    active_.reset();
    return refuse(
        standing.ok() ? warrant::Judgement{.refusal = Refusal::window, .detail = "it took too long"} : standing,
        step_id, true);
  }
  begin(Phase::exec);
}

void Runner::begin(Phase phase) {
  const bool is_exec = phase == Phase::exec;
  active_->phase = phase;
  active_->stage = is_exec ? Stage::exec : Stage::rollback;
  active_->launch_id = launch_id(active_->step_id, is_exec ? "e" : "r");
  const JournalEntry entry{.step_id = active_->step_id,
                           .step = active_->step_bytes,
                           .phase = phase,
                           .sequence = is_exec ? active_->sequence : 0,
                           .forget_after_ms = active_->step.not_after_ms + remembered_ms,
                           .launch_id = active_->launch_id};
  if (const Status intended = journal_->intend(entry); !intended.ok()) {
    const Bytes step_id = active_->step_id;
    active_.reset();
    return refuse({.refusal = Refusal::journal, .detail = intended.error().text()}, step_id, true);
  }
  const auto not_started = [this](const char* code, const std::string& why) {
    active_->running.reset();  // the gate closes: nothing has run
    finish(StepState::not_started, code, Exit{.detail = why});
  };
  const warrant::Exec& exec = is_exec ? active_->step.exec : *active_->step.rollback;
  const PolicyNow now = world_.read_policy();
  const Purpose purpose = is_exec ? Purpose::exec : Purpose::rollback;
  const Result<Launch> allowed = now.policy.permit(exec, purpose, active_->step.risk, active_->launch_id);
  if (!allowed.ok()) return not_started("policy", allowed.error().text());
  Result<std::unique_ptr<Running>> running = world_.launcher.prepare(*allowed);
  if (!running.ok()) return not_started("launch", running.error().text());
  active_->running = std::move(*running);
  if (world_.state.locked()) return not_started("locked", world_.state.why_locked());

  active_->started_ms = to_ms(Duration(world_.clock.wall().ns));
  const Status started = journal_->start(active_->step_id, phase, world_.boot, judged_ms());
  if (!started.ok()) {
    // Nothing more can be written: it says so when we are started again. The gate never opened.
    log_error("a step is given up before its gate", {{"error", started.error().text()}});
    const Bytes step_id = active_->step_id;
    active_.reset();
    return refuse({.refusal = Refusal::journal, .detail = started.error().text()}, step_id, true);
  }
  const Status opened = active_->running->open_gate();
  if (!opened.ok()) return not_started("gate", opened.error().text());
}

// -- Its end
// -----------------------------------------------------------------------------------------------------------

void Runner::on_exit(const Exit& exit) {
  active_->running.reset();
  switch (active_->stage) {
    case Stage::precondition: {
      world_.launcher.forget(active_->launch_id);
      if (exit.executed && exit.exit_status == 0 && exit.signal == 0 && !exit.timed_out && !exit.stopped) {
        ++active_->precondition;
        return look_at_preconditions();
      }
      const std::string name = active_->step.preconditions[active_->precondition].name;
      const Bytes step_id = active_->step_id;
      active_.reset();
      return refuse({.refusal = Refusal::precondition, .detail = name + " does not hold: " + exit.output + exit.detail},
                    step_id, true);
    }
    case Stage::dry_run:
      world_.launcher.forget(active_->launch_id);
      return finish_preflight(&exit);
    case Stage::probe: {
      world_.launcher.forget(active_->launch_id);
      const bool told =
          exit.executed && !exit.lost && exit.signal == 0 && !exit.timed_out && !exit.stopped && exit.exit_status <= 1;
      const StepState state = !told ? StepState::unknown : exit.exit_status == 0 ? StepState::done : StepState::failed;
      Exit settled = active_->unsettled;
      settled.detail = "by its probe: " + (exit.detail.empty() ? exit.output : exit.detail);
      return finish(state, "probe", settled);
    }
    case Stage::exec:
    case Stage::rollback: {
      if (exit.lost) return probe();
      const Outcome outcome = outcome_of(exit);
      return finish(outcome.state, outcome.code, exit);
    }
  }
}

void Runner::finish(StepState state, const std::string& code, const Exit& exit) {
  const warrant::Step& step = active_->step;
  const Phase phase = active_->phase;
  const warrant::Exec& exec = phase == Phase::exec ? step.exec : *step.rollback;
  const int64_t wall_ms = to_ms(Duration(world_.clock.wall().ns));
  Bytes output = redact_output(exit.output);
  output.resize(std::min<size_t>(output.size(), exec.output_bytes_max));
  const warrant::StepResult result{.org = identity_.org,
                                   .host = identity_.host(),
                                   .epoch = identity_.epoch,
                                   .step = active_->step_id,
                                   .phase = phase,
                                   .state = state,
                                   .code = code,
                                   .detail = printable(redact_output(exit.detail), detail_chars_max),
                                   .exit_status = exit.exit_status,
                                   .signal = exit.signal,
                                   .started_ms = exit.started_ms != 0 ? exit.started_ms : active_->started_ms,
                                   .ended_ms = exit.ended_ms != 0 ? exit.ended_ms : wall_ms,
                                   .boot = world_.boot,
                                   .output = std::move(output),
                                   .output_bytes = exit.output_bytes,
                                   .policy_hash = world_.read_policy().policy.hash(),
                                   .trust_version = trust_.trust_version(),
                                   .sequence = journal_->result_sequence() + 1,
                                   .previous = journal_->last_result_hash()};
  const Bytes body = warrant::encode(result);
  const warrant::Envelope envelope = warrant::sign(warrant::type_result, body, identity_.key);
  // What must be undone at once, and what must be unless somebody says keep in time, is one thing: a deadline.
  const bool is_exec = phase == Phase::exec;
  const bool undo = is_exec && state == StepState::failed && step.rollback_on_failure && code != "probe";
  const bool dead_man = is_exec && state == StepState::done && step.keep_within_ms > 0;
  const int64_t keep_until_ms = undo ? judged_ms() : dead_man ? judged_ms() + step.keep_within_ms : 0;
  const Status ended = journal_->end(active_->step_id, phase, state, judged_ms(), keep_until_ms,
                                     {.sequence = result.sequence, .envelope = encode(envelope)}, body);
  if (!ended.ok()) {
    // It has run, and nobody may be told so before that is durable: the keeper's note stays for our next life.
    log_error("an end is not in the journal", {{"step", to_hex(active_->step_id)}, {"error", ended.error().text()}});
    active_.reset();
    return;
  }
  log_info(
      "a step has ended",
      {{"step", to_hex(active_->step_id)}, {"phase", to_string(phase)}, {"state", to_string(state)}, {"code", code}});
  world_.launcher.forget(launch_id(active_->step_id, phase == Phase::exec ? "e" : "r"));
  send(warrant::SignedResult{.envelope = envelope});
  active_.reset();
}

// -- Backward, and what was left
// ---------------------------------------------------------------------------------------

void Runner::roll_back(const JournalEntry& entry) {
  const Result<warrant::Step> step = warrant::decode_step(entry.step);
  check(step.ok(), "the journal holds steps that were verified");
  if (!step->rollback) {
    return refuse({.refusal = Refusal::order, .detail = "the step has no rollback"}, entry.step_id, false);
  }
  active_ = std::make_unique<Active>();
  active_->step = *step;
  active_->step_bytes = entry.step;
  active_->step_id = entry.step_id;
  begin(Phase::rollback);
}

// An earlier life of ours has begun this and not ended it.
void Runner::settle(const JournalEntry& entry) {
  const Result<warrant::Step> step = warrant::decode_step(entry.step);
  check(step.ok(), "the journal holds steps that were verified");
  active_ = std::make_unique<Active>();
  active_->step = *step;
  active_->step_bytes = entry.step;
  active_->step_id = entry.step_id;
  active_->phase = entry.phase;
  active_->stage = entry.phase == Phase::exec ? Stage::exec : Stage::rollback;
  active_->launch_id = entry.launch_id;
  active_->started_ms = entry.started_ms;
  if (!entry.started) {
    return finish(StepState::not_started, "interrupted", Exit{.detail = "the runner ended before the gate opened"});
  }
  log_warn("a step was under way when the runner ended", {{"step", to_hex(entry.step_id)}});
}

// Started, and no trace of how it ended: only its own probe can tell, and it only looks.
void Runner::probe() {
  active_->unsettled = Exit{.detail = "nobody was there to see how it ended"};
  active_->stage = Stage::probe;
  // The rollback's effect is not what the probe looks for.
  const bool can = active_->phase == Phase::exec && active_->step.probe.has_value();
  const std::string id = launch_id(active_->step_id, "p" + to_hex(crypto::random_secret(4)));
  if (can && launch(*active_->step.probe, Purpose::probe, id)) return;
  finish(StepState::unknown, can ? "probe" : "interrupted", active_->unsettled);
}

}  // namespace reeve::runner
