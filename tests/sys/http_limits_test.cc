// What one client may take of the server: connections, time, and the reading of what it asked for.
#include "tests/sys/coded.h"
#include "tests/sys/http2_client.h"

using namespace reeve;
using namespace reeve::sys;

namespace {

// Raw connections that only wait.
struct Crowd {
  explicit Crowd(HttpFixture& of) : fixture(of) {}

  // Adds one, and waits until it stands; the listener may close it at once.
  void join(const std::string& host = "127.0.0.1") {
    auto made = std::make_unique<Member>();
    Member* member = made.get();
    members.push_back(std::move(made));
    member->connecting = connect(
        fixture.loop, {.host = host, .port = fixture.server->port()}, [member](Result<std::unique_ptr<Stream>> stream) {
          member->stream = must(std::move(stream));
          member->stream->start({.on_data = [member](BytesView b) { member->received += b; },
                                 .on_drained = {},
                                 .on_closed = [member](const Status&) { member->closed = true; }});
        });
    REQUIRE(fixture.loop.run_until([member] { return member->stream != nullptr; }, 5s));
  }

  struct Member {
    std::unique_ptr<Connecting> connecting;
    std::unique_ptr<Stream> stream;
    Bytes received;
    bool closed = false;
  };

  HttpFixture& fixture;
  std::vector<std::unique_ptr<Member>> members;
};

}  // namespace

