// The runner as a whole, on a simulated host: what it carries out, what it refuses, what it remembers.
#include "agent/runner/runner.h"

#include "common/crypto/digest.h"
#include "tests/runner/runner_world.h"

using namespace reeve;
using namespace reeve::runner;
using namespace reeve::warrant;

namespace {

std::string send_one(RunnerWorld& world, const Warrant& warrant) {
  return refusal_in(world.send(warrant));
}

Exec program(const char* path) {
  return {.what = Argv{.path = path, .user = "root"}, .timeout_ms = 5000, .output_bytes_max = 4096};
}

std::optional<Exit> ends_with(int status) {
  return Exit{.executed = true, .exit_status = status};
}

}  // namespace

TEST_CASE("an approved step runs once, and its result is signed and chained") {
  RunnerWorld world;
  const SignedPlan plan = world.plan_of(world.step());
  const Warrant warrant = world.warrant_for(plan);

  CHECK(send_one(world, warrant).empty());
  const std::vector<StepResult> first = world.run_to_end();

  REQUIRE(first.size() == 1);
  CHECK(first[0].state == StepState::done);
  CHECK(first[0].step == step_id(plan.steps[0]));
  CHECK(first[0].output == "done\n");
  CHECK(first[0].sequence == 1);
  CHECK(first[0].previous.empty());
  CHECK(world.host.started == 1);

  (void)world.send(world.warrant_for(world.plan_of(world.step())));
  const std::vector<StepResult> second = world.run_to_end();
  REQUIRE(second.size() == 1);
  CHECK(second[0].sequence == 2);
  CHECK(second[0].previous == crypto::sha256(encode(first[0])));
}

TEST_CASE("a step that comes again is answered with its result, and not run") {
  RunnerWorld world;
  const Warrant warrant = world.warrant_for(world.plan_of(world.step()));
  (void)world.send(warrant);
  (void)world.run_to_end();

  const std::vector<FromRunner> answers = world.send(warrant);

  CHECK(refusal_in(answers) == "seen");
  REQUIRE(results_in(answers).size() == 2);
  CHECK(results_in(answers)[0].state == StepState::done);
  CHECK(world.host.started == 1);
}

TEST_CASE("results are shown to whoever connects until they are acknowledged") {
  RunnerWorld world;
  (void)world.send(world.warrant_for(world.plan_of(world.step())));
  (void)world.run_to_end();

  world.restart();
  world.runner->on_connected();
  CHECK(results_in(world.take_answers()).size() == 1);

  (void)world.send(ResultAck{.through = 1});
  world.restart();
  world.runner->on_connected();
  CHECK(results_in(world.take_answers()).empty());
}

TEST_CASE("a locked host refuses, and says so unasked") {
  RunnerWorld world;
  REQUIRE(world.state.lock("maintenance").ok());

  CHECK(send_one(world, world.warrant_for(world.plan_of(world.step()))) == "locked");
  const RunnerState told = std::get<RunnerState>(world.send(StateRequest{}).at(0));
  CHECK(!told.execution);
  CHECK(told.why_not == "locked: maintenance");

  REQUIRE(world.state.unlock().ok());
  CHECK(send_one(world, world.warrant_for(world.plan_of(world.step()))).empty());
}

TEST_CASE("a policy with a syntax error turns execution off, and says where") {
  RunnerWorld world;
  const Warrant warrant = world.warrant_for(world.plan_of(world.step()));
  world.policy_text += "  - {name: broken, path\n";

  CHECK(!send_one(world, warrant).empty());
  const RunnerState told = std::get<RunnerState>(world.send(StateRequest{}).at(0));
  CHECK(!told.execution);
  CHECK(told.why_not.find("test.yaml:") != std::string::npos);
  CHECK(world.host.prepared == 0);
}

TEST_CASE("what a failed step has done is undone by its rollback, once") {
  RunnerWorld world;
  world.host.end = [](const Launch& launch) { return ends_with(launch.id.ends_with("-e") ? 3 : 0); };
  Step step = world.step();
  step.rollback = program("/usr/bin/false");
  step.rollback_on_failure = true;

  (void)world.send(world.warrant_for(world.plan_of(step)));
  const std::vector<StepResult> results = world.run_to_end();

  REQUIRE(results.size() == 2);
  CHECK(results[0].state == StepState::failed);
  CHECK(results[0].exit_status == 3);
  CHECK(results[1].phase == Phase::rollback);
  CHECK(results[1].state == StepState::done);
  CHECK(world.host.started == 2);
}

