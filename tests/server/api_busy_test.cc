// What the API does when more is asked than it can do.
#include "common/crypto/digest.h"
#include "common/sys/http_client.h"
#include "server/api/api_server.h"
#include "server/authority.h"
#include "server/counters.h"
#include "server/store_writer.h"
#include "tests/pch.h"
#include "tests/server/stubborn_store.h"

namespace reeve::server {
namespace {

// An API with one thread, one place in its queue and one waiting follower, over a store that a test can hold up.
struct NarrowApi {
  SystemClock clock;
  SystemRandom random;
  sys::Loop loop{clock};
  StubbornStore store;
  std::promise<void> release;
  ServerCounters counters;
  StoreWriter writer{store, counters, {}};
  Authority authority{"tests", {}, ""};
  ApiContext context{.store = store,
                     .writer = writer,
                     .authority = authority,
                     .counters = counters,
                     .org = "tests",
                     .on_enrolled = [](const Uuid&) {},
                     .on_revoked = [](const Uuid&) {},
                     .on_watched = [](Duration) {}};
  std::unique_ptr<ApiServer> api;
  std::vector<std::unique_ptr<sys::HttpExchange>> exchanges;
  std::vector<int> statuses;  // in the order of the answers

  NarrowApi() {
    store.held = release.get_future().share();
    REQUIRE(
        store.add_api_key({.id = {}, .prefix = "k", .hash = crypto::sha256("k"), .role = "admin", .created = {}}).ok());
    ApiServer::Options options;
    options.host = "127.0.0.1";
    options.threads = 1;
    options.queue_max = 1;
    options.waiting_max = 1;
    api = *ApiServer::open(loop, counters, {&context}, std::move(options));
  }
  ~NarrowApi() { api->stop(); }

  void ask(const std::string& target) {
    sys::HttpCall call;
    call.connect.host = "127.0.0.1";
    call.connect.port = api->port();
    call.target = target;
    call.headers.push_back({"Authorization", "Bearer k"});
    exchanges.push_back(sys::send_request(loop, std::move(call), [this](Result<sys::HttpResponse> response) {
      statuses.push_back(response.ok() ? response->status : 0);
    }));
  }
  void wait_for(const std::function<bool()>& done) { REQUIRE(loop.run_until(done, 10s)); }
};

}  // namespace

TEST_CASE("beyond the pool's threads and queue the answer is 503, and health still answers") {
  NarrowApi narrow;
  narrow.ask("/v1/agents");
  narrow.wait_for([&] { return narrow.store.listing == 1; });
  narrow.ask("/v1/agents");
  narrow.wait_for([&] { return narrow.api->queued() == 1; });

  narrow.ask("/v1/agents");
  narrow.wait_for([&] { return narrow.statuses.size() == 1; });
  CHECK(narrow.statuses[0] == 503);
  CHECK(narrow.counters.requests_refused_busy == 1);
  narrow.ask("/healthz");
  narrow.wait_for([&] { return narrow.statuses.size() == 2; });
  CHECK(narrow.statuses[1] == 200);

  narrow.release.set_value();
  narrow.wait_for([&] { return narrow.statuses.size() == 4; });
  CHECK(narrow.statuses[2] == 200);
  CHECK(narrow.statuses[3] == 200);
}

TEST_CASE("a waiting follower holds no thread, and one too many is refused") {
  NarrowApi narrow;
  const std::string cursor = [&] {
    std::string body;
    sys::HttpCall call;
    call.connect.host = "127.0.0.1";
    call.connect.port = narrow.api->port();
    call.target = "/v1/logs/tail";
    call.headers.push_back({"Authorization", "Bearer k"});
    const auto exchange = sys::send_request(narrow.loop, std::move(call),
                                            [&](Result<sys::HttpResponse> response) { body = response->body; });
    narrow.wait_for([&] { return !body.empty(); });
    return sys::percent_encode(parse_json(body)->string_or("cursor"));
  }();

  // One after the other: both at once could meet in the queue of one, which refuses for a reason of its own.
  narrow.ask("/v1/logs/tail?wait=30s&cursor=" + cursor);
  narrow.wait_for([&] { return narrow.api->waiting() == 1; });
  narrow.ask("/v1/logs/tail?wait=30s&cursor=" + cursor);
  narrow.wait_for([&] { return !narrow.statuses.empty(); });
  CHECK(narrow.statuses == std::vector<int>{503});

  // The only thread is free for others meanwhile.
  narrow.ask("/v1/me");
  narrow.wait_for([&] { return narrow.statuses.size() == 2; });
  CHECK(narrow.statuses[1] == 200);
}

}  // namespace reeve::server
