// A runner that lives in a test: it verifies as the real one does (common/warrant/verify.h) and answers, but what a
// step does is told by the test. And the people whose keys it believes.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/crypto/digest.h"
#include "common/warrant/messages.h"
#include "common/warrant/verify.h"
#include "tests/pch.h"

namespace reeve::server::test {

// One root, some approvers, and a server whose keys the trust file names.
struct FixPeople {
  std::string org = "acme";
  crypto::SigningKey root = crypto::SigningKey::make();
  std::map<std::string, crypto::SigningKey> approvers{
      {"bea", crypto::SigningKey::make()}, {"cid", crypto::SigningKey::make()}, {"dan", crypto::SigningKey::make()}};
  Bytes planner = {};
  Bytes freshness = {};
  Bytes audit = Bytes(32, '\x0a');
  uint32_t approvals_min = 2;
  uint32_t risk_max = 4;
  int64_t keys_not_after_ms = 32'503'680'000'000;  // the year 3000

  warrant::Trust trust(uint64_t version = 1) const {
    warrant::Trust made{.org = org, .version = version, .not_after_ms = keys_not_after_ms, .root_threshold = 1};
    made.roots = {{.public_key = root.public_key(), .person = "ada"}};
    for (const auto& [person, key] : approvers) {
      made.approvers.push_back(
          {.public_key = key.public_key(), .person = person, .risk_max = risk_max, .not_after_ms = keys_not_after_ms});
    }
    const auto by_key = [](const auto& a, const auto& b) { return a.public_key < b.public_key; };
    std::sort(made.approvers.begin(), made.approvers.end(), by_key);
    made.planner_keys = {planner};
    made.freshness_keys = {freshness};
    made.audit_keys = {audit};
    made.approvals_min = {1, 1, approvals_min, approvals_min, 0};
    return made;
  }
  Bytes signed_trust(uint64_t version = 1) const {
    return warrant::encode(warrant::sign(warrant::type_trust, warrant::encode(trust(version)), root));
  }
  Bytes signed_revocation(const warrant::Revocation& revocation) const {
    return warrant::encode(warrant::sign(warrant::type_revocation, warrant::encode(revocation), root));
  }
};

class FakeRunner {
 public:
  explicit FakeRunner(std::string org, std::string name, const warrant::RootFingerprint& roots)
      : host_name(std::move(name)), trust(std::move(org), roots) {}

  crypto::SigningKey key = crypto::SigningKey::make();
  std::string host_name;
  uint64_t epoch = 1;
  Bytes policy_hash = Bytes(32, '\x07');
  warrant::TrustState trust;
  uint64_t sequence = 0;
  // How a step ends; none: it goes on until finish().
  std::function<std::optional<warrant::StepState>(const warrant::Step&)> behave = [](const warrant::Step&) {
    return warrant::StepState::done;
  };
  std::string refuse_with = {};  // the code that the next warrants are refused with, refuse_times of them
  int refuse_times = 0;
  bool mute = false;  // answers nothing

  std::vector<Bytes> outgoing = {};
  std::vector<Bytes> began = {};  // step ids, in order
  std::vector<std::pair<warrant::OrderKind, Bytes>> obeyed = {};
  std::vector<warrant::Dispatch> dispatches = {};  // of every warrant that came
  std::vector<std::string> refusals = {};          // codes that we gave
  uint64_t acknowledged = 0;
  size_t preflights = 0;  // that were asked for
  Bytes running = {};

  Bytes host() const { return warrant::key_id(key.public_key()); }

  warrant::RunnerState state() const {
    return {.public_key = key.public_key(),
            .org = trust.org(),
            .host_name = host_name,
            .epoch = epoch,
            .version = "0.1.0",
            .policy_hash = policy_hash,
            .trust_version = trust.trust_version(),
            .revocation_version = trust.revocation_version(),
            .sequence = sequence,
            .result_sequence = results.size(),
            .execution = true};
  }
  void say(const warrant::FromRunner& message) {
    if (!mute) outgoing.push_back(warrant::encode(message));
  }
  // Somebody connects: its state and what nobody has acknowledged.
  void connect() {
    say(state());
    for (uint64_t i = acknowledged; i < results.size(); ++i) say(results[i]);
  }

  void on_message(BytesView bytes, int64_t now_ms) {
    const warrant::ToRunner message = warrant::decode_to_runner(bytes).value();
    std::visit([&](const auto& each) { on(each, now_ms); }, message);
  }

