// What a spool's directory holds, after whatever has happened to it.
//
// Segments are read in order. A snapshot says what was true when its segment began, the frames behind it say what
// happened since. Damage that a later frame attests as synced is rot: it becomes gaps and is set aside. Damage that
// nothing attests is a torn write: everything from it on is cut, for it was never shown to the link and its lines are
// read again. Whole blocks at the end that nothing attests are handed back to be written anew: the page cache may hold
// what the disk never got.
//
// Only an unreadable directory or disk is an error; content never is. Lives on the disk worker.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "agent/spool_format.h"
#include "agent/spool_quarantine.h"
#include "agent/spool_segment.h"
#include "common/base/result.h"
#include "common/sys/disk.h"

namespace reeve::agent {

// A durable block, by where its frame lies.
struct HeldBlock {
  uint64_t segment = 0;
  uint64_t offset = 0;
  uint32_t payload_bytes = 0;
};

struct HeldSegment {
  SegmentName name;
  uint64_t file_bytes = 0;
  uint64_t valid_bytes = 0;
  size_t held_blocks = 0;
};

struct HeldPosition {
  wire::SourcePosition position;
  uint64_t live_sequence = 0;  // of the block it came with, or a later one
};

struct UnsyncedBlock {
  wire::Lane lane = wire::Lane::live;
  uint64_t sequence = 0;
  std::vector<wire::SourcePosition> positions;
  Bytes block;
  HeldBlock place;
};

struct SpoolContents {
  bool found = false;  // false: nothing valid lies there
  Uuid agent;
  Uuid epoch;
  LaneNumbers acknowledged{};
  LaneNumbers next{1, 1, 1};
  std::map<uint64_t, HeldPosition> positions;  // by source id
  std::vector<SpoolGap> gaps;
  std::vector<FormerEpoch> former_epochs;
  std::map<uint64_t, HeldSegment> segments;  // by number
  std::array<std::map<uint64_t, HeldBlock>, wire::lane_count> held;
  std::vector<UnsyncedBlock> unsynced;
  uint64_t segment_number_max = 0;

  HeldSegment* segment(uint64_t number);
  void merge_positions(const std::vector<wire::SourcePosition>& news, uint64_t live_sequence);
  // Forgets positions of finished sources whose last block is acknowledged.
  void drop_finished();
  void hold(wire::Lane lane, uint64_t sequence, const HeldBlock& block);
  void release_through(wire::Lane lane, uint64_t through);
};

Result<SpoolContents> recover_spool(sys::Disk& disk, const std::string& directory, SpoolQuarantine& quarantine);

}  // namespace reeve::agent
