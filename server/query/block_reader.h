// Reads headers and blocks for a query, and sorts what goes wrong: a block that retention took meanwhile is passed by,
// a damaged one is counted and reported, a format from the future is counted, and anything else ends the query.
//
// One query, one thread.
#pragma once

#include <optional>

#include "common/base/result.h"
#include "common/wire/block.h"
#include "server/query/logs.h"
#include "server/store/store.h"

namespace reeve::server {

class BlockReader {
 public:
  BlockReader(const Store& store, const ReportDamage& report, ScanCounters& counters)
      : store_(store), report_(report), counters_(counters) {}

  // Nothing: pass the block by.
  Result<std::optional<wire::BlockHeader>> read_header(const BlockRef& block);
  Result<std::optional<Bytes>> read_block(const BlockRef& block);

  // What to do with an error that a block's content gave. Ok: pass the block by.
  Status pass_by(const BlockRef& block, const Error& error);

 private:
  const Store& store_;
  const ReportDamage& report_;
  ScanCounters& counters_;
};

}  // namespace reeve::server
