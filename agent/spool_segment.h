// One file of a spool: its name, reading it back whatever has happened to it, and writing it.
//
// The name is "<number>-<nonce>.segment"; a segment in the making has ".new" behind it and counts for nothing. A writer
// that could not write all of a frame cuts it back, and is broken when it cannot even do that: then nothing is appended
// any more, and the next segment's snapshot says where this one's valid frames end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/spool_format.h"
#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/sys/disk.h"

namespace reeve::agent {

struct SegmentName {
  uint64_t number = 0;
  uint64_t nonce = 0;
  auto operator<=>(const SegmentName&) const = default;
};
std::string to_string(const SegmentName& name);
std::optional<SegmentName> parse_segment_name(std::string_view text);

struct FoundFrame {
  FrameType type = FrameType::block;
  uint64_t offset = 0;  // of the header
  BytesView payload;    // borrowed from the bytes scanned
  uint64_t end() const { return offset + frame_header_bytes + payload.size(); }
};

// Bytes that are no valid frame.
struct DamagedRange {
  uint64_t begin = 0;
  uint64_t end = 0;
};

struct SegmentScan {
  std::vector<FoundFrame> frames;     // valid ones, in order
  std::vector<DamagedRange> damaged;  // in order
  uint64_t synced_bytes = 0;          // the farthest that a valid frame attests
};

// After damage it goes on at the next valid frame, wherever that is. Linear time.
SegmentScan scan_segment(BytesView bytes, uint64_t nonce);

// Disk worker.
class SegmentWriter {
 public:
  SegmentWriter(std::unique_ptr<sys::File> file, SegmentName name) : file_(std::move(file)), name_(name) {}

  const SegmentName& name() const { return name_; }
  uint64_t size() const { return size_; }                  // valid frames end here
  uint64_t synced_bytes() const { return synced_bytes_; }  // and these survive a power cut
  bool broken() const { return broken_; }

  // The frames to come, up to there, are synced before the file gets its name: who reads them may rely on that.
  void begin_opening(uint64_t bytes) { opening_bytes_ = bytes; }

  // Gives the frame's offset. On error nothing was appended.
  Result<uint64_t> append(FrameType type, BytesView head, BytesView body);
  // After an error the writer is broken.
  Status sync();
  void give_up() { broken_ = true; }

 private:
  std::unique_ptr<sys::File> file_;
  SegmentName name_;
  uint64_t size_ = 0;
  uint64_t synced_bytes_ = 0;
  uint64_t opening_bytes_ = 0;
  bool broken_ = false;
};

}  // namespace reeve::agent
