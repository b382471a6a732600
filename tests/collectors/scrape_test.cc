#include "collectors/scrape.h"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>

#include "collectors/target_labels.h"
#include "common/sys/http_server.h"
#include "common/sys/loop.h"
#include "tests/collectors/memory_intake.h"

using namespace reeve;
using namespace reeve::collect;

namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

// Polls a collector whenever it asks for it, until `done` or the deadline.
class Polling {
 public:
  std::function<void()> wake() {
    return [this] {
      const std::lock_guard lock(mutex_);
      woken_ = true;
      changed_.notify_all();
    };
  }
  bool until(Collector& collector, Intake& intake, const std::function<bool()>& done) {
    SystemClock clock;
    const Instant deadline = clock.now() + 20s;
    while (clock.now() < deadline) {
      while (collector.poll(clock.now(), clock.wall(), intake).more) {
      }
      if (done()) return true;
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, 100ms, [this] { return woken_; });
      woken_ = false;
    }
    return false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
};

std::string complaint(const std::string& url) {
  const auto target = parse_scrape_target(url);
  REQUIRE_FALSE(target.ok());
  return target.error().text();
}

}  // namespace

TEST_CASE("a target's address is taken apart, with Prometheus' defaults") {
  const auto plain = parse_scrape_target("http://web-1:9100/metrics?x=y");
  REQUIRE(plain.ok());
  CHECK_FALSE(plain->tls);
  CHECK(plain->host == "web-1");
  CHECK(plain->port == 9100);
  CHECK(plain->path == "/metrics?x=y");
  CHECK(plain->instance == "web-1:9100");

  const auto bare = parse_scrape_target("https://[::1]");
  REQUIRE(bare.ok());
  CHECK(bare->tls);
  CHECK(bare->host == "::1");
  CHECK(bare->port == 443);
  CHECK(bare->path == "/metrics");
  CHECK(parse_scrape_target("http://a?x")->path == "/metrics?x");
  CHECK(parse_scrape_target("http://a")->port == 80);
}

TEST_CASE("an address that is none is refused with what is wrong") {
  CHECK(complaint("ftp://a").find("is no http or https address") != std::string::npos);
  CHECK(complaint("http://").find("wrong host or port") != std::string::npos);
  CHECK(complaint("http://a:0/").find("wrong host or port") != std::string::npos);
  CHECK(complaint("http://a:99999/").find("wrong host or port") != std::string::npos);
  CHECK(complaint("http://u:p@a/").find("bearer_token_file") != std::string::npos);
  CHECK(complaint("http://a/#x").find("fragment") != std::string::npos);
  CHECK(complaint("http://a/ b\r\nX: y").find("must escape") != std::string::npos);
}

TEST_CASE("a page cannot take the target's labels, nor its host") {
  const TargetLabels target(Labels{{"job", "node"}, {"instance", "a:1"}, {"room", "x"}});
  const std::vector<wire::Field> page{{"code", "200"}, {"host", "evil"}, {"job", "other"}, {"zone", "z"}};
  std::vector<wire::Field> out;

  std::string all;
  for (const wire::Field& label : target.join(page, out)) {
    all += std::string(label.key) + "=" + std::string(label.value) + " ";
  }

  CHECK(all == "code=200 exported_host=evil exported_job=other instance=a:1 job=node room=x zone=z ");
}

TEST_CASE("a page with both job and exported_job has neither twice") {
  const TargetLabels target(Labels{{"job", "node"}});
  const std::vector<wire::Field> page{{"exported_job", "first"}, {"job", "second"}};
  std::vector<wire::Field> out;
  CHECK(target.join(page, out).size() == 2);
}

TEST_CASE("one target's page comes with its labels while another one never answers") {
  // A server on a loop of its own: /metrics answers, /silent keeps the connection and says nothing.
  SystemClock clock;
  sys::Loop loop(clock);
  std::vector<sys::Responder> kept;
  auto server = sys::HttpServer::open(
      loop, {}, [&kept](const sys::HttpRequest& request, const sys::PeerInfo&, const sys::Responder& to) {
        if (request.path == "/silent") {
          kept.push_back(to);
          return;
        }
        sys::HttpResponse response;
        response.headers = {{"Content-Type", "text/plain"}};
        response.body = "# TYPE jobs_total counter\njobs_total{queue=\"a\"} 7\nquantile NaN\n";
        to.respond(std::move(response));
      });
  REQUIRE(server.ok());
  const std::string at = "http://127.0.0.1:" + std::to_string((*server)->port());
  ScrapeConfig config;
  config.targets = {*parse_scrape_target(at + "/silent"), *parse_scrape_target(at + "/metrics")};
  config.interval = 1s;
  config.timeout = 300ms;
  config.job = "shop";
  config.labels = {{"room", "a1"}};
  std::thread serving([&loop] { loop.run(); });

  MemoryIntake intake;
  {
    Polling polling;
    ScrapeCollector collector(config, polling.wake());
    const std::string labels = "{instance=127.0.0.1:" + std::to_string((*server)->port()) + ",job=shop";
    CHECK(polling.until(collector, intake, [&] {
      return intake.metrics.contains("jobs_total" + labels + ",queue=a,room=a1}") &&
             collector.poll(clock.now(), clock.wall(), intake).at_end;
    }));
    const auto& jobs = intake.metrics["jobs_total" + labels + ",queue=a,room=a1}"];
    CHECK(jobs.value == 7);
    CHECK(jobs.kind == wire::MetricKind::counter);
    // Both targets share host and port here, so their own series are one; its last value is either's.
    CHECK(intake.metrics.contains("up" + labels + ",room=a1}"));
    CHECK(intake.metrics.contains("scrape_duration_seconds" + labels + ",room=a1}"));
    CHECK_FALSE(intake.metrics.contains("quantile" + labels + ",room=a1}"));
  }
  loop.stop();
  serving.join();
  kept.clear();
  server->reset();
}
