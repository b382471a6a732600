// Scrapes metrics: asks programs for their page, at intervals, as Prometheus does.
//
// Every target has a schedule of its own, spread evenly over the interval, and an exchange of its own: one that is slow
// or down slows no other. A page is read whole or not at all; what is wrong with it is logged when a target goes down,
// and when it comes back. Each scrape also tells of itself:
//
//     up                        1 where the page came and was understood, else 0
//     scrape_duration_seconds   from the request to the last sample
//     scrape_samples_scraped    samples the page had
//
// Every series carries `job`, `instance` (the target's host:port) and the entry's own labels; a label of the page that
// has one of these names, or `host`, is called exported_<name>, so that a page cannot pass for another one.
//
// Lives on the worker and on a loop thread of its own. A target whose last page the worker has not yet taken is left
// out for a turn, counted as "scrape_behind".
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "collectors/collector.h"
#include "collectors/exposition.h"
#include "common/base/time.h"

namespace reeve::collect {

// Where a page is.
struct ScrapeTarget {
  std::string url;
  bool tls = false;
  std::string host;  // without brackets
  uint16_t port = 0;
  std::string path;      // and query
  std::string instance;  // host:port, as a label
};

// "http://web-1:9100/metrics", "https://[::1]/x?y"; the path is /metrics where there is none.
Result<ScrapeTarget> parse_scrape_target(const std::string& url);

struct ScrapeConfig {
  std::vector<ScrapeTarget> targets;
  Duration interval = 15s;
  Duration timeout = 10s;
  std::string job = "scrape";
  std::vector<std::pair<std::string, std::string>> labels;  // of every series; sorted by name
  std::string bearer_token_file;                            // read anew for each scrape
  struct Tls {
    std::string ca_file;         // what it signed is trusted,
    std::string ca_fingerprint;  // or what the presented CA with this SHA-256 signed
    std::string certificate_file;
    std::string key_file;
    std::string server_name;  // verified in the certificate; empty: the target's host
  } tls;
  uint64_t page_bytes_max = 16_MiB;
  size_t samples_max = 50'000;
};

class LoopThread;

// One thread: its worker.
class ScrapeCollector : public Collector {
 public:
  // `wake` (any thread) makes the worker poll soon.
  ScrapeCollector(ScrapeConfig config, std::function<void()> wake);
  ~ScrapeCollector() override;

  Poll poll(Instant now, WallTime wall, Intake& intake) override;
  void on_durable(std::span<const wire::SourcePosition>) override {}
  void flush(Intake&) override {}

  struct Scraped;  // one answer, or why there was none
  struct Shared;

 private:
  bool hand_on(Intake& intake);
  void finish(Intake& intake);

  const std::shared_ptr<Shared> shared_;
  std::unique_ptr<Scraped> current_;  // is being handed on
  size_t next_sample_ = 0;            // of it
  uint64_t scraped_ = 0;              // scrapes handed on
  std::vector<wire::Field> labels_;   // reused
  std::unique_ptr<LoopThread> thread_;
};

}  // namespace reeve::collect
