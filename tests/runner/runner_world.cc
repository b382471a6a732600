// See runner_world.h.
#include "tests/runner/runner_world.h"

#include "common/base/log.h"

namespace reeve::runner {
namespace {

using namespace warrant;

constexpr int64_t hour_ms = 3'600'000;

// One process of a SimHost, as the runner that started it sees it.
class SimRunning : public Running {
 public:
  SimRunning(SimHost& host, std::string id) : host_(host), id_(std::move(id)) {}
  ~SimRunning() override {
    SimHost::Process& process = host_.processes[id_];
    if (!process.gate_open) process.ended = true;  // it saw the gate close
  }

  Status open_gate() override {
    SimHost::Process& process = host_.processes[id_];
    check(!process.gate_open, "a gate opens once");
    process.gate_open = true;
    ++host_.started;
    return {};
  }
  void stop() override { host_.processes[id_].stop_asked = true; }
  int descriptor() const override { return -1; }
  std::optional<Exit> take_news() override {
    SimHost::Process& process = host_.processes[id_];
    if (!process.gate_open) return std::nullopt;
    std::optional<Exit> exit = host_.end(process.launch);
    if (process.stop_asked) exit = Exit{.executed = true, .signal = 15, .stopped = true};
    if (!exit) return std::nullopt;
    process.ended = true;
    process.exit = *exit;
    return exit;
  }

