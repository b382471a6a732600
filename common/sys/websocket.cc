// wslay keeps the protocol: framing, masks, fragments, control frames, the order of closing. We lend it the stream: it
// writes straight into the stream's buffer until that is full, and reads from the bytes of the current callback.
#include "common/sys/websocket.h"

#include <wslay/wslay.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "common/base/check.h"
#include "common/crypto/digest.h"
#include "common/sys/crypto.h"
#include "common/sys/websocket_impl.h"

namespace reeve::sys {
namespace {

constexpr size_t reason_bytes_max = 123;    // what a control frame has left beside the code
constexpr size_t control_frames_max = 256;  // answers we owe to a peer that pings and does not read
constexpr Duration close_timeout = 5s;

BytesView view_of(const uint8_t* bytes, size_t count) {
  return {reinterpret_cast<const char*>(bytes), count};
}

}  // namespace

struct WebSocket::Impl final : std::enable_shared_from_this<WebSocket::Impl> {
  Impl(WebSocketRole the_role, std::unique_ptr<Stream> the_stream, Bytes bytes, WebSocketOptions the_options)
      : role(the_role),
        options(the_options),
        stream(std::move(the_stream)),
        loop(stream->loop()),
        unread(std::move(bytes)) {
    const wslay_event_callbacks callbacks = {
        .recv_callback = [](wslay_event_context_ptr, uint8_t* buffer, size_t capacity, int,
                            void* self) { return from(self)->give_received(buffer, capacity); },
        .send_callback = [](wslay_event_context_ptr, const uint8_t* bytes_to_send, size_t count, int,
                            void* self) { return from(self)->take_frame(view_of(bytes_to_send, count)); },
        .genmask_callback =
            [](wslay_event_context_ptr, uint8_t* buffer, size_t count, void* self) {
              from(self)->make_mask(buffer, count);
              return 0;
            },
        .on_frame_recv_start_callback = nullptr,
        .on_frame_recv_chunk_callback = nullptr,
        .on_frame_recv_end_callback = nullptr,
        .on_msg_recv_callback = [](wslay_event_context_ptr, const wslay_event_on_msg_recv_arg* arg,
                                   void* self) { from(self)->on_frame_message(*arg); }};
    const int error = role == WebSocketRole::server ? wslay_event_context_server_init(&wslay, &callbacks, this)
                                                    : wslay_event_context_client_init(&wslay, &callbacks, this);
    check(error == 0, "wslay has memory for a context");
    wslay_event_config_set_max_recv_msg_length(wslay, options.message_bytes_max);
  }

