// Watching live: over server-sent events and WebSockets, through a whole server on loopback.
#include "server/api/feeds.h"

#include "common/sys/stream.h"
#include "tests/pch.h"
#include "tests/server/api_harness.h"

namespace reeve::server {
namespace {

// A WebSocket that keeps what it is told.
class WatchingSocket {
 public:
  WatchingSocket(ApiHarness& harness, const std::string& target, sys::HttpHeaders headers) : harness_(harness) {
    sys::WebSocketCall call;
    call.connect.host = "127.0.0.1";
    call.connect.port = harness.pipeline->api_port();
    call.target = target;
    call.headers = std::move(headers);
    call.websocket.text = true;
    connecting_ =
        sys::connect_websocket(harness.loop, std::move(call), [this](Result<std::unique_ptr<sys::WebSocket>> socket) {
          if (!socket.ok()) {
            refusal_ = socket.error();
            return;
          }
          socket_ = std::move(*socket);
          socket_->start({.on_text =
                              [this](BytesView text) {
                                Result<Json> message = parse_json(text);
                                REQUIRE(message.ok());
                                messages_.push_back(std::move(*message));
                              },
                          .on_closed = [this](const sys::WebSocketClosed& closed) { closed_ = closed; }});
        });
  }

  const std::optional<Error>& refusal() const { return refusal_; }
  const std::optional<sys::WebSocketClosed>& closed() const { return closed_; }
  void wait_for_end() {
    harness_.wait_for("the end", [this] { return refusal_ || closed_; });
  }
  // The next message, whatever it is.
  Json take() {
    harness_.wait_for("a message", [this] { return !messages_.empty() || refusal_ || closed_; });
    REQUIRE_FALSE(messages_.empty());
    Json message = std::move(messages_.front());
    messages_.pop_front();
    return message;
  }
  void pause() { socket_->pause(); }
  void resume() { socket_->resume(); }

 private:
  ApiHarness& harness_;
  std::unique_ptr<sys::WebSocketConnecting> connecting_;
  std::unique_ptr<sys::WebSocket> socket_;
  std::deque<Json> messages_;
  std::optional<Error> refusal_;
  std::optional<sys::WebSocketClosed> closed_;
};

// A bare connection, for event streams: what comes is kept as it comes.
class EventSource {
 public:
  EventSource(ApiHarness& harness, const std::string& target, const std::string& headers) : harness_(harness) {
    connecting_ = sys::connect(
        harness.loop, {.host = "127.0.0.1", .port = harness.pipeline->api_port()},
        [this, target, headers](Result<std::unique_ptr<sys::Stream>> stream) {
          REQUIRE(stream.ok());
          stream_ = std::move(*stream);
          stream_->start({.on_data = [this](BytesView bytes) { received_ += bytes; },
                          .on_drained = {},
                          .on_closed = [this](const Status&) { closed_ = true; }});
          REQUIRE(stream_->write("GET " + target + " HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n" + headers +
                                 "\r\n"));
        });
  }

  void wait_for(const std::string& text) {
    harness_.wait_for(text.c_str(), [&] { return received_.find(text) != std::string::npos; });
  }
  const std::string& received() const { return received_; }
  bool closed() const { return closed_; }

 private:
  ApiHarness& harness_;
  std::unique_ptr<sys::Connecting> connecting_;
  std::unique_ptr<sys::Stream> stream_;
  std::string received_;
  bool closed_ = false;
};

// A server whose store is written to as an agent's link would.
struct World {
  ApiHarness harness;

  sys::HttpHeaders bearer() const { return {{"Authorization", "Bearer " + harness.admin_key}}; }
  std::string bearer_line() const { return "Authorization: Bearer " + harness.admin_key + "\r\n"; }
};

// An agent that sends a line as a block of its own.
struct Sender {
  explicit Sender(World& the_world) : world(the_world), identity(world.harness.enrol()), link(world.harness, identity) {
    link.open(epoch, 1);
  }
  void say(const std::string& body) {
    const wire::BlockIdentity block{identity.agent, epoch, wire::Lane::live, ++sequence};
    link.send(whole_block(block, make_line_block(block, world.harness.clock.wall(), body)));
  }