TEST_CASE("a rollback that fails is told and not tried again") {
  RunnerWorld world;
  world.host.end = [](const Launch&) { return ends_with(1); };
  Step step = world.step();
  step.rollback = program("/usr/bin/false");
  step.rollback_on_failure = true;

  (void)world.send(world.warrant_for(world.plan_of(step)));
  const std::vector<StepResult> results = world.run_to_end();
  world.restart();
  (void)world.run_to_end();

  REQUIRE(results.size() == 2);
  CHECK(results[1].state == StepState::failed);
  CHECK(world.host.started == 2);
}

TEST_CASE("a dead man's switch rolls back at its deadline, also after a restart, unless a keep came") {
  const bool keep = GENERATE(false, true);
  RunnerWorld world;
  Step step = world.step();
  step.rollback = program("/usr/bin/false");
  step.keep_within_ms = 60'000;
  const SignedPlan plan = world.plan_of(step);
  (void)world.send(world.warrant_for(plan));
  (void)world.run_to_end();
  REQUIRE(world.host.started == 1);

  if (keep) {
    const auto answers =
        world.send(world.org.order(world.host_id, step_id(plan.steps[0]), OrderKind::keep, {}, world.now_ms()));
    CHECK(refusal_in(answers) == "none");
  }
  world.restart();
  world.clock.advance(61s);
  (void)world.run_to_end();

  CHECK(world.host.started == (keep ? 1 : 2));
}

TEST_CASE("a keep that comes too late is refused") {
  RunnerWorld world;
  Step step = world.step();
  step.rollback = program("/usr/bin/false");
  step.keep_within_ms = 1'000;
  const SignedPlan plan = world.plan_of(step);
  (void)world.send(world.warrant_for(plan));
  (void)world.run_to_end();
  world.clock.advance(2s);
  (void)world.run_to_end();

  const auto late =
      world.send(world.org.order(world.host_id, step_id(plan.steps[0]), OrderKind::keep, {}, world.now_ms()));

  CHECK(refusal_in(late) == "order");
}

TEST_CASE("a rollback by order needs a step that ran, a challenge, and happens once") {
  RunnerWorld world;
  Step step = world.step();
  step.rollback = program("/usr/bin/false");
  const SignedPlan plan = world.plan_of(step);
  const Bytes id = step_id(plan.steps[0]);
  const auto order = [&](const Bytes& challenge) {
    return refusal_in(world.send(world.org.order(world.host_id, id, OrderKind::rollback, challenge, world.now_ms())));
  };

  CHECK(order(world.challenge()) == "unknown_step");
  (void)world.send(world.warrant_for(plan));
  (void)world.run_to_end();
  CHECK(order(Bytes(32, 'x')) == "challenge");
  CHECK(order(world.challenge()) == "none");
  (void)world.run_to_end();
  CHECK(order(world.challenge()) == "order");
  CHECK(world.host.started == 2);
}

TEST_CASE("a running step is stopped by order, and by nobody else") {
  RunnerWorld world;
  world.host.end = [](const Launch&) { return std::nullopt; };
  const SignedPlan plan = world.plan_of(world.step());
  const Bytes id = step_id(plan.steps[0]);
  (void)world.send(world.warrant_for(plan));
  REQUIRE(world.host.started == 1);

  SignedOrg other("acme", world.now_ms());
  OrderRequest forged = other.order(world.host_id, id, OrderKind::stop, {}, world.now_ms());
  forged.trust = world.org.update(world.now_ms());
  CHECK(refusal_in(world.send(forged)) == "planner");
  CHECK(refusal_in(world.send(world.warrant_for(world.plan_of(world.step())))) == "busy");

  CHECK(refusal_in(world.send(world.org.order(world.host_id, id, OrderKind::stop, {}, world.now_ms()))) == "none");
  const std::vector<StepResult> results = world.run_to_end();
  REQUIRE(results.size() == 1);
  CHECK(results[0].code == "stopped");
}

TEST_CASE("preconditions hold when a step starts, or it does not start") {
  RunnerWorld world;
  world.policy_text += "probes: {ports: ['127.0.0.1:8080']}\n";
  Step step = world.step();
  step.preconditions = {{.name = "port.open", .arguments = {{"address", std::string("127.0.0.1:8080")}}}};
  int status = 1;
  world.host.end = [&](const Launch& launch) { return ends_with(launch.id.ends_with("-e") ? 0 : status); };

  (void)world.send(world.warrant_for(world.plan_of(step)));
  const std::vector<StepResult> refused = world.run_to_end();
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].code == "precondition");

  status = 0;
  (void)world.send(world.warrant_for(world.plan_of(step)));
  const std::vector<StepResult> done = world.run_to_end();
  REQUIRE(done.size() == 1);
  CHECK(done[0].state == StepState::done);
}