  ~Impl() { wslay_event_context_free(wslay); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  static Impl* from(void* self) { return static_cast<Impl*>(self); }

  void start(WebSocketHandlers new_handlers) {
    check(handlers == nullptr, "a WebSocket is started once");
    handlers = std::make_shared<WebSocketHandlers>(std::move(new_handlers));
    last_heard = last_ping = loop.clock().now();
    const Duration tick = std::max<Duration>(std::min(options.ping_interval, options.silence_max) / 2, 1ms);
    keepalive = loop.every(
        tick, [this] { keep_alive(); }, "websocket keepalive");

    // The stream belongs to us and is destroyed before us, so it may call us by our plain address; what we call may
    // drop us, so each entry holds on.
    stream->start({.on_data = [this](BytesView bytes) { on_data(bytes); },
                   .on_drained = [this] { on_drained(); },
                   .on_closed = [this](const Status& reason) { on_stream_closed(reason); }});
    schedule_unread();
  }

  // -- Receiving

  void on_data(BytesView bytes) {
    last_heard = loop.clock().now();
    if (!unread.empty() || paused) {
      unread.append(bytes);  // at most one read more: the stream is paused with us
      return;
    }
    process(bytes);
  }

  void schedule_unread() {
    if (unread.empty()) return;
    loop.at_turn_end([hold = shared_from_this()] {
      if (hold->paused || hold->detached) return;
      const Bytes bytes = std::move(hold->unread);
      hold->unread.clear();
      hold->process(bytes);
    });
  }

  void process(BytesView bytes) {
    Loop::Stage stage(loop, "websocket");
    const auto hold = shared_from_this();
    received = bytes;
    const int error = wslay_event_recv(wslay);
    if (detached) return;
    // Not paused and still not read: wslay has closed, and reads no more.
    unread = paused ? Bytes(received) : Bytes();
    received = {};
    if (error != 0 && !closed) {
      // A frame that cannot be: wslay closes without a code, so we keep it ourselves.
      closed = WebSocketClosed{.code = 1002, .reason = "the peer broke the protocol", .by_peer = false};
    }
    flush();
    if (error != 0) close_stream();
    finish_closing();
  }

  ssize_t give_received(uint8_t* buffer, size_t capacity) {
    if (received.empty() || paused) {
      wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
      return -1;
    }
    const size_t count = std::min(capacity, received.size());
    std::memcpy(buffer, received.data(), count);
    received.remove_prefix(count);
    return static_cast<ssize_t>(count);
  }

  void on_frame_message(const wslay_event_on_msg_recv_arg& message) {
    if (detached) return;
    if (message.opcode == WSLAY_TEXT_FRAME && !options.text) {
      close(1003, "binary messages only");
    } else if (message.opcode == WSLAY_BINARY_FRAME || message.opcode == WSLAY_TEXT_FRAME) {
      const auto hold = handlers;
      const auto& on_one = message.opcode == WSLAY_TEXT_FRAME ? hold->on_text : hold->on_message;
      if (!closing && on_one) on_one(view_of(message.msg, message.msg_length));
    } else if (message.opcode == WSLAY_CONNECTION_CLOSE && !closed) {
      closed = WebSocketClosed{
          .code = message.status_code == 0 ? uint16_t{1005} : message.status_code,
          .reason = message.msg_length > 2 ? Bytes(view_of(message.msg + 2, message.msg_length - 2)) : Bytes(),
          .by_peer = true};
    }
  }

  // -- Sending

  bool send(uint8_t opcode, BytesView message) {
    if (closing || pending_bytes() >= options.pending_bytes_max) return false;
    const wslay_event_msg frame = {
        .opcode = opcode, .msg = reinterpret_cast<const uint8_t*>(message.data()), .msg_length = message.size()};
    // Once a close is on its way, in either direction, wslay takes no more.
    if (wslay_event_queue_msg(wslay, &frame) != 0) return false;
    flush();
    return true;
  }

  uint64_t pending_bytes() const { return stream->pending_bytes() + wslay_event_get_queued_msg_length(wslay); }

  void flush() {
    if (!wslay_event_want_write(wslay)) return;
    // wslay asks until it is told to wait; the only other failure is memory.
    if (wslay_event_send(wslay) != 0) return fail(1011, "out of memory");
    if (wslay_event_get_queued_msg_count(wslay) > control_frames_max) {
      fail(1008, "the peer pings and does not read the answers");
    }
  }

  ssize_t take_frame(BytesView bytes) {
    if (!stream->write(bytes)) {
      wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
      return -1;
    }
    return static_cast<ssize_t>(bytes.size());
  }

  void make_mask(uint8_t* buffer, size_t count) {
    if (mask_pool.size() < count) mask_pool = crypto::random_secret(1024);
    std::copy_n(mask_pool.end() - static_cast<ptrdiff_t>(count), count, buffer);
    mask_pool.resize(mask_pool.size() - count);
  }

  void on_drained() {
    const auto hold = shared_from_this();
    flush();
    finish_closing();
    if (detached || closing || wslay_event_want_write(wslay) || !handlers->on_drained) return;
    const auto held_handlers = handlers;
    held_handlers->on_drained();
  }

  // -- Closing

  void keep_alive() {
    const auto hold = shared_from_this();
    const Instant now = loop.clock().now();
    if (!paused && now - last_heard > options.silence_max) {
      stream->abort(Error(Code::unavailable, "the peer was silent for " + format_duration(options.silence_max)));
      return;
    }
    if (closing || now - last_ping < options.ping_interval) return;
    last_ping = now;
    const wslay_event_msg ping = {.opcode = WSLAY_PING, .msg = nullptr, .msg_length = 0};
    if (wslay_event_queue_msg(wslay, &ping) == 0) flush();
  }

  void close(uint16_t code, std::string_view reason) {
    if (closing) return;
    reason = reason.substr(0, reason_bytes_max);
    if (wslay_event_queue_close(wslay, code, reinterpret_cast<const uint8_t*>(reason.data()), reason.size()) == 0) {
      if (!closed) closed = WebSocketClosed{.code = code, .reason = std::string(reason), .by_peer = false};
    }
    begin_closing();
    loop.at_turn_end([hold = shared_from_this()] {
      if (hold->detached) return;
      hold->flush();
      hold->finish_closing();
    });
  }

  // The peer has `close_timeout` to answer; then the stream goes.
  void begin_closing() {
    if (closing) return;
    closing = true;
    close_timer = loop.after(
        close_timeout, [this] { stream->close(); }, "websocket close");
  }

  void finish_closing() {
    if (detached || stream_closing) return;
    if (!closing && (wslay_event_get_close_received(wslay) || wslay_event_get_close_sent(wslay))) begin_closing();
    if (!wslay_event_get_close_sent(wslay)) return;
    // What wslay closed by itself (a protocol error, a message too big) has a code and waits for no answer.
    const bool by_wslay = !closed.has_value();
    if (by_wslay) {
      const uint16_t code = wslay_event_get_status_code_sent(wslay);
      closed = WebSocketClosed{
          .code = code,
          .reason = code == 1009 ? "a message was longer than " + std::to_string(options.message_bytes_max) + " bytes"
                                 : "the peer broke the protocol",
          .by_peer = false};
    }
    if (by_wslay || wslay_event_get_close_received(wslay)) close_stream();
  }

  void close_stream() {
    closing = stream_closing = true;
    stream->close();
  }

  void fail(uint16_t code, std::string_view reason) {
    if (!closed) closed = WebSocketClosed{.code = code, .reason = std::string(reason), .by_peer = false};
    stream->abort(Error(Code::unavailable, std::string(reason)));
  }

  void on_stream_closed(const Status& reason) {
    const auto hold = shared_from_this();
    stop_timers();
    closing = true;
    if (detached || !handlers->on_closed) return;
    WebSocketClosed told = closed.value_or(WebSocketClosed{});
    if (!closed) told.reason = reason ? "the connection ended without a close" : reason.error().text();
    const auto held_handlers = std::move(handlers);
    handlers = std::make_shared<WebSocketHandlers>();
    held_handlers->on_closed(told);
  }

  void stop_timers() {
    loop.cancel(keepalive);
    loop.cancel(close_timer);
  }

  void detach() {
    detached = true;
    stop_timers();
    // We may be inside wslay's own loop: it ends, and is freed when the last holder lets go.
    wslay_event_shutdown_read(wslay);
    stream.reset();
  }

  const WebSocketRole role;
  const WebSocketOptions options;
  std::unique_ptr<Stream> stream;
  Loop& loop;
  wslay_event_context_ptr wslay = nullptr;
  std::shared_ptr<WebSocketHandlers> handlers;

  BytesView received;  // of the current call, not yet read by wslay
  Bytes unread;        // left over while paused
  Bytes mask_pool;
  bool paused = false;
  bool closing = false;         // no more sends
  bool stream_closing = false;  // the closing handshake is over
  bool detached = false;
  std::optional<WebSocketClosed> closed;
  Instant last_heard;
  Instant last_ping;
  TimerId keepalive;
  TimerId close_timer;
};

WebSocket::WebSocket(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
WebSocket::~WebSocket() {
  impl_->detach();
}

void WebSocket::start(WebSocketHandlers handlers) {
  impl_->start(std::move(handlers));
}
bool WebSocket::send(BytesView message) {
  return impl_->send(WSLAY_BINARY_FRAME, message);
}
bool WebSocket::send_text(BytesView message) {
  if (is_utf8(message)) return impl_->send(WSLAY_TEXT_FRAME, message);
  return impl_->send(WSLAY_TEXT_FRAME, to_utf8(message));  // a browser would end the connection
}
uint64_t WebSocket::pending_bytes() const {
  return impl_->pending_bytes();
}

void WebSocket::pause() {
  impl_->paused = true;
  impl_->stream->pause();
}

void WebSocket::resume() {
  if (!impl_->paused) return;
  impl_->paused = false;
  impl_->last_heard = impl_->loop.clock().now();
  impl_->stream->resume();
  impl_->schedule_unread();
}

void WebSocket::close(uint16_t code, std::string_view reason) {
  impl_->close(code, reason);
}
void WebSocket::abort(const Error& reason) {
  impl_->stream->abort(reason);
}
const PeerInfo& WebSocket::peer() const {
  return impl_->stream->peer();
}
Loop& WebSocket::loop() const {
  return impl_->loop;
}

std::unique_ptr<WebSocket> make_websocket(WebSocketRole role, std::unique_ptr<Stream> stream, Bytes received,
                                          WebSocketOptions options) {
  auto impl = std::make_shared<WebSocket::Impl>(role, std::move(stream), std::move(received), options);
  return std::make_unique<WebSocket>(std::move(impl));
}

}  // namespace reeve::sys
