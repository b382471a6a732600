// What policy files say, as values: made by policy_file.cc, looked at by everyone else. The defaults are the file's.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/runner/match.h"
#include "common/base/bytes.h"
#include "common/warrant/step.h"

namespace reeve::runner {

constexpr uint32_t rule_timeout_ms = 60'000;
constexpr size_t week_minutes = 7 * 24 * 60;

struct CommandRule {
  std::string name{};
  std::string path{};
  Bytes sha256{};                         // empty: whatever stands there
  std::vector<ArgumentRule> arguments{};  // one for each argument
  std::string user = "root";
  std::vector<std::pair<std::string, std::vector<ArgumentRule>>> environment{};  // a value matches any of its rules
  std::string working_directory{};  // this one or one below; empty: none but /
  uint32_t timeout_ms_max = rule_timeout_ms;
  uint32_t risk_min = 1;
  bool network = false;
  bool read_only = false;
  std::vector<std::string> write{};
};

struct ActionRule {
  bool off = false;
  std::optional<uint32_t> risk_min{};  // else the action's own
  uint32_t timeout_ms_max = rule_timeout_ms;
  std::string user{};  // empty: root, or the database's
};

struct ProcessTarget {
  std::string pid_file{};
  std::string executable{};
  std::string control{};  // of its supervisor
  std::vector<std::string> signals{};
  int64_t workers_min = 0;
  int64_t workers_max = 0;  // 0: their count is not for us to set
};

struct ReleaseTarget {
  std::string link{};
  std::string folder{};
};

struct DiskArea {
  std::string folder{};
  std::vector<std::string> suffixes{};
  int64_t older_than_ms = 0;
  uint64_t bytes_per_run_max = 0;
};

struct FileTarget {
  std::string path{};
  std::string versions{};
};

struct DatabaseTarget {
  std::string socket{};
  int64_t port = 5432;
  std::string user = "postgres";
  std::string database = "postgres";
  std::string psql = "/usr/bin/psql";
};

// What read-only actions may look at beside the targets above.
struct ProbeTargets {
  std::vector<std::string> units{};
  std::vector<std::string> ports{};
  std::vector<std::string> http{};
  std::vector<std::string> disks{};
  std::vector<std::string> files{};
};

struct Rules {
  bool execution = false;
  std::array<uint32_t, warrant::risk_highest + 1> approvals_min{1, 1, 1, 2, 0};
  uint32_t rate_per_hour = 6;
  std::optional<std::bitset<week_minutes>> windows{};  // minutes since Monday 00:00 UTC; none: always
  std::vector<CommandRule> commands{};
  std::vector<std::string> unapproved_read_only{};
  std::vector<std::string> units{};
  std::map<std::string, ProcessTarget> processes{};
  std::map<std::string, ReleaseTarget> releases{};
  std::map<std::string, DiskArea> disk_areas{};
  std::map<std::string, FileTarget> files{};
  std::map<std::string, DatabaseTarget> postgres{};
  ProbeTargets probes{};
  std::map<std::string, ActionRule> actions{};
};

}  // namespace reeve::runner
