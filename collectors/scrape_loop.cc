// The loop's half of scraping: when each target is asked, and what its answer is worth.
#include <algorithm>

#include "collectors/scrape_impl.h"
#include "common/base/log.h"
#include "common/sys/content_coding.h"
#include "common/sys/disk.h"
#include "common/sys/http_client.h"
#include "common/sys/loop.h"
#include "common/sys/tls.h"

namespace reeve::collect {
namespace {

constexpr uint64_t pem_bytes_max = 1_MiB;
constexpr uint64_t token_bytes_max = 16_KiB;

constexpr const char* accepted =
    "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

Result<Bytes> read_optional(const std::string& path, uint64_t bytes_max) {
  if (path.empty()) return Bytes();
  return sys::read_file(sys::real_disk(), path, bytes_max);
}

// Files are small and local, and this loop has nothing to do but scrapes.
class Scraper {
 public:
  Scraper(sys::Loop& loop, std::shared_ptr<ScrapeCollector::Shared> shared)
      : loop_(loop), shared_(std::move(shared)), targets_(shared_->config.targets.size()) {
    const Duration step = shared_->config.interval / static_cast<int64_t>(std::max<size_t>(targets_.size(), 1));
    for (size_t at = 0; at < targets_.size(); ++at) {
      targets_[at].next = loop_.clock().now() + step * static_cast<int64_t>(at);
      arm(at);
    }
  }
  ~Scraper() {
    for (const Target& target : targets_) loop_.cancel(target.timer);
  }
  Scraper(const Scraper&) = delete;
  Scraper& operator=(const Scraper&) = delete;

 private:
  struct Target {
    Instant next;  // when it is asked
    sys::TimerId timer;
    Instant asked;
    WallTime asked_wall;
    std::unique_ptr<sys::HttpExchange> exchange;
    enum class State : uint8_t { unknown, up, down } state = State::unknown;
  };

  const ScrapeConfig& config() const { return shared_->config; }

  // Times that were missed are not made up for.
  void arm(size_t at) {
    Target& target = targets_[at];
    const Instant now = loop_.clock().now();
    while (target.next < now) target.next = target.next + config().interval;
    target.timer = loop_.after(
        target.next - now,
        [this, at] {
          targets_[at].next = targets_[at].next + config().interval;
          arm(at);
          if (shared_->may_scrape(at)) ask(at);
        },
        "scrape");
  }

  void ask(size_t at) {
    Target& target = targets_[at];
    target.asked = loop_.clock().now();
    target.asked_wall = loop_.clock().wall();
    auto call = make_call(config().targets[at]);
    if (!call.ok()) return finish(at, call.error());
    target.exchange = sys::send_request(loop_, std::move(*call), [this, at](Result<sys::HttpResponse> response) {
      if (!response.ok()) return finish(at, response.error());
      finish(at, read_page(std::move(*response)));
    });
  }

  Result<sys::HttpCall> make_call(const ScrapeTarget& target) {
    sys::HttpCall call;
    call.connect.host = target.host;
    call.connect.port = target.port;
    call.connect.timeout = config().timeout;
    call.connect.server_name = config().tls.server_name;
    if (target.tls) call.connect.tls = TRY(tls_context());
    call.target = target.path;
    call.headers = {{"Accept", accepted}, {"Accept-Encoding", "gzip"}, {"User-Agent", "reeve-agent"}};
    if (!config().bearer_token_file.empty()) {
      Bytes token = TRY_DURING(read_optional(config().bearer_token_file, token_bytes_max), "read the bearer token");
      token.resize(token.find_last_not_of(" \r\n\t") + 1);
      const auto is_plain = [](char c) { return c > 0x20 && c < 0x7f; };
      if (token.empty() || !std::all_of(token.begin(), token.end(), is_plain)) {
        return Error(Code::invalid, config().bearer_token_file +
                                        " is no bearer token: it is empty, or has blanks or "
                                        "control bytes inside");
      }
      call.headers.push_back({"Authorization", "Bearer " + token});
    }
    call.response_bytes_max = config().page_bytes_max;
    call.timeout = config().timeout;
    return call;
  }

