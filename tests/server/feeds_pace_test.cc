// Feeds whose clients are slow, too many, or no longer welcome; on a bare HTTP server, with watches of the test's own.
#include <deque>

#include "server/api/feeds.h"
#include "server/authority.h"
#include "server/counters.h"
#include "server/store/store.h"
#include "server/store_writer.h"
#include "tests/pch.h"

namespace reeve::server {
namespace {

constexpr size_t event_bytes = 100'000;

struct World {
  SystemClock clock;
  sys::Loop loop{clock};
  std::unique_ptr<Store> store = make_memory_store();
  ServerCounters counters;
  StoreWriter writer{*store, counters, {}};
  Authority authority{"tests", {}, ""};
  ApiContext context{.store = *store,
                     .writer = writer,
                     .authority = authority,
                     .counters = counters,
                     .org = "tests",
                     .on_enrolled = [](const Uuid&) {},
                     .on_revoked = [](const Uuid&) {},
                     .on_watched = [](Duration) {}};
  Gate gate{{&context}};
  std::unique_ptr<Feeds> feeds;
  std::unique_ptr<sys::HttpServer> http;
  Route route{"/watch", Permission::none, nullptr, {}};
  std::atomic<uint64_t> produced = 0;  // events that turns have given
  uint64_t stored = 0;                 // events there are
  std::atomic<uint64_t> shown = 0;     // the same, for the feeds' thread
  int refused = 0;

  explicit World(const Feeds::Options& options) {
    feeds = std::make_unique<Feeds>(loop, gate, options);
    http = *sys::HttpServer::open(
        loop, {.listener = {.host = "127.0.0.1", .port = 0}},
        [this](sys::HttpRequest request, const sys::PeerInfo&, const sys::Responder& responder) {
          Feeds::Asked asked{.route = &route, .context = &context, .request = {}, .responder = responder};
          asked.request.headers = request.headers;
          asked.wants_websocket = request.wants_websocket;
          asked.watch = [this](std::string_view cursor) { return turn(cursor); };
          asked.first = {.cursor = std::to_string(stored)};
          if (feeds->try_open(asked)) return;
          ++refused;
          responder.respond({.status = 503});
        });
  }
  ~World() { feeds->stop(); }

  // One event for each that was stored since the cursor, which is a number; three at most.
  Result<FeedTurn> turn(std::string_view cursor) {
    const uint64_t after = std::stoull(std::string(cursor));
    const uint64_t through = std::min<uint64_t>(shown, after + 3);
    FeedTurn news{.cursor = std::to_string(through), .more = through < shown};
    for (uint64_t n = after; n < through; ++n) {
      Json event;
      event.set("type", "event");
      event.set("n", n);
      event.set("padding", std::string(event_bytes, 'x'));
      news.events.push_back(std::move(event));
      ++produced;
    }
    return news;
  }
  void commit() {
    shown = ++stored;
    feeds->on_commit();
  }
  void wait_for(const std::function<bool()>& done) { REQUIRE(loop.run_until(done, 20s)); }
};

struct Client {
  explicit Client(World& world) {
    sys::WebSocketCall call;
    call.connect.host = "127.0.0.1";
    call.connect.port = world.http->port();
    call.target = "/watch";
    call.websocket.text = true;
    call.websocket.message_bytes_max = 1_MiB;
    connecting = sys::connect_websocket(world.loop, std::move(call), [this](auto made) {
      if (!made.ok()) {
        refused = true;
        return;
      }
      socket = std::move(*made);
      socket->start({.on_text =
                         [this](BytesView text) {
                           const Result<Json> message = parse_json(text);
                           REQUIRE(message.ok());
                           const std::string type = message->string_or("type");
                           if (type == "event") ++events;
                           if (type == "skipped") skipped += static_cast<uint64_t>(message->int_or("count"));
                           if (type == "ping") ++pings;
                         },
                     .on_closed = [this](const sys::WebSocketClosed& how) { closed = how; }});
    });
  }

  std::unique_ptr<sys::WebSocketConnecting> connecting;
  std::unique_ptr<sys::WebSocket> socket;
  uint64_t events = 0;
  uint64_t skipped = 0;
  uint64_t pings = 0;
  bool refused = false;
  std::optional<sys::WebSocketClosed> closed;
};

}  // namespace

TEST_CASE("a client that takes nothing for too long is told how much it missed, and nothing is counted twice") {
  World world({.turn_pause = Duration(0), .slow_max = Duration(0), .unsent_bytes_slow = 1000});
  Client client(world);
  world.wait_for([&] { return client.pings == 1; });

  client.socket->pause();
  for (int n = 0; n < 200; ++n) {
    world.commit();
    world.wait_for([&] { return world.produced == world.stored; });
  }
  client.socket->resume();

  world.wait_for([&] { return client.events + client.skipped == 200; });
  CHECK(client.skipped > 0);
  world.commit();
  const uint64_t before = client.events;
  world.wait_for([&] { return client.events == before + 1; });
  CHECK(client.events + client.skipped == 201);
}

TEST_CASE("a client that is slow for a while misses nothing: its place is kept") {
  World world({.turn_pause = Duration(0), .slow_max = 1h, .unsent_bytes_slow = 1000});
  Client client(world);
  world.wait_for([&] { return client.pings == 1; });

  client.socket->pause();
  for (int n = 0; n < 100; ++n) world.commit();
  world.wait_for([&] { return world.produced > 0; });
  client.socket->resume();

  world.wait_for([&] { return client.events == 100; });
  CHECK(client.skipped == 0);
}

TEST_CASE("one watcher too many is refused, and has a place once another has left") {
  World world({.watchers_max = 2});
  auto first = std::make_unique<Client>(world);
  const Client second(world);
  world.wait_for([&] { return world.feeds->watchers() == 2; });

  const Client third(world);
  world.wait_for([&] { return third.refused; });
  CHECK(world.refused == 1);

  first.reset();
  world.wait_for([&] { return world.feeds->watchers() == 1; });
  const Client fourth(world);
  world.wait_for([&] { return fourth.pings == 1; });
}

TEST_CASE("who watches is pinged again and again") {
  World world({.ping_interval = 1ms});
  const Client client(world);

  world.wait_for([&] { return client.pings >= 3; });
  CHECK_FALSE(client.closed);
}

TEST_CASE("a watch ends with its credential") {
  World world({.check_interval = 1ms});
  world.route.permission = Permission::signals_read;  // and the client shows nothing
  const Client client(world);

  world.wait_for([&] { return client.closed.has_value(); });
  CHECK(client.closed->code == 1008);
  CHECK_THAT(client.closed->reason, Catch::Contains("credential"));
  CHECK(world.feeds->watchers() == 0);
}

TEST_CASE("a watch ends with the server, and none begins after") {
  World world({});
  const Client client(world);
  world.wait_for([&] { return client.pings == 1; });

  world.feeds->stop();

  world.wait_for([&] { return client.closed.has_value(); });
  const Client late(world);
  world.wait_for([&] { return late.refused; });
}

}  // namespace reeve::server