TEST_CASE("an approver who was revoked after approving does not count any more") {
  RunnerWorld world;
  const SignedPlan plan = world.plan_of(world.step());
  const Envelope approval = world.org.approve(plan, 0, world.now_ms());

  world.org.revoke({.version = 1, .at_ms = world.now_ms(), .persons = {"ada"}});

  CHECK(send_one(world, world.warrant_for(plan, {approval})) == "revoked");
  CHECK(world.host.prepared == 0);
}

TEST_CASE("without a current statement of freshness nothing runs") {
  RunnerWorld world;
  const SignedPlan plan = world.plan_of(world.step());
  Warrant warrant = world.warrant_for(plan);
  warrant.trust.freshness.reset();
  CHECK(send_one(world, warrant) == "stale");

  (void)world.send(world.org.update(world.now_ms()));
  world.clock.advance(2h);
  Step later = world.step();
  Warrant old = world.warrant_for(world.plan_of(later));
  old.trust.freshness.reset();
  CHECK(send_one(world, old) == "stale");
}

TEST_CASE("the clock may be set ten years either way: nothing that expired runs") {
  const Duration jump = GENERATE(Duration(24h * 3650), Duration(-24h * 3650));
  RunnerWorld world;
  const SignedPlan plan = world.plan_of(world.step());
  const Envelope approval = world.org.approve(plan, 0, world.now_ms());
  const Warrant warrant = world.warrant_for(plan, {approval});
  const SignedOrg org_of_then = world.org;
  (void)world.send(world.org.update(world.now_ms()));

  world.clock.jump_wall(jump);
  CHECK(!send_one(world, warrant).empty());
  CHECK(world.host.prepared == 0);

  // A step that was over long ago, on a host whose clock says that it is not.
  world.clock.jump_wall(-jump);
  world.clock.advance(48h);
  (void)world.send(world.org.update(world.now_ms()));
  world.restart();
  world.clock.jump_wall(-(48h));
  const auto late = world.org.issue(
      plan, {approval},
      {.host = world.host_id, .sequence = 50, .challenge = world.challenge(), .now_ms = world.now_ms()});
  CHECK(!send_one(world, late).empty());
  CHECK(world.host.prepared == 0);
}

TEST_CASE("a snapshot that is put back runs nothing a second time") {
  RunnerWorld world;
  const SignedPlan plan = world.plan_of(world.step());
  const Warrant warrant = world.warrant_for(plan);
  RunnerWorld snapshot_keeper(7);
  // The disk as it was before: a new runner on an enrolled state that has seen nothing.
  const Bytes journal(world.disk.contents("/state/journal"));

  (void)world.send(warrant);
  (void)world.run_to_end();
  REQUIRE(world.host.started == 1);
  world.runner.reset();
  auto file = world.disk.open("/state/journal", sys::OpenMode::read_write);
  REQUIRE(file.ok());
  REQUIRE((*file)->write_at(0, journal).ok());
  file->reset();
  world.restart();

  CHECK(send_one(world, warrant) == "challenge");
  CHECK(world.host.started == 1);
}

TEST_CASE("a machine whose memory was put back drops its challenges") {
  RunnerWorld world;
  const SignedPlan plan = world.plan_of(world.step());
  const Warrant warrant = world.warrant_for(plan);

  world.clock.jump_wall(6min);  // the clock was set after the resume
  Warrant timely = warrant;
  timely.trust = world.org.update(world.now_ms());

  CHECK(send_one(world, timely) == "challenge");
}

TEST_CASE("a lost journal runs nothing, until the host is enrolled anew") {
  RunnerWorld world;
  const SignedPlan plan = world.plan_of(world.step());
  (void)world.send(world.warrant_for(plan));
  (void)world.run_to_end();
  world.runner.reset();
  REQUIRE(world.disk.remove("/state/journal").ok());
  world.restart();

  CHECK(!send_one(world, world.warrant_for(plan)).empty());
  const RunnerState told = std::get<RunnerState>(world.send(StateRequest{}).at(0));
  CHECK(!told.execution);
  CHECK(told.why_not.find("journal") != std::string::npos);
  CHECK(world.host.started == 1);

  const auto again = world.state.enrol(
      {.org = "acme", .host_name = "web-1", .root = world.org.fingerprint(), .replace = true}, world.clock.wall());
  REQUIRE(again.ok());
  CHECK(again->epoch > world.epoch);
  CHECK(again->host() != world.host_id);
}

