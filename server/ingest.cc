// See ingest.h. What a lane may do is one small machine:
//
//     expecting n --chunks of n--> assembling n --whole, verified--> committing n, expecting n + 1
//                                              --whole, refused----> refused n --Gap over n--> committing the gap
//
// Three numbers are kept apart: `through` is committed, `next` is the first sequence not yet handed to the store, and
// what lies between them is in `pending_`, oldest first, because the store answers in order.
#include "server/ingest.h"

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <utility>

#include "common/base/check.h"

namespace reeve::server {
namespace {

using Actions = std::vector<IngestAction>;

// Bounds on what an agent says of itself.
constexpr size_t host_bytes_max = 255;
constexpr size_t version_bytes_max = 64;
constexpr size_t gap_reason_bytes_max = 200;

// Of a block whose first chunk has come: the rest of a claimed size is believed when it arrives.
constexpr uint64_t reserve_bytes_max = 1_MiB;

struct Assembly {
  uint64_t sequence = 0;
  uint64_t total = 0;
  Bytes bytes;
};

struct LaneState {
  uint64_t through = 0;
  uint64_t next = 1;
  std::optional<Assembly> assembly;
  // `next` was refused: what else comes on the lane is passed by until the agent declares the gap.
  bool refused = false;
};

struct Pending {
  wire::Lane lane;
  uint64_t bytes;  // 0 for a gap
};

std::string_view lane_name(wire::Lane lane) {
  constexpr std::array<std::string_view, wire::lane_count> names{"live", "recall", "control"};
  return names[static_cast<size_t>(lane)];
}

std::string place(wire::Lane lane, uint64_t sequence) {
  return std::string(lane_name(lane)) + " block " + std::to_string(sequence);
}

}  // namespace

struct IngestSession::State {
  enum class Phase { awaiting_hello, awaiting_streams, open, closed };

  Uuid agent;
  Options options;
  Instant last_heard;
  IngestCounters own_counters;
  IngestCounters& counters;

  Phase phase = Phase::awaiting_hello;
  wire::Hello hello;
  std::array<LaneState, wire::lane_count> lanes;
  std::deque<Pending> pending;
  uint64_t bytes_held = 0;  // assembled and not yet answered by the store; never beyond the credit
  size_t gaps_pending = 0;
  bool signing = false;

  State(Uuid agent_id, Options session_options, Instant now)
      : agent(agent_id),
        options(session_options),
        last_heard(now),
        counters(options.counters ? *options.counters : own_counters) {}

  LaneState& lane(wire::Lane which) {
    const auto index = static_cast<size_t>(which);
    check(index < lanes.size(), "a parsed frame names one of the lanes");
    return lanes[index];
  }

  void send(Actions& actions, const wire::ServerFrame& frame) { actions.push_back(SendToAgent{wire::encode(frame)}); }

  void close(Actions& actions, std::string reason) {
    phase = Phase::closed;
    for (LaneState& each : lanes) each.assembly.reset();
    actions.push_back(CloseSession{std::move(reason)});
  }

  void acknowledge(Actions& actions, wire::Lane which) {
    send(actions,
         wire::Ack{.lane = {.lane = which, .through = lane(which).through}, .credit_bytes = options.credit_bytes});
  }

  void on(wire::Hello frame, WallTime wall, Actions& actions);
  void on(const wire::BlockChunk& chunk, WallTime wall, Actions& actions);
  void on(const wire::Gap& frame, WallTime wall, Actions& actions);
  void on(const wire::AgentStatus& frame, WallTime wall, Actions& actions);
  void on(wire::RenewRequest frame, WallTime wall, Actions& actions);
  void on(wire::AuditPin frame, WallTime wall, Actions& actions);

