// See link.h. Per lane, three numbers tell the story:
//
//     acknowledged < next_to_send <= next_durable
//
// What lies between the first two is under way (sent, not acknowledged), what lies between the last two waits its turn.
// A Reject or a skip moves next_to_send; nothing else does but sending.
#include "agent/link.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "common/base/check.h"
#include "common/base/log.h"

namespace reeve::agent {

namespace {

using Actions = std::vector<LinkAction>;

constexpr Duration live_hint_max = 10min;
constexpr std::array<wire::Lane, wire::lane_count> lanes_by_priority{wire::Lane::control, wire::Lane::live,
                                                                     wire::Lane::recall};

// A block, or a gap, that the server has not acknowledged.
struct UnderWay {
  uint64_t last_sequence = 0;
  uint64_t bytes = 0;
};

struct LaneProgress {
  uint64_t acknowledged = 0;
  uint64_t next_to_send = 1;
  uint64_t next_durable = 1;
  uint64_t bytes_sent = 0;  // of block next_to_send
  std::deque<UnderWay> under_way;
  std::map<uint64_t, Bytes> fetched;
  std::set<uint64_t> fetching;
  std::vector<SpoolGap> gaps;

  const SpoolGap* gap_at(uint64_t sequence) const {
    for (const SpoolGap& gap : gaps) {
      if (gap.from <= sequence && sequence <= gap.to) return &gap;
    }
    return nullptr;
  }

  // Sending goes on at `sequence`; what was fetched for before is of no use any more.
  void go_to(uint64_t sequence) {
    next_to_send = sequence;
    bytes_sent = 0;
    fetched.erase(fetched.begin(), fetched.lower_bound(sequence));
  }
};

}  // namespace

struct LinkSession::State {
  enum class Phase { fresh, awaiting_welcome, open, closed };

  Options options;
  SpoolView spool;
  Phase phase = Phase::fresh;
  std::array<LaneProgress, wire::lane_count> lanes;
  uint64_t credit_bytes = 0;
  uint64_t buffered_bytes = 0;  // handed to the shell, not yet written
  Instant last_progress;
  Instant next_status;
  uint64_t frames_unknown = 0;

  LaneProgress& lane(wire::Lane which) { return lanes[static_cast<size_t>(which)]; }

  void send(Actions& actions, const wire::AgentFrame& frame) {
    Bytes bytes = wire::encode(frame);
    buffered_bytes += bytes.size();
    actions.push_back(SendFrame{std::move(bytes)});
  }

  void close(Actions& actions, std::string reason) {
    phase = Phase::closed;
    actions.push_back(CloseLink{std::move(reason)});
  }

  uint64_t bytes_under_way() const;
  bool anything_under_way() const;
  void take_spool(const SpoolView& view);

  void on(const wire::Welcome& frame, Instant now, Actions& actions);
  void on(const wire::Ack& frame, Instant now, Actions& actions);
  void on(const wire::EpochConflict& frame, Instant now, Actions& actions);
  void on(const wire::Reject& frame, Instant now, Actions& actions);
  void on(const wire::LiveHint& frame, Instant now, Actions& actions);
  void on(const wire::RenewResponse& frame, Instant now, Actions& actions);
  void on(const wire::AuditHead& frame, Instant now, Actions& actions);

  void pump(Instant now, Actions& actions);
  bool send_one(wire::Lane which, Instant now, Actions& actions);
  void send_gap(wire::Lane which, const SpoolGap& gap, Instant now, Actions& actions);
  bool send_chunk(wire::Lane which, Instant now, Actions& actions);
  void begin_under_way(LaneProgress& progress, UnderWay item, Instant now);
  void fetch_ahead(Actions& actions);
};

LinkSession::LinkSession(Options options, const SpoolView& spool, Instant now) : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
  state_->last_progress = now;
  state_->next_status = now;
  state_->take_spool(spool);
}

LinkSession::~LinkSession() = default;

// -- What the shell calls --------------------------------------------------------------------------------------------

std::vector<LinkAction> LinkSession::start() {
  check(state_->phase == State::Phase::fresh, "a session starts once");
  state_->phase = State::Phase::awaiting_welcome;
  wire::Hello hello{.version = wire::link_version,
                    .epoch = state_->spool.epoch,
                    .lanes = {},
                    .host = state_->options.host,
                    .agent_version = state_->options.agent_version};
  for (size_t i = 0; i < wire::lane_count; ++i) {
    const Spool::LaneState& held = state_->spool.lanes[i];
    hello.lanes.push_back({static_cast<wire::Lane>(i), held.first_held, held.next_durable});
  }
  Actions actions;
  state_->send(actions, hello);
  return actions;
}