  // Read when it is first needed, and again until it can be read.
  Result<std::shared_ptr<sys::TlsContext>> tls_context() {
    if (tls_ != nullptr) return tls_;
    const ScrapeConfig::Tls& files = config().tls;
    sys::TlsClientOptions options;
    options.ca_pem = TRY_DURING(read_optional(files.ca_file, pem_bytes_max), "read tls.ca");
    options.ca_fingerprint = files.ca_fingerprint;
    options.certificate_chain_pem = TRY_DURING(read_optional(files.certificate_file, pem_bytes_max), "read tls.cert");
    options.key_pem = TRY_DURING(read_optional(files.key_file, pem_bytes_max), "read tls.key");
    tls_ = TRY(sys::TlsContext::make_client(options));
    return tls_;
  }

  Result<std::unique_ptr<MetricPage>> read_page(sys::HttpResponse response) {
    if (response.status != 200) {
      return Error(Code::unavailable, "it answers with status " + std::to_string(response.status));
    }
    const std::string type(response.header("content-type"));
    const auto exposition = find_exposition(type);
    if (!exposition) {
      return Error(Code::invalid, "its page is \"" + printable(type) +
                                      "\"; allowed: text/plain, "
                                      "application/openmetrics-text");
    }
    const std::string coding_name(response.header("content-encoding"));
    const auto coding = sys::parse_content_coding(coding_name);
    if (!coding) return Error(Code::invalid, "its page is coded as \"" + printable(coding_name) + "\"; allowed: gzip");
    Bytes text = std::move(response.body);
    if (*coding != sys::ContentCoding::identity) {
      text = TRY_DURING(sys::decode_content(*coding, text, config().page_bytes_max), "decode its page");
    }
    return MetricPage::parse(
        std::move(text), *exposition,
        {.samples_max = config().samples_max, .labels_max = labels_max - shared_->labels.front().own().size()});
  }

  void finish(size_t at, Result<std::unique_ptr<MetricPage>> page) {
    Target& target = targets_[at];
    auto scraped = std::make_unique<ScrapeCollector::Scraped>();
    scraped->target = at;
    scraped->time = target.asked_wall;
    scraped->duration = loop_.clock().now() - target.asked;

    const Target::State state = page.ok() ? Target::State::up : Target::State::down;
    if (state != target.state) {
      const std::string& url = config().targets[at].url;
      if (!page.ok()) {
        log_warn("target is down", {{"target", url}, {"error", page.error().text()}});
      } else {
        log_info("target is up", {{"target", url}, {"samples", (*page)->samples().size()}});
      }
    }
    target.state = state;
    if (page.ok()) scraped->page = std::move(*page);
    target.exchange.reset();
    shared_->put(std::move(scraped));
  }

  static constexpr size_t labels_max = 64;  // of a series in a block

  sys::Loop& loop_;
  const std::shared_ptr<ScrapeCollector::Shared> shared_;
  std::vector<Target> targets_;
  std::shared_ptr<sys::TlsContext> tls_;
};

}  // namespace

ScrapeCollector::Shared::Shared(ScrapeConfig the_config, std::function<void()> the_wake)
    : config(std::move(the_config)), wake(std::move(the_wake)), outstanding_(config.targets.size(), false) {
  for (const ScrapeTarget& target : config.targets) {
    auto all = config.labels;
    all.emplace_back("instance", target.instance);
    all.emplace_back("job", config.job);
    labels.emplace_back(std::move(all));
  }
}

bool ScrapeCollector::Shared::may_scrape(size_t target) {
  const std::lock_guard lock(mutex_);
  if (outstanding_[target]) {
    ++behind_;
    return false;
  }
  outstanding_[target] = true;
  return true;
}

void ScrapeCollector::Shared::put(std::unique_ptr<Scraped> scraped) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(scraped));
  }
  wake();
}

std::unique_ptr<ScrapeCollector::Scraped> ScrapeCollector::Shared::take() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return nullptr;
  std::unique_ptr<Scraped> first = std::move(waiting_.front());
  waiting_.pop_front();
  return first;
}

void ScrapeCollector::Shared::done_with(const Scraped& scraped) {
  const std::lock_guard lock(mutex_);
  outstanding_[scraped.target] = false;
}

uint64_t ScrapeCollector::Shared::take_behind() {
  const std::lock_guard lock(mutex_);
  return std::exchange(behind_, 0);
}

std::shared_ptr<void> open_scraper(sys::Loop& loop, std::shared_ptr<ScrapeCollector::Shared> shared) {
  return std::make_shared<Scraper>(loop, std::move(shared));
}

}  // namespace reeve::collect
