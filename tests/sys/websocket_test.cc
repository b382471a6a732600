// WebSockets between our own two ends, and against peers that misbehave byte by byte.
#include "common/sys/websocket.h"

#include "common/base/random.h"
#include "common/sys/http_server.h"
#include "tests/sys/stream_fixture.h"

using namespace reeve;
using namespace reeve::sys;

namespace {

struct WebSocketFixture {
  SystemClock clock;
  Loop loop{clock};
  HttpServerOptions options;
  WebSocketCall call;
  std::unique_ptr<HttpServer> http;
  std::unique_ptr<WebSocket> server;
  std::unique_ptr<WebSocket> client;
  std::optional<Error> refused;
  std::optional<WebSocketClosed> server_closed;
  std::optional<WebSocketClosed> client_closed;
  std::vector<Bytes> at_server;
  std::vector<Bytes> at_client;

  void serve() {
    options.on_websocket = [this](HttpRequest, std::unique_ptr<WebSocket> socket) { server = std::move(socket); };
    http = must(HttpServer::open(loop, options, [](HttpRequest, const PeerInfo&, Responder responder) {
      responder.respond(make_problem(404, "nothing but WebSockets here"));
    }));
  }

  void open() {
    call.connect.host = "127.0.0.1";
    call.connect.port = http->port();
    const auto connecting = connect_websocket(loop, call, [this](Result<std::unique_ptr<WebSocket>> made) {
      if (made) {
        client = std::move(made).value();
      } else {
        refused = made.error();
      }
    });
    REQUIRE(loop.run_until([this] { return refused || (client && server); }, 5s));
  }

  WebSocketHandlers collect(std::vector<Bytes>& messages, std::optional<WebSocketClosed>& closed) {
    return {.on_message = [&messages](BytesView message) { messages.emplace_back(message); },
            .on_drained = {},
            .on_closed = [&closed](const WebSocketClosed& how) { closed = how; }};
  }

  void start() {
    server->start(collect(at_server, server_closed));
    client->start(collect(at_client, client_closed));
  }

  void serve_and_open() {
    serve();
    open();
    REQUIRE(client != nullptr);
    start();
  }

  bool both_closed() {
    return loop.run_until([this] { return server_closed && client_closed; }, 10s);
  }
};

// A client that writes frames by hand.
struct RawFixture : WebSocketFixture {
  std::unique_ptr<Stream> raw;
  std::unique_ptr<Connecting> connecting;
  Bytes received;
  bool raw_closed = false;

  void open_raw() {
    serve();
    connecting =
        connect(loop, {.host = "127.0.0.1", .port = http->port()}, [this](Result<std::unique_ptr<Stream>> made) {
          raw = must(std::move(made));
          raw->start({.on_data = [this](BytesView bytes) { received += bytes; },
                      .on_drained = {},
                      .on_closed = [this](const Status&) { raw_closed = true; }});
          REQUIRE(
              raw->write("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"));
        });
    REQUIRE(loop.run_until([this] { return server && received.find("\r\n\r\n") != std::string::npos; }, 5s));
    received.clear();
    server->start(collect(at_server, server_closed));
  }

  // Masked with zeros, so that the payload stays readable here.
  void frame(char first, BytesView payload) {
    Bytes bytes{first};
    if (payload.size() < 126) {
      bytes += static_cast<char>(0x80 | payload.size());
    } else {
      bytes += static_cast<char>(0x80 | 126);
      bytes += static_cast<char>(payload.size() >> 8);
      bytes += static_cast<char>(payload.size() & 255);
    }
    bytes += Bytes(4, '\0');
    bytes += payload;
    REQUIRE(raw->write(bytes));
  }
};

constexpr char binary = static_cast<char>(0x82);
constexpr char text = static_cast<char>(0x81);
constexpr char ping = static_cast<char>(0x89);
constexpr char close_frame = static_cast<char>(0x88);

}  // namespace

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
  options.websocket.silence_max = call.websocket.silence_max = 200ms;
  serve_and_open();

  CHECK(!loop.run_until([this] { return server_closed || client_closed; }, 600ms));
}

TEST_CASE_METHOD(RawFixture, "a peer that answers no pings is found and dropped") {
  options.websocket.ping_interval = 20ms;
  options.websocket.silence_max = 60ms;
  open_raw();

  REQUIRE(loop.run_until([this] { return server_closed.has_value(); }, 5s));

  CHECK(server_closed->code == 1006);
  CHECK(server_closed->reason.find("silent") != std::string::npos);
}

