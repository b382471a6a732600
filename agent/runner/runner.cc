// See runner.h. Messages in, answers out; what becomes of a step that was accepted is in runner_steps.cc.
#include "agent/runner/runner.h"

#include <algorithm>
#include <cstdlib>

#include "agent/runner/runner_impl.h"
#include "common/base/log.h"
#include "common/crypto/digest.h"

namespace reeve::runner {
namespace {

using warrant::Judgement;
using warrant::Refusal;

constexpr Duration clock_drift_max = 300s;  // between the wall clock and the one that counts from boot
constexpr int64_t signed_step_ms = 60'000;  // how exactly the signed time is known after a restart
constexpr size_t detail_chars_max = 1000;
constexpr size_t outgoing_max = 512;

constexpr int64_t to_ms(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

Duration ahead(Clock& clock) {
  return Duration(clock.wall().ns - clock.now().ns);
}

}  // namespace

Runner::Runner(World world, Identity identity, warrant::TrustState trust, std::unique_ptr<Journal> journal,
               std::string why_not)
    : world_(std::move(world)),
      identity_(std::move(identity)),
      trust_(std::move(trust)),
      journal_(std::move(journal)),
      why_not_(std::move(why_not)),
      wall_ahead_(ahead(world_.clock)),
      signed_at_(world_.clock.now()) {
  if (journal_) signed_base_ms_ = journal_->signed_ms();
  if (trust_.freshness()) raise_signed(trust_.freshness()->at_ms);
}

Runner::~Runner() = default;

// -- What we know of time
// ----------------------------------------------------------------------------------------------

int64_t Runner::signed_ms() const {
  return signed_base_ms_ + to_ms(world_.clock.now() - signed_at_);
}

int64_t Runner::judged_ms() const {
  return std::max(to_ms(Duration(world_.clock.wall().ns)), signed_ms());
}

void Runner::raise_signed(int64_t at_ms) {
  if (at_ms <= signed_ms()) return;
  signed_base_ms_ = at_ms;
  signed_at_ = world_.clock.now();
}

// A machine that was put back to an earlier moment finds its challenges in its memory; its clocks tell.
void Runner::watch_clock() {
  const Duration now = ahead(world_.clock);
  if (std::abs(to_ms(now - wall_ahead_)) <= to_ms(clock_drift_max)) return;
  log_warn("the clock was set; open challenges are void", {{"by_ms", to_ms(now - wall_ahead_)}});
  wall_ahead_ = now;
  challenges_.clear();
}

// -- Messages
// ----------------------------------------------------------------------------------------------------------

void Runner::on_connected() {
  on(warrant::StateRequest{});
  if (!journal_) return;
  for (const JournalResult& each : journal_->results_after(0)) {
    const Result<warrant::Envelope> envelope = warrant::decode_envelope(each.envelope);
    check(envelope.ok(), "the journal holds envelopes of ours");
    send(warrant::SignedResult{.envelope = *envelope});
  }
}

void Runner::on_message(BytesView bytes) {
  watch_clock();
  if (bytes.size() > warrant::message_bytes_max) {
    return refuse({.refusal = Refusal::size, .detail = "a message has at most 256 KiB"}, {}, false);
  }
  const Result<warrant::ToRunner> message = warrant::decode_to_runner(bytes);
  if (!message.ok()) return refuse({.refusal = Refusal::shape, .detail = message.error().text()}, {}, false);
  std::visit([this](const auto& each) { on(each); }, *message);
}

void Runner::on(const warrant::StateRequest&) {
  const PolicyNow now = world_.read_policy();
  const bool can = journal_ != nullptr && !journal_->broken() && now.policy.execution() && !world_.state.locked();
  std::string why = !journal_ ? why_not_ : now.why_not;
  if (why.empty() && world_.state.locked()) why = "locked: " + world_.state.why_locked();
  if (why.empty() && !can) why = "the host's policy has execution off";
  send(warrant::RunnerState{.public_key = identity_.key.public_key(),
                            .org = identity_.org,
                            .host_name = identity_.host_name,
                            .epoch = identity_.epoch,
                            .version = world_.version,
                            .policy_hash = now.policy.hash(),
                            .trust_version = trust_.trust_version(),
                            .revocation_version = trust_.revocation_version(),
                            .sequence = journal_ ? journal_->sequence() : 0,
                            .result_sequence = journal_ ? journal_->result_sequence() : 0,
                            .execution = can,
                            .why_not = can ? "" : printable(why, detail_chars_max)});
}

void Runner::on(const warrant::TrustUpdate& update) {
  const Taken taken = take_trust(update);
  if (!taken.refused.ok()) refuse({.refusal = Refusal::trust, .detail = taken.refused.error().text()}, {}, false);
  on(warrant::StateRequest{});
}

void Runner::on(const warrant::ChallengeRequest&) {
  if (challenges_.size() == challenges_max) challenges_.pop_front();
  challenges_.push_back({.bytes = crypto::random_secret(crypto::digest_bytes), .made = world_.clock.now()});
  send(warrant::RunnerChallenge{.challenge = challenges_.back().bytes});
}

void Runner::on(const warrant::ResultAck& ack) {
  if (!journal_ || ack.through > journal_->result_sequence()) return;
  const Status done = journal_->acknowledge(ack.through);
  if (!done.ok()) log_error("an acknowledgement is not kept", {{"error", done.error().text()}});
}

void Runner::on(const warrant::Warrant& warrant) {
  const Taken taken = take_trust(warrant.trust);
  const PolicyNow now = world_.read_policy();
  warrant::VerifiedWarrant verified = verify_warrant(warrant, taken.refused, view(now), trust_);
  Judgement judgement = std::move(verified.judgement);
  if (taken.from_future && judgement.ok()) {
    judgement = {.refusal = Refusal::clock, .detail = "the signed time is ahead of the clock by more than 5 min"};
  }
  if (judgement.refusal == Refusal::seen) on_connected();  // what became of it
  if (judgement.ok()) {
    use_challenge(verified.dispatch.challenge);
    judgement = judge_locally(verified.step, now, to_hex(verified.step_id));
  }
  if (!judgement.ok()) {
    // What was refused before it was decoded is named all the same, so that whoever sent it can tell.
    const bool decoded = !verified.step_id.empty();
    return refuse(judgement, decoded ? verified.step_id : warrant::step_id(warrant.step), decoded);
  }

  raise_signed(verified.dispatch.at_ms);
  if (const Status noted = journal_->note_signed_time(signed_ms()); !noted.ok()) {
    return refuse({.refusal = Refusal::journal, .detail = noted.error().text()}, verified.step_id, true);
  }
  log_info("a step is accepted", {{"step", to_hex(verified.step_id)}, {"sequence", verified.dispatch.sequence}});
  active_ = std::make_unique<Active>();
  active_->stage = Stage::precondition;
  active_->step = std::move(verified.step);
  active_->step_bytes = warrant.step;
  active_->step_id = std::move(verified.step_id);
  active_->sequence = verified.dispatch.sequence;
  active_->warrant = warrant;
  look_at_preconditions();
}

void Runner::on(const warrant::OrderRequest& request) {
  const Taken taken = take_trust(request.trust);
  const PolicyNow now = world_.read_policy();
  const warrant::VerifiedOrder verified = verify_order(request, taken.refused, view(now), trust_);
  Judgement judgement = verified.judgement;
  if (judgement.ok()) {
    if (verified.order.kind == warrant::OrderKind::rollback) use_challenge(verified.order.challenge);
    judgement = obey(verified.order);
  }
  // An order that was obeyed is answered too, with the code "none".
  refuse(judgement, verified.order.step, false);
}

Judgement Runner::obey(const warrant::Order& order) {
  if (!journal_) return {.refusal = Refusal::journal, .detail = why_not_};
  if (order.kind == warrant::OrderKind::stop) {
    const bool under_way = active_ && active_->step_id == order.step && active_->stage != Stage::dry_run;
    if (!under_way) return {.refusal = Refusal::order, .detail = "this step is not under way"};
    if (active_->running) {
      active_->running->stop();
    } else {
      world_.launcher.stop_remains(active_->launch_id);
    }
    return {};
  }
  const JournalEntry* entry = journal_->find(order.step, warrant::Phase::exec);
  if (entry == nullptr) return {.refusal = Refusal::unknown_step, .detail = "this step never began here"};
  if (!entry->ended) return {.refusal = Refusal::order, .detail = "the step is still under way"};
  if (order.kind == warrant::OrderKind::keep) {
    if (journal_->find(order.step, warrant::Phase::rollback) != nullptr) {
      return {.refusal = Refusal::order, .detail = "its rollback has begun"};
    }
    const Status kept = journal_->keep(order.step);
    return kept.ok() ? Judgement{} : Judgement{.refusal = Refusal::journal, .detail = kept.error().text()};
  }
  if (active_) return {.refusal = Refusal::busy, .detail = "another step is under way"};
  if (!entry->started || entry->state == warrant::StepState::not_started) {
    return {.refusal = Refusal::order, .detail = "nothing of this step has run"};
  }
  if (journal_->find(order.step, warrant::Phase::rollback) != nullptr) {
    return {.refusal = Refusal::order, .detail = "its rollback has begun before"};
  }
  roll_back(*entry);
  return {};
}

// -- Trust, challenges, answers
// ----------------------------------------------------------------------------------------

Runner::Taken Runner::take_trust(const warrant::TrustUpdate& update) {
  const uint64_t trust_before = trust_.trust_version();
  const uint64_t revocation_before = trust_.revocation_version();
  warrant::TrustUpdate timely = update;
  Taken taken;
  if (update.freshness) {
    const Result<warrant::Freshness> freshness = warrant::decode_freshness(update.freshness->payload);
    // To believe a time from the future would refuse everything until it is there.
    taken.from_future =
        freshness.ok() && freshness->at_ms - to_ms(Duration(world_.clock.wall().ns)) > warrant::clock_difference_ms_max;
    if (taken.from_future) timely.freshness.reset();
  }
  taken.refused = trust_.take(timely);
  if (trust_.freshness()) raise_signed(trust_.freshness()->at_ms);
  // So that a clock that is set back while we are not there finds somebody who knows better.
  if (journal_ && signed_ms() - journal_->signed_ms() > signed_step_ms) {
    const Status noted = journal_->note_signed_time(signed_ms());
    if (!noted.ok()) log_error("the signed time is not kept", {{"error", noted.error().text()}});
  }
  if (trust_.trust_version() != trust_before || trust_.revocation_version() != revocation_before) {
    const Status saved = world_.state.save_trust(trust_);
    if (!saved.ok() && taken.refused.ok()) taken.refused = saved.error().during("keep what is believed");
  }
  return taken;
}

warrant::HostView Runner::view(const PolicyNow& now) const {
  return {.org = identity_.org,
          .host = identity_.host(),
          .host_name = identity_.host_name,
          .epoch = identity_.epoch,
          .locked = world_.state.locked(),
          .wall_ms = to_ms(Duration(world_.clock.wall().ns)),
          .signed_ms = signed_ms(),
          .sequence = journal_ ? journal_->sequence() : 0,
          .policy_hash = now.policy.hash(),
          .approvals_min = now.policy.approvals_min(),
          .seen =
              [this](BytesView step_id) {
                return journal_ != nullptr && journal_->find(step_id, warrant::Phase::exec) != nullptr;
              },
          .challenge_open =
              [this](BytesView challenge) {
                return std::any_of(challenges_.begin(), challenges_.end(), [&](const Challenge& each) {
                  return each.bytes == challenge && world_.clock.now() - each.made < challenge_life;
                });
              }};
}

void Runner::use_challenge(BytesView challenge) {
  std::erase_if(challenges_, [&](const Challenge& each) { return each.bytes == challenge; });
}

Judgement Runner::judge_locally(const warrant::Step& step, const PolicyNow& now, const std::string& id) const {
  if (!journal_) return {.refusal = Refusal::journal, .detail = why_not_};
  if (journal_->broken()) return {.refusal = Refusal::journal, .detail = "the journal could not be written"};
  if (!now.policy.execution()) return {.refusal = Refusal::execution_off, .detail = now.why_not};
  const auto allowed = [&](const warrant::Exec& exec, Purpose purpose) -> Judgement {
    const Result<Launch> launch = now.policy.permit(exec, purpose, step.risk, id);
    return launch.ok() ? Judgement{} : Judgement{.refusal = Refusal::policy, .detail = launch.error().text()};
  };
  if (Judgement exec = allowed(step.exec, Purpose::exec); !exec.ok()) return exec;
  if (step.probe) {
    if (Judgement probe = allowed(*step.probe, Purpose::probe); !probe.ok()) return probe;
  }
  if (step.rollback) {
    if (Judgement rollback = allowed(*step.rollback, Purpose::rollback); !rollback.ok()) return rollback;
  }
  if (!now.policy.open_at(world_.clock.wall())) {
    return {.refusal = Refusal::closed, .detail = "the host's policy lets nothing run at this time"};
  }
  constexpr int64_t hour_ms = 3'600'000;
  if (journal_->started_since(judged_ms() - hour_ms) >= now.policy.rate_per_hour()) {
    return {.refusal = Refusal::rate,
            .detail = "the host's policy allows " + std::to_string(now.policy.rate_per_hour()) + " steps an hour"};
  }
  if (!idle()) return {.refusal = Refusal::busy, .detail = "another step is under way"};
  return {};
}

void Runner::refuse(const Judgement& judgement, BytesView step_id, bool sign) {
  const std::string code(to_string(judgement.refusal));
  const std::string detail = printable(judgement.detail, detail_chars_max);
  if (!judgement.ok()) {
    log_warn("refused", {{"code", code}, {"detail", detail}, {"step", to_hex(step_id)}});
  }
  if (!sign || step_id.empty()) return send(warrant::Refused{.code = code, .detail = detail, .step = Bytes(step_id)});
  const warrant::StepResult result{.org = identity_.org,
                                   .host = identity_.host(),
                                   .epoch = identity_.epoch,
                                   .step = Bytes(step_id),
                                   .state = warrant::StepState::refused,
                                   .code = code,
                                   .detail = detail,
                                   .ended_ms = to_ms(Duration(world_.clock.wall().ns)),
                                   .boot = world_.boot,
                                   .policy_hash = world_.read_policy().policy.hash(),
                                   .trust_version = trust_.trust_version()};
  send(warrant::SignedResult{.envelope = warrant::sign(warrant::type_result, warrant::encode(result), identity_.key)});
}

void Runner::send(const warrant::FromRunner& message) {
  // Results wait in the journal; whoever connects again hears of them.
  if (outgoing_.size() == outgoing_max) outgoing_.pop_front();
  outgoing_.push_back(warrant::encode(message));
}

std::vector<Bytes> Runner::take_outgoing() {
  std::vector<Bytes> taken(std::make_move_iterator(outgoing_.begin()), std::make_move_iterator(outgoing_.end()));
  outgoing_.clear();
  return taken;
}

}  // namespace reeve::runner
