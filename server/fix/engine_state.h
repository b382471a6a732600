// The engine as its own files see it: engine.cc has the requests, engine_runners.cc what runners say, engine_steps.cc
// what is sent to them, engine_ends.cc what follows from a step's end.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/warrant/merkle.h"
#include "common/warrant/messages.h"
#include "common/warrant/step.h"
#include "server/fix/engine.h"
#include "server/fix/org_trust.h"

namespace reeve::server {

// A plan in memory.
struct ActivePlan {
  FixPlan plan = {};
  std::vector<FixStep> steps = {};
  std::vector<FixApproval> approvals = {};
  std::vector<warrant::Step> decoded = {};              // of the steps, to read
  std::vector<std::vector<warrant::Hash>> levels = {};  // of the tree of the steps, the leaves first
  std::vector<uint8_t> waves = {};                      // which of the three each step belongs to
  Instant touched = {};
  WallTime rollback_until = {};
};

enum class JobKind : uint8_t { run, stop, roll_back };

// What is under way with one host: at most one thing at a time, because a challenge names no step.
struct Job {
  JobKind kind = JobKind::run;
  Uuid plan = {};
  uint32_t index = 0;
  bool sent = false;               // else a challenge is asked for
  bool fresh = false;              // a challenge is needed though a dispatch is there
  Instant again_at = {INT64_MIN};  // when to ask or send once more
  Instant sent_at = {};            // or asked
  int refusals = 0;
  Bytes order = {};  // of a rollback: the message, to send again
  int64_t order_until_ms = 0;
};

struct Lane {
  bool online = false;
  std::optional<Job> job = std::nullopt;
  Instant trust_sent = {INT64_MIN};
  Instant complained = {INT64_MIN};  // in the audit, about what it said
  bool finding = false;              // a step is looked up; messages wait
  Bytes stray = {};                  // the step that was looked up in vain, while its message is worked on
  std::deque<Bytes> held = {};       // at most held_messages_max
};

struct Preflight {
  FixCommand command = {};
  std::map<uint32_t, StepCheck> checks = {};
  std::map<Bytes, uint32_t> asked = {};  // step id -> index, not answered yet
  std::deque<uint32_t> to_ask = {};
  Instant until = {};
};

constexpr size_t held_messages_max = 1'000;
constexpr size_t preflights_max = 100;  // under way
constexpr Duration complaint_interval = 60s;

struct FixEngine::State {
  std::string org;
  Keys keys;
  Options options;
  Random& random;
  Bytes planner_key;
  Bytes freshness_key;
  OrgTrust trust;
  std::map<Uuid, Runner> runners;
  std::map<Bytes, Uuid> agent_of_host;
  std::map<Uuid, Lane> lanes;
  std::map<Uuid, ActivePlan> plans;
  std::map<Bytes, StepPlace> places;  // of the steps in memory
  std::map<Uuid, Preflight> preflights;

  State(std::string the_org, Keys the_keys, Options the_options, Random& the_random);

  // -- engine.cc
  ActivePlan& adopt(const LoadedPlan& loaded, Instant now);
  void forget(const Uuid& plan);
  void make_room();
  bool rests(const ActivePlan& plan) const;  // nothing more comes of it, nor is awaited
  uint64_t active_bytes() const;
  FixReply reply_of(const ActivePlan& plan, FixTime time) const;
  FixReply refuse_unless_approved(const ActivePlan& plan, FixTime time) const;
  AuditEntry system_entry(std::string action, std::string target, WallTime now, std::string detail = "{}") const;
  void set_state(ActivePlan& plan, PlanState state, WallTime now, FixChange& change);

  // -- engine_runners.cc
  void on(const Uuid& agent, const warrant::RunnerState& message, FixTime time, FixActions& actions);
  void on(const Uuid& agent, const warrant::RunnerChallenge& message, FixTime time, FixActions& actions);
  void on(const Uuid& agent, const warrant::SignedResult& message, FixTime time, FixActions& actions);
  void on(const Uuid& agent, const warrant::SignedPreflight& message, FixTime time, FixActions& actions);
  void on(const Uuid& agent, const warrant::Refused& message, FixTime time, FixActions& actions);
  void process(const Uuid& agent, BytesView message, FixTime time, FixActions& actions);
  void record(const Uuid& agent, const warrant::StepResult& result, const warrant::Envelope& envelope, FixTime time,
              FixActions& actions);
  void note_not_delivered(const Runner& runner, FixTime time, FixActions& actions);
  void complain(const Uuid& agent, std::string action, const std::string& why, FixTime time, FixActions& actions);
  void send(const Uuid& agent, const warrant::ToRunner& message, FixActions& actions) const;
  void send_trust(const Uuid& agent, FixTime time, FixActions& actions);
  bool bind(const Runner& before, Runner& runner, FixChange& change, FixTime time, FixActions& actions);
  bool follows_chain(const warrant::StepResult& result, BytesView body, Runner& runner, FixChange& change, FixTime time,
                     FixActions& actions);

  // -- engine_steps.cc
  void advance(FixTime time, FixActions& actions);
  std::vector<Job> jobs_of(const ActivePlan& plan) const;
  void pursue(const Uuid& agent, FixTime time, FixActions& actions);
  void dispatch(const Uuid& agent, const Bytes& challenge, FixTime time, FixActions& actions);
  void send_warrant(const Uuid& agent, const ActivePlan& plan, uint32_t index, FixTime time, FixActions& actions);
  void order_rollback(const Uuid& agent, const Bytes& challenge, FixTime time, FixActions& actions);
  void send_order(const Uuid& agent, const ActivePlan& plan, uint32_t index, warrant::OrderKind kind, FixTime time,
                  FixActions& actions);
  std::optional<std::string> why_not_dispatch(const ActivePlan& plan, uint32_t index, WallTime now) const;
  const Uuid* agent_for(const FixStep& step) const;

  // -- engine_ends.cc
  void end_step(ActivePlan& plan, StepProgress progress, FixTime time, FixChange& change);
  void end_rollback(ActivePlan& plan, uint32_t index, FixStepState state, WallTime now, FixChange& change);
  void settle(ActivePlan& plan, FixTime time, FixChange& change);
  void cancel_waiting(ActivePlan& plan, const std::string& code, WallTime now, FixChange& change);
  void on_refused(const Uuid& agent, const warrant::StepResult& refusal, const Bytes& envelope, FixTime time,
                  FixActions& actions);
  void expire(ActivePlan& plan, FixTime time, FixActions& actions);
  Job* job_of(const Uuid& agent, const Uuid& plan, uint32_t index);
  void close_job(const Uuid& agent, const Uuid& plan, uint32_t index);

  // -- engine_preflight.cc
  void ask_preflights(FixTime time, FixActions& actions);
  void answer_preflight(Preflight& preflight, StepCheck check);
};

}  // namespace reeve::server