std::vector<LinkAction> LinkSession::on_frame(BytesView bytes, Instant now) {
  Actions actions;
  if (state_->phase == State::Phase::closed) return actions;
  const Result<wire::ServerFrame> frame = wire::parse_server_frame(bytes);
  if (!frame.ok() && frame.error().code() == Code::not_found) {
    ++state_->frames_unknown;
    return actions;
  }
  if (!frame.ok()) {
    state_->close(actions, "the server sent no frame: " + frame.error().text());
    return actions;
  }
  std::visit([&](const auto& each) { state_->on(each, now, actions); }, *frame);
  state_->pump(now, actions);
  return actions;
}

std::vector<LinkAction> LinkSession::on_block(wire::Lane lane, uint64_t sequence, Result<Bytes> block, Instant now) {
  Actions actions;
  LaneProgress& progress = state_->lane(lane);
  progress.fetching.erase(sequence);
  if (state_->phase != State::Phase::open) return actions;

  if (block.ok()) {
    if (sequence >= progress.next_to_send) progress.fetched[sequence] = std::move(block).value();
  } else if (block.error().code() == Code::corrupt || block.error().code() == Code::not_found) {
    // The spool has counted it as a gap by now, or it was acknowledged meanwhile.
    if (progress.gap_at(sequence) == nullptr && sequence >= progress.next_to_send) {
      progress.gaps.push_back({lane, sequence, sequence, "damaged in the spool"});
    }
  } else {
    state_->close(actions, "the spool cannot be read: " + block.error().text());
  }
  state_->pump(now, actions);
  return actions;
}

std::vector<LinkAction> LinkSession::on_spool(const SpoolView& spool, Instant now) {
  Actions actions;
  if (state_->phase == State::Phase::closed) return actions;
  if (spool.epoch != state_->spool.epoch) {
    state_->close(actions, "a new stream epoch has begun");
    return actions;
  }
  state_->take_spool(spool);
  state_->pump(now, actions);
  return actions;
}

std::vector<LinkAction> LinkSession::on_written(uint64_t bytes, Instant now) {
  Actions actions;
  check(bytes <= state_->buffered_bytes, "the shell writes what it was handed");
  state_->buffered_bytes -= bytes;
  state_->pump(now, actions);
  return actions;
}

std::vector<LinkAction> LinkSession::tick(Instant now, const wire::AgentStatus& status) {
  Actions actions;
  State& state = *state_;
  if (state.phase == State::Phase::closed || state.phase == State::Phase::fresh) return actions;
  const bool waiting = state.phase == State::Phase::awaiting_welcome || state.anything_under_way();
  if (waiting && now - state.last_progress >= state.options.progress_timeout) {
    state.close(actions, "no acknowledgement for " + format_duration(state.options.progress_timeout));
    return actions;
  }
  if (state.phase == State::Phase::open && now >= state.next_status) {
    state.next_status = now + state.options.status_interval;
    state.send(actions, status);
  }
  state.pump(now, actions);
  return actions;
}

std::vector<LinkAction> LinkSession::request_certificate(const std::string& csr_pem) {
  Actions actions;
  if (state_->phase == State::Phase::open) state_->send(actions, wire::RenewRequest{csr_pem});
  return actions;
}

std::vector<LinkAction> LinkSession::send_audit_pin(const wire::AuditPin& pin) {
  Actions actions;
  if (state_->phase == State::Phase::open) state_->send(actions, pin);
  return actions;
}

bool LinkSession::welcomed() const {
  return state_->phase == State::Phase::open;
}

uint64_t LinkSession::frames_unknown() const {
  return state_->frames_unknown;
}

bool LinkSession::drained() const {
  if (!welcomed()) return false;
  return std::all_of(state_->lanes.begin(), state_->lanes.end(),
                     [](const LaneProgress& lane) { return lane.acknowledged + 1 >= lane.next_durable; });
}

// -- Frames ----------------------------------------------------------------------------------------------------------

