#include "collectors/table.h"

#include <algorithm>
#include <array>

namespace reeve::collect {
namespace {

using Collectors = std::vector<std::unique_ptr<Collector>>;

Collectors make_file(const CollectorConfigs& configs, CollectorWorld& world) {
  Collectors made;
  std::vector<wire::SourcePosition> left = world.restored;
  for (const FileConfig& config : configs.file) {
    // Each position goes on in one collector, the first that would look for its file.
    const auto others = std::stable_partition(left.begin(), left.end(), [&](const wire::SourcePosition& position) {
      return FileCollector::claims(config, position);
    });
    std::vector<wire::SourcePosition> own(std::make_move_iterator(left.begin()), std::make_move_iterator(others));
    left.erase(left.begin(), others);
    made.push_back(std::make_unique<FileCollector>(config, world.disk, world.random, std::move(own)));
  }
  return made;
}

Collectors make_journal(const CollectorConfigs& configs, CollectorWorld& world) {
  Collectors made;
  for (const JournalConfig& config : configs.journal) {
    made.push_back(std::make_unique<JournalCollector>(config, world.open_journal, world.random, world.restored));
  }
  return made;
}

Collectors make_host(const CollectorConfigs& configs, CollectorWorld& world) {
  Collectors made;
  for (const HostConfig& config : configs.host) {
    made.push_back(std::make_unique<HostCollector>(config, world.disk, world.host));
  }
  return made;
}

Collectors make_scrape(const CollectorConfigs& configs, CollectorWorld& world) {
  Collectors made;
  for (const ScrapeConfig& config : configs.scrape) {
    made.push_back(std::make_unique<ScrapeCollector>(config, world.wake));
  }
  return made;
}

Collectors make_syslog(const CollectorConfigs& configs, CollectorWorld& world) {
  Collectors made;
  for (const SyslogConfig& config : configs.syslog) {
    made.push_back(std::make_unique<SyslogCollector>(config, world.random, world.restored, world.wake));
  }
  return made;
}

constexpr std::array<CollectorKind, 5> kinds{{
    {"file", "Follows log files through appends, rotation and restarts.", make_file},
    {"journal", "Reads the systemd journal from where it stopped.", make_journal},
    {"host", "Measures CPU, memory, disks, file systems, network and pressure of the host.", make_host},
    {"scrape", "Asks programs for their Prometheus or OpenMetrics page at intervals.", make_scrape},
    {"syslog", "Receives syslog over UDP, TCP and TLS.", make_syslog},
}};

}  // namespace

std::span<const CollectorKind> collector_kinds() {
  return kinds;
}

Collectors make_collectors(const CollectorConfigs& configs, CollectorWorld& world) {
  Collectors all;
  for (const CollectorKind& kind : kinds) {
    for (auto& collector : kind.make(configs, world)) all.push_back(std::move(collector));
  }
  return all;
}

}  // namespace reeve::collect
