// The store on disk: one directory per org, SQLite inside.
//
//     org.db             agents, tokens, keys, stream positions, gaps, and the index of all blocks
//     blocks/<day>.db    the blocks that arrived on that day, header and columns apart
//
// A commit goes to the day's file first and to org.db second, each synced, and is acknowledged after both. A crash in
// between leaves blocks that the index does not know: they are found and indexed when the store opens. Damage is met
// block by block; see docs/decisions/0004-store-damage.md.
//
// Writing verbs belong to one thread; reading verbs are for any, each with a connection of its own, and never wait for
// the writer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/sys/disk.h"
#include "server/store/store.h"

namespace reeve::server {

struct SqliteStoreOptions {
  std::string directory;     // of the org; made where absent
  sys::Disk& disk;           // lists, moves and removes files; the same files that `vfs` opens
  std::string vfs;           // SQLite's name for the file system; empty: the host's
  bool exclusive = false;    // one connection a file, without shared memory: one thread for everything
  uint32_t readers_max = 4;  // connections for reading, per file
};

// Makes the store where there is none. Orphans are indexed and unfinished removals finished before it returns.
Result<std::unique_ptr<Store>> open_sqlite_store(const SqliteStoreOptions& options);

}  // namespace reeve::server