TEST_CASE_METHOD(RawFixture, "the handshake's accept key is that of the RFC's example") {
  serve();
  HttpRequest request;
  request.method = "GET";
  request.wants_websocket = true;
  request.headers = {{"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}, {"Sec-WebSocket-Version", "13"}};

  CHECK(must(make_websocket_answer(request)).header("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");

  request.headers[0].value = "short";
  CHECK(!make_websocket_answer(request).ok());
  request.headers = {{"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}, {"Sec-WebSocket-Version", "8"}};
  CHECK(!make_websocket_answer(request).ok());
}

TEST_CASE_METHOD(RawFixture, "a message in fragments, with a ping between, is one message") {
  open_raw();

  frame(0x02, "one ");
  frame(ping, "are you there");
  frame(0x00, "two ");
  frame(static_cast<char>(0x80), "three");

  REQUIRE(loop.run_until([this] { return at_server.size() == 1 && received.size() >= 15; }, 5s));
  CHECK(at_server[0] == "one two three");
  CHECK(received ==
        "\x8a\x0d"
        "are you there");
}

TEST_CASE_METHOD(RawFixture, "frames that arrive byte by byte are the same frames") {
  open_raw();
  const Bytes bytes = Bytes("\x82\x85\0\0\0\0hello\x82\x82\0\0\0\0ok", 19);

  for (const char byte : bytes) {
    const uint64_t before = raw->bytes_sent();
    REQUIRE(raw->write(BytesView(&byte, 1)));
    REQUIRE(loop.run_until([&] { return raw->bytes_sent() > before; }, 5s));
  }

  REQUIRE(loop.run_until([this] { return at_server.size() == 2; }, 5s));
  CHECK(at_server == std::vector<Bytes>{"hello", "ok"});
}

TEST_CASE_METHOD(RawFixture, "what breaks the protocol closes with its code") {
  open_raw();
  uint16_t code = 0;
  SECTION("an unmasked frame") {
    code = 1002;
    REQUIRE(raw->write(Bytes("\x82\x02hi", 4)));
  }
  SECTION("a reserved opcode") {
    code = 1002;
    frame(static_cast<char>(0x83), "x");
  }
  SECTION("a reserved bit") {
    code = 1002;
    frame(static_cast<char>(0xc2), "x");
  }
  SECTION("a continuation of nothing") {
    code = 1002;
    frame(static_cast<char>(0x80), "x");
  }
  SECTION("a text message") {
    code = 1003;
    frame(text, "hello");
  }
  SECTION("a length beyond every limit") {
    code = 1009;
    REQUIRE(raw->write(Bytes("\x82\xff\0\0\0\xff\xff\xff\xff\xff\0\0\0\0x", 15)));
  }
  SECTION("fragments that together are too long") {
    code = 1009;
    frame(0x02, std::string(60'000, 'x'));
    frame(static_cast<char>(0x80), std::string(60'000, 'x'));
  }

  REQUIRE(loop.run_until([this] { return received.size() >= 4; }, 5s));
  CHECK(received[0] == close_frame);
  CHECK((static_cast<unsigned char>(received[2]) << 8 | static_cast<unsigned char>(received[3])) == code);
  raw->close();
  REQUIRE(loop.run_until([this] { return server_closed.has_value(); }, 10s));
  CHECK(server_closed->code == code);
  CHECK(at_server.empty());
}

TEST_CASE_METHOD(RawFixture, "a frame that cannot be closes at once") {
  open_raw();
  SECTION("a long ping") {
    frame(ping, std::string(126, 'p'));
  }
  SECTION("a length with its highest bit set") {
    REQUIRE(raw->write(Bytes("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14)));
  }

  REQUIRE(loop.run_until([this] { return server_closed && raw_closed; }, 10s));
  CHECK(received == Bytes("\x88\0", 2));
  CHECK(server_closed->code == 1002);
}

TEST_CASE_METHOD(RawFixture, "a peer that pings without reading the answers is dropped") {
  options.listener.stream.pending_bytes_max = 64_KiB;
  open_raw();
  raw->pause();
  const Bytes pings = [] {
    Bytes many;
    for (int i = 0; i < 500; ++i) many += Bytes("\x89\xfd\0\0\0\0", 6) + Bytes(125, 'p');
    return many;
  }();
  const TimerId flood = loop.every(1ms, [&] { (void)raw->write(pings); });

  const bool dropped = loop.run_until([this] { return server_closed.has_value(); }, 30s);
  loop.cancel(flood);

  REQUIRE(dropped);
  CHECK(server_closed->code == 1008);
}

TEST_CASE_METHOD(RawFixture, "random bytes never do worse than close") {
  SeededRandom random(11);
  for (int round = 0; round < 50; ++round) {
    server.reset();
    raw.reset();
    http.reset();
    received.clear();
    server_closed.reset();
    open_raw();
    REQUIRE(raw->write(random.bytes(1 + random.below(300))));
    raw->close();
    REQUIRE(loop.run_until([this] { return server_closed.has_value(); }, 10s));
  }
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
