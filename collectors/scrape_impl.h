// What a scrape collector's two halves share. Inside of this folder only.
#pragma once

#include <deque>
#include <mutex>

#include "collectors/scrape.h"
#include "collectors/target_labels.h"

namespace reeve::sys {
class Loop;
}

namespace reeve::collect {

// One answer, or why there was none.
struct ScrapeCollector::Scraped {
  size_t target = 0;
  WallTime time;  // when it was asked
  Duration duration{};
  std::unique_ptr<MetricPage> page;  // none: the target is down
};

// Bounded by the targets: each has one answer here at most. Any thread.
struct ScrapeCollector::Shared {
  Shared(ScrapeConfig the_config, std::function<void()> the_wake);

  // The loop's side. False where the last answer of this target is still on its way; counted.
  bool may_scrape(size_t target);
  void put(std::unique_ptr<Scraped> scraped);

  // The worker's side.
  std::unique_ptr<Scraped> take();
  void done_with(const Scraped& scraped);
  uint64_t take_behind();

  const ScrapeConfig config;
  const std::function<void()> wake;
  std::vector<TargetLabels> labels;  // of each target; never changed

 private:
  std::mutex mutex_;
  std::deque<std::unique_ptr<Scraped>> waiting_;
  std::vector<bool> outstanding_;
  uint64_t behind_ = 0;
};

// Scrapes on its own from now on; ends when destroyed, on the loop thread.
std::shared_ptr<void> open_scraper(sys::Loop& loop, std::shared_ptr<ScrapeCollector::Shared> shared);

}  // namespace reeve::collect
