// See spool_state.h.
#include "agent/spool_state.h"

#include <algorithm>
#include <map>

#include "common/base/check.h"
#include "common/base/crc32c.h"
#include "common/base/log.h"

namespace reeve::agent {

namespace {

// Appended and not yet synced; kept in memory to be written again where a sync fails. Beyond it the caller waits.
constexpr uint64_t unsynced_bytes_max = wire::block_bytes_max + 16_MiB;

}  // namespace

// -- Looking ---------------------------------------------------------------------------------------------------------

uint64_t Spool::State::bytes_held() const {
  uint64_t bytes = 0;
  for (const auto& [number, segment] : contents.segments) bytes += segment.file_bytes;
  return bytes;
}

uint64_t Spool::State::next_to_append(wire::Lane lane) const {
  uint64_t result = contents.next[index_of(lane)];
  for (const UnsyncedBlock& block : contents.unsynced) result += block.lane == lane ? 1 : 0;
  return result;
}

Snapshot Spool::State::snapshot() const {
  Snapshot result;
  result.agent = agent;
  result.epoch = contents.epoch;
  result.acknowledged = contents.acknowledged;
  result.next = contents.next;
  for (const auto& [id, held] : contents.positions) result.positions.push_back(held.position);
  result.gaps = contents.gaps;
  result.former_epochs = contents.former_epochs;
  for (const auto& [number, segment] : contents.segments) {
    result.older_segments.push_back({number, segment.valid_bytes});
  }
  return result;
}

Bytes Spool::State::checkpoint(const std::vector<wire::SourcePosition>& positions) const {
  return encode(Checkpoint{contents.epoch, contents.acknowledged, contents.next, positions, contents.gaps});
}

// The books follow the file.
void Spool::State::note_writer() {
  HeldSegment* segment = contents.segment(writer->name().number);
  check(segment != nullptr, "the segment being written is in the books");
  segment->file_bytes = writer->size();
  segment->valid_bytes = writer->synced_bytes();
}

// -- Segments --------------------------------------------------------------------------------------------------------

// The opening is durable as a whole or not at all, so its snapshot already counts the blocks that stand behind it.
Status Spool::State::write_opening(SegmentWriter& to, std::vector<HeldBlock>& places) {
  Snapshot after = snapshot();
  std::map<uint64_t, wire::SourcePosition> positions;
  for (wire::SourcePosition& position : after.positions) positions[position.id] = std::move(position);
  std::vector<Bytes> heads;
  uint64_t bytes = 0;
  for (const UnsyncedBlock& block : contents.unsynced) {
    after.next[index_of(block.lane)] = block.sequence + 1;
    for (const wire::SourcePosition& position : block.positions) positions[position.id] = position;
    heads.push_back(encode(BlockHead{contents.epoch, block.lane, block.sequence, block.positions}));
    bytes += frame_header_bytes + heads.back().size() + block.block.size();
  }
  after.positions.clear();
  for (auto& [id, position] : positions) after.positions.push_back(std::move(position));

  const Bytes opening = encode(after);
  to.begin_opening(bytes + 2 * (frame_header_bytes + opening.size()));
  TRY(to.append(FrameType::snapshot, opening, {}));
  TRY(to.append(FrameType::snapshot, opening, {}));
  for (size_t i = 0; i < heads.size(); ++i) {
    const Bytes& block = contents.unsynced[i].block;
    const uint64_t offset = TRY(to.append(FrameType::block, heads[i], block));
    places.push_back({to.name().number, offset, static_cast<uint32_t>(heads[i].size() + block.size())});
  }
  return to.sync();
}

// Afterwards everything appended so far is durable.
Status Spool::State::begin_segment() {
  if (writer) note_writer();
  const SegmentName name{++contents.segment_number_max, random.next()};
  const std::string path = path_of(name);

  auto file = TRY_DURING(disk.open(path + ".new", sys::OpenMode::create_new), "begin a spool segment");
  auto fresh = std::make_unique<SegmentWriter>(std::move(file), name);
  std::vector<HeldBlock> places;
  Status begun = write_opening(*fresh, places);
  if (begun.ok()) begun = disk.rename(path + ".new", path);
  if (begun.ok()) {
    begun = disk.sync_directory(options.directory);
    // Whether the name will last is unknown. Where it does, nothing may be true that it does not know: the segment
    // before it is not written to any more.
    if (!begun.ok() && writer) writer->give_up();
    if (!begun.ok() && !disk.remove(path).ok()) log_warn("a segment given up stays", {{"file", path}});
  } else if (!disk.remove(path + ".new").ok()) {
    log_warn("a segment given up stays", {{"file", path + ".new"}});  // the next start removes it
  }
  if (!begun.ok()) return begun.error().during("begin a spool segment");

  writer = std::move(fresh);
  contents.segments[name.number] = {.name = name, .file_bytes = writer->size(), .valid_bytes = writer->size()};
  for (size_t i = 0; i < places.size(); ++i) contents.unsynced[i].place = places[i];
  make_durable();
  delete_acknowledged_segments();
  return {};
}

// Recovered blocks that cannot be written anew now, for want of room. They may have been shown to the link before the
// crash, so they have to count: their file is synced where it lies.
Status Spool::State::sync_in_place() {
  if (contents.unsynced.empty()) return {};
  HeldSegment* segment = contents.segment(contents.unsynced.front().place.segment);
  check(segment != nullptr, "blocks come back from a segment that is there");
  const auto file = TRY(disk.open(path_of(segment->name), sys::OpenMode::read_write));
  TRY(file->sync());
  const HeldBlock& last = contents.unsynced.back().place;
  segment->valid_bytes = last.offset + frame_header_bytes + last.payload_bytes;
  make_durable();
  return {};
}

// What was appended is on disk now; the link may see it.
void Spool::State::make_durable() {
  for (UnsyncedBlock& block : contents.unsynced) {
    check(block.sequence == next(block.lane), "blocks become durable in the order of their lane");
    next(block.lane) = block.sequence + 1;
    contents.hold(block.lane, block.sequence, block.place);
    contents.merge_positions(block.positions, contents.next[0] - 1);
  }
  contents.unsynced.clear();
  unsynced_bytes = 0;
}

Status Spool::State::sync() {
  if (!writer || writer->broken()) {
    if (contents.unsynced.empty() && writer) return {};
    return begin_segment();
  }
  if (writer->synced_bytes() == writer->size()) return {};

  const Status synced = writer->sync();
  note_writer();
  if (!synced.ok()) {
    log_warn("a spool segment is given up", {{"segment", writer->name().number}, {"error", synced.error().text()}});
    return begin_segment();
  }
  std::map<uint64_t, wire::SourcePosition> newest;
  for (const UnsyncedBlock& block : contents.unsynced) {
    for (const wire::SourcePosition& position : block.positions) newest[position.id] = position;
  }
  const bool wrote_blocks = !contents.unsynced.empty();
  make_durable();
  std::vector<wire::SourcePosition> positions;
  for (auto& [id, position] : newest) positions.push_back(std::move(position));
  if (wrote_blocks) write_checkpoint(positions);
  return {};
}

// Says in the file what is known; where it cannot be said now, the next segment's snapshot will.
void Spool::State::write_checkpoint(const std::vector<wire::SourcePosition>& positions) {
  if (!writer || writer->broken()) return;
  const auto written = writer->append(FrameType::checkpoint, checkpoint(positions), {});
  if (!written.ok() && written.error().code() != Code::exhausted) writer->give_up();
  note_writer();
}

void Spool::State::delete_acknowledged_segments() {
  // Asked anew each time: a sync that fails begins another segment, and the newest must stay, whether it is written to
  // or (the disk is full) not: it alone knows everything.
  const auto is_done = [this](const auto& entry) {
    return entry.first != contents.segments.rbegin()->first && entry.second.held_blocks == 0;
  };
  auto done = std::find_if(contents.segments.begin(), contents.segments.end(), is_done);
  if (done == contents.segments.end()) return;

  // The acknowledgement must not be forgotten before what it spoke of.
  if (const Status synced = sync(); !synced.ok()) {
    log_warn("spool segments are deleted before their acknowledgement is durable", {{"error", synced.error().text()}});
  }
  while ((done = std::find_if(contents.segments.begin(), contents.segments.end(), is_done)) !=
         contents.segments.end()) {
    const Status removed = disk.remove(path_of(done->second.name));
    if (!removed.ok() && removed.error().code() != Code::not_found) {
      log_warn("a spool segment could not be deleted", {{"error", removed.error().text()}});
      return;
    }
    contents.segments.erase(done);
  }
  const uint64_t oldest = contents.segments.empty() ? UINT64_MAX : contents.segments.begin()->first;
  std::erase_if(contents.former_epochs, [oldest](const FormerEpoch& former) { return former.segment_last < oldest; });
}

// Room for a frame of `bytes` in the current segment, beginning a new one where needed.
Status Spool::State::make_room(uint64_t bytes) {
  if (unsynced_bytes > 0 && unsynced_bytes + bytes > unsynced_bytes_max) {
    return Error(Code::exhausted, "blocks of " + std::to_string(unsynced_bytes) + " bytes wait for a sync");
  }
  const bool over = bytes_held() + bytes > options.bytes_max;
  const bool may_free = writer && contents.segment(writer->name().number)->held_blocks == 0 &&
                        contents.unsynced.empty() && writer->size() > options.segment_bytes_max / 2;
  if (!writer || writer->broken() || (over && may_free)) TRY(begin_segment());
  if (bytes_held() + bytes > options.bytes_max) {
    return Error(Code::exhausted, "the spool holds " + std::to_string(bytes_held()) + " bytes of at most " +
                                      std::to_string(options.bytes_max));
  }
  if (writer->size() >= options.segment_bytes_max) {
    TRY(sync());
    if (writer->broken() || writer->size() >= options.segment_bytes_max) TRY(begin_segment());
  }
  // A segment may break again in what follows its beginning: the checkpoint, the sync before a deletion.
  if (writer->broken()) return Error(Code::unavailable, "the disk fails under each new spool segment");
  return {};
}

// -- Reading ---------------------------------------------------------------------------------------------------------

Result<Bytes> Spool::State::read_payload(const HeldBlock& block) {
  const HeldSegment* segment = contents.segment(block.segment);
  if (segment == nullptr) return Error(Code::corrupt, "the segment is gone");
  const std::string path = path_of(segment->name);
  const auto file = TRY(disk.open(path, sys::OpenMode::read));
  Bytes frame;
  TRY(file->read_at(block.offset, frame_header_bytes + block.payload_bytes, frame));

  const auto header = parse_frame_header(frame);
  const BytesView payload = BytesView(frame).substr(std::min(frame.size(), frame_header_bytes));
  if (!header || header->payload_bytes != block.payload_bytes || payload.size() != block.payload_bytes ||
      crc32c(payload) != header->payload_crc) {
    return Error(Code::corrupt, path + ": the frame at " + std::to_string(block.offset) + " is damaged");
  }
  frame.erase(0, frame_header_bytes);
  return frame;
}

void Spool::State::set_aside(wire::Lane lane, uint64_t sequence, const HeldBlock& block, BytesView bytes,
                             std::string reason) {
  const HeldSegment* segment = contents.segment(block.segment);
  const std::string name = segment == nullptr ? "gone" : to_string(segment->name);
  quarantine.keep(name + "-" + std::to_string(block.offset), bytes);
  log_warn("a block is set aside", {{"lane", index_of(lane)}, {"sequence", sequence}, {"reason", reason}});

  if (HeldSegment* of = contents.segment(block.segment)) --of->held_blocks;
  contents.held[index_of(lane)].erase(sequence);
  contents.gaps.push_back({lane, sequence, sequence, std::move(reason)});
  write_checkpoint({});
}

// Numbers shift down so that the oldest unacknowledged block is 1; the blocks themselves stay where they are and are
// stamped again as they are read.
Status Spool::State::begin_new_epoch() {
  TRY(sync());
  const SpoolContents before = contents;
  const LaneNumbers shift = contents.acknowledged;
  for (FormerEpoch& former : contents.former_epochs) {
    for (size_t lane = 0; lane < wire::lane_count; ++lane) former.shift[lane] += shift[lane];
  }
  contents.former_epochs.push_back({contents.epoch, contents.segment_number_max, shift});
  contents.epoch = make_uuid_v4(random);
  for (size_t lane = 0; lane < wire::lane_count; ++lane) {
    std::map<uint64_t, HeldBlock> renumbered;
    for (const auto& [sequence, block] : contents.held[lane]) renumbered[sequence - shift[lane]] = block;
    contents.held[lane] = std::move(renumbered);
    contents.acknowledged[lane] = 0;
    contents.next[lane] -= shift[lane];
  }
  for (SpoolGap& gap : contents.gaps) {
    gap.from -= shift[index_of(gap.lane)];
    gap.to -= shift[index_of(gap.lane)];
  }
  for (auto& [id, held] : contents.positions) held.live_sequence -= std::min(held.live_sequence, shift[0]);

  const Status begun = begin_segment();
  if (!begun.ok()) {
    const uint64_t number = contents.segment_number_max;
    contents = before;
    contents.segment_number_max = number;
    return begun.error().during("begin a new stream epoch");
  }
  log_info("a new stream epoch begins", {{"epoch", to_string(contents.epoch)}});
  return {};
}

}  // namespace reeve::agent
