// Reads SQLite's write-ahead log from outside, to tell an ordinary end from rot.
//
// SQLite takes a log's frames up to the first whose checksum fails and forgets the rest: right after a power cut, when
// the rest was never acknowledged, and a loss when a bit has flipped in an early frame. Since each of our commits is
// synced before the next begins, a power cut can tear one commit at most; more than that behind a bad frame is rot.
//
// Format: sqlite.org/fileformat2.html, section 4. Before SQLite opens the file; afterwards the log may be gone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/sys/disk.h"

namespace reeve::server {

struct LogFrame {
  uint32_t page = 0;    // counted from 1
  uint64_t offset = 0;  // of the page's bytes in the log
  bool valid = false;   // its checksum follows from the frame before
  bool ends_commit = false;
};

struct LogContents {
  std::vector<LogFrame> frames;  // since the log last began anew
  size_t taken = 0;              // how many SQLite will take
};

// Empty where there is no log beside the database at `path`.
Result<LogContents> read_log(sys::Disk& disk, const std::string& path, uint32_t page_bytes);

// Makes durable what lies in the log, and its name. What a killed process had written and not yet synced looks whole to
// us, out of the page cache; an agent must be told nothing of it that a power cut could still take away. Needs no room.
Status sync_log(sys::Disk& disk, const std::string& path);

enum class LogState {
  whole,   // SQLite takes every commit
  torn,    // behind what SQLite takes lies one commit: unacknowledged, or hit by rot
  rotten,  // there lies more
};
LogState judge_log(const LogContents& log);

}  // namespace reeve::server
