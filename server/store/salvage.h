// Finds blocks in a day's file that SQLite can no longer read.
//
// It knows the shape of a `blocks` record and looks for it in every page of the file and of its log, whatever the page
// claims to be. Each find is followed along its overflow pages and kept only when the
// block's own checksums agree. So a block is lost only where its own bytes, or the page numbers that lead to them, are
// damaged; and damage elsewhere (the tree above, the neighbours, the page's own list) costs nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/base/result.h"
#include "common/sys/disk.h"
#include "server/store/store.h"

namespace reeve::server {

struct SalvagedBlock {
  uint64_t commit_id = 0;
  uint64_t batch_first = 0;
  uint64_t batch_last = 0;
  IncomingBlock block;
};

// Calls `keep` with each block, in the file's order; one may come twice. `path` is the database file; its log lies
// beside it. Stops at the first error of `keep`.
Status salvage_blocks(sys::Disk& disk, const std::string& path, const std::function<Status(SalvagedBlock&&)>& keep);

}  // namespace reeve::server
