// The messages of the link between agent and server, as plain structs; their bytes are Protobuf (proto/link.proto).
//
// Each WebSocket message is one frame. A block travels as chunks of at most chunk_bytes_max, each naming lane and
// sequence, so that control never waits behind bulk. Nothing in a frame is trusted before it is bounded.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/wire/block.h"

namespace reeve::wire {

constexpr uint64_t chunk_bytes_max = 32_KiB;
constexpr uint64_t frame_bytes_max = 64_KiB;
constexpr uint32_t link_version = 1;

// -- Agent to server -------------------------------------------------------------------------------------------------

struct LaneStart {
  Lane lane = Lane::live;
  uint64_t first_held = 1;  // the oldest sequence the spool still holds; equal to next where it holds none
  uint64_t next = 1;        // the sequence the next block will get
};

// The first frame of a connection. The agent's id is the certificate's, not a field.
struct Hello {
  uint32_t version = link_version;
  Uuid epoch;
  std::vector<LaneStart> lanes;
  std::string host;
  std::string agent_version;
};

// Bytes [offset, offset + bytes.size()) of a block of `total` bytes. Chunks of one block come in order.
struct BlockChunk {
  Lane lane = Lane::live;
  uint64_t sequence = 0;
  uint64_t offset = 0;
  uint64_t total = 0;
  Bytes bytes;
};

// Sequences [from, to] will never come, and why. Never silence.
struct Gap {
  Lane lane = Lane::live;
  uint64_t from = 0;
  uint64_t to = 0;
  std::string reason;
};

// Sent every few seconds: proof of life, and what the fleet page shows.
struct AgentStatus {
  uint64_t spool_bytes = 0;
  uint64_t dropped_total = 0;
  int64_t oldest_unsent_age_ms = 0;
};

struct RenewRequest {
  std::string csr_pem;
};

// What the agent remembers of the audit as its witness: after Welcome, and after each AuditHead.
struct AuditPin {
  uint64_t size = 0;  // 0: nothing yet
  Bytes root;         // 32 bytes; empty where the size is 0
  std::string alarm;  // what contradicts it; empty: nothing
};

using AgentFrame = std::variant<Hello, BlockChunk, Gap, AgentStatus, RenewRequest, AuditPin>;

// -- Server to agent -------------------------------------------------------------------------------------------------

struct LaneAck {
  Lane lane = Lane::live;
  uint64_t through = 0;  // every sequence up to and with this one is stored (or an acknowledged gap); 0 for none
};

// The answer to Hello: where each lane of that epoch stands on the server, and the first credit.
struct Welcome {
  Uuid epoch;
  std::vector<LaneAck> lanes;
  uint64_t credit_bytes = 0;
};

// Cumulative, sent only after the commit. `credit_bytes` is how many unacknowledged bytes may be under way at once.
struct Ack {
  LaneAck lane;
  uint64_t credit_bytes = 0;
};

// The server knows more of this epoch than the agent does (its spool was lost or rolled back): begin a new epoch.
struct EpochConflict {
  Uuid epoch;
};

// This block will not be stored, ever (damaged, oversized, not ours). The agent sets it aside and sends a Gap.
struct Reject {
  Lane lane = Lane::live;
  uint64_t sequence = 0;
  std::string reason;
};

// Someone is watching: seal after 200 ms for this long.
struct LiveHint {
  int64_t for_ms = 0;
};

struct RenewResponse {
  std::string certificate_pem;
  std::string error;  // empty where a certificate is given
};

// The newest checkpoint of the audit, for an agent whose pin is another one.
struct AuditHead {
  Bytes envelope;            // signed: a warrant::Envelope's bytes
  std::vector<Bytes> proof;  // hashes: that the pinned tree is its beginning
  Bytes public_key;          // of who signed it; believed by those alone who have none
};

using ServerFrame = std::variant<Welcome, Ack, EpochConflict, Reject, LiveHint, RenewResponse, AuditHead>;

Bytes encode(const AgentFrame& frame);
Bytes encode(const ServerFrame& frame);

// Code::corrupt for anything that is no frame or breaks a bound. A frame of a kind from the future gives
// Code::not_found: it is counted and passed by.
Result<AgentFrame> parse_agent_frame(BytesView bytes);
Result<ServerFrame> parse_server_frame(BytesView bytes);

}  // namespace reeve::wire
