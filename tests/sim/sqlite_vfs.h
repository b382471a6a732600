// Lets SQLite live on a SimDisk: every byte it writes, syncs, truncates and deletes goes through the disk that crashes.
//
// It does what SQLite's own unix VFS does, and no more: a directory is synced when a new journal in it is first synced
// and when a deletion asks for it. Locks are kept among the connections of this VFS. There is no shared memory, so WAL
// works only with an exclusive connection.
//
// One thread. A VFS outlives the connections that use it.
#pragma once

#include <memory>
#include <string>

#include "common/base/random.h"
#include "common/base/time.h"
#include "tests/sim/sim_disk.h"

namespace reeve::sim {

class SqliteVfs {
 public:
  // All outlive the VFS.
  SqliteVfs(SimDisk& disk, Random& random, Clock& clock);
  ~SqliteVfs();
  SqliteVfs(const SqliteVfs&) = delete;
  SqliteVfs& operator=(const SqliteVfs&) = delete;

  const std::string& name() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reeve::sim