TEST_CASE("preflight answers every question and starts nothing") {
  RunnerWorld world;
  (void)world.send(world.org.update(world.now_ms()));
  Step step = world.step();
  step.probe = program("/usr/bin/uptime");

  const auto answers = world.send(PreflightRequest{.step = world.plan_of(step).steps[0]});
  CHECK(refusal_in(answers) == "");
  const auto& signed_report = std::get<SignedPreflight>(answers.at(0));
  CHECK(signed_by(signed_report.envelope, std::get<RunnerState>(world.send(StateRequest{}).at(0)).public_key));
  const PreflightReport report = *decode_preflight(signed_report.envelope.payload);
  for (const CheckResult& each : report.checks) {
    INFO(each.name << ": " << each.detail);
    CHECK(each.verdict == Verdict::holds);
  }
  CHECK(report.checks.size() >= 12);
  CHECK(world.host.prepared == 0);

  step.exec = program("/usr/bin/id");
  const auto denied = world.send(PreflightRequest{.step = world.plan_of(step).steps[0]});
  const PreflightReport second = *decode_preflight(std::get<SignedPreflight>(denied.at(0)).envelope.payload);
  CHECK(std::any_of(second.checks.begin(), second.checks.end(), [](const CheckResult& each) {
    return each.name == "policy.exec" && each.verdict == Verdict::fails;
  }));
}

TEST_CASE("a dry run runs only what local policy lets run unapproved") {
  RunnerWorld world;
  world.policy_text += "unapproved_read_only: [look]\n";
  (void)world.send(world.org.update(world.now_ms()));
  world.host.end = [](const Launch&) { return ends_with(1); };
  Step step = world.step();
  step.probe = program("/usr/bin/uptime");

  const auto at_once = world.send(PreflightRequest{.step = world.plan_of(step).steps[0]});
  CHECK(refusal_in(at_once) == "");
  CHECK(at_once.empty());
  world.runner->tick();
  const auto answers = world.take_answers();

  const PreflightReport report = *decode_preflight(std::get<SignedPreflight>(answers.at(0)).envelope.payload);
  CHECK(report.checks.back().name == "probe");
  CHECK(report.checks.back().verdict == Verdict::holds);
  CHECK(world.host.started == 1);
}

TEST_CASE("challenges are many, but not without bound, and do not live for ever") {
  RunnerWorld world;
  const Warrant old = world.warrant_for(world.plan_of(world.step()));
  for (size_t i = 0; i < challenges_max; ++i) (void)world.challenge();
  CHECK(send_one(world, old) == "challenge");

  const SignedPlan plan = world.plan_of(world.step());
  const Bytes challenge = world.challenge();
  world.clock.advance(challenge_life);
  const Warrant late =
      world.org.issue(plan, {world.org.approve(plan, 0, world.now_ms())},
                      {.host = world.host_id, .sequence = 9, .challenge = challenge, .now_ms = world.now_ms()});
  CHECK(send_one(world, late) == "challenge");
}

TEST_CASE("secrets in what a step says do not leave the host") {
  RunnerWorld world;
  world.host.end = [](const Launch&) {
    return Exit{.executed = true, .output = "password=hunter2secret ok\n", .output_bytes = 26};
  };
  (void)world.send(world.warrant_for(world.plan_of(world.step())));

  const std::vector<StepResult> results = world.run_to_end();

  REQUIRE(results.size() == 1);
  CHECK(results[0].output == "password=[redacted:password] ok\n");
}

TEST_CASE("a step whose keeper was lost is settled by its probe, and without one is unknown") {
  const int probe_status = GENERATE(-1, 0, 1, 2);
  RunnerWorld world;
  world.host.end = [=](const Launch& launch) {
    return launch.id.ends_with("-e") ? std::optional<Exit>(Exit{.executed = true, .lost = true})
                                     : ends_with(probe_status);
  };
  Step step = world.step();
  if (probe_status >= 0) step.probe = program("/usr/bin/uptime");

  (void)world.send(world.warrant_for(world.plan_of(step)));
  const std::vector<StepResult> results = world.run_to_end();

  REQUIRE(results.size() == 1);
  CHECK(results[0].state == (probe_status == 0   ? StepState::done
                             : probe_status == 1 ? StepState::failed
                                                 : StepState::unknown));
}

TEST_CASE("the host's rate is counted over restarts") {
  RunnerWorld world;
  const std::string rate = "rate_per_hour: 600";
  world.policy_text.replace(world.policy_text.find(rate), rate.size(), "rate_per_hour: 2");
  for (int i = 0; i < 2; ++i) {
    CHECK(send_one(world, world.warrant_for(world.plan_of(world.step()))).empty());
    (void)world.run_to_end();
    world.restart();
  }

  CHECK(send_one(world, world.warrant_for(world.plan_of(world.step()))) == "rate");
}
