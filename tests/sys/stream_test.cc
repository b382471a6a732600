// Real sockets on the loopback: streams, their backpressure, and how they end. Who is let in is in tls_test.cc.
#include "common/sys/stream.h"

#include "tests/sys/stream_fixture.h"

using namespace reeve;
using namespace reeve::sys;

TEST_CASE_METHOD(StreamFixture, "bytes go both ways, plain and over TLS with client certificates") {
  const bool with_tls = GENERATE(false, true);
  listen(with_tls ? acme().server_context(true) : nullptr);
  connect_to_it(with_tls ? acme().client_context(acme().agent()) : nullptr);
  echo_on_server();
  Bytes received;
  client->start({.on_data = [&](BytesView bytes) { received += bytes; }, .on_drained = {}, .on_closed = {}});

  const Bytes sent = SeededRandom(1).bytes(300'000);
  REQUIRE(client->write(BytesView(sent)));

  REQUIRE(loop.run_until([&] { return received.size() >= sent.size(); }, 10s));
  CHECK(received == sent);
  CHECK(server->peer().certificate.has_value() == with_tls);
}

TEST_CASE_METHOD(StreamFixture, "the server knows the agent by its certificate") {
  listen(acme().server_context(true));
  connect_to_it(acme().client_context(acme().agent()));

  REQUIRE(server->peer().certificate);
  CHECK(server->peer().certificate->common_name == "agent-1");
  CHECK(server->peer().certificate->organization == "acme");
  CHECK(server->peer().address.starts_with("127.0.0.1:"));
  CHECK(client->peer().certificate->names == std::vector<std::string>{"localhost", "127.0.0.1"});
}

TEST_CASE_METHOD(StreamFixture, "closing sends what is pending and ends both sides in order") {
  const bool with_tls = GENERATE(false, true);
  listen(with_tls ? acme().server_context(false) : nullptr);
  connect_to_it(with_tls ? acme().client_context() : nullptr);
  Bytes received;
  server->start({.on_data = [&](BytesView bytes) { received += bytes; },
                 .on_drained = {},
                 .on_closed = [&](const Status& reason) { server_closed = reason; }});
  client->start({.on_data = {}, .on_drained = {}, .on_closed = [&](const Status& reason) { client_closed = reason; }});
  const Bytes sent(900'000, 'x');

  REQUIRE(client->write(BytesView(sent)));
  client->close();
  CHECK(!client->write("late"));

  REQUIRE(loop.run_until([&] { return server_closed && client_closed; }, 10s));
  CHECK(received == sent);
  CHECK(server_closed->ok());
  CHECK(client_closed->ok());
  CHECK(listener->stats().connections == 0);
}

TEST_CASE_METHOD(StreamFixture, "a cut TLS connection is told from an ended one") {
  listen(acme().server_context(false));
  connect_to_it(acme().client_context());
  server->start({.on_data = {}, .on_drained = {}, .on_closed = [&](const Status& reason) { server_closed = reason; }});

  client->abort(Error(Code::cancelled, "the test cuts it"));

  REQUIRE(loop.run_until([&] { return server_closed.has_value(); }, 10s));
  CHECK(server_closed->error().code() == Code::unavailable);
}

TEST_CASE_METHOD(StreamFixture, "a paused reader stops the writer, and resuming loses nothing") {
  const bool with_tls = GENERATE(false, true);
  options.pending_bytes_max = 256_KiB;
  listen(with_tls ? acme().server_context(false) : nullptr);
  connect_to_it(with_tls ? acme().client_context() : nullptr);
  uint64_t received = 0;
  uint64_t sent = 0;
  server->start({.on_data = [&](BytesView bytes) { received += bytes.size(); }, .on_drained = {}, .on_closed = {}});
  server->pause();
  const Bytes chunk(64_KiB, 'y');
  const auto fill = [&] {
    while (sent < 64_MiB && client->write(BytesView(chunk))) sent += chunk.size();
  };
  client->start({.on_data = {}, .on_drained = fill, .on_closed = {}});

  fill();
  REQUIRE(!loop.run_until([&] { return sent == 64_MiB; }, 200ms));
  const uint64_t sent_while_paused = sent;
  CHECK(client->pending_bytes() <= 256_KiB + 64_KiB);
  CHECK(received == 0);

  server->resume();
  REQUIRE(loop.run_until([&] { return received == 64_MiB; }, 60s));
  CHECK(sent_while_paused < 64_MiB);
}

TEST_CASE_METHOD(StreamFixture, "pausing inside the callback holds back what came in the same read") {
  listen(acme().server_context(false));
  connect_to_it(acme().client_context());
  size_t received = 0;
  server->start({.on_data =
                     [&](BytesView bytes) {
                       received += bytes.size();
                       server->pause();
                     },
                 .on_drained = {},
                 .on_closed = {}});
  REQUIRE(client->write_owned(Bytes(200'000, 'z')));

  while (received < 200'000) {
    const size_t before = received;
    REQUIRE(loop.run_until([&] { return received > before; }, 5s));
    server->resume();
  }

  CHECK(received == 200'000);
}

TEST_CASE_METHOD(StreamFixture, "a stream may be destroyed inside its own callbacks") {
  const bool with_tls = GENERATE(false, true);
  listen(with_tls ? acme().server_context(false) : nullptr);
  connect_to_it(with_tls ? acme().client_context() : nullptr);
  bool destroyed = false;
  server->start({.on_data =
                     [&](BytesView) {
                       server.reset();
                       destroyed = true;
                     },
                 .on_drained = {},
                 .on_closed = [&](const Status&) { FAIL("a destroyed stream calls nobody"); }});
  client->start({.on_data = {}, .on_drained = {}, .on_closed = [&](const Status& reason) {
                   client_closed = reason;
                   client.reset();
                 }});

  REQUIRE(client->write("hello"));

  REQUIRE(loop.run_until([&] { return destroyed && client_closed; }, 5s));
  CHECK(client == nullptr);
}

TEST_CASE_METHOD(StreamFixture, "connections beyond the limit are closed and counted") {
  connections_max = 1;
  listen(nullptr);
  connect_to_it(nullptr);
  std::unique_ptr<Stream> second;
  std::optional<Status> second_closed;

  const auto connecting = connect(loop, connect_options(nullptr), [&](Result<std::unique_ptr<Stream>> made) {
    second = must(std::move(made));
    second->start({.on_data = {}, .on_drained = {}, .on_closed = [&](const Status& s) { second_closed = s; }});
  });

  REQUIRE(loop.run_until([&] { return second_closed.has_value(); }, 5s));
  CHECK(listener->stats().refused_full_total == 1);
  CHECK(listener->stats().connections == 1);
}

TEST_CASE_METHOD(StreamFixture, "nobody listening is unavailable, with the address in the text") {
  listen(nullptr);
  const uint16_t port = listener->port();
  listener.reset();
  std::optional<Error> error;

  const auto connecting = connect(loop, {.host = "127.0.0.1", .port = port},
                                  [&](Result<std::unique_ptr<Stream>> made) { error = made.error(); });

  REQUIRE(loop.run_until([&] { return error.has_value(); }, 5s));
  CHECK(error->code() == Code::unavailable);
  CHECK(error->text().find("127.0.0.1") != std::string::npos);
}

TEST_CASE_METHOD(StreamFixture, "a name is resolved, and one that does not exist is an error") {
  listen(nullptr);
  std::optional<Result<bool>> found;
  std::optional<Error> error;

  const auto good = connect(loop, {.host = "localhost", .port = listener->port()},
                            [&](Result<std::unique_ptr<Stream>> made) { found = made.ok(); });
  const auto bad = connect(loop, {.host = "no-such-host.invalid", .port = 1},
                           [&](Result<std::unique_ptr<Stream>> made) { error = made.error(); });

  REQUIRE(loop.run_until([&] { return found && error; }, 15s));
  CHECK(found->value());
  CHECK(error->text().find("no-such-host.invalid") != std::string::npos);
}

TEST_CASE_METHOD(StreamFixture, "a connection given up calls nobody") {
  listen(acme().server_context(false));
  auto connecting = connect(loop, connect_options(acme().client_context()),
                            [&](Result<std::unique_ptr<Stream>>) { FAIL("it was given up"); });

  connecting.reset();

  CHECK(!loop.run_until([] { return false; }, 50ms));
}

TEST_CASE_METHOD(StreamFixture, "a listener's address must be one, and free") {
  listen(nullptr);
  const auto open = [&](const std::string& host, uint16_t port) {
    return Listener::open(loop, {.host = host, .port = port}, [](std::unique_ptr<Stream>) {});
  };

  CHECK(open("example.org", 0).error().code() == Code::invalid);
  CHECK(open("127.0.0.1", listener->port()).error().text().find("in use") != std::string::npos);
  CHECK(!open("192.0.2.1", 0).ok());
}

TEST_CASE("a loop that ends closes the streams still on it") {
  SystemClock clock;
  auto loop = std::make_unique<Loop>(clock);
  std::unique_ptr<Stream> accepted;
  auto listener =
      must(Listener::open(*loop, {}, [&](std::unique_ptr<Stream> stream) { accepted = std::move(stream); }));
  bool connected = false;
  auto connecting =
      connect(*loop, {.host = "127.0.0.1", .port = listener->port()}, [&](Result<std::unique_ptr<Stream>> made) {
        connected = true;
        made.value()->close();  // and the view on it dies here, while it still lingers
      });
  REQUIRE(loop->run_until([&] { return connected && accepted; }, 5s));

  accepted.reset();
  connecting.reset();
  listener.reset();
  loop.reset();
}