TEST_CASE_METHOD(HttpFixture, "connections of one peer are limited, and one that leaves makes room") {
  options.connections_per_peer_max = 3;
  options.listener.limit_loopback = true;
  serve();
  Crowd crowd(*this);
  for (int i = 0; i < 3; ++i) crowd.join();
  REQUIRE(loop.run_until([this] { return server->stats().listener.connections == 3; }, 5s));

  crowd.join();
  REQUIRE(loop.run_until([&] { return crowd.members[3]->closed; }, 5s));
  CHECK(server->stats().listener.refused_peer_total == 1);

  crowd.members[0]->stream->close();
  REQUIRE(loop.run_until([this] { return server->stats().listener.connections == 2; }, 5s));
  crowd.join();
  REQUIRE(crowd.members[4]->stream->write("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  REQUIRE(loop.run_until([&] { return !crowd.members[4]->received.empty(); }, 5s));
  CHECK(server->stats().listener.refused_peer_total == 1);
}

TEST_CASE_METHOD(HttpFixture, "the loopback is not limited unless told so, and other addresses of it count alone") {
  options.connections_per_peer_max = 1;
  options.listener.limit_loopback = GENERATE(false, true);
  serve();
  Crowd crowd(*this);
  for (int i = 0; i < 5; ++i) crowd.join();
  REQUIRE(loop.run_until([this] { return server->stats().listener.accepted_total == 5; }, 5s));

  CHECK(server->stats().listener.refused_peer_total == (options.listener.limit_loopback ? 4u : 0u));
}

TEST_CASE_METHOD(HttpFixture, "a body that drips in does not outlive its timeout, whatever its framing") {
  options.body_timeout = 100ms;
  serve();
  dial();
  const auto framing = GENERATE(as<std::string>{}, "Content-Length: 100000", "Transfer-Encoding: chunked");
  say("POST / HTTP/1.1\r\nHost: h\r\n" + framing + "\r\n\r\n");
  const std::string piece = framing[0] == 'T' ? "1\r\nx\r\n" : "x";
  const TimerId drip = loop.every(5ms, [this, piece] { (void)client->write(piece); });

  REQUIRE(end());
  loop.cancel(drip);

  CHECK(received.starts_with("HTTP/1.1 408"));
  CHECK(server->stats().timeouts_total == 1);
  CHECK(requests.empty());
}

TEST_CASE_METHOD(HttpFixture, "a client that reads next to nothing of its answer is cut, however steadily") {
  options.stall_timeout = 200ms;
  options.stall_bytes_min = 10_MiB;  // slower than this in 200 ms
  handler = [](HttpRequest, const PeerInfo&, const Responder& responder) {
    HttpResponse response;
    response.body = Bytes(64_MiB, 'x');
    responder.respond(std::move(response));
  };
  serve();
  dial();
  client->pause();
  say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  bool reading = false;
  const TimerId sips = loop.every(20ms, [&] {
    reading = !reading;
    reading ? client->resume() : client->pause();
    loop.at_turn_end([this] { client->pause(); });
  });

  REQUIRE(loop.run_until([this] { return server->stats().stalled_total == 1; }, 20s));
  loop.cancel(sips);
}

TEST_CASE_METHOD(HttpFixture, "a body of a GiB at a route with a small limit is refused unread") {
  options.body_limit = [](const HttpRequest& head) { return head.path == "/big" ? uint64_t{1_GiB} : uint64_t{1000}; };
  serve();
  dial();
  say("POST /small HTTP/1.1\r\nHost: h\r\nContent-Length: 1073741824\r\n\r\n" + Bytes(100'000, 'x'));

  REQUIRE(end());
  CHECK(received.starts_with("HTTP/1.1 413"));
  CHECK(requests.empty());
}

TEST_CASE_METHOD(Http2Fixture, "bodies that are being read are bounded over all connections, and room comes back") {
  options.bodies_bytes_max = 150'000;
  options.decode_bodies = true;
  serve();
  Crowd crowd(*this);
  crowd.join();
  REQUIRE(crowd.members[0]->stream->write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100001\r\n\r\n" +
                                          Bytes(100'000, 'x')));
  REQUIRE(loop.run_until([&] { return server->stats().listener.connections == 1; }, 5s));
  dial2();

  CHECK(answer(send("POST", "/", {}, Bytes(60'000, 'x'))).status == 503);
  CHECK(answer(send("POST", "/", {{"content-encoding", "gzip"}}, gzip(Bytes(60'000, 'x'), 6))).status == 503);
  CHECK(must(call({.method = "POST", .body = Bytes(60'000, 'x')})).status == 503);
  CHECK(answer(send("POST", "/", {}, Bytes(40'000, 'x'))).status == 200);
  REQUIRE(crowd.members[0]->stream->write("x"));
  REQUIRE(loop.run_until([&] { return !crowd.members[0]->received.empty(); }, 5s));

  CHECK(answer(send("POST", "/", {}, Bytes(150'000, 'x'))).status == 200);
  CHECK(answer(send("POST", "/", {{"content-encoding", "gzip"}}, gzip(Bytes(140'000, 'x'), 6))).status == 200);
}

TEST_CASE_METHOD(HttpFixture, "a graceful stop answers what is under way, closes the idle, and takes nobody new") {
  std::optional<Responder> waiting;
  handler = [&](HttpRequest, const PeerInfo&, const Responder& responder) { waiting = responder; };
  serve();
  Crowd idle(*this);
  idle.join();
  dial();
  say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(loop.run_until([&] { return waiting.has_value(); }, 5s));
  bool finished = false;

  server->finish(10s, [&] { finished = true; });

  REQUIRE(loop.run_until([&] { return idle.members[0]->closed; }, 5s));
  std::optional<bool> refused;
  const auto late = connect(loop, {.host = "127.0.0.1", .port = server->port()},
                            [&](Result<std::unique_ptr<Stream>> made) { refused = !made.ok(); });
  REQUIRE(loop.run_until([&] { return refused.has_value(); }, 5s));
  CHECK(*refused);
  CHECK(!finished);

  HttpResponse response;
  response.body = "last";
  waiting->respond(response);
  REQUIRE(end());
  CHECK(received.find("Connection: close\r\n") != std::string::npos);
  CHECK(received.ends_with("last"));
  CHECK(loop.run_until([&] { return finished; }, 5s));
}

TEST_CASE_METHOD(HttpFixture, "what does not end within its grace is dropped") {
  std::optional<Responder> waiting;
  handler = [&](HttpRequest, const PeerInfo&, const Responder& responder) { waiting = responder; };
  serve();
  dial();
  say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(loop.run_until([&] { return waiting.has_value(); }, 5s));
  bool finished = false;

  server->finish(50ms, [&] { finished = true; });

  CHECK(end());
  CHECK(loop.run_until([&] { return finished; }, 5s));
}

TEST_CASE_METHOD(HttpFixture, "new connections see a certificate that was reloaded, and ALPN as before") {
  const auto context = acme().server_context(false);
  options.listener.tls = context;
  serve();
  HttpCall get;
  get.connect.tls = acme().client_context();
  CHECK(must(call(get)).status == 200);

  const KeyAndCertificate other =
      must(make_server_certificate(acme().ca, {.names = {"localhost"}, .now = wall_now(), .validity = 24h}));
  REQUIRE(context
              ->reload(TlsServerOptions{
                  .certificate_chain_pem = append_chain(other.certificate_pem, acme().ca.certificate_pem),
                  .key_pem = other.key_pem})
              .ok());

  CHECK(!call(get).ok());  // the new one does not name 127.0.0.1
  get.connect.server_name = "localhost";
  CHECK(must(call(get)).status == 200);
}
