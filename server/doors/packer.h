// Packs the rows of many requests into few blocks, as an agent's batcher would.
//
// A block has one host in its header, so rows go by host; beyond hosts_per_pack_max hosts in one pack the rest shares a
// block without a host and carries it as the field (label) `host`. A block keeps to ten minutes of record time once it
// is worth it, or while there are few of them. Rows of one host keep their order, unless their times lie far apart.
//
// Secrets are replaced before a row is packed, by the rules that agents apply unasked.
//
// A time more than 24 h ahead, or older than retention, becomes `now`; a log row is marked as suspect then.
//
// One thread.
#pragma once

#include <memory>
#include <span>
#include <unordered_set>
#include <vector>

#include "common/secrets/redact.h"
#include "common/wire/block.h"
#include "server/doors/delta_sums.h"
#include "server/doors/door_counters.h"
#include "server/doors/signals.h"

namespace reeve::server {

// A sealed block without an identity yet, and the ids that are stored with it.
struct PackedBlock {
  Bytes bytes;
  std::vector<ItemId> ids;
};

class Packer {
 public:
  struct Options {
    Duration retention = 24h * 30;
    size_t hosts_kept_max = 16;  // builders that remember the shapes they have seen
    size_t hosts_per_pack_max = 64;
    uint64_t block_bytes_max = 2_MiB;  // raw
    uint32_t block_points_max = 262'144;
    Duration span_max = 10min;
    size_t span_blocks_max = 64;       // in a pack that has more blocks already,
    uint64_t span_bytes_min = 64_KiB;  // only so large a block of logs ends for its span,
    uint32_t span_points_min = 4096;   // or one of so many points
  };

  Packer(DoorCounters& counters, Options options);
  ~Packer();

  // What is new of these batches. Items whose id is in `known`, or comes a second time, are left out. Follow it with
  // keep() when the blocks are stored, or take_back() when they are not.
  std::vector<PackedBlock> pack(std::span<const SignalBatch* const> batches, std::unordered_set<ItemId> known,
                                WallTime now);
  void keep() { sums_.keep(); }
  void take_back() { sums_.take_back(); }

 private:
  struct Builders;
  struct Rows;
  struct Pack;

  Builders& builders_for(std::string_view host);
  void count_redacted();
  WallTime believable(const std::optional<WallTime>& time, WallTime now, bool& suspect);
  void pack_logs(Pack& pack, Rows& rows);
  void pack_points(Pack& pack, Rows& rows);
  double value_of(const SignalBatch& batch, const PointSignal& point);

  DoorCounters& counters_;
  const Options options_;
  std::vector<secrets::RedactCounters> redacted_;
  secrets::Redactor redactor_{secrets::RedactConfig{}, redacted_};
  uint64_t redacted_told_ = 0;
  DeltaSums sums_;
  std::vector<std::unique_ptr<Builders>> builders_;  // the last used is last
  std::vector<wire::Field> with_host_;               // reused
  Bytes series_key_;
};

}  // namespace reeve::server
