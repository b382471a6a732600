// Measures the host: CPU, load, memory, paging, disks, file systems, network, pressure, processes.
//
// Reads /proc and asks for the space of file systems; names and units follow OpenTelemetry's semantic conventions for
// systems. The first sample is taken at the first poll, the second a second later, since rates need two, then one every
// interval. What the conventions do not name is named in their manner:
//
//     system.pressure.time         s   counter  {system.pressure.resource = cpu | memory | io,
//     system.pressure.utilization  1   gauge     system.pressure.scope = some | full}
//
// the time in which some tasks, or all that could have run, waited for the resource; and its share of the last 10 s.
//
// Left out on purpose: file systems of the kernel's own, of the network (asking one that does not answer hangs), and
// second mounts of one device; memory and loop disks; partitions, whose disk is there; network interfaces that come and
// go with containers (veth). At most `devices_max` of each kind, the first as the kernel lists them.
#pragma once

#include <set>
#include <string>

#include "collectors/collector.h"
#include "collectors/proc_text.h"
#include "common/sys/disk.h"
#include "common/sys/host_info.h"

namespace reeve::collect {

struct HostConfig {
  Duration interval = 10s;  // 1 s at least
  uint32_t devices_max = 64;
};

// One thread: its worker.
class HostCollector : public Collector {
 public:
  HostCollector(HostConfig config, sys::Disk& disk, sys::HostInfo info);

  Poll poll(Instant now, WallTime wall, Intake& intake) override;
  void on_durable(std::span<const wire::SourcePosition>) override {}
  void flush(Intake&) override {}

 private:
  class Sample;

  void sample_cpu(Sample& sample);
  void sample_memory(Sample& sample);
  void sample_paging(Sample& sample);
  void sample_disks(Sample& sample);
  void sample_file_systems(Sample& sample);
  void sample_network(Sample& sample);
  void sample_pressure(Sample& sample);
  void sample_processes(Sample& sample);
  std::optional<Bytes> read(const std::string& path);

  const HostConfig config_;
  sys::Disk& disk_;
  const sys::HostInfo info_;
  uint64_t samples_ = 0;
  Instant next_;
  std::optional<CpuTimes> last_cpu_;
  std::set<std::string> complaints_;  // files of /proc that could not be read, each said once
};

}  // namespace reeve::collect
