// WebSocket (RFC 6455): messages over a stream, framed by wslay. Binary ones; text where the options allow it.
//
// Messages arrive whole and capped. Pings go out every ping_interval, and a peer from which nothing at all came for
// silence_max is dead: half-open connections are found without help from TCP. Sending is bounded as in Stream: send()
// says no while pending_bytes_max waits, and on_drained tells when to go on. Extensions are refused.
//
// Loop thread. No callback is called from inside a call of ours; each may destroy the socket.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/sys/http1.h"
#include "common/sys/stream.h"

namespace reeve::sys {

struct WebSocketOptions {
  uint64_t message_bytes_max = 64_KiB;  // a longer one closes with 1009
  uint64_t pending_bytes_max = 1_MiB;
  Duration ping_interval = 10s;
  Duration silence_max = 24s;  // noticed at most half a ping_interval later
  bool text = false;           // text messages are received; else they close with 1003
};

struct WebSocketClosed {
  uint16_t code = 1006;  // RFC 6455 section 7.4; 1006 where the connection just ended
  std::string reason{};
  bool by_peer = false;
};

struct WebSocketHandlers {
  std::function<void(BytesView message)> on_message{};             // binary; borrowed for the call
  std::function<void(BytesView message)> on_text{};                // valid UTF-8; borrowed for the call
  std::function<void()> on_drained{};                              // everything sent has been handed to the kernel
  std::function<void(const WebSocketClosed& closed)> on_closed{};  // the last callback, exactly once
};

class WebSocket {
 public:
  struct Impl;
  explicit WebSocket(std::shared_ptr<Impl> impl);
  ~WebSocket();  // aborts; no callback follows
  WebSocket(const WebSocket&) = delete;
  WebSocket& operator=(const WebSocket&) = delete;

  void start(WebSocketHandlers handlers);

  // All of the message, or nothing: false while pending_bytes() >= pending_bytes_max, or once closing.
  [[nodiscard]] bool send(BytesView message);
  [[nodiscard]] bool send_text(BytesView message);  // what is not UTF-8 in it becomes U+FFFD
  uint64_t pending_bytes() const;

  // Stops reading; messages of up to 4 KiB that were read already may still come. A paused socket answers no pings, so
  // keep it short of the peer's silence_max.
  void pause();
  void resume();

  void close(uint16_t code, std::string_view reason);  // in order; the reason is cut to 123 bytes
  void abort(const Error& reason);

  const PeerInfo& peer() const;
  Loop& loop() const;

 private:
  std::shared_ptr<Impl> impl_;
};

// Server: the answer to an upgrade request, or what is wrong with it.
Result<HttpResponse> make_websocket_answer(const HttpRequest& request);
// Takes over a stream whose upgrade has been answered; `received` are bytes that came behind the handshake.
std::unique_ptr<WebSocket> make_server_websocket(std::unique_ptr<Stream> stream, Bytes received,
                                                 WebSocketOptions options);

struct WebSocketCall {
  ConnectOptions connect{};
  std::string target = "/";
  HttpHeaders headers{};  // beside those of the handshake
  WebSocketOptions websocket{};
};

// A handshake under way; destroying it gives up, and no callback follows.
class WebSocketConnecting {
 public:
  struct Impl;
  explicit WebSocketConnecting(std::shared_ptr<Impl> impl);
  ~WebSocketConnecting();

 private:
  std::shared_ptr<Impl> impl_;
};

using OnWebSocket = std::function<void(Result<std::unique_ptr<WebSocket>> socket)>;

// Errors as connect(); besides, denied for 401 and 403, unavailable for any other answer but 101.
[[nodiscard]] std::unique_ptr<WebSocketConnecting> connect_websocket(Loop& loop, WebSocketCall call,
                                                                     OnWebSocket on_socket);

}  // namespace reeve::sys
