// What an org remembers of fixes: who may sign what, the runners, plans with their steps and approvals, and what the
// runners said that they did.
//
// Rows, and one verb that changes them: a FixChange happens wholly and durably, with the audit entries that tell of it,
// or not at all. What may follow what is decided in server/fix. Two implementations, SQLite (in the same org.db) and
// in-memory, held to the same tests; reached by Store::fixes(). Threads as in store.h.
//
// Every table is bounded. Beyond fix_plans_max the oldest plan that has ended goes with all that belongs to it, and
// where none has ended the change is Code::exhausted; beyond receipts_stray_max and fix_commands_max the oldest go.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "server/store/accounts.h"

namespace reeve::server {

constexpr size_t trust_files_max = 1'000;
constexpr size_t runners_max = 100'000;
constexpr size_t fix_plans_max = 10'000;
constexpr size_t receipts_stray_max = 10'000;  // of steps that no plan of ours has
constexpr size_t fix_commands_max = 20'000;

// A version of the trust file, or of the list of what is revoked, as it was signed.
struct SignedVersion {
  uint64_t version = 0;
  Bytes envelope = {};
  WallTime at = {};  // taken
};

// The runner that an agent speaks for.
struct Runner {
  Uuid agent = {};
  Bytes host = {};  // SHA-256 of the key
  Bytes public_key = {};
  std::string host_name = {};
  uint64_t epoch = 0;
  std::string version = {};
  Bytes policy_hash = {};
  uint64_t trust_version = 0;
  uint64_t revocation_version = 0;
  uint64_t sequence = 0;
  uint64_t result_sequence = 0;
  bool execution = false;
  std::string why_not = {};
  WallTime first_seen = {};
  WallTime last_seen = {};
  // What we know of it.
  uint64_t dispatch_sequence = 0;  // the highest that we have signed
  uint64_t chain_epoch = 0;
  uint64_t chain_sequence = 0;  // its results are here up to this one
  Bytes chain_hash = {};        // SHA-256 of that one's body; empty: none
  bool operator==(const Runner&) const = default;
};

// Kept as numbers.
enum class PlanState : uint8_t {
  waiting = 1,  // for approvals
  approved = 2,
  running = 3,
  stopped = 4,
  done = 5,
  failed = 6,
  vetoed = 7,
  expired = 8,
  rolling_back = 9,
  rolled_back = 10,
};
std::string_view to_string(PlanState state);
// Nothing more comes of it by itself.
bool has_ended(PlanState state);

struct FixPlan {
  Uuid id = {};
  std::string title = {};
  std::string requester = {};
  PlanState state = PlanState::waiting;
  WallTime created = {};
  WallTime not_after = {};
  Bytes root = {};
  uint32_t count = 0;
  uint32_t hosts = 0;
  uint32_t risk_max = 0;
  uint32_t approvals = 1;      // as its steps ask; trust may ask for more
  uint64_t bytes = 0;          // of its steps
  Uuid command = {};           // of its execution; nil: none yet
  Uuid rollback_command = {};  // nil: none yet
  WallTime changed = {};
  bool operator==(const FixPlan&) const = default;
};

enum class FixStepState : uint8_t {
  waiting = 1,
  dispatched = 2,
  not_started = 3,
  done = 4,
  failed = 5,
  unknown = 6,
  refused = 7,
  expired = 8,
};
std::string_view to_string(FixStepState state);
bool has_ended(FixStepState state);

// How far a step is, and its rollback.
struct StepProgress {
  uint32_t index = 0;
  FixStepState state = FixStepState::waiting;
  std::string code = {};
  std::string detail = {};
  std::optional<FixStepState> rollback = std::nullopt;
  Bytes dispatch = {};  // the newest envelope that let it run; empty: none yet
  WallTime ended = {};
  bool keep_ordered = false;
  bool operator==(const StepProgress&) const = default;
};

struct FixStep {
  Bytes id = {};     // SHA-256 of the bytes
  Bytes bytes = {};  // what is approved and run
  Bytes host = {};
  std::string host_name = {};
  StepProgress progress = {};  // with its index
  bool operator==(const FixStep&) const = default;
};

struct FixApproval {
  std::string person = {};
  bool veto = false;
  WallTime at = {};
  Bytes envelope = {};
  bool operator==(const FixApproval&) const = default;
};

// Something that a runner signed about a step.
struct Receipt {
  uint64_t id = 0;  // the store's, growing
  Uuid plan = {};   // nil: of no plan of ours
  uint32_t index = 0;
  Bytes step = {};
  Bytes host = {};
  uint64_t sequence = 0;
  Bytes envelope = {};
  WallTime received = {};
};

struct FixCommand {
  Uuid id = {};
  std::string kind = {};  // "preflight", "execute", "rollback"
  Uuid plan = {};
  bool done = false;
  WallTime created = {};
  bool operator==(const FixCommand&) const = default;
};

// What a preflight found out about one step.
struct StepCheck {
  Uuid command = {};
  uint32_t index = 0;
  std::string state = {};  // "waiting", "done", "offline", "no_answer", "refused"
  Bytes envelope = {};     // the runner's report; empty: there is none
  std::string detail = {};
};

// Rows that are there already are replaced.
struct FixChange {
  std::optional<SignedVersion> trust = std::nullopt;
  std::optional<SignedVersion> revocation = std::nullopt;
  std::vector<Runner> runners = {};
  std::vector<Uuid> runners_gone = {};  // agents
  std::vector<FixPlan> plans = {};
  std::vector<FixStep> new_steps = {};  // of plans.front()
  struct Progress {
    Uuid plan = {};
    StepProgress step = {};
  };
  std::vector<Progress> progress = {};
  struct Approval {
    Uuid plan = {};
    FixApproval approval = {};
  };
  std::vector<Approval> approvals = {};
  std::vector<Receipt> receipts = {};  // ids are the store's to give
  std::vector<FixCommand> commands = {};
  std::vector<StepCheck> checks = {};
  std::vector<AuditEntry> audit = {};
};

struct PlanQuery {
  bool active_only = false;
  Uuid before = {};  // nil: from the newest on
  size_t limit = 100;
};

struct StepPlace {
  Uuid plan = {};
  uint32_t index = 0;
};

class Fixes {
 public:
  virtual ~Fixes() = default;

  virtual Status apply(const FixChange& change) = 0;

  virtual Result<std::vector<SignedVersion>> list_trust() const = 0;  // ascending
  virtual Result<std::optional<SignedVersion>> newest_revocation() const = 0;
  virtual Result<std::vector<Runner>> list_runners() const = 0;                         // by agent
  virtual Result<FixPlan> find_plan(const Uuid& plan) const = 0;                        // Code::not_found
  virtual Result<std::vector<FixPlan>> list_plans(const PlanQuery& query) const = 0;    // newest first
  virtual Result<std::vector<FixStep>> list_steps(const Uuid& plan) const = 0;          // by index
  virtual Result<StepPlace> find_step(BytesView id) const = 0;                          // Code::not_found
  virtual Result<std::vector<FixApproval>> list_approvals(const Uuid& plan) const = 0;  // oldest first
  virtual Result<std::vector<Receipt>> list_receipts(const Uuid& plan) const = 0;       // in the order of arrival
  virtual Result<FixCommand> find_command(const Uuid& command) const = 0;               // Code::not_found
  virtual Result<std::vector<StepCheck>> list_checks(const Uuid& command) const = 0;    // by index
};

}  // namespace reeve::server
