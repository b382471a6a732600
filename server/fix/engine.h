// What becomes of an org's plans: the one who decides, without I/O. Requests of people and messages of runners in,
// actions out.
//
//     waiting --enough approve--> approved --execute--> running --all done--> done
//        |                           |                     |--one is not done--> failed
//        +--veto--> vetoed, for ever +---------------------+--stop--> stopped
//
// A running plan goes in waves: one host, then a tenth of the hosts, then the rest; within a host one step at a time.
// The first step that does not end well stops all that has not been dispatched. A step is dispatched with a challenge
// that its runner gives; the dispatch is in the store before it is sent, and the same one is sent again until there is
// a result. That a step begins at most once is not decided here but by its runner, which knows the ids of its steps.
//
// Everything is kept in the store: after a restart the engine is made of it anew. The shell performs actions in order
// and goes on behind a SaveFixes only when it is durable. Plans that have not ended are in memory, at most
// active_bytes_max of them, and so are those that ended lately. One thread.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/random.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/crypto/signing.h"
#include "server/fix/plan_text.h"
#include "server/store/fixes.h"

namespace reeve::server {

constexpr uint64_t active_bytes_max = 64_MiB;  // of steps of plans that have not ended
constexpr int64_t active_plans_max = 1'000;

struct SendToRunner {
  Uuid agent = {};
  Bytes message = {};
};
struct SaveFixes {
  FixChange change = {};
};
// A runner speaks of a step that is not in memory: answered by on_step_found.
struct FindStep {
  Uuid agent = {};
  Bytes step = {};
};
using FixAction = std::variant<SendToRunner, SaveFixes, FindStep>;
using FixActions = std::vector<FixAction>;

// What the store holds when the engine is made.
struct LoadedFixes {
  std::vector<SignedVersion> trust = {};
  std::optional<SignedVersion> revocation = std::nullopt;
  std::vector<Runner> runners = {};
  std::vector<LoadedPlan> plans = {};  // those that have not ended, and those with steps under way
};

// What a request is answered, once all that was ordered before is durable.
struct FixReply {
  int status = 200;
  std::string detail = {};  // of a refusal: status >= 400
  Uuid plan = {};
  Uuid command = {};
  PlanState state = PlanState::waiting;
  uint32_t counted = 0;
  uint32_t needed = 0;
  uint64_t version = 0;
};

struct FixTime {
  Instant now;
  WallTime wall;
};

class FixEngine {
 public:
  struct Options {
    size_t hosts_at_once_max = 200;  // with something under way
    size_t preflights_at_once_max = 64;
    Duration resend_interval = 60s;   // of what has no answer yet
    Duration retry_interval = 5s;     // after a refusal that may pass
    Duration trust_interval = 10min;  // how often runners hear that trust is current
    Duration preflight_patience = 30s;
    Duration forget_after = 10min;  // ended plans leave the memory
    Duration silence_max = 10min;   // beyond a step's window and time-out: then nobody knows how it ended
    int refusals_max = 5;           // of one step, of the kind that may pass
  };
  struct Keys {
    crypto::SigningKey planner;
    crypto::SigningKey freshness;
  };

  FixEngine(std::string org, Keys keys, Options options, Random& random);
  ~FixEngine();
  // Once, before anything else. Code::corrupt: what the store holds does not fit together.
  Status load(LoadedFixes loaded, FixTime time);

  // -- Requests: `entry` goes into the audit where something changed. `loaded` is the plan as the store has it, for
  // where it is not in memory any more; null where there is none.

  FixReply take_trust(BytesView envelope, const AuditEntry& entry, FixTime time, FixActions& actions);
  FixReply take_revocation(BytesView envelope, const AuditEntry& entry, FixTime time, FixActions& actions);
  FixReply add_plan(const LoadedPlan& plan, const AuditEntry& entry, FixTime time, FixActions& actions);
  FixReply approve(const LoadedPlan& loaded, BytesView envelope, const AuditEntry& entry, FixTime time,
                   FixActions& actions);
  FixReply execute(const LoadedPlan& loaded, const AuditEntry& entry, FixTime time, FixActions& actions);
  FixReply stop(const LoadedPlan& loaded, const AuditEntry& entry, FixTime time, FixActions& actions);
  FixReply roll_back(const LoadedPlan& loaded, const AuditEntry& entry, FixTime time, FixActions& actions);
  FixReply keep(const LoadedPlan& loaded, const AuditEntry& entry, FixTime time, FixActions& actions);
  FixReply preflight(const LoadedPlan& loaded, const AuditEntry& entry, FixTime time, FixActions& actions);
  // How many persons have approved, and must.
  FixReply standing(const LoadedPlan& loaded, FixTime time) const;

  // -- Runners, by the agent that speaks for them

  void on_online(const Uuid& agent, FixTime time, FixActions& actions);
  void on_offline(const Uuid& agent);
  void on_message(const Uuid& agent, BytesView message, FixTime time, FixActions& actions);
  void on_step_found(const Uuid& agent, const LoadedPlan* plan, FixTime time, FixActions& actions);
  void tick(FixTime time, FixActions& actions);

  const Bytes& planner_key() const;
  const Bytes& freshness_key() const;

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace reeve::server
