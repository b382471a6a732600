// What passes between server and runner; the agent between them passes the bytes on and understands none of them. The
// messages themselves are not signed: what matters in them is. Plain structs; their bytes are Protobuf
// (proto/warrant.proto). Decoding is as strict as for what is signed. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/warrant/envelope.h"
#include "common/warrant/merkle.h"
#include "common/warrant/trust.h"

namespace reeve::warrant {

constexpr size_t message_bytes_max = 256_KiB;
constexpr size_t approvals_shown_max = 32;

// All that a runner needs to run one step.
struct Warrant {
  Bytes step{};
  uint64_t leaf_index = 0;
  uint64_t leaf_count = 0;
  std::vector<Hash> proof{};
  std::vector<Envelope> approvals{};
  Envelope dispatch{};
  TrustUpdate trust{};
};

// -- To the runner
// -----------------------------------------------------------------------------------------------------

struct ChallengeRequest {};
struct StateRequest {};
struct PreflightRequest {
  Bytes step{};
};
struct OrderRequest {
  Envelope order{};
  TrustUpdate trust{};
};
struct ResultAck {
  uint64_t through = 0;  // results up to this sequence are kept elsewhere
};
using ToRunner =
    std::variant<TrustUpdate, ChallengeRequest, Warrant, PreflightRequest, OrderRequest, ResultAck, StateRequest>;
Bytes encode(const ToRunner& message);
Result<ToRunner> decode_to_runner(BytesView bytes);

// -- From the runner
// ---------------------------------------------------------------------------------------------------

struct RunnerState {
  Bytes public_key{};
  std::string org{};
  std::string host_name{};
  uint64_t epoch = 0;
  std::string version{};
  Bytes policy_hash{};
  uint64_t trust_version = 0;
  uint64_t revocation_version = 0;
  uint64_t sequence = 0;         // the highest of a dispatch that it has accepted
  uint64_t result_sequence = 0;  // of its newest result
  bool execution = false;
  std::string why_not{};  // where execution is off
};
struct RunnerChallenge {
  Bytes challenge{};
};
struct SignedResult {
  Envelope envelope{};
};
struct SignedPreflight {
  Envelope envelope{};
};
struct Refused {
  std::string code{};
  std::string detail{};
  Bytes step{};  // where it is known
};
using FromRunner = std::variant<RunnerState, RunnerChallenge, SignedResult, SignedPreflight, Refused>;
Bytes encode(const FromRunner& message);
Result<FromRunner> decode_from_runner(BytesView bytes);

}  // namespace reeve::warrant
