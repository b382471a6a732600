// Log blocks that were opened lately, kept open: the next page of a search, and everybody who watches, find a block's
// header parsed and its columns decompressed.
//
// Bounded by what the blocks take in memory; the one that was asked for longest ago goes first, and a block that would
// take too much of the room for itself is not kept. Whoever holds one may go on using it. Any thread.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "common/wire/search.h"

namespace reeve::server {

struct OpenedLog {
  wire::BlockHeader header;
  std::mutex mutex = {};                     // of the block
  std::optional<wire::LogBlock> block = {};  // once somebody asked for its rows
};
using OpenedLogPtr = std::shared_ptr<OpenedLog>;

class LogBlockCache {
 public:
  struct Options {
    uint64_t bytes_max = 24_MiB;
    uint64_t block_bytes_max = 12_MiB;
  };

  LogBlockCache() : LogBlockCache(Options()) {}
  explicit LogBlockCache(Options options) : options_(options) {}

  // Null where it is not kept.
  OpenedLogPtr find(uint64_t commit_id);
  // `bytes` is what it takes now; again when it has grown.
  void keep(uint64_t commit_id, OpenedLogPtr log, uint64_t bytes);

  uint64_t bytes() const;

 private:
  struct Kept {
    uint64_t commit_id = 0;
    OpenedLogPtr log;
    uint64_t bytes = 0;
  };
  using Place = std::list<Kept>::iterator;
  void forget(Place place);

  const Options options_;
  mutable std::mutex mutex_;
  std::list<Kept> kept_;  // what was asked for last stands first
  std::unordered_map<uint64_t, Place> places_;
  uint64_t bytes_ = 0;
};

}  // namespace reeve::server
