#include "collectors/host.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "common/base/check.h"
#include "common/base/log.h"

namespace reeve::collect {
namespace {

constexpr uint64_t proc_bytes_max = 4_MiB;
constexpr uint64_t sector_bytes = 512;

double ratio(uint64_t part, uint64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}
double to_seconds(uint64_t ms) {
  return static_cast<double>(ms) / 1000;
}

struct CpuMode {
  std::string_view name;
  uint64_t CpuTimes::*time;
};
constexpr std::array<CpuMode, 7> cpu_modes{{{"user", &CpuTimes::user},
                                            {"nice", &CpuTimes::nice},
                                            {"system", &CpuTimes::system},
                                            {"idle", &CpuTimes::idle},
                                            {"iowait", &CpuTimes::iowait},
                                            {"interrupt", &CpuTimes::interrupt},
                                            {"steal", &CpuTimes::steal}}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "sda1" of "sda", "nvme0n1p2" of "nvme0n1".
bool is_partition_of(std::string_view name, std::string_view disk) {
  if (name.size() <= disk.size() || !name.starts_with(disk)) return false;
  std::string_view rest = name.substr(disk.size());
  if (is_digit(disk.back())) {
    if (!rest.starts_with('p')) return false;
    rest.remove_prefix(1);
  }
  return !rest.empty() && std::all_of(rest.begin(), rest.end(), is_digit);
}

bool is_real_disk(const DiskStats& disk, const std::vector<DiskStats>& all) {
  for (const std::string_view unreal : {"loop", "ram", "zram", "fd", "sr"}) {
    if (disk.device.starts_with(unreal)) return false;
  }
  return std::none_of(all.begin(), all.end(),
                      [&](const DiskStats& other) { return is_partition_of(disk.device, other.device); });
}

// File systems that hold files of this host: on a device, or one of those that bring their own.
bool is_real_file_system(const Mount& mount) {
  for (const std::string_view image : {"squashfs", "iso9660", "erofs", "udf", "autofs"}) {
    if (mount.type == image) return false;
  }
  if (mount.type.starts_with("fuse")) return mount.type == "fuseblk";
  // A container's root is an overlay, and the one place it can write to.
  if (mount.type == "overlay" || mount.type == "tmpfs") return mount.mountpoint == "/" || mount.mountpoint == "/tmp";
  for (const std::string_view own : {"zfs", "bcachefs", "ubifs", "virtiofs", "9p"}) {
    if (mount.type == own) return true;
  }
  return mount.device.starts_with("/dev/") && mount.type != "devtmpfs";
}

}  // namespace

// One sample on its way to the intake.
class HostCollector::Sample {
 public:
  Sample(WallTime time, Intake& intake) : time_(time), intake_(intake) {}

  using Labels = std::initializer_list<wire::Field>;
  void gauge(std::string_view name, std::string_view unit, Labels labels, double value) {
    put(name, unit, wire::MetricKind::gauge, labels, value);
  }
  void gauge(std::string_view name, std::string_view unit, Labels labels, uint64_t value) {
    gauge(name, unit, labels, static_cast<double>(value));
  }
  void counter(std::string_view name, std::string_view unit, Labels labels, double value) {
    put(name, unit, wire::MetricKind::counter, labels, value);
  }
  void counter(std::string_view name, std::string_view unit, Labels labels, uint64_t value) {
    counter(name, unit, labels, static_cast<double>(value));
  }

 private:
  void put(std::string_view name, std::string_view unit, wire::MetricKind kind, Labels labels, double value) {
    check(std::is_sorted(labels.begin(), labels.end(), [](const auto& a, const auto& b) { return a.key < b.key; }),
          "labels are sorted by key");
    intake_.metric({.name = name,
                    .unit = unit,
                    .kind = kind,
                    .labels = {labels.begin(), labels.size()},
                    .time = time_,
                    .value = value});
  }

