// A WebSocket against a peer that writes its frames by hand, and not always well.
#include "common/base/random.h"
#include "common/sys/stream.h"
#include "tests/sys/websocket_fixture.h"

using namespace reeve;
using namespace reeve::sys;

namespace {

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
