// The texts under /proc, read into numbers. Pure functions; a row that does not look as it should is left out, because
// a kernel newer than this program may have added it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reeve::collect {

// /proc/stat. Times in ticks, summed over all CPUs.
struct CpuTimes {
  uint64_t user = 0;
  uint64_t nice = 0;
  uint64_t system = 0;
  uint64_t idle = 0;
  uint64_t iowait = 0;
  uint64_t interrupt = 0;  // hard and soft
  uint64_t steal = 0;
  uint64_t sum() const { return user + nice + system + idle + iowait + interrupt + steal; }
};
struct ProcStat {
  CpuTimes cpu;
  uint32_t cpu_count = 0;
  uint64_t processes_created = 0;
};
std::optional<ProcStat> parse_proc_stat(std::string_view text);

// /proc/loadavg
struct LoadAverage {
  double minutes_1 = 0;
  double minutes_5 = 0;
  double minutes_15 = 0;
};
std::optional<LoadAverage> parse_load_average(std::string_view text);

// /proc/meminfo (in bytes, where it says kB) and /proc/vmstat, by name.
std::map<std::string, uint64_t, std::less<>> parse_named_numbers(std::string_view text);

// /proc/diskstats
struct DiskStats {
  std::string device;
  uint64_t reads = 0;
  uint64_t reads_merged = 0;
  uint64_t sectors_read = 0;  // of 512 bytes, whatever the disk's own are
  uint64_t read_ms = 0;
  uint64_t writes = 0;
  uint64_t writes_merged = 0;
  uint64_t sectors_written = 0;
  uint64_t write_ms = 0;
  uint64_t in_progress = 0;
  uint64_t busy_ms = 0;
};
std::vector<DiskStats> parse_diskstats(std::string_view text);

// /proc/net/dev
struct NetworkTotals {
  uint64_t bytes = 0;
  uint64_t packets = 0;
  uint64_t errors = 0;
  uint64_t dropped = 0;
};
struct NetworkStats {
  std::string interface;
  NetworkTotals received;
  NetworkTotals transmitted;
};
std::vector<NetworkStats> parse_network_stats(std::string_view text);

// /proc/mounts
struct Mount {
  std::string device;
  std::string mountpoint;
  std::string type;
};
std::vector<Mount> parse_mounts(std::string_view text);

// /proc/pressure/*: the part of the time in which some, or all, tasks waited.
struct Pressure {
  std::string scope;  // "some", "full"
  double avg10_percent = 0;
  uint64_t total_us = 0;
};
std::vector<Pressure> parse_pressure(std::string_view text);

// The first number of /proc/uptime.
std::optional<double> parse_uptime(std::string_view text);

}  // namespace reeve::collect
