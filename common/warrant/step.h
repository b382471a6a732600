// What is signed: steps and their approvals, dispatches, orders and results. Plain structs; their bytes are Protobuf
// (proto/warrant.proto), inside of an envelope of their own type.
//
// decode_* takes foreign bytes: Code::invalid unless they are the one encoding of a value within the bounds, and the
// text says what is wrong. encode(decode(bytes)) == bytes, always. Times are milliseconds since 1970. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace reeve::warrant {

// -- Bounds
// ------------------------------------------------------------------------------------------------------------

constexpr size_t step_bytes_max = 16_KiB;
constexpr size_t name_bytes_max =
    256;  // orgs, persons, hosts, users, action and argument names; comments: text_bytes_max
constexpr size_t text_bytes_max = 4096;  // paths, arguments, values, details
constexpr size_t arguments_max = 64;
constexpr size_t environment_max = 32;
constexpr size_t preconditions_max = 16;
constexpr size_t checks_max = 64;
constexpr uint32_t steps_max = 10'000;  // of a plan
constexpr uint32_t risk_highest = 4;
constexpr uint32_t timeout_ms_max = 3'600'000;
constexpr uint32_t output_bytes_max = 32_KiB;
constexpr int64_t step_life_ms_max = 24LL * 3600 * 1000;
constexpr int64_t dispatch_life_ms_max = 15LL * 60 * 1000;
constexpr int64_t freshness_life_ms_max = 24LL * 3600 * 1000;
constexpr uint32_t keep_within_ms_max = 3'600'000;

// -- Steps
// -------------------------------------------------------------------------------------------------------------

// A program with its arguments; never a shell string.
struct Argv {
  std::string path{};                                              // absolute; no "." or ".." in it
  Bytes sha256{};                                                  // of the program; empty: as local policy has it
  std::vector<std::string> arguments{};                            // behind argv[0], which is the path
  std::vector<std::pair<std::string, std::string>> environment{};  // all of it; sorted by name, each once
  std::string working_directory{};                                 // empty: /
  std::string user{};                                              // a name
  bool operator==(const Argv&) const = default;
};

// One of the runner's built-in actions.
struct Action {
  using Value = std::variant<std::string, int64_t>;
  std::string name{};                                      // "unit.restart"
  std::vector<std::pair<std::string, Value>> arguments{};  // sorted by name, each once
  bool operator==(const Action&) const = default;

  const std::string* text(std::string_view argument) const;  // nullptr: absent, or a number
  const int64_t* number(std::string_view argument) const;
};

struct Exec {
  std::variant<Argv, Action> what{};
  uint32_t timeout_ms = 0;        // 1 to timeout_ms_max
  uint32_t output_bytes_max = 0;  // kept of its output: 0 to output_bytes_max
  bool operator==(const Exec&) const = default;
};

enum class Effect : uint32_t { read_only = 1, idempotent = 2, once = 3 };

// What people approve: one thing to do on one host.
struct Step {
  std::string org{};
  Bytes plan{};        // 16 bytes
  uint32_t index = 0;  // of the plan's `count` steps, from 0
  uint32_t count = 1;
  Bytes host{};             // 32 bytes: SHA-256 of the runner's public key
  std::string host_name{};  // as the host itself knows it: what approvers read is what must run it
  uint64_t epoch = 0;       // of the host's enrolment
  Exec exec{};
  std::optional<Exec> probe{};  // read-only; exits 0 where the step's effect is there, 1 where it is not
  std::optional<Exec> rollback{};
  bool rollback_on_failure = false;  // else only by order
  uint32_t keep_within_ms = 0;       // not 0: rolled back unless a keep arrives so soon after the step's end
  Effect effect = Effect::once;
  uint32_t risk = 0;        // 0 to risk_highest
  uint32_t approvals = 1;   // distinct persons, at least 1; local policy and trust may ask for more
  std::string requester{};  // a person, or "planner"; cannot approve
  Bytes policy_hash{};      // of the host's policy that was planned against: 32 bytes
  int64_t not_before_ms = 0;
  int64_t not_after_ms = 0;             // at most step_life_ms_max later
  std::vector<Action> preconditions{};  // built-in probes that must hold when it starts
  bool operator==(const Step&) const = default;
};

Bytes encode(const Step& step);
Result<Step> decode_step(BytesView bytes);
Bytes step_id(BytesView step_bytes);  // SHA-256 of them

// -- What is signed about steps
// ----------------------------------------------------------------------------------------

enum class Decision : uint32_t { approve = 1, veto = 2 };