  const WallTime time_;
  Intake& intake_;
};

HostCollector::HostCollector(HostConfig config, sys::Disk& disk, sys::HostInfo info)
    : config_(config), disk_(disk), info_(std::move(info)), next_{INT64_MIN} {
  check(config_.interval >= 1s, "a host is measured once a second at most");
}

Poll HostCollector::poll(Instant now, WallTime wall, Intake& intake) {
  if (now >= next_ && !intake.full()) {
    Sample sample(wall, intake);
    sample_cpu(sample);
    sample_memory(sample);
    sample_paging(sample);
    sample_disks(sample);
    sample_file_systems(sample);
    sample_network(sample);
    sample_pressure(sample);
    sample_processes(sample);

    // A late poll shifts the next one: samples that were missed are not made up for.
    next_ = now + (samples_ == 0 ? Duration(1s) : config_.interval);
    ++samples_;
  }
  return {.more = false, .at_end = samples_ > 0, .next = std::max(next_, now + 100ms)};
}

std::optional<Bytes> HostCollector::read(const std::string& path) {
  auto text = sys::read_file(disk_, path, proc_bytes_max);
  if (text.ok()) return std::move(*text);
  if (complaints_.insert(path).second) log_warn("host cannot be measured fully", {{"error", text.error().text()}});
  return std::nullopt;
}

void HostCollector::sample_cpu(Sample& sample) {
  if (const auto text = read("/proc/stat")) {
    if (const auto stat = parse_proc_stat(*text)) {
      const CpuTimes& now = stat->cpu;
      for (const CpuMode& mode : cpu_modes) {
        sample.counter("system.cpu.time", "s", {{"cpu.mode", mode.name}},
                       ratio(now.*mode.time, info_.ticks_per_second));
      }
      if (last_cpu_ && now.sum() > last_cpu_->sum()) {
        const uint64_t elapsed = now.sum() - last_cpu_->sum();
        for (const CpuMode& mode : cpu_modes) {
          // The kernel lets idle and iowait step back now and then.
          const uint64_t spent = std::max(now.*mode.time, (*last_cpu_).*mode.time) - (*last_cpu_).*mode.time;
          sample.gauge("system.cpu.utilization", "1", {{"cpu.mode", mode.name}}, ratio(spent, elapsed));
        }
      }
      last_cpu_ = now;
      sample.gauge("system.cpu.logical.count", "{cpu}", {}, uint64_t{stat->cpu_count});
      sample.counter("system.process.created", "{process}", {}, stat->processes_created);
    }
  }
  if (const auto text = read("/proc/loadavg")) {
    if (const auto load = parse_load_average(*text)) {
      sample.gauge("system.cpu.load_average.1m", "{thread}", {}, load->minutes_1);
      sample.gauge("system.cpu.load_average.5m", "{thread}", {}, load->minutes_5);
      sample.gauge("system.cpu.load_average.15m", "{thread}", {}, load->minutes_15);
    }
  }
  if (const auto text = read("/proc/uptime")) {
    if (const auto uptime = parse_uptime(*text)) sample.gauge("system.uptime", "s", {}, *uptime);
  }
}

void HostCollector::sample_memory(Sample& sample) {
  const auto text = read("/proc/meminfo");
  if (!text) return;
  const auto numbers = parse_named_numbers(*text);
  const auto of = [&](std::string_view name) {
    const auto found = numbers.find(name);
    return found == numbers.end() ? uint64_t{0} : found->second;
  };
  const uint64_t total = of("MemTotal");
  if (total > 0) {
    const uint64_t cached = of("Cached") + of("SReclaimable");
    const uint64_t unused = std::min(total, of("MemFree") + of("Buffers") + cached);
    struct State {
      std::string_view name;
      uint64_t bytes;
    };
    for (const State& state : {State{"used", total - unused}, State{"free", of("MemFree")}, State{"cached", cached},
                               State{"buffers", of("Buffers")}}) {
      sample.gauge("system.memory.usage", "By", {{"system.memory.state", state.name}}, state.bytes);
      sample.gauge("system.memory.utilization", "1", {{"system.memory.state", state.name}}, ratio(state.bytes, total));
    }
    sample.gauge("system.memory.limit", "By", {}, total);
    sample.gauge("system.linux.memory.available", "By", {}, of("MemAvailable"));
  }
  if (const uint64_t swap = of("SwapTotal"); swap > 0) {
    const uint64_t free = std::min(swap, of("SwapFree"));
    sample.gauge("system.paging.usage", "By", {{"system.paging.state", "used"}}, swap - free);
    sample.gauge("system.paging.usage", "By", {{"system.paging.state", "free"}}, free);
    sample.gauge("system.paging.utilization", "1", {{"system.paging.state", "used"}}, ratio(swap - free, swap));
    sample.gauge("system.paging.utilization", "1", {{"system.paging.state", "free"}}, ratio(free, swap));
  }
}

void HostCollector::sample_paging(Sample& sample) {
  const auto text = read("/proc/vmstat");
  if (!text) return;
  const auto numbers = parse_named_numbers(*text);
  const auto faults = numbers.find("pgfault");
  const auto major = numbers.find("pgmajfault");
  if (faults != numbers.end() && major != numbers.end()) {
    const uint64_t minor = faults->second - std::min(faults->second, major->second);
    sample.counter("system.paging.faults", "{fault}", {{"system.paging.type", "major"}}, major->second);
    sample.counter("system.paging.faults", "{fault}", {{"system.paging.type", "minor"}}, minor);
  }
  const auto swapped = [&](std::string_view name, std::string_view direction) {
    const auto found = numbers.find(name);
    if (found == numbers.end()) return;
    sample.counter("system.paging.operations", "{operation}",
                   {{"system.paging.direction", direction}, {"system.paging.type", "major"}}, found->second);
  };
  swapped("pswpin", "in");
  swapped("pswpout", "out");
}

void HostCollector::sample_disks(Sample& sample) {
  const auto text = read("/proc/diskstats");
  if (!text) return;
  const std::vector<DiskStats> disks = parse_diskstats(*text);
  uint32_t left = config_.devices_max;
  for (const DiskStats& disk : disks) {
    if (!is_real_disk(disk, disks) || left == 0) continue;
    --left;
    const auto both_ways = [&](std::string_view name, std::string_view unit, double read, double written) {
      sample.counter(name, unit, {{"disk.io.direction", "read"}, {"system.device", disk.device}}, read);
      sample.counter(name, unit, {{"disk.io.direction", "write"}, {"system.device", disk.device}}, written);
    };
    both_ways("system.disk.io", "By", static_cast<double>(disk.sectors_read * sector_bytes),
              static_cast<double>(disk.sectors_written * sector_bytes));
    both_ways("system.disk.operations", "{operation}", static_cast<double>(disk.reads),
              static_cast<double>(disk.writes));
    both_ways("system.disk.merged", "{operation}", static_cast<double>(disk.reads_merged),
              static_cast<double>(disk.writes_merged));
    both_ways("system.disk.operation_time", "s", to_seconds(disk.read_ms), to_seconds(disk.write_ms));
    sample.counter("system.disk.io_time", "s", {{"system.device", disk.device}}, to_seconds(disk.busy_ms));
    sample.gauge("system.disk.pending_operations", "{operation}", {{"system.device", disk.device}}, disk.in_progress);
  }
}

void HostCollector::sample_file_systems(Sample& sample) {
  const auto text = read("/proc/mounts");
  if (!text) return;
  std::set<std::string> seen;
  uint32_t left = config_.devices_max;
  for (const Mount& mount : parse_mounts(*text)) {
    if (left == 0 || !is_real_file_system(mount)) continue;
    // The first mount of a device is the one it is known by; binds and container layers come later.
    const bool own_device = mount.device.starts_with('/');
    if (!seen.insert(own_device ? mount.device : mount.device + " " + mount.mountpoint).second) continue;
    const auto space = disk_.space(mount.mountpoint);
    if (!space.ok() || space->total_bytes == 0) continue;
    --left;

    const uint64_t unallocated = std::min(space->free_bytes, space->total_bytes);
    const uint64_t available = std::min(space->available_bytes, unallocated);
    const uint64_t used = space->total_bytes - unallocated;
    const auto state = [&](std::string_view name, std::string_view unit, std::string_view of, double value) {
      sample.gauge(name, unit,
                   {{"system.device", mount.device},
                    {"system.filesystem.mountpoint", mount.mountpoint},
                    {"system.filesystem.state", of},
                    {"system.filesystem.type", mount.type}},
                   value);
    };
    state("system.filesystem.usage", "By", "used", static_cast<double>(used));
    state("system.filesystem.usage", "By", "free", static_cast<double>(available));
    state("system.filesystem.usage", "By", "reserved", static_cast<double>(unallocated - available));
    // As df says it: what is kept back for root is neither used nor to be had.
    state("system.filesystem.utilization", "1", "used", ratio(used, used + available));
    sample.gauge("system.filesystem.limit", "By",
                 {{"system.device", mount.device},
                  {"system.filesystem.mountpoint", mount.mountpoint},
                  {"system.filesystem.type", mount.type}},
                 space->total_bytes);
  }
}

void HostCollector::sample_network(Sample& sample) {
  const auto text = read("/proc/net/dev");
  if (!text) return;
  uint32_t left = config_.devices_max;
  for (const NetworkStats& stats : parse_network_stats(*text)) {
    if (left == 0 || stats.interface.starts_with("veth")) continue;
    --left;
    const auto both_ways = [&](std::string_view name, std::string_view unit, uint64_t NetworkTotals::*of) {
      sample.counter(name, unit, {{"network.interface.name", stats.interface}, {"network.io.direction", "receive"}},
                     stats.received.*of);
      sample.counter(name, unit, {{"network.interface.name", stats.interface}, {"network.io.direction", "transmit"}},
                     stats.transmitted.*of);
    };
    both_ways("system.network.io", "By", &NetworkTotals::bytes);
    both_ways("system.network.packet.count", "{packet}", &NetworkTotals::packets);
    both_ways("system.network.packet.dropped", "{packet}", &NetworkTotals::dropped);
    both_ways("system.network.errors", "{error}", &NetworkTotals::errors);
  }
}

void HostCollector::sample_pressure(Sample& sample) {
  for (const std::string resource : {"cpu", "memory", "io"}) {
    // Kernels may be built, or booted, without it: absence is no trouble.
    const auto text = sys::read_file(disk_, "/proc/pressure/" + resource, proc_bytes_max);
    if (!text.ok()) continue;
    for (const Pressure& row : parse_pressure(*text)) {
      const wire::Field of{"system.pressure.resource", resource};
      const wire::Field scope{"system.pressure.scope", row.scope};
      sample.counter("system.pressure.time", "s", {of, scope}, static_cast<double>(row.total_us) / 1e6);
      sample.gauge("system.pressure.utilization", "1", {of, scope}, row.avg10_percent / 100);
    }
  }
}

void HostCollector::sample_processes(Sample& sample) {
  const auto entries = disk_.list("/proc");
  if (!entries.ok()) return;
  const auto count = std::count_if(entries->begin(), entries->end(), [](const sys::DirectoryEntry& entry) {
    return entry.is_directory && std::all_of(entry.name.begin(), entry.name.end(), is_digit);
  });
  sample.gauge("system.process.count", "{process}", {}, static_cast<uint64_t>(count));
}

}  // namespace reeve::collect
