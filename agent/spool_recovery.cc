// See spool_recovery.h.
#include "agent/spool_recovery.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/base/log.h"

namespace reeve::agent {

namespace {

constexpr uint64_t segment_file_bytes_max = 256_MiB;  // nothing of ours is larger

// A block frame seen, before it is known which epoch is the current one.
struct SeenBlock {
  Uuid epoch;
  wire::Lane lane;
  uint64_t sequence;
  HeldBlock place;
};

struct SeenDamage {
  uint64_t segment;
  DamagedRange range;
};

class Recovery {
 public:
  Recovery(sys::Disk& disk, const std::string& directory, SpoolQuarantine& quarantine)
      : disk_(disk), directory_(directory), quarantine_(quarantine) {}

  Result<SpoolContents> run() {
    const std::vector<SegmentName> names = TRY(list_segments());
    for (const SegmentName& name : names) TRY(read_segment(name, name == names.back()));
    hold_blocks();
    find_holes();
    set_damage_aside();
    contents_.drop_finished();
    return std::move(contents_);
  }

 private:
  Result<std::vector<SegmentName>> list_segments();
  Status read_segment(const SegmentName& name, bool newest);
  void apply(const FoundFrame& frame, uint64_t segment, bool attested);
  void apply_snapshot(Snapshot snapshot, uint64_t segment);
  void apply_checkpoint(Checkpoint checkpoint);
  void apply_block(const FoundFrame& frame, uint64_t segment, bool attested);
  std::optional<uint64_t> current_sequence(const SeenBlock& block) const;
  void hold_blocks();
  bool is_gap(wire::Lane lane, uint64_t sequence) const;
  void find_holes();
  void add_gaps(wire::Lane lane, uint64_t from, uint64_t end, std::vector<SpoolGap>& gaps) const;
  void set_damage_aside();

  std::string path_of(const SegmentName& name) const { return directory_ + "/" + to_string(name); }

