// The bytes of one simulated file, and which of them the platter has.
//
// Reads see every write at once, as through a page cache. Beside that we keep, since the last sync, each write and the
// former content of each 512-byte sector it touched; a power cut rebuilds every such sector from its former content and
// as many of its writes as survive. The file's size is one more thing that survives or not: a file may come back longer
// than its data, with zeros in between.
//
// A failed sync behaves as Linux does: the pages count as clean from then on, and are lost at the next cut unless they
// are written again.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/random.h"
#include "tests/sim/power_cut.h"

namespace reeve::sim {

constexpr size_t sector_bytes = 512;

class SimFileContent {
 public:
  uint64_t size() const { return bytes_.size(); }
  BytesView bytes() const { return bytes_; }
  bool all_synced() const { return pending_.empty(); }
  uint64_t oldest_pending() const { return pending_.front().number; }  // not all_synced()

  // `number` grows with every operation on the disk.
  void write(uint64_t number, uint64_t offset, BytesView bytes);
  void truncate(uint64_t number, uint64_t size);

  void sync();
  // Each dirty sector reaches the disk or not; afterwards none counts as dirty.
  void fail_sync(Random& random);
  void cut_power(PowerCut& cut);

  // Behind everybody's back, on the platter and in the cache at once.
  void flip_bit(uint64_t bit);
  void damage_end(uint64_t size);  // cuts the file short

 private:
  struct Change {
    uint64_t number = 0;
    bool is_truncation = false;
    uint64_t offset = 0;  // of a truncation: the new size
    Bytes bytes;
    uint64_t size_after = 0;
  };

  void remember_sectors(uint64_t begin, uint64_t end);
  Bytes sector(uint64_t index) const;  // as it is now, padded with zeros
  void put_sector(uint64_t index, BytesView content);

  Bytes bytes_;
  uint64_t durable_size_ = 0;
  std::vector<Change> pending_;
  std::map<uint64_t, Bytes> former_;  // sector -> what the platter has; only of sectors touched by pending_
  std::map<uint64_t, Bytes> stale_;   // sector -> what the platter has, though the cache believes otherwise
};

}  // namespace reeve::sim
