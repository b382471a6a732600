// An HTTP server on a free port of the loopback, a raw client that says what no HTTP library would, and our own client.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "common/sys/http_client.h"
#include "common/sys/http_server.h"
#include "tests/sys/stream_fixture.h"

namespace reeve::sys {

struct HttpFixture {
  SystemClock clock;
  Loop loop{clock};
  HttpServerOptions options;
  std::unique_ptr<HttpServer> server;
  std::vector<HttpRequest> requests;
  HttpServer::Handler handler = [this](HttpRequest request, const PeerInfo&, Responder responder) {
    HttpResponse response;
    response.headers = {{"Content-Type", "text/plain"}};
    response.body = request.method + " " + request.path + " " + request.body;
    requests.push_back(std::move(request));
    responder.respond(response);
  };

  std::unique_ptr<Stream> client;
  std::unique_ptr<Connecting> connecting;
  Bytes received;
  bool closed = false;

  void serve() {
    server =
        must(HttpServer::open(loop, options, [this](HttpRequest request, const PeerInfo& peer, Responder responder) {
          handler(std::move(request), peer, std::move(responder));
        }));
  }

  // A raw client, to say what no HTTP library would.
  void dial() {
    connecting =
        connect(loop, {.host = "127.0.0.1", .port = server->port()}, [this](Result<std::unique_ptr<Stream>> made) {
          client = must(std::move(made));
          client->start({.on_data = [this](BytesView bytes) { received += bytes; },
                         .on_drained = {},
                         .on_closed = [this](const Status&) { closed = true; }});
        });
    REQUIRE(loop.run_until([this] { return client != nullptr; }, 5s));
  }

  void say(BytesView bytes) { REQUIRE(client->write(bytes)); }
  bool hear(std::string_view text) {
    return loop.run_until([this, text] { return received.find(text) != std::string::npos; }, 5s);
  }
  bool end() {
    return loop.run_until([this] { return closed; }, 5s);
  }

  Result<HttpResponse> call(HttpCall http_call) {
    std::optional<Result<HttpResponse>> outcome;
    http_call.connect.host = "127.0.0.1";
    http_call.connect.port = server->port();
    const auto exchange =
        send_request(loop, std::move(http_call), [&](Result<HttpResponse> response) { outcome = std::move(response); });
    REQUIRE(loop.run_until([&] { return outcome.has_value(); }, 10s));
    return *outcome;
  }
};

}  // namespace reeve::sys
