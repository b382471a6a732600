// A loop with a listener on a free port of the loopback, and one connection to it.
#pragma once

#include <memory>
#include <optional>

#include "common/base/random.h"
#include "common/sys/loop.h"
#include "common/sys/stream.h"
#include "tests/sys/certificates.h"

namespace reeve::sys {

struct StreamFixture {
  SystemClock clock;
  Loop loop{clock};
  StreamOptions options;
  size_t connections_max = 16;
  Duration handshake_timeout = 5s;
  std::function<Status(const PeerInfo&)> verdict;
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Stream> server;
  std::unique_ptr<Stream> client;
  std::optional<Error> connect_error;
  std::optional<Status> server_closed;
  std::optional<Status> client_closed;

  void listen(std::shared_ptr<TlsContext> tls) {
    ListenerOptions listener_options;
    listener_options.tls = std::move(tls);
    listener_options.connections_max = connections_max;
    listener_options.handshake_timeout = handshake_timeout;
    listener_options.stream = options;
    listener_options.verdict = verdict;
    listener = must(
        Listener::open(loop, listener_options, [this](std::unique_ptr<Stream> stream) { server = std::move(stream); }));
  }

  ConnectOptions connect_options(std::shared_ptr<TlsContext> tls) const {
    ConnectOptions connect_options;
    connect_options.host = "127.0.0.1";
    connect_options.port = listener->port();
    connect_options.tls = std::move(tls);
    connect_options.stream = options;
    return connect_options;
  }

  // Both ends stand afterwards.
  void connect_to_it(std::shared_ptr<TlsContext> tls) {
    const auto connecting = connect(loop, connect_options(std::move(tls)),
                                    [this](Result<std::unique_ptr<Stream>> made) { client = must(std::move(made)); });
    REQUIRE(loop.run_until([this] { return client != nullptr && server != nullptr; }, 10s));
  }

  // Runs until the client is refused: while connecting, or, as TLS 1.3 has it where the server refuses the client,
  // right after. Gives why.
  Error refused(const ConnectOptions& connect_options) {
    std::optional<Error> error;
    const auto connecting = connect(loop, connect_options, [this, &error](Result<std::unique_ptr<Stream>> made) {
      if (!made) {
        error = made.error();
        return;
      }
      client = std::move(made).value();
      client->start({.on_data = {}, .on_drained = {}, .on_closed = [&error](const Status& reason) {
                       error = reason ? Error(Code::cancelled, "closed in order") : reason.error();
                     }});
    });
    REQUIRE(loop.run_until([&error] { return error.has_value(); }, 10s));
    return *error;
  }
  Error refused(std::shared_ptr<TlsContext> tls) { return refused(connect_options(std::move(tls))); }

  void echo_on_server() {
    server->start({.on_data = [this](BytesView bytes) { CHECK(server->write(bytes)); },
                   .on_drained = {},
                   .on_closed = [this](const Status& reason) { server_closed = reason; }});
  }
};

}  // namespace reeve::sys