 private:
  SimHost& host_;
  std::string id_;
};

}  // namespace

Result<std::unique_ptr<Running>> SimLauncher::prepare(const Launch& launch) {
  if (host_.refuse_to_prepare) return Error(Code::unavailable, "no process can be made");
  check(!host_.processes.contains(launch.id), "a launch's id is never used twice");
  ++host_.prepared;
  if (host_.on_prepare) host_.on_prepare();
  host_.processes[launch.id] = {.launch = launch};
  return std::unique_ptr<Running>(new SimRunning(host_, launch.id));
}

Result<Remains> SimLauncher::find(const std::string& launch_id) {
  const auto found = host_.processes.find(launch_id);
  if (found == host_.processes.end() || found->second.note_lost) return Remains{};
  // A keeper whose gate was never opened says so before it ends.
  if (!found->second.gate_open) return Remains{.state = Remains::State::ended, .exit = Exit{.detail = "never opened"}};
  if (found->second.ended) return Remains{.state = Remains::State::ended, .exit = found->second.exit};
  return Remains{.state = Remains::State::running};
}

void SimLauncher::stop_remains(const std::string& launch_id) {
  SimHost::Process& process = host_.processes[launch_id];
  process.ended = true;
  process.exit = Exit{.executed = true, .signal = 15, .stopped = true};
}

void SimLauncher::forget(const std::string&) {}

RunnerWorld::RunnerWorld(uint64_t seed, std::string the_host_name)
    : RunnerWorld(seed, SignedOrg("acme", sim::SimClock::wall_at_start.ns / 1'000'000), std::move(the_host_name)) {}

RunnerWorld::RunnerWorld(uint64_t seed, const SignedOrg& shared, std::string the_host_name)
    : random(seed), disk(random, &clock), org(shared), host_name(std::move(the_host_name)) {
  set_log_descriptor(-1);
  policy_text =
      "version: 1\n"
      "execution: on\n"
      "rate_per_hour: 600\n"
      "approvals_min: {0: 1, 1: 1, 2: 1, 3: 2, 4: never}\n"
      "commands:\n"
      "  - {name: yes, path: /usr/bin/true, user: root, timeout_max: 60s}\n"
      "  - {name: undo, path: /usr/bin/false, user: root, timeout_max: 60s}\n"
      "  - {name: look, path: /usr/bin/uptime, user: root, timeout_max: 60s, read_only: true}\n";
  enrol();
  restart();
}

void RunnerWorld::enrol() {
  const Result<Identity> made =
      state.enrol({.org = org.name, .host_name = host_name, .root = org.fingerprint()}, clock.wall());
  check(made.ok(), "a host can be enrolled");
  host_id = made->host();
  epoch = made->epoch;
}

void RunnerWorld::restart() {
  runner.reset();
  Result<Identity> identity = state.load();
  check(identity.ok(), "an enrolled host knows who it is");
  Result<TrustState> trust = state.load_trust(*identity);
  check(trust.ok(), "what was believed can be read");
  Result<std::unique_ptr<Journal>> journal = state.open_journal();
  const std::string why = journal.ok() ? "" : journal.error().text();
  runner = std::make_unique<Runner>(
      Runner::World{.clock = clock,
                    .launcher = launcher,
                    .state = state,
                    .read_policy =
                        [this] {
                          Result<Policy> policy = Policy::parse("test.yaml", policy_text);
                          if (policy.ok()) return PolicyNow{.policy = std::move(*policy)};
                          return PolicyNow{.policy = Policy::deny_all(), .why_not = policy.error().text()};
                        },
                    .boot = "boot-1",
                    .version = "test"},
      std::move(*identity), std::move(*trust), journal.ok() ? std::move(*journal) : nullptr, why);
}

void RunnerWorld::crash(sim::SimDisk::Crash how) {
  if (!disk.stopped()) disk.stop();
  runner.reset();
  disk.restart(how);
  restart();
}

std::vector<FromRunner> RunnerWorld::take_answers() {
  std::vector<FromRunner> answers;
  for (const Bytes& each : runner->take_outgoing()) {
    Result<FromRunner> answer = decode_from_runner(each);
    check(answer.ok(), "the runner says what can be understood");
    answers.push_back(std::move(*answer));
  }
  return answers;
}

std::vector<FromRunner> RunnerWorld::send_bytes(BytesView bytes) {
  runner->on_message(bytes);
  return take_answers();
}

std::vector<FromRunner> RunnerWorld::send(const ToRunner& message) {
  return send_bytes(encode(message));
}

Bytes RunnerWorld::challenge() {
  const std::vector<FromRunner> answers = send(ChallengeRequest{});
  return std::get<RunnerChallenge>(answers.at(0)).challenge;
}

std::vector<StepResult> RunnerWorld::run_to_end(int ticks_max) {
  std::vector<StepResult> all;
  for (int i = 0; i < ticks_max; ++i) {
    runner->tick();
    for (StepResult& each : results_in(take_answers())) all.push_back(std::move(each));
    if (runner->idle()) break;
    clock.advance(200ms);
  }
  return all;
}

Step RunnerWorld::step() {
  Result<Policy> policy = Policy::parse("test.yaml", policy_text);
  check(policy.ok(), "the test's policy is right");
  return {.org = org.name,
          .host = host_id,
          .host_name = host_name,
          .epoch = epoch,
          .exec = {.what = Argv{.path = "/usr/bin/true", .user = "root"}, .timeout_ms = 5000, .output_bytes_max = 4096},
          .effect = Effect::once,
          .risk = 1,
          .approvals = 1,
          .requester = "eve",
          .policy_hash = policy->hash(),
          .not_before_ms = now_ms(),
          .not_after_ms = now_ms() + hour_ms};
}

Warrant RunnerWorld::warrant_for(const SignedPlan& plan, size_t index) {
  return warrant_for(plan, {org.approve(plan, 0, now_ms())}, index);
}

Warrant RunnerWorld::warrant_for(const SignedPlan& plan, std::vector<Envelope> approvals, size_t index) {
  return org.issue(
      plan, std::move(approvals),
      {.host = host_id, .index = index, .sequence = ++sequence, .challenge = challenge(), .now_ms = now_ms()});
}

std::string refusal_in(const std::vector<FromRunner>& answers) {
  for (const FromRunner& each : answers) {
    if (const auto* refused = std::get_if<Refused>(&each)) return refused->code;
    if (const auto* result = std::get_if<SignedResult>(&each)) {
      const Result<StepResult> decoded = decode_result(result->envelope.payload);
      check(decoded.ok(), "the runner signs what can be understood");
      if (decoded->state == StepState::refused) return decoded->code;
    }
  }
  return "";
}

std::vector<StepResult> results_in(const std::vector<FromRunner>& answers) {
  std::vector<StepResult> results;
  for (const FromRunner& each : answers) {
    const auto* result = std::get_if<SignedResult>(&each);
    if (result == nullptr) continue;
    Result<StepResult> decoded = decode_result(result->envelope.payload);
    check(decoded.ok(), "the runner signs what can be understood");
    results.push_back(std::move(*decoded));
  }
  return results;
}

}  // namespace reeve::runner
