#include "collectors/host.h"

#include <catch2/catch.hpp>
#include <set>

#include "tests/collectors/memory_intake.h"
#include "tests/collectors/rooted_disk.h"

using namespace reeve;
using namespace reeve::collect;

namespace {

sys::HostInfo fixture_host() {
  return {};
}

const std::string fixtures = REEVE_SOURCE_DIR "/tests/collectors/host/";

struct HostFixture {
  HostFixture() {
    disk.spaces["/"] = {.total_bytes = 1000, .free_bytes = 300, .available_bytes = 250};
    disk.spaces["/srv/my data"] = {.total_bytes = 4000, .free_bytes = 4000, .available_bytes = 4000};
    disk.spaces["/tmp"] = {.total_bytes = 100, .free_bytes = 50, .available_bytes = 50};
    disk.spaces["/mnt/nfs"] = {.total_bytes = 1, .free_bytes = 1, .available_bytes = 1};
  }

  double value(const std::string& name) const {
    INFO(name);
    const auto found = intake.metrics.find(name);
    REQUIRE(found != intake.metrics.end());
    return found->second.value;
  }
  size_t count(std::string_view prefix) const {
    size_t count = 0;
    for (const auto& [name, metric] : intake.metrics) count += name.starts_with(prefix) ? 1 : 0;
    return count;
  }

