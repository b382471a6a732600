// The bytes of a spool segment: frames, and what stands in them. Format: docs/spool_format.md.
//
//     segment   frame*
//     frame     header (44 bytes, own CRC32C), payload (its CRC32C in the header)
//     payload   snapshot | block | checkpoint
//
// Log lines are foreign bytes and may lie uncompressed inside a block, so a frame must not be forgeable by a line: each
// header carries the segment's random nonce and its own offset, and neither is ever shown outside of the spool's
// directory.
//
// Parsing refuses whatever does not fit exactly; nothing is allocated before its size was compared with what is there.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/spool.h"
#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/wire/record.h"

namespace reeve::agent {

enum class FrameType : uint8_t { snapshot = 1, block = 2, checkpoint = 3 };  // values are part of the format

constexpr uint32_t frame_magic = 0x65767252;  // "Rrve"
constexpr size_t frame_header_bytes = 44;
constexpr uint64_t frame_payload_bytes_max = wire::block_bytes_max + 16_MiB;  // a block and its positions

struct FrameHeader {
  FrameType type = FrameType::block;
  uint32_t payload_bytes = 0;
  uint32_t payload_crc = 0;
  uint64_t nonce = 0;         // of the segment
  uint64_t offset = 0;        // of this frame in its segment
  uint64_t synced_bytes = 0;  // of the segment, when this frame was written: all before is no torn write
};

Bytes encode_frame_header(const FrameHeader& header);
// Needs frame_header_bytes. Nothing where magic, CRC, type or size are off.
std::optional<FrameHeader> parse_frame_header(BytesView bytes);

using LaneNumbers = std::array<uint64_t, wire::lane_count>;
constexpr size_t index_of(wire::Lane lane) {
  return static_cast<size_t>(lane);
}

// Blocks of an epoch before the current one, not yet acknowledged: number n there is number n - shift now.
struct FormerEpoch {
  Uuid epoch;
  uint64_t segment_last = 0;  // no later segment holds blocks of it
  LaneNumbers shift{};
};

// An older segment that was still there: its valid frames end at `valid_bytes`.
struct OlderSegment {
  uint64_t number = 0;
  uint64_t valid_bytes = 0;
};

// Opens each segment, twice over, so that everything older may be deleted and one flipped bit forgets nothing.
struct Snapshot {
  Uuid agent;
  Uuid epoch;
  LaneNumbers acknowledged{};  // through here
  LaneNumbers next{};          // one past the newest durable block
  std::vector<wire::SourcePosition> positions;
  std::vector<SpoolGap> gaps;
  std::vector<FormerEpoch> former_epochs;
  std::vector<OlderSegment> older_segments;
};

// Follows each sync and each acknowledgement; not synced itself.
struct Checkpoint {
  Uuid epoch;
  LaneNumbers acknowledged{};
  LaneNumbers next{};
  // Of the blocks that the sync before made durable: a second copy, so that a block that rots takes no position along.
  std::vector<wire::SourcePosition> positions;
  std::vector<SpoolGap> gaps;
};

// A block's payload is this head, then the block itself.
struct BlockHead {
  Uuid epoch;
  wire::Lane lane = wire::Lane::live;
  uint64_t sequence = 0;
  std::vector<wire::SourcePosition> positions;
};

Bytes encode(const Snapshot& snapshot);
Bytes encode(const Checkpoint& checkpoint);
Bytes encode(const BlockHead& head);

std::optional<Snapshot> parse_snapshot(BytesView payload);
std::optional<Checkpoint> parse_checkpoint(BytesView payload);
// Takes the head off the front: what remains of `payload` is the block.
std::optional<BlockHead> take_block_head(BytesView& payload);

}  // namespace reeve::agent
