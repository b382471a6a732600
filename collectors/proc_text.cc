#include "collectors/proc_text.h"

#include <charconv>

namespace reeve::collect {
namespace {

std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

// The next run of characters that are not blank; empty at the end.
std::string_view take_word(std::string_view& line) {
  const size_t begin = line.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return line = {};
  line.remove_prefix(begin);
  const std::string_view word = line.substr(0, line.find_first_of(" \t"));
  line.remove_prefix(word.size());
  return word;
}

template <typename T>
bool read_number(std::string_view word, T& out) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), out);
  return error == std::errc() && end == word.data() + word.size();
}

// As many numbers as asked for, from the words of a line.
template <typename... T>
bool take_numbers(std::string_view& line, T&... out) {
  return (read_number(take_word(line), out) && ...);
}

// "\040" is a blank: /proc/mounts writes blanks, tabs, newlines and backslashes so.
std::string unescape_octal(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    unsigned value = 0;
    const std::string_view digits = text.substr(at + (text[at] == '\\' ? 1 : 0), 3);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 8);
    if (text[at] == '\\' && digits.size() == 3 && error == std::errc() && end == digits.data() + 3 && value < 256) {
      out += static_cast<char>(value);
      at += 3;
    } else {
      out += text[at];
    }
  }
  return out;
}

}  // namespace

std::optional<ProcStat> parse_proc_stat(std::string_view text) {
  ProcStat stat;
  bool found = false;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    const std::string_view name = take_word(line);
    if (name == "cpu") {
      CpuTimes& cpu = stat.cpu;
      uint64_t hard = 0;
      uint64_t soft = 0;
      found = take_numbers(line, cpu.user, cpu.nice, cpu.system, cpu.idle, cpu.iowait, hard, soft);
      cpu.interrupt = hard + soft;
      // Kernels before 2.6.11 end here; what follows steal is part of user and nice already.
      if (!take_numbers(line, cpu.steal)) cpu.steal = 0;
    } else if (name.starts_with("cpu")) {
      ++stat.cpu_count;
    } else if (name == "processes") {
      if (!take_numbers(line, stat.processes_created)) stat.processes_created = 0;
    }
  }
  if (!found) return std::nullopt;
  return stat;
}

std::optional<LoadAverage> parse_load_average(std::string_view text) {
  LoadAverage load;
  if (!take_numbers(text, load.minutes_1, load.minutes_5, load.minutes_15)) return std::nullopt;
  return load;
}

std::map<std::string, uint64_t, std::less<>> parse_named_numbers(std::string_view text) {
  std::map<std::string, uint64_t, std::less<>> numbers;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    std::string_view name = take_word(line);
    uint64_t value = 0;
    if (name.empty() || !take_numbers(line, value)) continue;
    if (name.ends_with(':')) name.remove_suffix(1);
    if (take_word(line) == "kB") value *= 1024;
    numbers.emplace(name, value);
  }
  return numbers;
}

std::vector<DiskStats> parse_diskstats(std::string_view text) {
  std::vector<DiskStats> disks;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    take_word(line);  // major
    take_word(line);  // minor
    DiskStats disk;
    disk.device = take_word(line);
    if (take_numbers(line, disk.reads, disk.reads_merged, disk.sectors_read, disk.read_ms, disk.writes,
                     disk.writes_merged, disk.sectors_written, disk.write_ms, disk.in_progress, disk.busy_ms)) {
      disks.push_back(std::move(disk));
    }
  }
  return disks;
}

std::vector<NetworkStats> parse_network_stats(std::string_view text) {
  std::vector<NetworkStats> interfaces;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    const size_t colon = line.rfind(':');  // "eth0:1" is a name too
    if (colon == std::string_view::npos) continue;
    std::string_view name = line.substr(0, colon);
    line.remove_prefix(colon + 1);
    NetworkStats stats;
    stats.interface = take_word(name);
    uint64_t unused = 0;
    NetworkTotals& in = stats.received;
    NetworkTotals& out = stats.transmitted;
    if (take_numbers(line, in.bytes, in.packets, in.errors, in.dropped, unused, unused, unused, unused, out.bytes,
                     out.packets, out.errors, out.dropped)) {
      interfaces.push_back(std::move(stats));
    }
  }
  return interfaces;
}

std::vector<Mount> parse_mounts(std::string_view text) {
  std::vector<Mount> mounts;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    Mount mount;
    mount.device = unescape_octal(take_word(line));
    mount.mountpoint = unescape_octal(take_word(line));
    mount.type = take_word(line);
    if (!mount.type.empty()) mounts.push_back(std::move(mount));
  }
  return mounts;
}

std::vector<Pressure> parse_pressure(std::string_view text) {
  std::vector<Pressure> rows;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    Pressure row;
    row.scope = take_word(line);
    bool whole = false;
    for (std::string_view word = take_word(line); !word.empty(); word = take_word(line)) {
      const size_t equals = word.find('=');
      if (equals == std::string_view::npos) continue;
      const std::string_view key = word.substr(0, equals);
      const std::string_view value = word.substr(equals + 1);
      if (key == "avg10" && !read_number(value, row.avg10_percent)) break;
      if (key == "total") whole = read_number(value, row.total_us);
    }
    if (whole) rows.push_back(std::move(row));
  }
  return rows;
}

std::optional<double> parse_uptime(std::string_view text) {
  double seconds = 0;
  if (!take_numbers(text, seconds)) return std::nullopt;
  return seconds;
}

}  // namespace reeve::collect