// By an approver: one signature for all steps of a plan.
struct Approval {
  std::string org{};
  Bytes plan{};        // 16 bytes
  Bytes root{};        // 32 bytes: of the Merkle tree whose leaves are the steps' bytes, by index
  uint32_t count = 0;  // of steps
  uint32_t hosts = 0;
  uint32_t risk_max = 0;  // of the steps
  std::string person{};
  Decision decision = Decision::approve;
  int64_t at_ms = 0;
  int64_t not_after_ms = 0;  // at most step_life_ms_max later
  std::string comment{};
  bool operator==(const Approval&) const = default;
};
Bytes encode(const Approval& approval);
Result<Approval> decode_approval(BytesView bytes);

// By the planner: run this step now.
struct Dispatch {
  std::string org{};
  Bytes host{};           // 32 bytes
  Bytes step{};           // step_id
  uint64_t sequence = 0;  // grows with every dispatch to a host
  Bytes challenge{};      // 32 bytes that the runner gave, for one use
  int64_t at_ms = 0;
  int64_t not_after_ms = 0;  // at most dispatch_life_ms_max later
  bool operator==(const Dispatch&) const = default;
};
Bytes encode(const Dispatch& dispatch);
Result<Dispatch> decode_dispatch(BytesView bytes);

enum class OrderKind : uint32_t { stop = 1, rollback = 2, keep = 3 };

// By the planner, about a step that the host has started.
struct Order {
  std::string org{};
  Bytes host{};
  Bytes step{};
  OrderKind kind = OrderKind::stop;
  Bytes challenge{};  // for a rollback, as in a dispatch; empty for the others
  int64_t at_ms = 0;
  int64_t not_after_ms = 0;
  bool operator==(const Order&) const = default;
};
Bytes encode(const Order& order);
Result<Order> decode_order(BytesView bytes);

enum class Phase : uint32_t { exec = 1, rollback = 2 };

enum class StepState : uint32_t {
  not_started = 1,  // nothing of it has run, and nothing will
  done = 2,         // ended well
  failed = 3,       // ended otherwise, or was killed
  unknown = 4,      // started; nobody knows how it ended
  refused = 5,      // not accepted; `code` says why
};

// By the runner. Results that follow from a journal entry are chained; a refusal is not (sequence 0, no previous).
struct StepResult {
  std::string org{};
  Bytes host{};
  uint64_t epoch = 0;
  Bytes step{};
  Phase phase = Phase::exec;
  StepState state = StepState::unknown;
  std::string code{};  // of a refusal, or of how it ended: "timeout", "stopped", "probe"
  std::string detail{};
  int32_t exit_status = 0;
  uint32_t signal = 0;
  int64_t started_ms = 0;
  int64_t ended_ms = 0;
  std::string boot{};         // the kernel's boot id
  Bytes output{};             // redacted, at most Exec::output_bytes_max
  uint64_t output_bytes = 0;  // all that came
  Bytes policy_hash{};
  uint64_t trust_version = 0;
  uint64_t sequence = 0;  // from 1
  Bytes previous{};       // SHA-256 of the body of result sequence - 1; empty for the first
  bool operator==(const StepResult&) const = default;
};
Bytes encode(const StepResult& result);
Result<StepResult> decode_result(BytesView bytes);

enum class Verdict : uint32_t { holds = 1, fails = 2, unknown = 3 };  // "unknown" never passes

struct CheckResult {
  std::string name{};
  Verdict verdict = Verdict::unknown;
  std::string detail{};
  bool operator==(const CheckResult&) const = default;
};

// By the runner: what it would say to this step, without having run anything.
struct PreflightReport {
  std::string org{};
  Bytes host{};
  Bytes step{};
  int64_t at_ms = 0;
  std::vector<CheckResult> checks{};
  bool operator==(const PreflightReport&) const = default;
};
Bytes encode(const PreflightReport& report);
Result<PreflightReport> decode_preflight(BytesView bytes);

// By the server's audit key: the audit log's length and Merkle root at a time.
struct Checkpoint {
  std::string org{};
  uint64_t size = 0;
  Bytes root{};  // 32 bytes
  int64_t at_ms = 0;
  bool operator==(const Checkpoint&) const = default;
};
Bytes encode(const Checkpoint& checkpoint);
Result<Checkpoint> decode_checkpoint(BytesView bytes);

std::string_view to_string(Effect effect);
std::string_view to_string(Decision decision);
std::string_view to_string(OrderKind kind);
std::string_view to_string(Phase phase);
std::string_view to_string(StepState state);
std::string_view to_string(Verdict verdict);

}  // namespace reeve::warrant
