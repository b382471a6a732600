// Byte streams over TCP, plain or TLS 1.3, and how they come to be: a Listener accepts, connect() calls out.
//
// Writes gather until the end of the turn and leave as one system call. Backpressure runs both ways: write() says no
// while pending_bytes_max waits to be sent and on_drained tells when to go on; pause() stops reading, and then TCP
// stops the peer. A stream is handed out only after its TLS handshake and the listener's verdict.
//
// Loop thread throughout. No callback is called from inside a call of ours; each may destroy the object it came from.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/sys/crypto.h"
#include "common/sys/loop.h"
#include "common/sys/tls.h"

namespace reeve::sys {

struct PeerInfo {
  std::string address{};                         // "192.0.2.1:5000", "[2001:db8::1]:5000"
  std::optional<CertificateInfo> certificate{};  // of the peer, verified; none where it presented none
  std::string protocol{};                        // agreed on by ALPN; empty where nothing was
};

struct StreamOptions {
  uint64_t pending_bytes_max = 1_MiB;
};

struct StreamHandlers {
  std::function<void(BytesView bytes)> on_data{};  // borrowed for the call
  std::function<void()> on_drained{};              // everything written has been handed to the kernel
  // The last callback, exactly once. Ok where both sides closed in order; else why it broke.
  std::function<void(const Status& reason)> on_closed{};
};

class Stream {
 public:
  struct Impl;
  explicit Stream(std::shared_ptr<Impl> impl);
  ~Stream();  // aborts; no callback follows
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Reading begins. May be called again by the next owner (an upgrade to WebSocket), which replaces the handlers.
  void start(StreamHandlers handlers);

  // Takes all of `bytes`, or nothing: false while pending_bytes() >= pending_bytes_max, or once closing. A taken write
  // may be of any size, so the bound on memory is pending_bytes_max and one write.
  [[nodiscard]] bool write(BytesView bytes);
  [[nodiscard]] bool write_owned(Bytes&& bytes);  // the same without a copy where nothing else waits
  uint64_t pending_bytes() const;                 // taken but not yet handed to the kernel

  void pause();
  void resume();

  // Sends what is pending, then closes in order; gives up after linger_max.
  void close();
  // Closes at once; on_closed gets `reason`.
  void abort(const Error& reason);
  static constexpr Duration linger_max = 5s;

  const PeerInfo& peer() const;
  Loop& loop() const;
  uint64_t bytes_received() const;  // on the wire, TLS included
  uint64_t bytes_sent() const;      // the kernel took them

 private:
  std::shared_ptr<Impl> impl_;
};

struct ListenerOptions {
  std::string host = "127.0.0.1";     // an address of this machine, "0.0.0.0" or "::" for all
  uint16_t port = 0;                  // 0: the kernel chooses
  std::shared_ptr<TlsContext> tls{};  // none: plain TCP
  size_t connections_max = 1024;      // handshakes included; more are closed at once and counted
  // Of one address (IPv6: of one /64), because one client must not take all of them. 0: no such limit.
  size_t connections_per_peer_max = 0;
  bool limit_loopback = false;           // the loopback, where proxies live, is not limited unless told so
  std::vector<std::string> protocols{};  // for ALPN, the favourite first; a client that offers none of them goes on
  Duration handshake_timeout = 10s;
  StreamOptions stream{};
  // Asked after the handshake, before on_stream; an error closes the connection. None: everybody may.
  std::function<Status(const PeerInfo& peer)> verdict{};
};

struct ListenerStats {
  uint64_t connections = 0;  // open now, handshakes included
  uint64_t accepted_total = 0;
  uint64_t refused_full_total = 0;
  uint64_t refused_peer_total = 0;  // beyond connections_per_peer_max
  uint64_t refused_handshake_total = 0;
  uint64_t refused_verdict_total = 0;
};

// Destroying it stops listening and drops handshakes; streams that were handed out live on.
class Listener {
 public:
  using OnStream = std::function<void(std::unique_ptr<Stream> stream)>;

  static Result<std::unique_ptr<Listener>> open(Loop& loop, ListenerOptions options, OnStream on_stream);
  ~Listener();

  uint16_t port() const;
  ListenerStats stats() const;

  struct Impl;

 private:
  explicit Listener(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

// An HTTP proxy that is asked to CONNECT; the TLS runs through it, end to end.
struct ProxyOptions {
  std::string host{};
  uint16_t port = 0;
  std::string authorization{};  // the value of Proxy-Authorization, or empty
};

struct ConnectOptions {
  std::string host{};  // name or address
  uint16_t port = 0;
  std::shared_ptr<TlsContext> tls{};     // none: plain TCP
  std::string server_name{};             // verified in the certificate; empty: `host`
  std::vector<std::string> protocols{};  // offered by ALPN
  std::optional<ProxyOptions> proxy{};
  Duration timeout = 10s;  // for name, TCP, proxy and handshake together
  StreamOptions stream{};
};

// A connection in the making; destroying it gives up, and no callback follows.
class Connecting {
 public:
  struct Impl;
  explicit Connecting(std::shared_ptr<Impl> impl);
  ~Connecting();

 private:
  std::shared_ptr<Impl> impl_;
};

using OnConnect = std::function<void(Result<std::unique_ptr<Stream>> stream)>;

// Tries the addresses of the name in order. Errors: unavailable (refused, timeout, no such name), denied (a
// certificate, ours or theirs, is not accepted).
[[nodiscard]] std::unique_ptr<Connecting> connect(Loop& loop, ConnectOptions options, OnConnect on_connect);

}  // namespace reeve::sys
