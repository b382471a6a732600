// The inside of a Stream, shared with those who make streams: the listener and connect(). Inside common/sys only.
//
// A life runs: opened (a TCP handle) -> established (after the TLS handshake, at once without TLS) -> started by its
// owner -> closing (flush, close_notify, FIN, wait for the peer's) -> closed. The object holds itself until libuv has
// let go of the handle; the owner's Stream is only a view on it, and when that dies the callbacks die with it.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <optional>

#include "common/sys/loop_handle.h"
#include "common/sys/stream.h"
#include "common/sys/tls_session.h"

namespace reeve::sys {

struct Stream::Impl final : LoopHandle, std::enable_shared_from_this<Stream::Impl> {
  using OnReady = std::function<void(const Status& outcome)>;

  // The handle is initialised and not yet connected. `counted` lives as long as the connection is open.
  static std::shared_ptr<Impl> open(Loop& loop, StreamOptions options, std::shared_ptr<void> counted);
  explicit Impl(Loop& the_loop, StreamOptions the_options) : loop(the_loop), options(the_options) {}

  void on_connected();  // TCP stands: sets options, reads the peer's address

  // Calls on_ready once, in a later turn or from a socket's event, with the outcome of the handshake or of `timeout`.
  struct TlsPlan {
    std::string server_name{};             // a client's
    std::vector<std::string> protocols{};  // for ALPN
    Duration timeout{};
    BytesView received{};  // bytes of the handshake that are here already
  };
  void begin_tls(TlsContext& context, const TlsPlan& plan, OnReady on_ready);

  void start(StreamHandlers handlers);
  bool accepts_write() const;
  void append(BytesView bytes);
  void append(Bytes&& bytes);
  uint64_t pending_bytes() const { return outgoing.size() - outgoing_at + in_flight_plain_bytes; }
  void pause();
  void resume();
  void close();
  void abort(Status reason);
  void detach();  // no callback from here on
  void close_with_loop() override;

  Loop& loop;
  const StreamOptions options;
  PeerInfo peer;
  uv_tcp_t tcp{};
  uint64_t bytes_received = 0;
  uint64_t bytes_sent = 0;

 private:
  enum class State { open, closing, closed };

  static Impl* from(void* data) { return static_cast<Impl*>(static_cast<LoopHandle*>(data)); }
  void update_reading();
  void on_read(ssize_t count, const char* bytes);
  void advance_handshake();
  void finish_handshake(const Status& outcome);
  void read_decrypted();
  void yield_turn();
  void deliver(BytesView bytes);
  void on_peer_end();

  void schedule_flush();
  void flush();
  bool fill_wire(Bytes& wire, uint64_t& plain_bytes);
  void send(Bytes wire, uint64_t plain_bytes);
  void on_written(int error);
  void after_flush();
  void send_end();
  void fail_in_order(const Error& reason);
  void arm_linger();
  void close_handle();
  void on_handle_closed();

  std::shared_ptr<Impl> self;  // while libuv has the handle
  std::shared_ptr<void> counted_connection;
  std::shared_ptr<StreamHandlers> handlers;  // none before start(); shared with the call in progress
  std::unique_ptr<TlsSession> tls;
  OnReady on_ready;
  TimerId deadline;  // of the handshake, then of closing

  State state = State::open;
  Status close_reason;
  bool detached = false;
  bool paused = false;
  bool reading = false;
  bool yielded = false;  // has read its share, and waits for the next turn
  size_t read_since_yield = 0;
  bool peer_ended = false;
  bool end_sent = false;
  bool flush_scheduled = false;
  bool drain_owed = false;

  Bytes outgoing;  // plaintext taken and not yet encrypted or sent
  size_t outgoing_at = 0;
  uv_write_t write_request{};
  uv_shutdown_t shutdown_request{};
  Bytes in_flight;  // on the wire's side of TLS; empty where no write is under way
  uint64_t in_flight_plain_bytes = 0;
  Bytes spare;  // an empty buffer with capacity, to write into next time
};

}  // namespace reeve::sys