  sys::Disk& disk_;
  const std::string& directory_;
  SpoolQuarantine& quarantine_;
  SpoolContents contents_;
  std::vector<SeenBlock> seen_;
  std::vector<SeenDamage> damage_;
};

Result<std::vector<SegmentName>> Recovery::list_segments() {
  std::vector<SegmentName> names;
  const std::vector<sys::DirectoryEntry> entries = TRY(disk_.list(directory_));
  for (const sys::DirectoryEntry& entry : entries) {
    if (entry.is_directory) continue;
    if (entry.name.ends_with(".segment.new")) {
      TRY(disk_.remove(directory_ + "/" + entry.name));
      continue;
    }
    const auto name = parse_segment_name(entry.name);
    if (!name || (!names.empty() && names.back().number == name->number)) {
      log_warn("a file in the spool is not ours", {{"file", directory_ + "/" + entry.name}});
      continue;
    }
    names.push_back(*name);
  }
  return names;  // the listing is sorted, and numbers have leading zeros
}

Status Recovery::read_segment(const SegmentName& name, bool newest) {
  contents_.segment_number_max = name.number;
  auto read = sys::read_file(disk_, path_of(name), segment_file_bytes_max);
  if (!read.ok() && read.error().code() != Code::exhausted && read.error().code() != Code::not_found) {
    return read.error();
  }
  const Bytes bytes = read.ok() ? std::move(read).value() : Bytes();
  contents_.segments[name.number] = {.name = name, .file_bytes = bytes.size(), .valid_bytes = bytes.size()};

  const SegmentScan scan = scan_segment(bytes, name.nonce);
  uint64_t attested = bytes.size();
  uint64_t cut = bytes.size();
  if (newest) {
    attested = std::min<uint64_t>(scan.synced_bytes, bytes.size());
    for (const DamagedRange& range : scan.damaged) {
      if (range.end > attested) cut = std::min(cut, std::max(range.begin, attested));
    }
    if (cut < bytes.size()) {
      log_info("a torn end of the spool is cut", {{"segment", name.number}, {"bytes", bytes.size() - cut}});
    }
    contents_.segment(name.number)->valid_bytes = attested;
  }

  for (const FoundFrame& frame : scan.frames) {
    if (frame.offset < cut) apply(frame, name.number, frame.end() <= attested);
  }
  for (const DamagedRange& range : scan.damaged) {
    if (range.begin < attested) damage_.push_back({name.number, {range.begin, std::min(range.end, attested)}});
  }
  return {};
}

void Recovery::apply(const FoundFrame& frame, uint64_t segment, bool attested) {
  if (frame.type == FrameType::block) return apply_block(frame, segment, attested);
  if (frame.type == FrameType::checkpoint) {
    if (auto checkpoint = parse_checkpoint(frame.payload)) apply_checkpoint(std::move(*checkpoint));
    return;
  }
  if (auto snapshot = parse_snapshot(frame.payload)) apply_snapshot(std::move(*snapshot), segment);
}

void Recovery::apply_snapshot(Snapshot snapshot, uint64_t segment) {
  contents_.found = true;
  contents_.agent = snapshot.agent;
  contents_.epoch = snapshot.epoch;
  contents_.acknowledged = snapshot.acknowledged;
  contents_.next = snapshot.next;
  contents_.gaps = std::move(snapshot.gaps);
  contents_.former_epochs = std::move(snapshot.former_epochs);
  contents_.positions.clear();
  contents_.merge_positions(snapshot.positions, snapshot.next[0] - 1);

  // An older segment that is not listed had been deleted, and the power cut brought its name back.
  for (auto it = contents_.segments.begin(); it != contents_.segments.end() && it->first < segment;) {
    const auto listed = std::find_if(snapshot.older_segments.begin(), snapshot.older_segments.end(),
                                     [&](const OlderSegment& older) { return older.number == it->first; });
    if (listed != snapshot.older_segments.end()) {
      it->second.valid_bytes = std::min(it->second.file_bytes, listed->valid_bytes);
      ++it;
      continue;
    }
    const Status removed = disk_.remove(path_of(it->second.name));
    if (!removed.ok()) log_warn("a deleted segment came back", {{"error", removed.error().text()}});
    it = contents_.segments.erase(it);
  }
}

void Recovery::apply_checkpoint(Checkpoint checkpoint) {
  contents_.found = true;
  if (contents_.epoch != checkpoint.epoch) {  // its segment's snapshot is damaged
    contents_.epoch = checkpoint.epoch;
    contents_.acknowledged = {};
    contents_.next = {1, 1, 1};
  }
  for (size_t lane = 0; lane < wire::lane_count; ++lane) {
    contents_.acknowledged[lane] = std::max(contents_.acknowledged[lane], checkpoint.acknowledged[lane]);
    contents_.next[lane] = std::max(contents_.next[lane], checkpoint.next[lane]);
  }
  contents_.gaps = std::move(checkpoint.gaps);
  contents_.merge_positions(checkpoint.positions, contents_.next[0] - 1);
}

void Recovery::apply_block(const FoundFrame& frame, uint64_t segment, bool attested) {
  BytesView block = frame.payload;
  auto head = take_block_head(block);
  if (!head) return;
  contents_.found = true;

  const HeldBlock place{segment, frame.offset, static_cast<uint32_t>(frame.payload.size())};
  if (attested) {
    if (contents_.epoch.is_nil()) contents_.epoch = head->epoch;
    seen_.push_back({head->epoch, head->lane, head->sequence, place});
    if (head->epoch == contents_.epoch) {
      uint64_t& next = contents_.next[index_of(head->lane)];
      next = std::max(next, head->sequence + 1);
    }
    contents_.merge_positions(head->positions, contents_.next[0] - 1);
  } else if (contents_.epoch.is_nil() || head->epoch == contents_.epoch) {
    // Its positions count once it is written anew.
    contents_.epoch = head->epoch;
    contents_.unsynced.push_back({head->lane, head->sequence, std::move(head->positions), Bytes(block), place});
  }
}

// The number a block has in the current epoch; nothing for blocks acknowledged in an epoch before.
std::optional<uint64_t> Recovery::current_sequence(const SeenBlock& block) const {
  if (block.epoch == contents_.epoch) return block.sequence;
  for (const FormerEpoch& former : contents_.former_epochs) {
    if (former.epoch != block.epoch) continue;
    const uint64_t shift = former.shift[index_of(block.lane)];
    if (block.sequence > shift) return block.sequence - shift;
    return std::nullopt;
  }
  return std::nullopt;
}

bool Recovery::is_gap(wire::Lane lane, uint64_t sequence) const {
  return std::any_of(contents_.gaps.begin(), contents_.gaps.end(), [&](const SpoolGap& gap) {
    return gap.lane == lane && gap.from <= sequence && sequence <= gap.to;
  });
}

void Recovery::hold_blocks() {
  for (const SeenBlock& block : seen_) {
    const HeldSegment* segment = contents_.segment(block.place.segment);
    if (segment == nullptr || block.place.offset >= segment->valid_bytes) continue;
    const auto sequence = current_sequence(block);
    if (!sequence || *sequence <= contents_.acknowledged[index_of(block.lane)]) continue;
    // Set aside: its frame is sound, but nobody will take it.
    if (!is_gap(block.lane, *sequence)) contents_.hold(block.lane, *sequence, block.place);
    uint64_t& next = contents_.next[index_of(block.lane)];
    next = std::max(next, *sequence + 1);
  }

  // What comes back to be written anew continues each lane; anything else was written twice, or follows a lost frame.
  LaneNumbers expected = contents_.next;
  std::erase_if(contents_.unsynced, [&](const UnsyncedBlock& block) {
    uint64_t& next = expected[index_of(block.lane)];
    if (next == 1) next = contents_.next[index_of(block.lane)] = block.sequence;  // the snapshot is damaged
    if (block.sequence != next) return true;
    ++next;
    return false;
  });
}

// Every sequence between what is acknowledged and what comes next is either held or a gap.
void Recovery::find_holes() {
  std::vector<SpoolGap> gaps;
  for (size_t lane = 0; lane < wire::lane_count; ++lane) {
    uint64_t& acknowledged = contents_.acknowledged[lane];
    acknowledged = std::min(acknowledged, contents_.next[lane] - 1);
    uint64_t expected = acknowledged + 1;
    for (const auto& [sequence, block] : contents_.held[lane]) {
      add_gaps(static_cast<wire::Lane>(lane), expected, sequence, gaps);
      expected = sequence + 1;
    }
    add_gaps(static_cast<wire::Lane>(lane), expected, contents_.next[lane], gaps);
  }
  contents_.gaps = std::move(gaps);
}

// [from, end) is not held: known gaps keep their reasons, the rest is damage.
void Recovery::add_gaps(wire::Lane lane, uint64_t from, uint64_t end, std::vector<SpoolGap>& gaps) const {
  while (from < end) {
    uint64_t to = end - 1;
    const SpoolGap* known = nullptr;
    for (const SpoolGap& gap : contents_.gaps) {
      if (gap.lane != lane || gap.to < from || gap.from > gap.to) continue;
      if (gap.from <= from) {
        known = &gap;
        to = std::min(to, gap.to);
        break;
      }
      to = std::min(to, gap.from - 1);
    }
    if (known == nullptr) {
      log_warn("blocks are missing from the spool", {{"lane", index_of(lane)}, {"from", from}, {"to", to}});
    }
    gaps.push_back({lane, from, to, known == nullptr ? "damaged in the spool" : known->reason});
    from = to + 1;
  }
}

void Recovery::set_damage_aside() {
  for (const SeenDamage& damage : damage_) {
    const HeldSegment* segment = contents_.segment(damage.segment);
    if (segment == nullptr || damage.range.begin >= segment->valid_bytes) continue;
    const uint64_t end = std::min(damage.range.end, segment->valid_bytes);
    Bytes bytes;
    const auto file = disk_.open(path_of(segment->name), sys::OpenMode::read);
    if (file.ok()) {
      const auto got = (*file)->read_at(damage.range.begin, end - damage.range.begin, bytes);
      if (!got.ok()) bytes.clear();
    }
    quarantine_.keep(to_string(segment->name) + "-" + std::to_string(damage.range.begin), bytes);
  }
}

}  // namespace

HeldSegment* SpoolContents::segment(uint64_t number) {
  const auto found_segment = segments.find(number);
  return found_segment == segments.end() ? nullptr : &found_segment->second;
}

void SpoolContents::merge_positions(const std::vector<wire::SourcePosition>& news, uint64_t live_sequence) {
  for (const wire::SourcePosition& position : news) positions[position.id] = {position, live_sequence};
}

void SpoolContents::drop_finished() {
  std::erase_if(positions, [this](const auto& entry) {
    return entry.second.position.finished && entry.second.live_sequence <= acknowledged[0];
  });
}

void SpoolContents::hold(wire::Lane lane, uint64_t sequence, const HeldBlock& block) {
  auto [it, is_new] = held[index_of(lane)].try_emplace(sequence, block);
  if (!is_new) {
    if (HeldSegment* before = segment(it->second.segment)) --before->held_blocks;
    it->second = block;
  }
  if (HeldSegment* now = segment(block.segment)) ++now->held_blocks;
}

void SpoolContents::release_through(wire::Lane lane, uint64_t through) {
  auto& blocks = held[index_of(lane)];
  while (!blocks.empty() && blocks.begin()->first <= through) {
    if (HeldSegment* of = segment(blocks.begin()->second.segment)) --of->held_blocks;
    blocks.erase(blocks.begin());
  }
}

Result<SpoolContents> recover_spool(sys::Disk& disk, const std::string& directory, SpoolQuarantine& quarantine) {
  return Recovery(disk, directory, quarantine).run();
}

}  // namespace reeve::agent