  void finish(warrant::StepState how, warrant::Phase phase = warrant::Phase::exec, const Bytes& step = {}) {
    const Bytes id = step.empty() ? std::exchange(running, {}) : step;
    warrant::StepResult result{.org = trust.org(),
                               .host = host(),
                               .epoch = epoch,
                               .step = id,
                               .phase = phase,
                               .state = how,
                               .exit_status = how == warrant::StepState::failed ? 1 : 0,
                               .started_ms = 1'000,
                               .ended_ms = 2'000,
                               .boot = "boot",
                               .output = "hello\n",
                               .output_bytes = 6,
                               .policy_hash = policy_hash,
                               .trust_version = trust.trust_version(),
                               .sequence = results.size() + 1,
                               .previous = last_hash};
    const Bytes body = warrant::encode(result);
    last_hash = crypto::sha256(body);
    results.push_back({warrant::sign(warrant::type_result, body, key)});
    say(results.back());
  }

  std::vector<warrant::SignedResult> results = {};
  Bytes last_hash = {};

 private:
  void on(const warrant::StateRequest&, int64_t) { say(state()); }
  void on(const warrant::TrustUpdate& update, int64_t) {
    (void)trust.take(update);
    say(state());
  }
  void on(const warrant::ChallengeRequest&, int64_t) {
    challenges.push_back(crypto::random_secret(32));
    say(warrant::RunnerChallenge{challenges.back()});
  }
  void on(const warrant::ResultAck& ack, int64_t) { acknowledged = std::max(acknowledged, ack.through); }
  void on(const warrant::PreflightRequest& request, int64_t now_ms) {
    ++preflights;
    const warrant::PreflightReport report{.org = trust.org(),
                                          .host = host(),
                                          .step = warrant::step_id(request.step),
                                          .at_ms = now_ms,
                                          .checks = {{"host", warrant::Verdict::holds, ""}}};
    say(warrant::SignedPreflight{warrant::sign(warrant::type_preflight, warrant::encode(report), key)});
  }
  void on(const warrant::Warrant& warrant, int64_t now_ms) {
    const Status taken = trust.take(warrant.trust);
    const warrant::VerifiedWarrant verified = warrant::verify_warrant(warrant, taken, view(now_ms), trust);
    const Bytes id = warrant::step_id(warrant.step);
    dispatches.push_back(warrant::decode_dispatch(warrant.dispatch.payload).value());
    if (verified.judgement.refusal == warrant::Refusal::seen) connect();
    if (!verified.judgement.ok()) {
      return refuse(std::string(warrant::to_string(verified.judgement.refusal)), verified.judgement.detail, id);
    }
    std::erase(challenges, verified.dispatch.challenge);
    if (refuse_times > 0) {
      --refuse_times;
      return refuse(refuse_with, "so the test says", id);
    }
    sequence = verified.dispatch.sequence;
    began.push_back(id);
    running = id;
    if (const auto how = behave(verified.step)) finish(*how);
  }
  void on(const warrant::OrderRequest& request, int64_t now_ms) {
    const Status taken = trust.take(request.trust);
    const warrant::VerifiedOrder verified = warrant::verify_order(request, taken, view(now_ms), trust);
    std::string code(warrant::to_string(verified.judgement.refusal));
    const warrant::Order& order = verified.order;
    const bool stops = order.kind == warrant::OrderKind::stop;
    if (verified.judgement.ok() && stops && running != order.step) code = "order";
    if (code == "none") obeyed.emplace_back(order.kind, order.step);
    say(warrant::Refused{.code = code, .detail = "", .step = order.step});
    if (code != "none") return;
    if (stops) finish(warrant::StepState::failed);
    if (order.kind == warrant::OrderKind::rollback) {
      std::erase(challenges, order.challenge);
      finish(warrant::StepState::done, warrant::Phase::rollback, order.step);
    }
  }
  void refuse(const std::string& code, const std::string& detail, const Bytes& step) {
    refusals.push_back(code);
    const warrant::StepResult result{.org = trust.org(),
                                     .host = host(),
                                     .epoch = epoch,
                                     .step = step,
                                     .state = warrant::StepState::refused,
                                     .code = code,
                                     .detail = detail,
                                     .ended_ms = 2'000,
                                     .boot = "boot",
                                     .policy_hash = policy_hash,
                                     .trust_version = trust.trust_version()};
    say(warrant::SignedResult{warrant::sign(warrant::type_result, warrant::encode(result), key)});
  }
  warrant::HostView view(int64_t now_ms) const {
    return {.org = trust.org(),
            .host = host(),
            .host_name = host_name,
            .epoch = epoch,
            .wall_ms = now_ms,
            .signed_ms = now_ms,
            .sequence = sequence,
            .policy_hash = policy_hash,
            .approvals_min = {1, 1, 1, 1, 1},
            .seen = [this](BytesView id) { return std::find(began.begin(), began.end(), id) != began.end(); },
            .challenge_open =
                [this](BytesView challenge) {
                  return std::find(challenges.begin(), challenges.end(), challenge) != challenges.end();
                }};
  }

  std::vector<Bytes> challenges = {};
};

}  // namespace reeve::server::test
