// The order in which a runner verifies a warrant, up to its local policy. Pure: everything it looks at is handed to it.
//
// The first failure ends it, with a code of its own; docs/warrant.md lists them. What passes is decoded and may be
// judged by local policy next. Nothing here reads a clock, a disk or a socket.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/warrant/messages.h"

namespace reeve::warrant {

enum class Refusal : uint8_t {
  none,
  size,
  shape,          // not the one encoding of a message
  type,           // a payload type that is not allowed in its place
  trust,          // the trust material shown is not signed as it must be
  trust_missing,  // no trust file is known yet
  trust_expired,
  stale,  // no current freshness statement, or it names versions that we do not have
  clock,  // the host's clock is far from the time the server's freshness key says
  locked,
  planner,   // the dispatch is not signed by a planner key of the trust file
  encoding,  // dispatch or step is not the one encoding of a value within the bounds
  org,
  host,
  epoch,
  seen,
  sequence,
  window,  // not yet, or no longer
  challenge,
  proof,     // the step is not in the tree that was approved
  approval,  // an approval is malformed, not signed by its person's key, expired, or for another plan
  vetoed,
  approvals,  // too few distinct persons
  revoked,
  policy_hash,
  policy,
  precondition,
  rate,
  closed,  // outside of the policy's windows
  execution_off,
  busy,
  journal,
  unknown_step,  // an order about a step that is not in the journal
  order,         // an order that does not fit the step's state
  count_,
};
std::string_view to_string(Refusal refusal);

struct Judgement {
  Refusal refusal = Refusal::none;
  std::string detail{};
  bool ok() const { return refusal == Refusal::none; }
};

// What the host knows of itself and its past. Functions are asked at most once a warrant.
struct HostView {
  std::string org{};
  Bytes host{};
  std::string host_name{};
  uint64_t epoch = 0;
  bool locked = false;
  int64_t wall_ms = 0;
  // The highest signed time seen, moved on by the clock that nobody can set: never later than the true time.
  int64_t signed_ms = 0;
  uint64_t sequence = 0;  // the highest of a dispatch that was accepted
  Bytes policy_hash{};
  std::array<uint32_t, risk_highest + 1> approvals_min{};  // local floor by risk; 0: never
  std::function<bool(BytesView step_id)> seen{};
  std::function<bool(BytesView challenge)> challenge_open{};  // given by us, not used, not too old
};

constexpr int64_t clock_difference_ms_max = 300'000;

struct VerifiedWarrant {
  Judgement judgement{};
  Step step{};  // where the judgement is ok
  Bytes step_id{};
  Dispatch dispatch{};
  std::vector<std::string> approvers{};  // distinct persons that counted
};

// max(wall clock, signed time): the time that windows are judged by.
int64_t judged_time_ms(const HostView& host);

// Checks whether anything may run by what is believed now: trust, freshness, clock, lock.
Judgement judge_standing(const HostView& host, const TrustState& trust);
// `trust` has taken the warrant's own trust material already; what that refused is `trust_refused`.
VerifiedWarrant verify_warrant(const Warrant& warrant, const Status& trust_refused, const HostView& host,
                               const TrustState& trust);
// The same for an order, up to what the journal says of its step. `challenge_open` is asked for a rollback alone.
struct VerifiedOrder {
  Judgement judgement{};
  Order order{};
};
VerifiedOrder verify_order(const OrderRequest& request, const Status& trust_refused, const HostView& host,
                           const TrustState& trust);

}  // namespace reeve::warrant
