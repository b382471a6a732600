// The agent's side of the link, without I/O: frames in, actions out.
//
// The shell (link_client) owns the socket, the clock and the disk worker; it calls on_* and performs the actions in
// order. The session sends blocks of each lane in sequence, a chunk at a time and control first, within the server's
// credit; a block leaves the spool only when the server has acknowledged it. Everything that can be lost on the way is
// recovered by a reconnect and the Welcome that follows. A session serves one connection; the next connection gets a
// new one.
//
// Lives on the loop thread.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "agent/spool.h"
#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/wire/frames.h"

namespace reeve::agent {

// What the spool holds, as the session needs to know it.
struct SpoolView {
  Uuid epoch;
  std::array<Spool::LaneState, wire::lane_count> lanes;
  std::vector<SpoolGap> gaps;
};

struct SendFrame {
  Bytes bytes;
};
struct FetchBlock {
  wire::Lane lane;
  uint64_t sequence;
};  // answered by on_block
struct AcknowledgeSpool {
  wire::Lane lane;
  uint64_t through;
};
struct SetAside {
  wire::Lane lane;
  uint64_t sequence;
  std::string reason;
};
struct BeginNewEpoch {};  // then the connection is closed and opened again
struct ServeLive {
  Duration duration;
};
struct InstallCertificate {
  std::string pem;
};
struct WitnessAudit {
  wire::AuditHead head;
};
struct CloseLink {
  std::string reason;
};
using LinkAction = std::variant<SendFrame, FetchBlock, AcknowledgeSpool, SetAside, BeginNewEpoch, ServeLive,
                                InstallCertificate, WitnessAudit, CloseLink>;

class LinkSession {
 public:
  struct Options {
    std::string host;
    std::string agent_version;
    Duration status_interval = 5s;
    Duration progress_timeout = 30s;           // unacknowledged blocks and no ack for this long: reconnect
    uint64_t send_buffer_bytes_max = 256_KiB;  // of frames handed to the shell and not yet written
    size_t blocks_ahead_max = 4;               // fetched and not yet sent
  };

  LinkSession(Options options, const SpoolView& spool, Instant now);
  ~LinkSession();

  // The first call's actions carry Hello. Each call returns what to do now, in order.
  std::vector<LinkAction> start();
  std::vector<LinkAction> on_frame(BytesView bytes, Instant now);
  std::vector<LinkAction> on_block(wire::Lane lane, uint64_t sequence, Result<Bytes> block, Instant now);
  // The spool changed: more is durable, or a gap was made.
  std::vector<LinkAction> on_spool(const SpoolView& spool, Instant now);
  // The shell has written this much of what was handed to it.
  std::vector<LinkAction> on_written(uint64_t bytes, Instant now);
  std::vector<LinkAction> tick(Instant now, const wire::AgentStatus& status);
  std::vector<LinkAction> request_certificate(const std::string& csr_pem);
  std::vector<LinkAction> send_audit_pin(const wire::AuditPin& pin);

  bool welcomed() const;
  uint64_t frames_unknown() const;  // of a kind from the future; passed by
  // Everything that was durable is acknowledged; for --until-eof.
  bool drained() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reeve::agent