  std::optional<std::string> why_hello_is_wrong(const wire::Hello& frame) const;
  bool is_repeat(const wire::BlockChunk& chunk, Actions& actions);
  void finish(wire::Lane which, WallTime wall, Actions& actions);
  void refuse(wire::Lane which, const std::string& reason, Actions& actions);
};

IngestSession::IngestSession(Uuid agent, Options options, Instant now)
    : state_(std::make_unique<State>(agent, options, now)) {
  check(options.credit_bytes >= wire::chunk_bytes_max, "the credit holds at least one chunk");
}

IngestSession::~IngestSession() = default;

// -- What the shell calls
// ----------------------------------------------------------------------------------------------

std::vector<IngestAction> IngestSession::on_frame(BytesView bytes, Instant now, WallTime wall) {
  Actions actions;
  if (state_->phase == State::Phase::closed) return actions;
  state_->last_heard = now;

  Result<wire::AgentFrame> frame = wire::parse_agent_frame(bytes);
  if (!frame.ok() && frame.error().code() == Code::not_found) {
    ++state_->counters.frames_unknown;
    return actions;
  }
  if (!frame.ok()) {
    ++state_->counters.frames_bad;
    state_->close(actions, frame.error().text());
    return actions;
  }

  const bool is_hello = std::holds_alternative<wire::Hello>(*frame);
  if (state_->phase == State::Phase::awaiting_hello && !is_hello) {
    ++state_->counters.frames_bad;
    state_->close(actions, "the first frame is not Hello");
    return actions;
  }
  std::visit([&](auto& each) { state_->on(std::move(each), wall, actions); }, *frame);
  return actions;
}

std::vector<IngestAction> IngestSession::on_stream_state(const Result<std::vector<StreamPosition>>& streams) {
  Actions actions;
  if (state_->phase == State::Phase::closed) return actions;
  check(state_->phase == State::Phase::awaiting_streams, "stream positions answer a Hello");
  if (!streams.ok()) {
    state_->close(actions, "the store cannot tell where the stream stands: " + streams.error().text());
    return actions;
  }

  const Uuid& epoch = state_->hello.epoch;
  for (const StreamPosition& stream : *streams) {
    if (stream.epoch != epoch) continue;
    LaneState& lane = state_->lane(stream.lane);
    lane.through = stream.through;
    lane.next = stream.through + 1;
  }

  wire::Welcome welcome{.epoch = epoch, .lanes = {}, .credit_bytes = state_->options.credit_bytes};
  for (const wire::LaneStart& start : state_->hello.lanes) {
    const LaneState& lane = state_->lane(start.lane);
    if (lane.through >= start.next) {
      ++state_->counters.epoch_conflicts;
      state_->send(actions, wire::EpochConflict{.epoch = epoch});
      state_->close(actions, "the agent's next " + place(start.lane, start.next) + " is stored already, through " +
                                 std::to_string(lane.through) + ": its spool was lost or rolled back");
      return actions;
    }
    welcome.lanes.push_back({.lane = start.lane, .through = lane.through});
  }
  state_->phase = State::Phase::open;
  state_->send(actions, welcome);
  return actions;
}

std::vector<IngestAction> IngestSession::on_committed(const Result<CommitOutcome>& outcome) {
  Actions actions;
  check(!state_->pending.empty(), "the store answers each commit once");
  const Pending oldest = state_->pending.front();
  state_->pending.pop_front();
  state_->bytes_held -= oldest.bytes;
  if (oldest.bytes == 0) --state_->gaps_pending;
  if (state_->phase == State::Phase::closed) return actions;

  if (!outcome.ok()) {
    state_->close(actions, "not stored: " + outcome.error().text());
    return actions;
  }
  if (outcome->result == CommitResult::out_of_order) {
    state_->close(actions, "the " + std::string(lane_name(oldest.lane)) + " lane is stored through " +
                               std::to_string(outcome->through) + " alone");
    return actions;
  }
  if (outcome->result == CommitResult::duplicate) ++state_->counters.blocks_duplicate;

  LaneState& lane = state_->lane(oldest.lane);
  lane.through = std::max(lane.through, outcome->through);
  lane.next = std::max(lane.next, lane.through + 1);
  // Another connection of this agent may have stored what is being assembled here.
  if (lane.assembly && lane.assembly->sequence < lane.next) {
    state_->bytes_held -= lane.assembly->bytes.size();
    lane.assembly.reset();
  }
  state_->acknowledge(actions, oldest.lane);
  return actions;
}

std::vector<IngestAction> IngestSession::on_certificate(const Result<std::string>& certificate_pem) {
  Actions actions;
  if (state_->phase == State::Phase::closed) return actions;
  check(state_->signing, "a certificate answers a request");
  state_->signing = false;
  if (certificate_pem.ok()) {
    state_->send(actions, wire::RenewResponse{.certificate_pem = *certificate_pem, .error = {}});
  } else {
    state_->send(actions, wire::RenewResponse{.certificate_pem = {}, .error = certificate_pem.error().text()});
  }
  return actions;
}

std::vector<IngestAction> IngestSession::tick(Instant now) {
  Actions actions;
  if (state_->phase == State::Phase::closed) return actions;
  if (now - state_->last_heard >= state_->options.idle_timeout) {
    state_->close(actions, "nothing heard for " + format_duration(state_->options.idle_timeout));
  }
  return actions;
}

std::vector<IngestAction> IngestSession::send_live_hint(Duration duration) {
  Actions actions;
  if (state_->phase != State::Phase::open) return actions;
  const int64_t for_ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  state_->send(actions, wire::LiveHint{.for_ms = for_ms});
  return actions;
}

std::vector<IngestAction> IngestSession::send_audit_head(const wire::AuditHead& head) {
  Actions actions;
  if (state_->phase == State::Phase::open) state_->send(actions, head);
  return actions;
}

// -- Frames
// ------------------------------------------------------------------------------------------------------------

void IngestSession::State::on(wire::Hello frame, WallTime wall, Actions& actions) {
  if (phase != Phase::awaiting_hello) return close(actions, "a second Hello on one connection");
  if (const std::optional<std::string> wrong = why_hello_is_wrong(frame)) {
    ++counters.frames_bad;
    return close(actions, *wrong);
  }

  phase = Phase::awaiting_streams;
  hello = std::move(frame);
  actions.push_back(UpdateAgent{{.agent = agent,
                                 .at = wall,
                                 .host = hello.host,
                                 .version = hello.agent_version,
                                 .spool_bytes = 0,
                                 .dropped_total = 0,
                                 .oldest_unsent_age_ms = 0}});
  actions.push_back(ReadStreamState{hello.epoch});
}

std::optional<std::string> IngestSession::State::why_hello_is_wrong(const wire::Hello& frame) const {
  if (frame.version != wire::link_version) {
    return "the agent speaks link version " + std::to_string(frame.version) + ", this server speaks " +
           std::to_string(wire::link_version);
  }
  if (frame.epoch.is_nil()) return "Hello names no stream epoch";
  if (frame.host.size() > host_bytes_max || !is_utf8(frame.host)) {
    return "Hello's host name is not UTF-8 of at most " + std::to_string(host_bytes_max) + " bytes";
  }
  if (frame.agent_version.size() > version_bytes_max || !is_utf8(frame.agent_version)) {
    return "Hello's agent version is not UTF-8 of at most " + std::to_string(version_bytes_max) + " bytes";
  }

  std::array<bool, wire::lane_count> named{};
  for (const wire::LaneStart& start : frame.lanes) {
    bool& seen = named[static_cast<size_t>(start.lane)];
    if (seen) return "Hello names the " + std::string(lane_name(start.lane)) + " lane twice";
    seen = true;
    if (start.first_held < 1 || start.next < start.first_held) {
      return "Hello's " + std::string(lane_name(start.lane)) + " lane holds from " + std::to_string(start.first_held) +
             " and will send " + std::to_string(start.next) + " next: sequences begin at 1 and never run backwards";
    }
  }
  return std::nullopt;
}

void IngestSession::State::on(const wire::BlockChunk& chunk, WallTime wall, Actions& actions) {
  if (phase != Phase::open) return close(actions, "a block before Welcome");
  if (chunk.bytes.empty() || chunk.offset > chunk.total || chunk.bytes.size() > chunk.total - chunk.offset) {
    ++counters.frames_bad;
    return close(actions, place(chunk.lane, chunk.sequence) + ": a chunk of " + std::to_string(chunk.bytes.size()) +
                              " bytes at " + std::to_string(chunk.offset) + " of " + std::to_string(chunk.total));
  }

  LaneState& state = lane(chunk.lane);
  if (is_repeat(chunk, actions) || state.refused) return;
  if (chunk.sequence != state.next) {
    return close(actions,
                 place(chunk.lane, chunk.sequence) + " came where " + std::to_string(state.next) + " was expected");
  }

  if (!state.assembly) {
    if (chunk.offset != 0)
      return close(actions, place(chunk.lane, chunk.sequence) + " does not begin at its first byte");
    const uint64_t bytes_max = std::min(wire::block_bytes_max, options.credit_bytes);
    if (chunk.total > bytes_max) {
      return refuse(chunk.lane,
                    "the block has " + std::to_string(chunk.total) + " bytes, at most " + std::to_string(bytes_max) +
                        " are taken",
                    actions);
    }
    state.assembly = Assembly{.sequence = chunk.sequence, .total = chunk.total, .bytes = {}};
    state.assembly->bytes.reserve(std::min(chunk.total, reserve_bytes_max));
  }

  Assembly& assembly = *state.assembly;
  if (chunk.total != assembly.total)
    return close(actions, place(chunk.lane, chunk.sequence) + " changed its size midway");
  if (chunk.offset < assembly.bytes.size()) return;  // this chunk was here before
  if (chunk.offset > assembly.bytes.size()) {
    return close(actions, place(chunk.lane, chunk.sequence) + " lost the bytes from " +
                              std::to_string(assembly.bytes.size()) + " to " + std::to_string(chunk.offset));
  }
  if (bytes_held + chunk.bytes.size() > options.credit_bytes) {
    return close(actions, "the agent sent more than its credit of " + std::to_string(options.credit_bytes) + " bytes");
  }

  bytes_held += chunk.bytes.size();
  assembly.bytes += chunk.bytes;
  if (assembly.bytes.size() == assembly.total) finish(chunk.lane, wall, actions);
}

// Already with the store, or on its way there. The acknowledgement may have been lost with an earlier connection.
bool IngestSession::State::is_repeat(const wire::BlockChunk& chunk, Actions& actions) {
  const LaneState& state = lane(chunk.lane);
  if (chunk.sequence >= state.next) return false;
  const bool last_chunk = chunk.offset + chunk.bytes.size() == chunk.total;
  if (last_chunk && chunk.sequence <= state.through) {
    ++counters.blocks_duplicate;
    acknowledge(actions, chunk.lane);
  }
  return true;
}

// The block is whole: to the store, or refused for good.
void IngestSession::State::finish(wire::Lane which, WallTime wall, Actions& actions) {
  LaneState& state = lane(which);
  const wire::BlockIdentity expected{.agent = agent, .epoch = hello.epoch, .lane = which, .sequence = state.next};

  const Status verified = wire::verify_block(state.assembly->bytes);
  if (!verified.ok()) return refuse(which, verified.error().text(), actions);
  const Result<wire::Preamble> preamble = wire::parse_preamble(state.assembly->bytes);
  if (!preamble.ok()) return refuse(which, preamble.error().text(), actions);
  if (preamble->identity != expected) {
    return refuse(which,
                  "the block says it is " + place(preamble->identity.lane, preamble->identity.sequence) + " of agent " +
                      to_string(preamble->identity.agent) + ", epoch " + to_string(preamble->identity.epoch) +
                      "; it came as " + place(which, state.next) + " of agent " + to_string(agent) + ", epoch " +
                      to_string(hello.epoch),
                  actions);
  }

  Assembly whole = std::move(*state.assembly);
  state.assembly.reset();
  ++state.next;
  pending.push_back({.lane = which, .bytes = whole.bytes.size()});
  actions.push_back(CommitBlock{{.identity = expected, .arrival = wall, .bytes = std::move(whole.bytes)}});
}

void IngestSession::State::refuse(wire::Lane which, const std::string& reason, Actions& actions) {
  LaneState& state = lane(which);
  if (state.assembly) bytes_held -= state.assembly->bytes.size();
  state.assembly.reset();
  state.refused = true;
  ++counters.blocks_rejected;
  send(actions, wire::Reject{.lane = which, .sequence = state.next, .reason = reason});
}

void IngestSession::State::on(const wire::Gap& frame, WallTime wall, Actions& actions) {
  if (phase != Phase::open) return close(actions, "a gap before Welcome");
  const std::string range = std::to_string(frame.from) + " to " + std::to_string(frame.to);
  if (frame.from < 1 || frame.to < frame.from || frame.to == UINT64_MAX) {
    ++counters.frames_bad;
    return close(actions, "a gap from " + range);
  }
  LaneState& state = lane(frame.lane);
  if (frame.to < state.next) {
    if (frame.to <= state.through) acknowledge(actions, frame.lane);
    return;
  }
  if (frame.from > state.next) {
    return close(actions, "a gap from " + range + " where " + place(frame.lane, state.next) + " was expected");
  }
  if (gaps_pending >= options.gaps_pending_max) {
    return close(actions, "more than " + std::to_string(options.gaps_pending_max) + " gaps wait for the store");
  }

  // The agent gave up what it was sending, or what we refused.
  if (state.assembly) bytes_held -= state.assembly->bytes.size();
  state.assembly.reset();
  state.refused = false;

  const uint64_t from = std::max(frame.from, state.next);
  counters.sequences_missing += frame.to - from + 1;
  state.next = frame.to + 1;
  pending.push_back({.lane = frame.lane, .bytes = 0});
  ++gaps_pending;
  actions.push_back(CommitGap{{.agent = agent,
                               .epoch = hello.epoch,
                               .lane = frame.lane,
                               .from = from,
                               .to = frame.to,
                               .reason = printable(frame.reason, gap_reason_bytes_max),
                               .arrival = wall}});
}

void IngestSession::State::on(const wire::AgentStatus& frame, WallTime wall, Actions& actions) {
  actions.push_back(UpdateAgent{{.agent = agent,
                                 .at = wall,
                                 .host = {},
                                 .version = {},
                                 .spool_bytes = frame.spool_bytes,
                                 .dropped_total = frame.dropped_total,
                                 .oldest_unsent_age_ms = frame.oldest_unsent_age_ms}});
}

void IngestSession::State::on(wire::AuditPin frame, WallTime, Actions& actions) {
  if (phase != Phase::open) return close(actions, "an audit pin before Welcome");
  frame.alarm = to_utf8(frame.alarm);
  actions.push_back(TakeAuditPin{std::move(frame)});
}

void IngestSession::State::on(wire::RenewRequest frame, WallTime, Actions& actions) {
  if (signing) {
    return send(actions, wire::RenewResponse{.certificate_pem = {}, .error = "a certificate is being signed already"});
  }
  signing = true;
  actions.push_back(SignCertificate{std::move(frame.csr_pem)});
}

}  // namespace reeve::server
