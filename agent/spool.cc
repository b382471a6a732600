// See spool.h. What is promised there, in terms of what lies on disk (spool_state.h).
#include "agent/spool.h"

#include <map>

#include "agent/spool_state.h"
#include "common/base/check.h"

namespace reeve::agent {

Spool::Spool(std::unique_ptr<State> state) : state_(std::move(state)) {}
Spool::~Spool() = default;

Result<std::unique_ptr<Spool>> Spool::open(sys::Disk& disk, Random& random, const Uuid& agent, Options options) {
  check(options.bytes_max >= 2 * options.segment_bytes_max, "a spool holds at least two segments");
  auto state = std::make_unique<State>(disk, random, agent, std::move(options));
  TRY_DURING(disk.make_directories(state->options.directory), "open the spool");
  state->contents = TRY_DURING(recover_spool(disk, state->options.directory, state->quarantine), "open the spool");
  for (const UnsyncedBlock& block : state->contents.unsynced) state->unsynced_bytes += block.block.size();

  const bool is_new = !state->contents.found || state->contents.epoch.is_nil();
  if (is_new) state->contents.epoch = make_uuid_v4(random);
  const bool foreign = !is_new && !state->contents.agent.is_nil() && state->contents.agent != agent;

  Status begun = foreign ? state->begin_new_epoch() : state->begin_segment();
  // A full disk is no reason not to start: what is held can be sent, and that makes room.
  if (!begun.ok() && !foreign && begun.error().code() == Code::exhausted) begun = state->sync_in_place();
  if (!begun.ok()) return begun.error().during("open the spool");
  return std::unique_ptr<Spool>(new Spool(std::move(state)));
}

std::vector<wire::SourcePosition> Spool::positions() const {
  std::map<uint64_t, wire::SourcePosition> newest;
  for (const auto& [id, held] : state_->contents.positions) newest[id] = held.position;
  for (const UnsyncedBlock& block : state_->contents.unsynced) {
    for (const wire::SourcePosition& position : block.positions) newest[position.id] = position;
  }
  std::vector<wire::SourcePosition> result;
  for (auto& [id, position] : newest) result.push_back(std::move(position));
  return result;
}

Uuid Spool::epoch() const {
  return state_->contents.epoch;
}

Spool::LaneState Spool::lane(wire::Lane lane) const {
  return {.first_held = state_->acknowledged(lane) + 1, .next_durable = state_->next(lane)};
}

std::vector<SpoolGap> Spool::gaps() const {
  return state_->contents.gaps;
}

uint64_t Spool::quarantined_total() const {
  return state_->quarantine.total();
}

uint64_t Spool::bytes_held() const {
  return state_->bytes_held();
}

Status Spool::append(wire::Lane lane, Bytes block, const std::vector<wire::SourcePosition>& positions) {
  check(block.size() >= wire::preamble_bytes, "a block has a preamble");
  if (block.size() > wire::block_bytes_max) {
    return Error(Code::invalid, "a block of " + std::to_string(block.size()) + " bytes; allowed: at most " +
                                    std::to_string(wire::block_bytes_max));
  }
  State& state = *state_;
  TRY(state.make_room(block.size() + frame_header_bytes));

  const uint64_t sequence = state.next_to_append(lane);
  wire::stamp_block(block, {state.agent, state.contents.epoch, lane, sequence});
  const Bytes head = encode(BlockHead{state.contents.epoch, lane, sequence, positions});
  const auto offset = state.writer->append(FrameType::block, head, block);
  if (!offset.ok()) {
    if (offset.error().code() != Code::exhausted) state.writer->give_up();
    state.note_writer();
    return offset.error().during("append to the spool");
  }
  state.note_writer();
  state.unsynced_bytes += block.size();
  const HeldBlock place{state.writer->name().number, *offset, static_cast<uint32_t>(head.size() + block.size())};
  state.contents.unsynced.push_back({lane, sequence, positions, std::move(block), place});
  return {};
}

Status Spool::sync() {
  return state_->sync();
}

Result<Bytes> Spool::read(wire::Lane lane, uint64_t sequence) {
  const auto& held = state_->contents.held[index_of(lane)];
  const auto found = held.find(sequence);
  if (found == held.end()) return Error(Code::not_found, "the spool holds no block " + std::to_string(sequence));

  const HeldBlock place = found->second;
  auto payload = state_->read_payload(place);
  if (!payload.ok()) {
    if (payload.error().code() != Code::corrupt && payload.error().code() != Code::not_found) return payload.error();
    state_->set_aside(lane, sequence, place, {}, "damaged in the spool");
    return Error(Code::corrupt, payload.error().text());
  }
  BytesView block = *payload;
  const auto head = take_block_head(block);
  if (!head || block.size() < wire::preamble_bytes) {
    state_->set_aside(lane, sequence, place, *payload, "damaged in the spool");
    return Error(Code::corrupt, "block " + std::to_string(sequence) + " has no head");
  }
  Bytes result(block);
  wire::stamp_block(result, {state_->agent, state_->contents.epoch, lane, sequence});
  return result;
}

Status Spool::acknowledge(wire::Lane lane, uint64_t through) {
  State& state = *state_;
  if (through >= state.next(lane)) {
    return Error(Code::invalid, "block " + std::to_string(through) + " is acknowledged; the newest is " +
                                    std::to_string(state.next(lane) - 1));
  }
  if (through <= state.acknowledged(lane)) return {};

  state.acknowledged(lane) = through;
  state.contents.release_through(lane, through);
  std::erase_if(state.contents.gaps, [&](const SpoolGap& gap) { return gap.lane == lane && gap.to <= through; });
  state.contents.drop_finished();
  state.write_checkpoint({});
  state.delete_acknowledged_segments();
  return {};
}

Status Spool::set_aside(wire::Lane lane, uint64_t sequence, const std::string& reason) {
  const auto& held = state_->contents.held[index_of(lane)];
  const auto found = held.find(sequence);
  if (found == held.end()) return Error(Code::not_found, "the spool holds no block " + std::to_string(sequence));
  const HeldBlock place = found->second;
  const auto payload = state_->read_payload(place);
  state_->set_aside(lane, sequence, place, payload.ok() ? BytesView(*payload) : BytesView(), reason);
  return {};
}

Status Spool::begin_new_epoch() {
  return state_->begin_new_epoch();
}

}  // namespace reeve::agent
