// The server's side of one agent's link, without I/O: frames in, actions out.
//
// A session assembles chunks into blocks (bounded by the credit it gave), verifies each block's checksums and identity,
// and asks the shell to commit it. An acknowledgement leaves only after on_committed. What comes twice is acknowledged
// again; what comes out of order (a lost frame) ends the connection, and the agent resumes from the Welcome.
//
// Lives on the loop thread; the commit happens on the store's writer.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/wire/frames.h"
#include "server/store/store.h"

namespace reeve::server {

struct SendToAgent {
  Bytes bytes;
};
struct ReadStreamState {  // answered by on_stream_state
  Uuid epoch;
};
struct CommitBlock {  // answered by on_committed, in order
  IncomingBlock block;
};
struct CommitGap {  // answered by on_committed, in order
  IncomingGap gap;
};
struct UpdateAgent {
  AgentSeen seen;
};
struct SignCertificate {  // answered by on_certificate
  std::string csr_pem;
};
struct TakeAuditPin {
  wire::AuditPin pin;
};
struct CloseSession {  // the last action of a session
  std::string reason;
};
using IngestAction = std::variant<SendToAgent, ReadStreamState, CommitBlock, CommitGap, UpdateAgent, SignCertificate,
                                  TakeAuditPin, CloseSession>;

// What sessions count, summed over all of them. Written on the loop thread, read by any.
struct IngestCounters {
  std::atomic<uint64_t> frames_bad{0};
  std::atomic<uint64_t> frames_unknown{0};  // of a kind from the future
  std::atomic<uint64_t> blocks_rejected{0};
  std::atomic<uint64_t> blocks_duplicate{0};
  std::atomic<uint64_t> epoch_conflicts{0};
  std::atomic<uint64_t> sequences_missing{0};  // declared gone by gaps
};

class IngestSession {
 public:
  struct Options {
    uint64_t credit_bytes = 8_MiB;       // unacknowledged bytes one agent may have under way
    Duration idle_timeout = 30s;         // nothing at all heard: the connection is half-open
    size_t gaps_pending_max = 1024;      // gaps handed to the store and not answered; blocks are bounded by the credit
    IngestCounters* counters = nullptr;  // outlives the session; null: nobody asks
  };

  IngestSession(Uuid agent, Options options, Instant now);
  ~IngestSession();

  std::vector<IngestAction> on_frame(BytesView bytes, Instant now, WallTime wall);
  std::vector<IngestAction> on_stream_state(const Result<std::vector<StreamPosition>>& streams);
  // Results of the oldest outstanding commits, in order. A failed commit (disk full, ...) closes the session: the agent
  // keeps the block and comes back.
  std::vector<IngestAction> on_committed(const Result<CommitOutcome>& outcome);
  std::vector<IngestAction> on_certificate(const Result<std::string>& certificate_pem);
  std::vector<IngestAction> tick(Instant now);
  std::vector<IngestAction> send_live_hint(Duration duration);
  std::vector<IngestAction> send_audit_head(const wire::AuditHead& head);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reeve::server