  sys::RootedDisk disk{fixtures + "first"};
  MemoryIntake intake;
  HostCollector collector{{}, disk, fixture_host()};
  Instant now{1'000'000'000};
  WallTime wall{1};
};

}  // namespace

TEST_CASE("the first poll measures the host, in the units and under the names of the conventions") {
  HostFixture f;
  const Poll poll = f.collector.poll(f.now, f.wall, f.intake);

  CHECK(poll.at_end);
  CHECK(f.value("system.cpu.time{cpu.mode=user}") == 100);
  CHECK(f.value("system.cpu.time{cpu.mode=interrupt}") == Approx(1.1));
  CHECK(f.intake.metrics["system.cpu.time{cpu.mode=idle}"].kind == wire::MetricKind::counter);
  CHECK(f.intake.metrics["system.cpu.time{cpu.mode=idle}"].unit == "s");
  CHECK(f.value("system.cpu.logical.count") == 2);
  CHECK(f.value("system.cpu.load_average.1m") == 0.20);
  CHECK(f.value("system.cpu.load_average.15m") == 0.12);
  CHECK(f.value("system.uptime") == 350735.47);
  CHECK(f.value("system.process.created") == 2915);
  CHECK(f.value("system.process.count") == 2);

  CHECK(f.value("system.memory.usage{system.memory.state=used}") == 3'000'000.0 * 1024);
  CHECK(f.value("system.memory.usage{system.memory.state=cached}") == 3'500'000.0 * 1024);
  CHECK(f.value("system.memory.utilization{system.memory.state=used}") == 0.375);
  CHECK(f.value("system.memory.limit") == 8'000'000.0 * 1024);
  CHECK(f.value("system.linux.memory.available") == 5'000'000.0 * 1024);
  CHECK(f.value("system.paging.usage{system.paging.state=used}") == 500'000.0 * 1024);
  CHECK(f.value("system.paging.utilization{system.paging.state=free}") == 0.75);
  CHECK(f.value("system.paging.faults{system.paging.type=minor}") == 4950);
  CHECK(f.value("system.paging.operations{system.paging.direction=out,system.paging.type=major}") == 22);
}

TEST_CASE("disks are whole ones, in bytes and seconds") {
  HostFixture f;
  f.collector.poll(f.now, f.wall, f.intake);

  CHECK(f.value("system.disk.io{disk.io.direction=read,system.device=sda}") == 2000 * 512);
  CHECK(f.value("system.disk.io{disk.io.direction=write,system.device=sda}") == 4000 * 512);
  CHECK(f.value("system.disk.operations{disk.io.direction=write,system.device=sda}") == 200);
  CHECK(f.value("system.disk.merged{disk.io.direction=read,system.device=sda}") == 10);
  CHECK(f.value("system.disk.operation_time{disk.io.direction=read,system.device=sda}") == 0.3);
  CHECK(f.value("system.disk.io_time{system.device=sda}") == 0.5);
  CHECK(f.value("system.disk.pending_operations{system.device=sda}") == 3);
  CHECK(f.value("system.disk.io{disk.io.direction=read,system.device=nvme0n1}") == 8 * 512);
  CHECK(f.value("system.disk.io{disk.io.direction=read,system.device=dm-0}") == 56 * 512);
  CHECK(f.count("system.disk.io_time") == 3);
}

TEST_CASE("file systems are real ones, each device once, and one that does not answer is left out") {
  HostFixture f;
  f.collector.poll(f.now, f.wall, f.intake);

  const std::string root = "{system.device=/dev/sda1,system.filesystem.mountpoint=/,";
  CHECK(f.value("system.filesystem.usage" + root + "system.filesystem.state=used,system.filesystem.type=ext4}") == 700);
  CHECK(f.value("system.filesystem.usage" + root + "system.filesystem.state=free,system.filesystem.type=ext4}") == 250);
  CHECK(f.value("system.filesystem.usage" + root + "system.filesystem.state=reserved,system.filesystem.type=ext4}") ==
        50);
  CHECK(f.value("system.filesystem.utilization" + root + "system.filesystem.state=used,system.filesystem.type=ext4}") ==
        700.0 / 950);
  CHECK(f.value("system.filesystem.limit" + root + "system.filesystem.type=ext4}") == 1000);
  CHECK(f.value("system.filesystem.limit{system.device=/dev/mapper/vg-data,"
                "system.filesystem.mountpoint=/srv/my data,system.filesystem.type=xfs}") == 4000);
  CHECK(f.value("system.filesystem.limit{system.device=tmpfs,system.filesystem.mountpoint=/tmp,"
                "system.filesystem.type=tmpfs}") == 100);
  CHECK(f.count("system.filesystem.limit") == 3);
}

TEST_CASE("network interfaces count both ways, without those of containers") {
  HostFixture f;
  f.collector.poll(f.now, f.wall, f.intake);

  const auto labels = [](const std::string& direction) {
    return "{network.interface.name=eth0,network.io.direction=" + direction + "}";
  };
  CHECK(f.value("system.network.io" + labels("receive")) == 1234567);
  CHECK(f.value("system.network.io" + labels("transmit")) == 7654321);
  CHECK(f.value("system.network.packet.count" + labels("transmit")) == 1098);
  CHECK(f.value("system.network.errors" + labels("receive")) == 2);
  CHECK(f.value("system.network.packet.dropped" + labels("transmit")) == 9);
  CHECK(f.count("system.network.io{") == 4);
}

TEST_CASE("pressure is measured where the kernel offers it") {
  HostFixture f;
  f.collector.poll(f.now, f.wall, f.intake);

  CHECK(f.value("system.pressure.time{system.pressure.resource=cpu,system.pressure.scope=some}") == 2.5);
  CHECK(f.value("system.pressure.utilization{system.pressure.resource=cpu,system.pressure.scope=some}") == 0.015);
  CHECK(f.value("system.pressure.utilization{system.pressure.resource=memory,system.pressure.scope=full}") == 0.25);
  CHECK(f.count("system.pressure.time") == 3);
}

TEST_CASE("utilization of the CPU is the share of each mode since the last sample, and a step back counts as none") {
  HostFixture f;
  f.collector.poll(f.now, f.wall, f.intake);
  CHECK(f.count("system.cpu.utilization") == 0);

  // The same collector, and /proc a second later.
  struct Moving : sys::RootedDisk {
    using RootedDisk::RootedDisk;
    Result<std::unique_ptr<sys::File>> open(const std::string& path, sys::OpenMode mode) override {
      return sys::real_disk().open(fixtures + (later ? "second" : "first") + path, mode);
    }
    bool later = false;
  };
  Moving disk(fixtures + "first");
  HostCollector collector({}, disk, fixture_host());
  MemoryIntake intake;
  collector.poll(f.now, f.wall, intake);
  disk.later = true;
  collector.poll(f.now + 1s, f.wall + 1s, intake);

  CHECK(intake.metrics["system.cpu.utilization{cpu.mode=user}"].value == Approx(100.0 / 955));
  CHECK(intake.metrics["system.cpu.utilization{cpu.mode=iowait}"].value == 0);
  CHECK(intake.metrics["system.cpu.utilization{cpu.mode=interrupt}"].value == Approx(10.0 / 955));
  CHECK(intake.metrics["system.process.created"].value == 2920);
}

TEST_CASE("samples are taken at once, after a second, and then at every interval") {
  HostFixture f;
  const auto sampled = [&](Duration after) {
    f.intake.metrics.clear();
    f.collector.poll(f.now + after, f.wall + after, f.intake);
    return !f.intake.metrics.empty();
  };

  CHECK(sampled(0s));
  CHECK_FALSE(sampled(999ms));
  CHECK(sampled(1s));
  CHECK_FALSE(sampled(10'999ms));
  CHECK(sampled(11s));
  CHECK(f.collector.poll(f.now + 12s, f.wall, f.intake).next == f.now + 21s);
}

TEST_CASE("a full intake gets no sample until it has room") {
  HostFixture f;
  f.intake.rows_max = 0;
  CHECK_FALSE(f.collector.poll(f.now, f.wall, f.intake).at_end);
  CHECK(f.intake.metrics.empty());

  f.intake.rows_max = 1;
  CHECK(f.collector.poll(f.now + 100ms, f.wall, f.intake).at_end);
  CHECK_FALSE(f.intake.metrics.empty());
}

TEST_CASE("no more devices are measured than allowed") {
  HostFixture f;
  HostCollector collector({.devices_max = 1}, f.disk, fixture_host());
  collector.poll(f.now, f.wall, f.intake);

  CHECK(f.count("system.disk.io_time") == 1);
  CHECK(f.count("system.network.io{") == 2);
  CHECK(f.count("system.filesystem.limit") == 1);
}

TEST_CASE("a host without /proc gives no metric and no failure") {
  sys::RootedDisk disk(fixtures + "absent");
  HostCollector collector({}, disk, fixture_host());
  MemoryIntake intake;
  CHECK(collector.poll(Instant{1}, WallTime{1}, intake).at_end);
  CHECK(intake.metrics.empty());
}

TEST_CASE("this very host can be measured") {
  HostCollector collector({}, sys::real_disk(), sys::host_info());
  MemoryIntake intake;
  collector.poll(Instant{1}, WallTime{1}, intake);

  CHECK(intake.metrics["system.memory.limit"].value > 0);
  CHECK(intake.metrics["system.process.count"].value >= 1);
  CHECK(intake.metrics["system.cpu.logical.count"].value >= 1);
}

TEST_CASE("texts that are cut, empty or from elsewhere are read as far as they go") {
  CHECK_FALSE(parse_proc_stat(""));
  CHECK_FALSE(parse_proc_stat("cpu  1 2 3\n"));
  CHECK(parse_proc_stat("cpu 1 2 3 4 5 6 7\n")->cpu.steal == 0);
  CHECK_FALSE(parse_load_average("high\n"));
  CHECK_FALSE(parse_uptime("\n"));
  CHECK(parse_named_numbers("a: x kB\nb: 1 kB\nc 2").size() == 2);
  CHECK(parse_diskstats("8 0\n\n8 0 sda 1 2 3\n").empty());
  CHECK(parse_network_stats("eth0:1:1 2 3 4 5 6 7 8 9 10 11 12\n")[0].interface == "eth0:1");
  CHECK(parse_mounts("a\\040b /m\\134n\\9 ext4\nx y\n")[0].mountpoint == "/m\\n\\9");
  CHECK(parse_pressure("some avg10=x total=1\nfull total=5 avg10=2.5\n").size() == 1);
}