void LinkSession::State::take_spool(const SpoolView& view) {
  spool = view;
  for (size_t i = 0; i < wire::lane_count; ++i) {
    lanes[i].next_durable = std::max(lanes[i].next_durable, view.lanes[i].next_durable);
  }
  for (const SpoolGap& gap : view.gaps) {
    LaneProgress& progress = lane(gap.lane);
    if (progress.gap_at(gap.from) == nullptr) progress.gaps.push_back(gap);
  }
}

void LinkSession::State::on(const wire::Welcome& frame, Instant now, Actions& actions) {
  if (phase != Phase::awaiting_welcome) return close(actions, "a second Welcome on one connection");
  if (frame.epoch != spool.epoch) return close(actions, "Welcome speaks of another stream epoch");
  phase = Phase::open;
  last_progress = now;
  next_status = now;
  credit_bytes = frame.credit_bytes;

  for (const wire::LaneAck& ack : frame.lanes) {
    LaneProgress& progress = lane(ack.lane);
    if (ack.through >= progress.next_durable) {
      return close(actions, "Welcome acknowledges block " + std::to_string(ack.through) + "; the newest is " +
                                std::to_string(progress.next_durable - 1));
    }
    progress.acknowledged = ack.through;
    progress.go_to(ack.through + 1);
    const uint64_t first_held = spool.lanes[static_cast<size_t>(ack.lane)].first_held;
    if (ack.through >= first_held) actions.push_back(AcknowledgeSpool{ack.lane, ack.through});
    if (ack.through + 1 < first_held) {
      // Acknowledged once and deleted here since; the server has lost it.
      progress.gaps.push_back({ack.lane, ack.through + 1, first_held - 1, "acknowledged before and no longer held"});
    }
  }
}

void LinkSession::State::on(const wire::Ack& frame, Instant now, Actions& actions) {
  if (phase != Phase::open) return close(actions, "Ack before Welcome");
  const uint64_t through = frame.lane.through;
  LaneProgress& progress = lane(frame.lane.lane);
  if (through >= progress.next_durable) {
    return close(actions, "block " + std::to_string(through) + " is acknowledged; the newest is " +
                              std::to_string(progress.next_durable - 1));
  }
  credit_bytes = frame.credit_bytes;
  if (through <= progress.acknowledged) return;

  progress.acknowledged = through;
  last_progress = now;
  while (!progress.under_way.empty() && progress.under_way.front().last_sequence <= through) {
    progress.under_way.pop_front();
  }
  // An earlier connection's block was committed after this one began.
  if (through >= progress.next_to_send) {
    progress.go_to(through + 1);
  }
  std::erase_if(progress.gaps, [through](const SpoolGap& gap) { return gap.to <= through; });
  actions.push_back(AcknowledgeSpool{frame.lane.lane, through});
}

void LinkSession::State::on(const wire::EpochConflict& frame, Instant, Actions& actions) {
  if (frame.epoch != spool.epoch) return close(actions, "EpochConflict speaks of another stream epoch");
  actions.push_back(BeginNewEpoch{});
  close(actions, "the server knows more of this stream epoch than the spool");
}

// The server passes by everything of the lane from the refused block on, until the gap is declared.
void LinkSession::State::on(const wire::Reject& frame, Instant now, Actions& actions) {
  if (phase != Phase::open) return close(actions, "Reject before Welcome");
  LaneProgress& progress = lane(frame.lane);
  const bool sending = frame.sequence == progress.next_to_send && progress.bytes_sent > 0;
  if (frame.sequence <= progress.acknowledged || (frame.sequence >= progress.next_to_send && !sending)) {
    return close(actions, "block " + std::to_string(frame.sequence) + " is refused and was not sent");
  }
  last_progress = now;
  while (!progress.under_way.empty() && progress.under_way.back().last_sequence >= frame.sequence) {
    progress.under_way.pop_back();
  }
  const std::string reason = "refused by the server: " + printable(frame.reason);
  progress.gaps.push_back({frame.lane, frame.sequence, frame.sequence, reason});
  progress.fetched.clear();
  progress.go_to(frame.sequence);
  actions.push_back(SetAside{frame.lane, frame.sequence, reason});
}

void LinkSession::State::on(const wire::LiveHint& frame, Instant, Actions& actions) {
  const auto wanted = std::chrono::milliseconds(std::clamp<int64_t>(frame.for_ms, 0, live_hint_max / 1ms));
  actions.push_back(ServeLive{wanted});
}

