// Keeps blocks on disk until the server has them.
//
// A spool is a directory of segments. Blocks are appended to the newest; the link reads from the oldest; a segment is
// deleted once every block in it is acknowledged. Source positions ride in the block's own append, so after a power cut
// no line is skipped and none is read twice. After a restart we always begin a new segment: a half-written one is never
// continued. Every segment opens with a snapshot of all positions, the epoch and the next sequences, so deleting old
// segments forgets nothing.
//
// Only synced blocks are ever shown to the link. Each frame says how far the spool was synced when it was written;
// recovery uses that to tell a torn tail (cut off: its lines are read again) from rot in the middle (set aside as a
// gap: its lines were durable once and may have been sent).
//
// Lives on the disk worker. Format: docs/spool_format.md.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/random.h"
#include "common/base/result.h"
#include "common/sys/disk.h"
#include "common/wire/block.h"
#include "common/wire/record.h"

namespace reeve::agent {

// Sequences that will never be sent: set aside at recovery, or dropped.
struct SpoolGap {
  wire::Lane lane = wire::Lane::live;
  uint64_t from = 0;
  uint64_t to = 0;
  std::string reason;
};

class Spool {
 public:
  struct Options {
    std::string directory;
    uint64_t bytes_max = 1_GiB;
    uint64_t segment_bytes_max = 8_MiB;
  };

  struct LaneState {
    uint64_t first_held = 1;    // oldest sequence not yet acknowledged; next_durable where there is none
    uint64_t next_durable = 1;  // one past the newest synced block: what the link may send ends here
  };

  // Recovers what lies in the directory, or makes a new spool with a new epoch. Damaged frames are copied to
  // <directory>/quarantine (bounded) and counted; nothing damaged stops the opening.
  static Result<std::unique_ptr<Spool>> open(sys::Disk& disk, Random& random, const Uuid& agent, Options options);
  ~Spool();

  // Every source's position as of the last valid block; what collectors resume from.
  std::vector<wire::SourcePosition> positions() const;
  Uuid epoch() const;
  LaneState lane(wire::Lane lane) const;
  std::vector<SpoolGap> gaps() const;  // not yet acknowledged
  uint64_t quarantined_total() const;
  uint64_t bytes_held() const;

  // Stamps and appends; not durable before sync(). Code::exhausted where the spool or the disk is full: nothing was
  // appended, the caller keeps the block and tries again. `positions` are those of the block's sources.
  Status append(wire::Lane lane, Bytes block, const std::vector<wire::SourcePosition>& positions);

  // Group commit: makes every append so far durable. After an error the segment is given up; a new one is begun and the
  // unsynced blocks are written again to it by the spool itself, or the error stands.
  Status sync();

  // A durable block, verified against its checksums; Code::not_found for a gap, Code::corrupt (and a new gap) for rot.
  Result<Bytes> read(wire::Lane lane, uint64_t sequence);

  // The server has everything through here. Deletes segments that are no longer needed.
  Status acknowledge(wire::Lane lane, uint64_t through);

  // This block cannot be delivered: sets it aside in quarantine and turns it into a gap.
  Status set_aside(wire::Lane lane, uint64_t sequence, const std::string& reason);

  // A fresh epoch in which the unacknowledged blocks get new sequences from 1. For EpochConflict.
  Status begin_new_epoch();

 private:
  struct State;
  explicit Spool(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace reeve::agent