  World& world;
  Identity identity;
  TestLink link;
  Uuid epoch = identity.agent;
  uint64_t sequence = 0;
};

std::string body_of(const Json& message) {
  REQUIRE(message.find("log") != nullptr);
  return message.find("log")->string_or("body");
}

}  // namespace

TEST_CASE("who watches over a WebSocket is told each line that matches, in order, once it is stored") {
  World world;
  Sender sender(world);
  sender.say("before");
  WatchingSocket socket(world.harness, "/v1/logs/live?text=keep", world.bearer());
  CHECK(socket.take().string_or("type") == "ping");

  for (int n = 0; n < 20; ++n) {
    sender.say("keep " + std::to_string(n));
    sender.say("drop " + std::to_string(n));
  }

  for (int n = 0; n < 20; ++n) {
    const Json message = socket.take();
    CHECK(message.string_or("type") == "log");
    CHECK(body_of(message) == "keep " + std::to_string(n));
    CHECK_FALSE(message.find("log")->string_or("id").empty());
  }
}

TEST_CASE("an event stream carries the cursor as its events' id, and goes on from a Last-Event-ID") {
  World world;
  Sender sender(world);
  std::string id;
  {
    EventSource events(world.harness, "/v1/logs/live", world.bearer_line());
    events.wait_for("\"ping\"");
    CHECK(events.received().find("HTTP/1.1 200") == 0);
    CHECK(events.received().find("text/event-stream") != std::string::npos);
    sender.say("one");
    events.wait_for("\"one\"");
    events.wait_for("\n\n");
    const size_t begin = events.received().rfind("id: ") + 4;
    id = events.received().substr(begin, events.received().find('\n', begin) - begin);
  }
  sender.say("two");

  EventSource again(world.harness, "/v1/logs/live", world.bearer_line() + "Last-Event-ID: " + id + "\r\n");
  again.wait_for("\"two\"");
  CHECK(again.received().find("\"one\"") == std::string::npos);
}

TEST_CASE("a WebSocket goes on from the cursor of a message") {
  World world;
  Sender sender(world);
  std::string cursor;
  {
    WatchingSocket socket(world.harness, "/v1/logs/live", world.bearer());
    socket.take();
    sender.say("one");
    cursor = socket.take().string_or("cursor");
    REQUIRE_FALSE(cursor.empty());
  }
  sender.say("two");

  WatchingSocket again(world.harness, "/v1/logs/live?cursor=" + cursor, world.bearer());
  Json message = again.take();
  while (message.string_or("type") != "log") message = again.take();
  CHECK(body_of(message) == "two");
}

TEST_CASE("whoever may not watch is told so before the connection changes its kind") {
  World world;

  WatchingSocket nobody(world.harness, "/v1/logs/live", {});
  nobody.wait_for_end();
  REQUIRE(nobody.refusal());
  CHECK(nobody.refusal()->code() == Code::denied);

  WatchingSocket wrong(world.harness, "/v1/logs/live?regex=(", world.bearer());
  wrong.wait_for_end();
  REQUIRE(wrong.refusal());
  CHECK_THAT(wrong.refusal()->text(), Catch::Contains("400"));

  const HttpAnswer cursor = world.harness.get("/v1/logs/live?cursor=nonsense");
  CHECK(cursor.status == 400);
  CHECK(cursor.code() == "invalid");
  CHECK(world.harness.get("/v1/metrics/live?label=nocolon").status == 400);
}

TEST_CASE("nothing of another org is told") {
  World world;
  Sender sender(world);
  WatchingSocket foreign(world.harness, "/v1/logs/live", {{"Authorization", "Bearer " + world.harness.foreign_key}});
  foreign.take();
  WatchingSocket own(world.harness, "/v1/logs/live", world.bearer());
  own.take();

  sender.say("ours");

  CHECK(body_of(own.take()) == "ours");
  EventSource events(world.harness, "/v1/logs/live", "Authorization: Bearer " + world.harness.foreign_key + "\r\n");
  events.wait_for("\"ping\"");
  CHECK(events.received().find("ours") == std::string::npos);
}

TEST_CASE("points of metrics are told as they are stored") {
  World world;
  Sender sender(world);
  WatchingSocket socket(world.harness, "/api/metrics/live?name=load&label=host:web-1", world.bearer());
  socket.take();

  wire::MetricBlockBuilder builder("web-1");
  const WallTime time{1'795'262'400'000'000'000};
  for (const char* name : {"load", "other"}) builder.add({.name = name, .unit = "1", .time = time, .value = 1.5});
  const wire::BlockIdentity identity{sender.identity.agent, sender.epoch, wire::Lane::live, ++sender.sequence};
  Bytes block = builder.seal({});
  wire::stamp_block(block, identity);
  sender.link.send(whole_block(identity, block));

  const Json message = socket.take();
  CHECK(message.string_or("type") == "points");
  CHECK(message.string_or("name") == "load");
  CHECK(message.find("labels")->string_or("host") == "web-1");
  CHECK(message.find("points")->dump() == R"([["2026-11-21T12:00:00Z",1.5]])");
}

TEST_CASE("an agent is told to hurry while somebody watches") {
  World world;
  Sender sender(world);
  WatchingSocket socket(world.harness, "/v1/logs/live", world.bearer());

  CHECK(sender.link.take<wire::LiveHint>().for_ms > 0);
}

}  // namespace reeve::server
