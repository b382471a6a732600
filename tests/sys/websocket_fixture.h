// Our two ends of a WebSocket on one loop, with all they say and how they end.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "common/sys/http_server.h"
#include "common/sys/websocket.h"
#include "tests/sys/certificates.h"

namespace reeve::sys {

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

}  // namespace reeve::sys
