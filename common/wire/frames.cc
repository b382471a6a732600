// Frames to and from Protobuf. What a peer says is bounded here, once; behind this nobody checks again.
#include "common/wire/frames.h"

#include <algorithm>

#include "common/wire/proto_scan.h"
#include "proto/link.pb.h"

namespace reeve::wire {

namespace {

constexpr size_t reason_bytes_max = 1024;
constexpr size_t name_bytes_max = 256;
constexpr size_t pem_bytes_max = 32_KiB;
constexpr size_t envelope_bytes_max = 44_KiB;  // as common/warrant bounds it
constexpr size_t hash_bytes = 32;
constexpr int proof_hashes_max = 64;

Error corrupt(const std::string& what) {
  return Error(Code::corrupt, "frame: " + what);
}

Error unknown_kind() {
  return Error(Code::not_found, "frame: of a kind that is not known here");
}

std::string within(const std::string& text, size_t bytes_max) {
  return text.substr(0, bytes_max);
}

// -- Writing ---------------------------------------------------------------------------------------------------------

uint32_t number(Lane lane) {
  return static_cast<uint32_t>(lane);
}

void put(const Hello& hello, proto::AgentFrame& frame) {
  proto::Hello& out = *frame.mutable_hello();
  out.set_version(hello.version);
  out.set_epoch(Bytes(hello.epoch.view()));
  for (const LaneStart& start : hello.lanes) {
    proto::LaneStart& lane = *out.add_lanes();
    lane.set_lane(number(start.lane));
    lane.set_first_held(start.first_held);
    lane.set_next(start.next);
  }
  out.set_host(within(hello.host, name_bytes_max));
  out.set_agent_version(within(hello.agent_version, name_bytes_max));
}

void put(const BlockChunk& chunk, proto::AgentFrame& frame) {
  check(chunk.bytes.size() <= chunk_bytes_max, "a chunk fits its bound");
  proto::BlockChunk& out = *frame.mutable_block_chunk();
  out.set_lane(number(chunk.lane));
  out.set_sequence(chunk.sequence);
  out.set_offset(chunk.offset);
  out.set_total(chunk.total);
  out.set_bytes(chunk.bytes);
}

void put(const Gap& gap, proto::AgentFrame& frame) {
  proto::Gap& out = *frame.mutable_gap();
  out.set_lane(number(gap.lane));
  out.set_from(gap.from);
  out.set_to(gap.to);
  out.set_reason(within(gap.reason, reason_bytes_max));
}

void put(const AgentStatus& status, proto::AgentFrame& frame) {
  proto::AgentStatus& out = *frame.mutable_status();
  out.set_spool_bytes(status.spool_bytes);
  out.set_dropped_total(status.dropped_total);
  out.set_oldest_unsent_age_ms(status.oldest_unsent_age_ms);
}

void put(const RenewRequest& renew, proto::AgentFrame& frame) {
  check(renew.csr_pem.size() <= pem_bytes_max, "a certificate request fits its bound");
  frame.mutable_renew()->set_csr_pem(renew.csr_pem);
}

void put(const AuditPin& pin, proto::AgentFrame& frame) {
  proto::AuditPin& out = *frame.mutable_audit_pin();
  out.set_size(pin.size);
  out.set_root(pin.root);
  out.set_alarm(within(pin.alarm, reason_bytes_max));
}

void put(const LaneAck& ack, proto::LaneAck& out) {
  out.set_lane(number(ack.lane));
  out.set_through(ack.through);
}

void put(const Welcome& welcome, proto::ServerFrame& frame) {
  proto::Welcome& out = *frame.mutable_welcome();
  out.set_epoch(Bytes(welcome.epoch.view()));
  for (const LaneAck& ack : welcome.lanes) put(ack, *out.add_lanes());
  out.set_credit_bytes(welcome.credit_bytes);
}

void put(const Ack& ack, proto::ServerFrame& frame) {
  put(ack.lane, *frame.mutable_ack()->mutable_lane());
  frame.mutable_ack()->set_credit_bytes(ack.credit_bytes);
}

void put(const EpochConflict& conflict, proto::ServerFrame& frame) {
  frame.mutable_epoch_conflict()->set_epoch(Bytes(conflict.epoch.view()));
}

void put(const Reject& reject, proto::ServerFrame& frame) {
  proto::Reject& out = *frame.mutable_reject();
  out.set_lane(number(reject.lane));
  out.set_sequence(reject.sequence);
  out.set_reason(within(reject.reason, reason_bytes_max));
}

void put(const LiveHint& hint, proto::ServerFrame& frame) {
  frame.mutable_live_hint()->set_for_ms(hint.for_ms);
}

void put(const RenewResponse& renew, proto::ServerFrame& frame) {
  check(renew.certificate_pem.size() <= pem_bytes_max, "a certificate fits its bound");
  proto::RenewResponse& out = *frame.mutable_renew();
  out.set_certificate_pem(renew.certificate_pem);
  out.set_error(within(renew.error, reason_bytes_max));
}

void put(const AuditHead& head, proto::ServerFrame& frame) {
  check(head.envelope.size() <= envelope_bytes_max, "a checkpoint fits its bound");
  proto::AuditHead& out = *frame.mutable_audit_head();
  out.set_envelope(head.envelope);
  for (const Bytes& hash : head.proof) out.add_proof(hash);
  out.set_public_key(head.public_key);
}

template <typename Message>
Bytes bytes_of(const Message& message) {
  Bytes bytes = message.SerializeAsString();
  check(bytes.size() <= frame_bytes_max, "the bounds of a frame's parts add up to less than a frame's bound");
  return bytes;
}

// -- Reading ---------------------------------------------------------------------------------------------------------

Result<Lane> parse_lane(uint32_t lane) {
  if (lane >= lane_count) return corrupt("lane " + std::to_string(lane) + "; known are 0 to 2");
  return static_cast<Lane>(lane);
}

Result<Uuid> parse_epoch(const std::string& bytes) {
  const std::optional<Uuid> epoch = Uuid::from_bytes(bytes);
  if (!epoch) return corrupt("an epoch has " + std::to_string(bytes.size()) + " bytes; it has 16");
  return *epoch;
}

Status check_bytes(const char* what, const std::string& text, size_t bytes_max) {
  if (text.size() <= bytes_max) return {};
  return corrupt(std::string(what) + " has " + std::to_string(text.size()) + " bytes; allowed are " +
                 std::to_string(bytes_max));
}

Status check_sequence(uint64_t sequence) {
  if (sequence == 0) return corrupt("sequence 0; the first is 1");
  return {};
}

// Each lane at most once.
template <typename Lanes, typename Lane>
Status check_new_lane(const Lanes& lanes, const Lane& lane) {
  for (const auto& known : lanes)
    if (known.lane == lane.lane) return corrupt("lane " + std::to_string(number(lane.lane)) + " is there twice");
  return {};
}

Result<Hello> parse(const proto::Hello& in) {
  Hello hello;
  hello.version = in.version();
  hello.epoch = TRY(parse_epoch(in.epoch()));
  for (const proto::LaneStart& lane : in.lanes()) {
    LaneStart start{.first_held = lane.first_held(), .next = lane.next()};
    start.lane = TRY(parse_lane(lane.lane()));
    TRY(check_sequence(start.first_held));
    if (start.first_held > start.next)
      return corrupt("holds from " + std::to_string(start.first_held) + " on, but the next is " +
                     std::to_string(start.next));
    TRY(check_new_lane(hello.lanes, start));
    hello.lanes.push_back(start);
  }
  TRY(check_bytes("a host", in.host(), name_bytes_max));
  TRY(check_bytes("an agent's version", in.agent_version(), name_bytes_max));
  hello.host = in.host();
  hello.agent_version = in.agent_version();
  return hello;
}

Result<BlockChunk> parse(proto::BlockChunk& in) {
  BlockChunk chunk;
  chunk.lane = TRY(parse_lane(in.lane()));
  chunk.sequence = in.sequence();
  chunk.offset = in.offset();
  chunk.total = in.total();
  TRY(check_sequence(chunk.sequence));
  TRY(check_bytes("a chunk", in.bytes(), chunk_bytes_max));
  if (in.bytes().empty()) return corrupt("a chunk is empty");
  if (chunk.total > block_bytes_max)
    return corrupt("a block of " + std::to_string(chunk.total) + " bytes; allowed are " +
                   std::to_string(block_bytes_max));
  if (chunk.offset > chunk.total || in.bytes().size() > chunk.total - chunk.offset)
    return corrupt("a chunk at " + std::to_string(chunk.offset) + " with " + std::to_string(in.bytes().size()) +
                   " bytes goes beyond its block of " + std::to_string(chunk.total));
  chunk.bytes = std::move(*in.mutable_bytes());
  return chunk;
}

Result<Gap> parse(const proto::Gap& in) {
  Gap gap;
  gap.lane = TRY(parse_lane(in.lane()));
  gap.from = in.from();
  gap.to = in.to();
  TRY(check_sequence(gap.from));
  if (gap.from > gap.to) return corrupt("a gap from " + std::to_string(gap.from) + " to " + std::to_string(gap.to));
  TRY(check_bytes("a reason", in.reason(), reason_bytes_max));
  gap.reason = in.reason();
  return gap;
}

Result<AgentStatus> parse(const proto::AgentStatus& in) {
  return AgentStatus{in.spool_bytes(), in.dropped_total(), in.oldest_unsent_age_ms()};
}

Result<RenewRequest> parse(const proto::RenewRequest& in) {
  TRY(check_bytes("a certificate request", in.csr_pem(), pem_bytes_max));
  return RenewRequest{in.csr_pem()};
}

Status check_hash(const char* what, const std::string& hash) {
  if (hash.size() == hash_bytes) return {};
  return corrupt(std::string(what) + " has " + std::to_string(hash.size()) + " bytes; it has 32");
}

Result<AuditPin> parse(const proto::AuditPin& in) {
  if (in.size() > 0 || !in.root().empty()) TRY(check_hash("a root", in.root()));
  TRY(check_bytes("an alarm", in.alarm(), reason_bytes_max));
  return AuditPin{in.size(), in.root(), in.alarm()};
}

Result<AuditHead> parse(const proto::AuditHead& in) {
  TRY(check_bytes("a checkpoint", in.envelope(), envelope_bytes_max));
  if (in.proof_size() > proof_hashes_max)
    return corrupt("a proof of " + std::to_string(in.proof_size()) + " hashes; allowed are " +
                   std::to_string(proof_hashes_max));
  for (const std::string& hash : in.proof()) TRY(check_hash("a proof's hash", hash));
  TRY(check_hash("a public key", in.public_key()));
  return AuditHead{in.envelope(), {in.proof().begin(), in.proof().end()}, in.public_key()};
}

Result<LaneAck> parse(const proto::LaneAck& in) {
  LaneAck ack;
  ack.lane = TRY(parse_lane(in.lane()));
  ack.through = in.through();
  return ack;
}

Result<Welcome> parse(const proto::Welcome& in) {
  Welcome welcome;
  welcome.epoch = TRY(parse_epoch(in.epoch()));
  for (const proto::LaneAck& lane : in.lanes()) {
    const LaneAck ack = TRY(parse(lane));
    TRY(check_new_lane(welcome.lanes, ack));
    welcome.lanes.push_back(ack);
  }
  welcome.credit_bytes = in.credit_bytes();
  return welcome;
}

Result<Ack> parse(const proto::Ack& in) {
  Ack ack;
  ack.lane = TRY(parse(in.lane()));
  ack.credit_bytes = in.credit_bytes();
  return ack;
}

Result<EpochConflict> parse(const proto::EpochConflict& in) {
  EpochConflict conflict;
  conflict.epoch = TRY(parse_epoch(in.epoch()));
  return conflict;
}

Result<Reject> parse(const proto::Reject& in) {
  Reject reject;
  reject.lane = TRY(parse_lane(in.lane()));
  reject.sequence = in.sequence();
  TRY(check_sequence(reject.sequence));
  TRY(check_bytes("a reason", in.reason(), reason_bytes_max));
  reject.reason = in.reason();
  return reject;
}

Result<LiveHint> parse(const proto::LiveHint& in) {
  if (in.for_ms() < 0) return corrupt("a live hint for " + std::to_string(in.for_ms()) + " ms");
  return LiveHint{in.for_ms()};
}

Result<RenewResponse> parse(const proto::RenewResponse& in) {
  TRY(check_bytes("a certificate", in.certificate_pem(), pem_bytes_max));
  TRY(check_bytes("an error", in.error(), reason_bytes_max));
  return RenewResponse{in.certificate_pem(), in.error()};
}

// The message itself; whether a frame without a known kind is from the future or nothing at all is the caller's to ask.
template <typename Message>
Status parse_message(BytesView bytes, Message& message) {
  if (bytes.empty()) return corrupt("empty");
  if (bytes.size() > frame_bytes_max)
    return corrupt(std::to_string(bytes.size()) + " bytes; allowed are " + std::to_string(frame_bytes_max));
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return corrupt("not a Protobuf message");
  return {};
}

template <typename Frame, typename Message>
Result<Frame> framed(Message& in) {
  auto parsed = TRY(parse(in));
  return Frame(std::move(parsed));
}

}  // namespace

Bytes encode(const AgentFrame& frame) {
  proto::AgentFrame out;
  std::visit([&out](const auto& kind) { put(kind, out); }, frame);
  return bytes_of(out);
}

Bytes encode(const ServerFrame& frame) {
  proto::ServerFrame out;
  std::visit([&out](const auto& kind) { put(kind, out); }, frame);
  return bytes_of(out);
}

Result<AgentFrame> parse_agent_frame(BytesView bytes) {
  proto::AgentFrame in;
  TRY(parse_message(bytes, in));
  switch (in.kind_case()) {
    case proto::AgentFrame::kHello:
      return framed<AgentFrame>(*in.mutable_hello());
    case proto::AgentFrame::kBlockChunk:
      return framed<AgentFrame>(*in.mutable_block_chunk());
    case proto::AgentFrame::kGap:
      return framed<AgentFrame>(*in.mutable_gap());
    case proto::AgentFrame::kStatus:
      return framed<AgentFrame>(*in.mutable_status());
    case proto::AgentFrame::kRenew:
      return framed<AgentFrame>(*in.mutable_renew());
    case proto::AgentFrame::kAuditPin:
      return framed<AgentFrame>(*in.mutable_audit_pin());
    case proto::AgentFrame::KIND_NOT_SET:
      break;
  }
  return unknown_kind();
}

Result<ServerFrame> parse_server_frame(BytesView bytes) {
  proto::ServerFrame in;
  TRY(parse_message(bytes, in));
  switch (in.kind_case()) {
    case proto::ServerFrame::kWelcome:
      return framed<ServerFrame>(*in.mutable_welcome());
    case proto::ServerFrame::kAck:
      return framed<ServerFrame>(*in.mutable_ack());
    case proto::ServerFrame::kEpochConflict:
      return framed<ServerFrame>(*in.mutable_epoch_conflict());
    case proto::ServerFrame::kReject:
      return framed<ServerFrame>(*in.mutable_reject());
    case proto::ServerFrame::kLiveHint:
      return framed<ServerFrame>(*in.mutable_live_hint());
    case proto::ServerFrame::kRenew:
      return framed<ServerFrame>(*in.mutable_renew());
    case proto::ServerFrame::kAuditHead:
      return framed<ServerFrame>(*in.mutable_audit_head());
    case proto::ServerFrame::KIND_NOT_SET:
      break;
  }
  return unknown_kind();
}

}  // namespace reeve::wire
