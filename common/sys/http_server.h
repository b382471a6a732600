// An HTTP/1.1 server on a listener: it reads whole requests, calls a handler, and sends what the handler answers.
//
// One request of a connection is worked on at a time; what a client pipelines behind it waits, in at most
// pipelined_bytes_max of buffer and then in TCP. Too slow a head or body is 408, a bad request 400, a big one 413 or
// 431, an unknown Transfer-Encoding 501, always as problem+json; after these the connection closes.
//
// Loop thread, but for Responder, which any thread may use.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/sys/http1.h"
#include "common/sys/loop.h"
#include "common/sys/stream.h"
#include "common/sys/websocket.h"

namespace reeve::sys {

// A response that goes out piece by piece: chunked over HTTP/1.1 (HTTP/1.0: until the connection closes), DATA frames
// over HTTP/2. Nothing is held back: what is written leaves in the loop's next turn. Copies share one response. When
// the last copy is gone before end(), the connection (HTTP/2: the stream) is cut, so that the client can tell. An
// answer to HEAD is its head alone: such a stream is gone() as soon as that is sent.
// Any thread, until the loop is destroyed.
class ResponseStream {
 public:
  static constexpr uint64_t unsent_bytes_max = 1_MiB;

  // All of it or nothing: false while unsent_bytes() >= unsent_bytes_max, or once gone().
  [[nodiscard]] bool try_write(Bytes bytes) const;
  // Waits for room; never on the loop's thread. Code::cancelled once the client is gone or took nothing for the
  // server's stall_timeout.
  Status write(Bytes bytes) const;
  uint64_t unsent_bytes() const;
  bool gone() const;
  void end() const;
  // Called on the loop's thread, once, when the client is gone or everything is sent after end().
  void on_closed(std::function<void()> closed) const;

  struct State;
  explicit ResponseStream(std::shared_ptr<State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<State> state_;
};

// The way back to whoever asked. Copies share one answer: the first respond() counts, later ones do nothing. When the
// last copy is gone without an answer, the client gets 500. Any thread, until the loop is destroyed.
class Responder {
 public:
  void respond(HttpResponse response) const;
  // The head now (its body is ignored), the body through the stream. Counts as respond() does.
  ResponseStream start(HttpResponse head) const;
  // For a request with wants_websocket, where the server has no on_websocket: the connection becomes a WebSocket, and
  // `on_socket` gets it on the loop's thread; respond() instead refuses it. Where the request is no proper handshake
  // the client gets 400, and where it has left nobody does; then `on_socket` is never called. Counts as respond() does.
  using OnSocket = std::function<void(std::unique_ptr<WebSocket> socket)>;
  void upgrade(const WebSocketOptions& options, OnSocket on_socket) const;

  struct State;
  explicit Responder(std::shared_ptr<State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<State> state_;
};

struct HttpServerOptions {
  ListenerOptions listener{};
  HttpLimits limits{};
  std::function<uint64_t(const HttpRequest& head)> body_limit{};  // per request, instead of limits.body_bytes_max
  Duration header_timeout = 10s;  // from the first byte of a request to the end of its head
  Duration body_timeout = 60s;
  Duration idle_timeout = 75s;  // between requests
  // A client that is owed bytes and takes fewer than stall_bytes_min of them within stall_timeout is cut.
  Duration stall_timeout = 30s;
  uint64_t stall_bytes_min = 4_KiB;
  uint64_t pipelined_bytes_max = 64_KiB;
  uint64_t requests_per_connection_max = 100'000;

  // WebSocket upgrades: without `on_websocket` they come to the handler, which may respond() or upgrade().
  // `websocket_verdict` may refuse with a response.
  std::function<std::optional<HttpResponse>(const HttpRequest& request, const PeerInfo& peer)> websocket_verdict{};
  std::function<void(HttpRequest request, std::unique_ptr<WebSocket> socket)> on_websocket{};
  WebSocketOptions websocket{};
};

struct HttpServerStats {
  ListenerStats listener;
  uint64_t requests_total = 0;
  uint64_t requests_bad_total = 0;  // refused before the handler saw them
  uint64_t timeouts_total = 0;      // idle, slow heads and slow bodies
  uint64_t stalled_total = 0;       // clients cut because they did not take their answer
};

// Destroying it stops listening and drops its connections; WebSockets that were handed out live on.
class HttpServer {
 public:
  using Handler = std::function<void(HttpRequest request, const PeerInfo& peer, Responder responder)>;

  static Result<std::unique_ptr<HttpServer>> open(Loop& loop, HttpServerOptions options, Handler handler);
  ~HttpServer();

  uint16_t port() const;
  HttpServerStats stats() const;

  struct Impl;

 private:
  explicit HttpServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace reeve::sys
