// Reads headers and blocks for a query, and sorts what goes wrong: a block that retention took meanwhile is passed by,
// a damaged one is counted and reported, a format from the future is counted, and anything else ends the query.
//
// Log blocks may come from a cache, where the query has one.
//
// One query, one thread.
#pragma once

#include <functional>
#include <optional>

#include "common/base/result.h"
#include "common/wire/block.h"
#include "server/query/log_block_cache.h"
#include "server/query/logs.h"
#include "server/store/store.h"

namespace reeve::server {

class BlockReader {
 public:
  // `cache` may be null.
  BlockReader(const Store& store, const ReportDamage& report, ScanCounters& counters, LogBlockCache* cache = nullptr)
      : store_(store), report_(report), counters_(counters), cache_(cache) {}

  // Nothing: pass the block by.
  Result<std::optional<wire::BlockHeader>> read_header(const BlockRef& block);
  Result<std::optional<Bytes>> read_block(const BlockRef& block);

  // A log block with its header; null: pass it by.
  Result<OpenedLogPtr> open(const BlockRef& block);
  // Lets `question` ask the block, if its header does not rule it out. A block that turns out damaged is passed by.
  Status ask(const BlockRef& block, const OpenedLogPtr& log, const wire::LogPredicate& predicate,
             const std::function<Status(wire::LogBlock& opened)>& question);

  // What to do with an error that a block's content gave. Ok: pass the block by.
  Status pass_by(const BlockRef& block, const Error& error);

  // Headers and bytes of blocks that this query has cost, against what it may cost.
  bool out_of(const LogQueryLimits& limits) const {
    return counters_.blocks + counters_.blocks_pruned >= limits.blocks_max || counters_.bytes >= limits.bytes_max;
  }

 private:
  const Store& store_;
  const ReportDamage& report_;
  ScanCounters& counters_;
  LogBlockCache* const cache_;
};

}  // namespace reeve::server
