// An HTTP server on a listener, for HTTP/1.1 and HTTP/2: it reads whole requests, calls a handler, and sends what the
// handler answers.
//
// Over HTTP/1.1 one request of a connection is worked on at a time; what a client pipelines behind it waits, in at most
// pipelined_bytes_max of buffer and then in TCP. Over HTTP/2 as many as http2_streams_max. Too slow a head or body is
// 408, a bad request 400, a big one 413 or 431, an unknown Transfer-Encoding 501, always as problem+json; after these
// the connection (HTTP/2: the stream) closes.
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

// Takes a request's body piece by piece. Loop thread. It comes back to the handler as HttpRequest::sink.
class BodySink {
 public:
  virtual ~BodySink() = default;
  // Borrowed for the call. An error refuses the request: exhausted is 413, denied 403, unavailable 503, any other 400.
  virtual Status take(BytesView piece) = 0;
  // Asked before and after each piece: while it says no, nothing more is read and the client waits, until
  // BodyFlow::resume().
  virtual bool ready() const { return true; }
};

// Lets a body go on after a pause. Any thread, until the loop is destroyed; does nothing once the request is over.
class BodyFlow {
 public:
  BodyFlow(Loop& loop, std::function<void()> resume) : loop_(&loop), resume_(std::move(resume)) {}
  void resume() const { loop_->post(resume_, "http body"); }

 private:
  Loop* loop_;
  std::function<void()> resume_;
};

struct HttpServerOptions {
  ListenerOptions listener{};
  HttpLimits limits{};
  std::function<uint64_t(const HttpRequest& head)> body_limit{};  // per request, instead of limits.body_bytes_max
  // Content-Encoding gzip, deflate and zstd are undone as the body comes; the limit holds for what comes out (413), and
  // an unknown coding is 415. Without it bodies are handed on as they come.
  bool decode_bodies = false;
  // Asked when a head is complete: who takes this body piece by piece; null to gather it in HttpRequest::body.
  std::function<std::shared_ptr<BodySink>(const HttpRequest& head, BodyFlow flow)> body_sink{};
  // Of all bodies that are being gathered, over all connections; a request beyond it is 503 with Retry-After.
  uint64_t bodies_bytes_max = 256_MiB;
  bool compress_responses = true;  // of 1 KiB and more, as HttpResponse::compress says
  Duration header_timeout = 10s;   // from the first byte of a request to the end of its head
  Duration body_timeout = 60s;
  Duration idle_timeout = 75s;  // between requests
  // A client that is owed bytes and takes fewer than stall_bytes_min of them within stall_timeout is cut.
  Duration stall_timeout = 30s;
  uint64_t stall_bytes_min = 4_KiB;
  // Of one address; listener.connections_per_peer_max is set from it. 0: no such limit.
  size_t connections_per_peer_max = 256;
  uint64_t pipelined_bytes_max = 64_KiB;
  uint64_t requests_per_connection_max = 100'000;

  // HTTP/2: over TLS where the client asks for it by ALPN, over plain TCP where it begins with HTTP/2's preface.
  bool http2 = true;
  uint32_t http2_streams_max = 100;  // requests of one connection under way

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
  uint64_t floods_total = 0;        // HTTP/2 connections ended for resets, pings and the like without end
  uint64_t connections_http2_total = 0;
};

// Destroying it stops listening and drops its connections; WebSockets that were handed out live on.
class HttpServer {
 public:
  using Handler = std::function<void(HttpRequest request, const PeerInfo& peer, Responder responder)>;

  static Result<std::unique_ptr<HttpServer>> open(Loop& loop, HttpServerOptions options, Handler handler);
  ~HttpServer();

  // Stops listening and lets what is under way finish: Connection: close, GOAWAY. `finished` is called once, on the
  // loop's thread, when no connection is left; after `grace` those that still are get dropped.
  void finish(Duration grace, std::function<void()> finished);

  uint16_t port() const;
  HttpServerStats stats() const;

  struct Impl;

 private:
  explicit HttpServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace reeve::sys
