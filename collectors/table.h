// The collectors there are. Adding one: one file, one row here, and its config in CollectorConfigs.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "collectors/collector.h"
#include "collectors/file.h"
#include "collectors/host.h"
#include "collectors/journal.h"
#include "collectors/scrape.h"
#include "collectors/syslog.h"

namespace reeve::collect {

// What is to be collected: one collector for each entry.
struct CollectorConfigs {
  std::vector<FileConfig> file;
  std::vector<JournalConfig> journal;  // one at most: the host has one journal
  std::vector<HostConfig> host;        // one at most
  std::vector<ScrapeConfig> scrape;
  std::vector<SyslogConfig> syslog;
};

// What collectors stand on; outlives them.
struct CollectorWorld {
  sys::Disk& disk;
  Random& random;
  JournalCollector::Open open_journal;
  sys::HostInfo host;
  std::vector<wire::SourcePosition> restored;  // every position that is durable
  std::function<void()> wake = [] {};          // makes the worker poll soon; any thread, while the collectors live
};

struct CollectorKind {
  std::string_view name;
  std::string_view summary;  // one sentence
  std::vector<std::unique_ptr<Collector>> (*make)(const CollectorConfigs& configs, CollectorWorld& world);
};

std::span<const CollectorKind> collector_kinds();

// One of each entry, in the order of the table and then of the configs.
std::vector<std::unique_ptr<Collector>> make_collectors(const CollectorConfigs& configs, CollectorWorld& world);

}  // namespace reeve::collect
