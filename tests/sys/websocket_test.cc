// WebSockets between our own two ends: what arrives, what is bounded, how they close, and the way through a proxy.
#include "common/sys/websocket.h"

#include "common/base/random.h"
#include "tests/sys/websocket_fixture.h"

using namespace reeve;
using namespace reeve::sys;

TEST_CASE_METHOD(WebSocketFixture, "a message of 1 MiB is echoed over mutual TLS") {
  options.listener.tls = acme().server_context(true);
  options.websocket.message_bytes_max = call.websocket.message_bytes_max = 1_MiB;
  call.connect.tls = acme().client_context(acme().agent());
  serve();
  open();
  server->start(
      {.on_message = [this](BytesView message) { CHECK(server->send(message)); }, .on_drained = {}, .on_closed = {}});
  client->start(collect(at_client, client_closed));
  const Bytes message = SeededRandom(3).bytes(1_MiB);

  REQUIRE(client->send(message));

  REQUIRE(loop.run_until([this] { return at_client.size() == 1; }, 10s));
  CHECK(at_client[0] == message);
  CHECK(server->peer().certificate->common_name == "agent-1");
}

TEST_CASE_METHOD(WebSocketFixture, "messages of every size near a boundary arrive whole and in order") {
  serve_and_open();
  std::vector<Bytes> sent;
  for (const size_t size : {0, 1, 125, 126, 127, 4083, 4096, 65535, 65536}) {
    sent.push_back(Bytes(size, static_cast<char>('a' + size % 26)));
    REQUIRE(client->send(sent.back()));
    REQUIRE(server->send(sent.back()));
  }

  REQUIRE(loop.run_until([&] { return at_server.size() == sent.size() && at_client.size() == sent.size(); }, 10s));
  CHECK(at_server == sent);
  CHECK(at_client == sent);
}

TEST_CASE_METHOD(WebSocketFixture, "a message beyond the limit closes with 1009") {
  serve_and_open();

  REQUIRE(client->send(Bytes(64_KiB + 1, 'x')));

  REQUIRE(both_closed());
  CHECK(server_closed->code == 1009);
  CHECK(!server_closed->by_peer);
  CHECK(client_closed->code == 1009);
  CHECK(client_closed->by_peer);
  CHECK(at_server.empty());
}

TEST_CASE_METHOD(WebSocketFixture, "closing tells the other side code and reason, after what was sent") {
  serve_and_open();

  REQUIRE(client->send("last words"));
  client->close(4001, "revoked");
  CHECK(!client->send("too late"));

  REQUIRE(both_closed());
  CHECK(at_server == std::vector<Bytes>{"last words"});
  CHECK(server_closed->code == 4001);
  CHECK(server_closed->reason == "revoked");
  CHECK(server_closed->by_peer);
  CHECK(client_closed->code == 4001);
  CHECK(!client_closed->by_peer);
}

TEST_CASE_METHOD(WebSocketFixture, "a connection that breaks is 1006") {
  serve_and_open();

  client->abort(Error(Code::cancelled, "cut"));

  REQUIRE(both_closed());
  CHECK(server_closed->code == 1006);
  CHECK(client_closed->code == 1006);
  CHECK(client_closed->reason == "cut");
}

TEST_CASE_METHOD(WebSocketFixture, "sending is bounded while the peer does not read, and nothing is lost after") {
  const bool with_tls = GENERATE(false, true);
  if (with_tls) {
    options.listener.tls = acme().server_context(false);
    call.connect.tls = acme().client_context();
  }
  call.websocket.pending_bytes_max = 256_KiB;
  serve();
  open();
  uint64_t received = 0;
  uint64_t sent = 0;
  constexpr uint64_t total = 32_MiB;
  const Bytes chunk(32_KiB, 'c');
  const auto fill = [&] {
    while (sent < total && client->send(chunk)) sent += chunk.size();
  };
  server->start(
      {.on_message = [&](BytesView message) { received += message.size(); }, .on_drained = {}, .on_closed = {}});
  server->pause();
  client->start({.on_message = {}, .on_drained = fill, .on_closed = {}});

  fill();
  REQUIRE(!loop.run_until([&] { return sent == total; }, 200ms));
  CHECK(client->pending_bytes() <= 256_KiB + 33_KiB);

  server->resume();
  REQUIRE(loop.run_until([&] { return received == total; }, 60s));
}

TEST_CASE_METHOD(WebSocketFixture, "a socket paused inside its callback gives the rest after resuming, in order") {
  serve();
  open();
  server->start({.on_message =
                     [this](BytesView message) {
                       at_server.emplace_back(message);
                       server->pause();
                     },
                 .on_drained = {},
                 .on_closed = {}});
  client->start(collect(at_client, client_closed));
  for (int i = 0; i < 2000; ++i) REQUIRE(client->send(std::to_string(i) + std::string(100, ' ')));

  while (at_server.size() < 2000) {
    const size_t before = at_server.size();
    REQUIRE(loop.run_until([&] { return at_server.size() > before; }, 5s));
    server->resume();
  }

  for (size_t i = 0; i < 2000; ++i) REQUIRE(std::stoul(at_server[i]) == i);
}