void LinkSession::State::on(const wire::RenewResponse& frame, Instant, Actions& actions) {
  if (frame.error.empty()) {
    actions.push_back(InstallCertificate{frame.certificate_pem});
  } else {
    log_warn("the server does not renew our certificate", {{"reason", printable(frame.error)}});
  }
}

void LinkSession::State::on(const wire::AuditHead& frame, Instant, Actions& actions) {
  if (phase != Phase::open) return close(actions, "AuditHead before Welcome");
  actions.push_back(WitnessAudit{frame});
}

// -- Sending ---------------------------------------------------------------------------------------------------------

uint64_t LinkSession::State::bytes_under_way() const {
  uint64_t bytes = 0;
  for (const LaneProgress& progress : lanes) {
    for (const UnderWay& item : progress.under_way) bytes += item.bytes;
  }
  return bytes;
}

bool LinkSession::State::anything_under_way() const {
  return std::any_of(lanes.begin(), lanes.end(),
                     [](const LaneProgress& progress) { return !progress.under_way.empty(); });
}

void LinkSession::State::pump(Instant now, Actions& actions) {
  if (phase != Phase::open) return;
  bool sent = true;
  while (sent && buffered_bytes < options.send_buffer_bytes_max) {
    sent = false;
    for (const wire::Lane which : lanes_by_priority) {
      sent = send_one(which, now, actions);
      if (sent) break;  // and look at the first lane again: a chunk of bulk never holds up control
    }
  }
  fetch_ahead(actions);
}

bool LinkSession::State::send_one(wire::Lane which, Instant now, Actions& actions) {
  LaneProgress& progress = lane(which);
  if (progress.next_to_send >= progress.next_durable) return false;
  if (const SpoolGap* gap = progress.gap_at(progress.next_to_send)) {
    send_gap(which, *gap, now, actions);
    return true;
  }
  return send_chunk(which, now, actions);
}

void LinkSession::State::send_gap(wire::Lane which, const SpoolGap& gap, Instant now, Actions& actions) {
  LaneProgress& progress = lane(which);
  const uint64_t to = std::min(gap.to, progress.next_durable - 1);
  send(actions, wire::Gap{which, progress.next_to_send, to, gap.reason});
  begin_under_way(progress, {to, 0}, now);
  progress.go_to(to + 1);
}

bool LinkSession::State::send_chunk(wire::Lane which, Instant now, Actions& actions) {
  LaneProgress& progress = lane(which);
  const auto found = progress.fetched.find(progress.next_to_send);
  if (found == progress.fetched.end()) return false;
  const Bytes& block = found->second;

  if (progress.bytes_sent == 0) {
    // A block beyond the whole credit is sent alone; the server refuses it, and it becomes a gap.
    const uint64_t under_way = bytes_under_way();
    if (under_way > 0 && under_way + block.size() > credit_bytes) return false;
    begin_under_way(progress, {progress.next_to_send, block.size()}, now);
  }
  const uint64_t count = std::min<uint64_t>(wire::chunk_bytes_max, block.size() - progress.bytes_sent);
  send(actions, wire::BlockChunk{which, progress.next_to_send, progress.bytes_sent, block.size(),
                                 block.substr(progress.bytes_sent, count)});
  progress.bytes_sent += count;
  if (progress.bytes_sent == block.size()) progress.go_to(progress.next_to_send + 1);
  return true;
}

void LinkSession::State::begin_under_way(LaneProgress& progress, UnderWay item, Instant now) {
  if (!anything_under_way()) last_progress = now;
  progress.under_way.push_back(item);
}

void LinkSession::State::fetch_ahead(Actions& actions) {
  size_t ahead = 0;
  for (const LaneProgress& progress : lanes) ahead += progress.fetched.size() + progress.fetching.size();

  for (const wire::Lane which : lanes_by_priority) {
    LaneProgress& progress = lane(which);
    uint64_t sequence = progress.next_to_send;
    while (ahead < options.blocks_ahead_max && sequence < progress.next_durable) {
      if (const SpoolGap* gap = progress.gap_at(sequence)) {
        sequence = gap->to + 1;
        continue;
      }
      if (!progress.fetched.contains(sequence) && progress.fetching.insert(sequence).second) {
        actions.push_back(FetchBlock{which, sequence});
        ++ahead;
      }
      ++sequence;
    }
  }
}

}  // namespace reeve::agent
