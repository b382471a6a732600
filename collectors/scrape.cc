// The worker's half: pages come over from the loop thread (scrape_loop.cc) and become metric points here.
#include "collectors/scrape.h"

#include <algorithm>

#include "collectors/loop_thread.h"
#include "collectors/scrape_impl.h"
#include "common/base/check.h"
#include "common/base/endpoint.h"

namespace reeve::collect {
namespace {

constexpr size_t samples_per_poll_max = 20'000;

}  // namespace

Result<ScrapeTarget> parse_scrape_target(const std::string& url) {
  const auto wrong = [&url](std::string_view what) {
    return Error(Code::invalid, "\"" + printable(url) + "\" " + std::string(what) +
                                    "; allowed: http://host:port/path or https://host:port/path");
  };
  ScrapeTarget target;
  target.url = url;
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    target.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return wrong("is no http or https address");
  }
  const auto is_plain = [](char c) { return c > 0x20 && c < 0x7f; };
  if (!std::all_of(rest.begin(), rest.end(), is_plain)) return wrong("has bytes that an address must escape");
  if (rest.find('#') != std::string_view::npos) return wrong("has a fragment");
  const size_t slash = rest.find_first_of("/?");
  std::string host(rest.substr(0, slash));
  if (host.find('@') != std::string::npos) return wrong("carries credentials; use bearer_token_file");
  if (slash != std::string_view::npos) target.path = rest.substr(slash);
  if (target.path.empty() || target.path.front() == '?') target.path = "/metrics" + target.path;

  const bool has_port = host.find(':', host.starts_with('[') ? host.find(']') : 0) != std::string::npos;
  if (!has_port) host += target.tls ? ":443" : ":80";
  const auto endpoint = parse_endpoint(host);
  if (!endpoint || endpoint->host.empty() || endpoint->port == 0) return wrong("has a wrong host or port");
  target.host = endpoint->host;
  target.port = endpoint->port;
  target.instance = to_string(*endpoint);
  return target;
}

ScrapeCollector::ScrapeCollector(ScrapeConfig config, std::function<void()> wake)
    : shared_(std::make_shared<Shared>(std::move(config), std::move(wake))),
      thread_(
          std::make_unique<LoopThread>([shared = shared_](sys::Loop& loop) { return open_scraper(loop, shared); })) {}

// The thread ends before what it shares with us.
ScrapeCollector::~ScrapeCollector() {
  thread_->stop();
}

Poll ScrapeCollector::poll(Instant, WallTime, Intake& intake) {
  Poll poll;
  poll.more = hand_on(intake);
  if (const uint64_t behind = shared_->take_behind(); behind > 0) intake.dropped("scrape_behind", behind);
  poll.at_end = !poll.more && scraped_ >= shared_->config.targets.size();
  return poll;
}

// Whether there is more to hand on at once.
bool ScrapeCollector::hand_on(Intake& intake) {
  for (size_t left = samples_per_poll_max; left > 0;) {
    if (current_ == nullptr) {
      current_ = shared_->take();
      next_sample_ = 0;
      if (current_ == nullptr) return false;
    }
    const TargetLabels& target = shared_->labels[current_->target];
    const MetricPage* page = current_->page.get();
    const size_t count = page == nullptr ? 0 : page->samples().size();
    for (; next_sample_ < count && left > 0; ++next_sample_, --left) {
      if (intake.full()) return false;  // whoever makes room wakes the worker
      const MetricPage::Sample& sample = page->samples()[next_sample_];
      intake.metric({.name = sample.name,
                     .unit = sample.unit,
                     .kind = sample.kind,
                     .labels = target.join(page->labels(sample), labels_),
                     .time = sample.time.value_or(current_->time),
                     .value = sample.value});
    }
    if (next_sample_ == count) finish(intake);
  }
  return true;
}

void ScrapeCollector::finish(Intake& intake) {
  const MetricPage* page = current_->page.get();
  const auto gauge = [&](std::string_view name, std::string_view unit, double value) {
    intake.metric({.name = name,
                   .unit = unit,
                   .kind = wire::MetricKind::gauge,
                   .labels = shared_->labels[current_->target].own(),
                   .time = current_->time,
                   .value = value});
  };
  gauge("up", "", page == nullptr ? 0 : 1);
  gauge("scrape_duration_seconds", "s", std::chrono::duration<double>(current_->duration).count());
  gauge("scrape_samples_scraped", "",
        page == nullptr ? 0 : static_cast<double>(page->samples().size() + page->oversized() + page->not_numbers()));
  if (page != nullptr && page->oversized() > 0) intake.dropped("scrape_labels_too_large", page->oversized_bytes());
  shared_->done_with(*current_);
  current_.reset();
  ++scraped_;
}

}  // namespace reeve::collect