TEST_CASE_METHOD(WebSocketFixture, "a socket may be destroyed inside its own callback") {
  serve();
  open();
  bool destroyed = false;
  server->start({.on_message =
                     [&](BytesView) {
                       REQUIRE(server->send("bye"));
                       server.reset();
                       destroyed = true;
                     },
                 .on_drained = {},
                 .on_closed = [](const WebSocketClosed&) { FAIL("a destroyed socket calls nobody"); }});
  client->start(collect(at_client, client_closed));

  for (int i = 0; i < 10; ++i) REQUIRE(client->send("hello"));

  REQUIRE(loop.run_until([&] { return destroyed && client_closed; }, 5s));
}

TEST_CASE_METHOD(WebSocketFixture, "a silent peer keeps the socket while it answers pings") {
  options.websocket.ping_interval = call.websocket.ping_interval = 10ms;
  options.websocket.silence_max = call.websocket.silence_max = 500ms;
  serve_and_open();

  CHECK(!loop.run_until([this] { return server_closed || client_closed; }, 1200ms));
}

TEST_CASE_METHOD(WebSocketFixture, "a verdict refuses an upgrade with a response, and the client knows why") {
  options.websocket_verdict = [](const HttpRequest& request, const PeerInfo&) -> std::optional<HttpResponse> {
    if (request.path == "/link") return std::nullopt;
    return make_problem(403, "this agent is revoked");
  };
  serve();
  call.target = "/other";
  open();

  REQUIRE(refused);
  CHECK(refused->code() == Code::denied);
  CHECK(refused->text().find("revoked") != std::string::npos);
  CHECK(server == nullptr);
}

TEST_CASE_METHOD(WebSocketFixture, "a server that speaks HTTP but no WebSocket is an error") {
  http = must(
      HttpServer::open(loop, {}, [](HttpRequest, const PeerInfo&, Responder responder) { responder.respond({}); }));

  open();

  REQUIRE(refused);
  CHECK(refused->code() == Code::unavailable);
  CHECK(refused->text().find("status 200") != std::string::npos);
}

namespace {

// A CONNECT proxy, as small as one can be: it answers, then joins two streams.
struct Proxy {
  Loop& loop;
  std::string answer = "HTTP/1.1 200 Connection established\r\n\r\n";
  Bytes asked{};
  std::unique_ptr<Listener> listener{};
  std::unique_ptr<Stream> inside{};
  std::unique_ptr<Stream> outside{};
  std::unique_ptr<Connecting> connecting{};

  void open(uint16_t target_port) {
    listener = must(Listener::open(loop, {}, [this, target_port](std::unique_ptr<Stream> stream) {
      inside = std::move(stream);
      inside->start({.on_data =
                         [this, target_port](BytesView bytes) {
                           if (outside) return (void)outside->write(bytes);
                           asked += bytes;
                           if (!asked.ends_with("\r\n\r\n")) return;
                           connecting =
                               connect(loop, {.host = "127.0.0.1", .port = target_port},
                                       [this](Result<std::unique_ptr<Stream>> made) { join(must(std::move(made))); });
                         },
                     .on_drained = {},
                     .on_closed = {}});
    }));
  }

  void join(std::unique_ptr<Stream> stream) {
    outside = std::move(stream);
    outside->start(
        {.on_data = [this](BytesView bytes) { (void)inside->write(bytes); }, .on_drained = {}, .on_closed = {}});
    (void)inside->write(answer);
  }
};

}  // namespace

TEST_CASE_METHOD(WebSocketFixture, "the link runs through an HTTP proxy, its TLS end to end") {
  options.listener.tls = acme().server_context(true);
  call.connect.tls = acme().client_context(acme().agent());
  serve();
  Proxy proxy{.loop = loop};
  proxy.open(http->port());
  call.connect.proxy = ProxyOptions{.host = "127.0.0.1", .port = proxy.listener->port(), .authorization = "Basic eDp5"};
  call.connect.server_name = "localhost";

  open();
  REQUIRE(client != nullptr);
  start();
  REQUIRE(client->send("through"));

  REQUIRE(loop.run_until([this] { return at_server.size() == 1; }, 5s));
  CHECK(at_server[0] == "through");
  CHECK(proxy.asked.starts_with("CONNECT 127.0.0.1:"));
  CHECK(proxy.asked.find("Proxy-Authorization: Basic eDp5\r\n") != std::string::npos);
}

TEST_CASE_METHOD(WebSocketFixture, "a proxy that refuses is told from a server that does") {
  serve();
  Proxy proxy{.loop = loop, .answer = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"};
  proxy.open(http->port());
  call.connect.proxy = ProxyOptions{.host = "127.0.0.1", .port = proxy.listener->port()};

  open();

  REQUIRE(refused);
  CHECK(refused->code() == Code::denied);
  CHECK(refused->text().find("407") != std::string::npos);
}
