// What a running agent tells of itself: to Prometheus, and in a small file that `reeve-agent status` reads.
//
// The file is written every few seconds while there is news, by the disk worker; a reader sees by its age and by the
// lock on the data folder whether an agent runs at all.
#pragma once

#include <optional>
#include <string>

#include "agent/batcher.h"
#include "agent/config.h"
#include "agent/disk_worker.h"
#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/sys/disk.h"

namespace reeve::agent {

struct AgentSnapshot {
  std::string version;
  std::string host;
  std::string agent;  // its id; empty where not enrolled
  std::string output;
  std::string link;  // "open", or why not
  WallTime started;
  WallTime updated;
  WallTime certificate_not_after;
  uint64_t audit_size = 0;    // entries of the audit that are pinned
  std::string audit_alarm{};  // what contradicts them; empty: nothing
  BatcherCounters batcher;
  SpoolReport spool;
};

uint64_t dropped_total(const AgentSnapshot& snapshot);

std::string to_prometheus(const AgentSnapshot& snapshot);
std::string to_status_file(const AgentSnapshot& snapshot);

struct StatusAnswer {
  bool running = false;
  bool linked = false;
  std::string text;  // for people
};

// Reads what a running agent wrote last. Opens nothing but files below the data folder.
Result<StatusAnswer> read_status(sys::Disk& disk, const AgentConfig& config, const std::string& identity_dir,
                                 WallTime now);

}  // namespace reeve::agent
