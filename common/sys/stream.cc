// Reading uses one buffer per thread: libuv fills it and hands it over in one go, so nobody else can be using it.
// Writing takes what gathered in a turn, encrypts it in slices, tries to hand it to the kernel at once, and keeps at
// most one asynchronous write under way; what is taken meanwhile waits unencrypted.
#include "common/sys/stream.h"

#include <algorithm>
#include <array>

#include "common/base/check.h"
#include "common/sys/address.h"
#include "common/sys/stream_impl.h"

namespace reeve::sys {
namespace {

constexpr size_t read_bytes = 64_KiB;
constexpr size_t turn_bytes_max =
    512_KiB;  // read by one stream before the others have their turn; libuv alone takes 2 MiB
constexpr size_t slice_bytes = 256_KiB;  // encrypted at a time, so that ciphertext stays small beside plaintext
constexpr size_t spare_bytes_max = 320_KiB;
constexpr unsigned keepalive_seconds = 60;

struct ReadBuffers {
  std::array<char, read_bytes> wire;
  std::array<char, read_bytes> plain;
};

// Made on the first use, so that threads without a loop pay nothing.
ReadBuffers& read_buffers() {
  thread_local const std::unique_ptr<ReadBuffers> buffers(new ReadBuffers);
  return *buffers;
}

}  // namespace

// -- Opening ---------------------------------------------------------------------------------------------------------

std::shared_ptr<Stream::Impl> Stream::Impl::open(Loop& loop, StreamOptions options, std::shared_ptr<void> counted) {
  auto impl = std::make_shared<Impl>(loop, options);
  check(uv_tcp_init(loop.uv(), &impl->tcp) == 0, "a TCP handle without a socket always opens");
  impl->tcp.data = static_cast<LoopHandle*>(impl.get());
  impl->self = impl;
  impl->counted_connection = std::move(counted);
  return impl;
}

void Stream::Impl::on_connected() {
  // We gather a turn's writes ourselves; Nagle would only add a round trip.
  uv_tcp_nodelay(&tcp, 1);
  uv_tcp_keepalive(&tcp, 1, keepalive_seconds);
  sockaddr_storage address{};
  int length = sizeof address;
  if (uv_tcp_getpeername(&tcp, reinterpret_cast<sockaddr*>(&address), &length) == 0) peer.address = to_string(address);
}

void Stream::Impl::begin_tls(TlsContext& context, const TlsPlan& plan, OnReady ready) {
  check(tls == nullptr && !on_ready, "TLS begins once");
  on_ready = std::move(ready);
  handlers = nullptr;
  deadline = loop.after(
      plan.timeout, [this] { finish_handshake(Error(Code::unavailable, "TLS handshake: no end to it in time")); },
      "handshake timeout");

  Result<std::unique_ptr<TlsSession>> made = TlsSession::make(context, plan.server_name, plan.protocols);
  if (!made) {
    // The caller has not returned yet, and its callback must not come before that.
    loop.at_turn_end([hold = self, error = made.error()] { hold->finish_handshake(error); });
    return;
  }
  tls = std::move(made).value();
  tls->receive(plan.received);
  tls->settle();
  loop.at_turn_end([hold = self] {
    if (hold->state == State::open && hold->on_ready) hold->advance_handshake();
  });
  update_reading();
}

void Stream::Impl::advance_handshake() {
  const Status outcome = tls->advance_handshake();
  schedule_flush();
  if (!outcome) return finish_handshake(outcome);
  if (tls->established()) finish_handshake({});
}

void Stream::Impl::finish_handshake(const Status& outcome) {
  if (!on_ready) return;
  const OnReady ready = std::move(on_ready);
  on_ready = nullptr;
  loop.cancel(deadline);
  const auto hold = self;
  if (outcome) {
    peer.certificate = tls->peer_certificate();
    peer.protocol = tls->protocol();
    update_reading();
  } else {
    fail_in_order(outcome.error());
  }
  if (!detached) ready(outcome);
}

void Stream::Impl::start(StreamHandlers new_handlers) {
  handlers = std::make_shared<StreamHandlers>(std::move(new_handlers));
  resume();
}

// -- Reading ---------------------------------------------------------------------------------------------------------

void Stream::Impl::update_reading() {
  // A closing stream reads on, and drops what it reads: unread bytes would turn our FIN into a reset that takes our
  // last words with it.
  const bool wanted =
      !peer_ended && !yielded &&
      ((state == State::open && !paused && (handlers != nullptr || on_ready)) || state == State::closing);
  if (wanted == reading || state == State::closed) return;
  reading = wanted;
  if (!wanted) {
    uv_read_stop(reinterpret_cast<uv_stream_t*>(&tcp));
    return;
  }
  uv_read_start(
      reinterpret_cast<uv_stream_t*>(&tcp),
      [](uv_handle_t*, size_t, uv_buf_t* buffer) { *buffer = uv_buf_init(read_buffers().wire.data(), read_bytes); },
      [](uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
        if (count != 0) from(stream->data)->on_read(count, buffer->base);
      });
}

void Stream::Impl::on_read(ssize_t count, const char* bytes) {
  Loop::Stage stage(loop, "stream read");
  const auto hold = self;
  if (count < 0) {
    peer_ended = true;
    update_reading();
    if (count != UV_EOF) return abort(uv_error(static_cast<int>(count), "read from " + peer.address));
    return on_peer_end();
  }

  bytes_received += static_cast<uint64_t>(count);
  read_since_yield += static_cast<size_t>(count);
  if (read_since_yield >= turn_bytes_max) yield_turn();
  const BytesView received(bytes, static_cast<size_t>(count));
  if (state != State::open) return;
  if (tls == nullptr) return deliver(received);

  tls->receive(received);
  if (!tls->established()) advance_handshake();
  if (tls->established()) read_decrypted();
  tls->settle();
}

// One fast peer must not hold the loop while the others wait.
void Stream::Impl::yield_turn() {
  yielded = true;
  read_since_yield = 0;
  update_reading();
  loop.at_turn_end([hold = shared_from_this()] {
    hold->yielded = false;
    hold->update_reading();
  });
}

void Stream::Impl::read_decrypted() {
  std::array<char, read_bytes>& plain = read_buffers().plain;
  while (state == State::open && !paused && handlers != nullptr) {
    const Result<size_t> count = tls->read(plain.data(), plain.size());
    if (!count) return fail_in_order(count.error());
    if (*count > 0) deliver(BytesView(plain.data(), *count));
    if (tls->peer_closed()) return on_peer_end();
    if (*count == 0) break;
  }
  // The peer's key update is answered from inside a read.
  if (!tls->outgoing().empty()) schedule_flush();
}

void Stream::Impl::deliver(BytesView bytes) {
  if (detached || handlers == nullptr || !handlers->on_data) return;
  const auto hold = handlers;  // the call may replace or drop them
  hold->on_data(bytes);
}

void Stream::Impl::on_peer_end() {
  peer_ended = true;
  update_reading();
  if (on_ready) return finish_handshake(Error(Code::unavailable, "TLS handshake: the peer closed the connection"));
  if (tls != nullptr && !tls->peer_closed() && state == State::open) {
    // Somebody on the way could have cut it.
    close_reason = Error(Code::unavailable, "the connection ended without TLS's close");
  }
  if (end_sent) return close_handle();
  close();
}

void Stream::Impl::pause() {
  paused = true;
  update_reading();
}

void Stream::Impl::resume() {
  paused = false;
  if (tls != nullptr) {
    // Records that came with the last read may lie here already.
    loop.at_turn_end([hold = shared_from_this()] {
      if (hold->state != State::open || hold->paused) return;
      hold->read_decrypted();
      if (hold->tls != nullptr) hold->tls->settle();
    });
  }
  update_reading();
}

// -- Writing ---------------------------------------------------------------------------------------------------------

bool Stream::Impl::accepts_write() const {
  return state == State::open && !on_ready && pending_bytes() < options.pending_bytes_max;
}

void Stream::Impl::append(BytesView bytes) {
  outgoing.append(bytes);
  drain_owed = true;
  schedule_flush();
}

void Stream::Impl::append(Bytes&& bytes) {
  if (outgoing_at == outgoing.size()) {
    outgoing = std::move(bytes);
    outgoing_at = 0;
    drain_owed = true;
    schedule_flush();
  } else {
    append(BytesView(bytes));
  }
}

void Stream::Impl::schedule_flush() {
  if (flush_scheduled || state == State::closed) return;
  flush_scheduled = true;
  loop.at_turn_end([hold = shared_from_this()] {
    hold->flush_scheduled = false;
    hold->flush();
  });
}

// The next bytes for the socket; false when there are none.
bool Stream::Impl::fill_wire(Bytes& wire, uint64_t& plain_bytes) {
  plain_bytes = 0;
  if (tls == nullptr) {
    wire = std::move(outgoing);
    if (outgoing_at > 0) wire.erase(0, outgoing_at);
    plain_bytes = wire.size();
    outgoing.clear();
    outgoing_at = 0;
    return !wire.empty();
  }

  if (tls->established() && outgoing_at < outgoing.size()) {
    const BytesView slice = BytesView(outgoing).substr(outgoing_at, slice_bytes);
    if (const Status written = tls->write(slice); !written) {
      abort(written.error());
      return false;
    }
    plain_bytes = slice.size();
    outgoing_at += slice.size();
    if (outgoing_at == outgoing.size()) {
      outgoing_at = 0;
      outgoing.clear();
      if (outgoing.capacity() > slice_bytes) outgoing.shrink_to_fit();
    }
  }
  wire = std::move(spare);
  wire.clear();
  wire.swap(tls->outgoing());
  return !wire.empty();
}

void Stream::Impl::flush() {
  Loop::Stage stage(loop, "stream write");
  Bytes wire;
  uint64_t plain_bytes = 0;
  while (state != State::closed && in_flight.empty() && fill_wire(wire, plain_bytes)) {
    send(std::move(wire), plain_bytes);
  }
  after_flush();
}

void Stream::Impl::send(Bytes wire, uint64_t plain_bytes) {
  uv_buf_t buffer = uv_buf_init(wire.data(), static_cast<unsigned>(wire.size()));
  int written = uv_try_write(reinterpret_cast<uv_stream_t*>(&tcp), &buffer, 1);
  if (written == UV_EAGAIN) written = 0;
  if (written < 0) return abort(uv_error(written, "write to " + peer.address));

  const auto count = static_cast<size_t>(written);
  bytes_sent += count;
  if (count > 0 && state == State::closing) arm_linger();
  if (count == wire.size()) {
    if (wire.capacity() <= spare_bytes_max) spare = std::move(wire);
    return;
  }

  in_flight = std::move(wire);
  in_flight_plain_bytes = plain_bytes;
  bytes_sent += in_flight.size() - count;
  buffer = uv_buf_init(in_flight.data() + count, static_cast<unsigned>(in_flight.size() - count));
  const int error = uv_write(&write_request, reinterpret_cast<uv_stream_t*>(&tcp), &buffer, 1,
                             [](uv_write_t* request, int status) { from(request->handle->data)->on_written(status); });
  if (error != 0) {
    in_flight.clear();
    abort(uv_error(error, "write to " + peer.address));
  }
}

void Stream::Impl::on_written(int error) {
  const auto hold = self;
  if (in_flight.capacity() <= spare_bytes_max) spare = std::move(in_flight);
  in_flight.clear();
  in_flight_plain_bytes = 0;
  if (state == State::closed) return;
  if (error != 0) return abort(uv_error(error, "write to " + peer.address));
  if (state == State::closing) arm_linger();
  flush();
}

void Stream::Impl::after_flush() {
  if (state == State::closed || !in_flight.empty() || pending_bytes() > 0) return;
  if (state == State::closing) return send_end();
  if (!drain_owed) return;
  drain_owed = false;
  if (spare.capacity() > read_bytes) spare = Bytes();  // an idle connection holds no large buffers
  if (detached || handlers == nullptr || !handlers->on_drained) return;
  const auto hold = handlers;
  hold->on_drained();
}

// -- Closing ---------------------------------------------------------------------------------------------------------

void Stream::Impl::close() {
  if (state != State::open) return;
  state = State::closing;
  arm_linger();
  update_reading();
  schedule_flush();
}

void Stream::Impl::arm_linger() {
  loop.cancel(deadline);
  deadline = loop.after(
      linger_max, [this] { abort(Error(Code::unavailable, "the peer did not take our last bytes, or did not close")); },
      "linger timeout");
}

// All is sent: says so to TLS, then to TCP, then waits for the peer to do the same.
void Stream::Impl::send_end() {
  if (end_sent) return;
  end_sent = true;
  if (tls != nullptr && tls->established()) {
    tls->write_close();
    Bytes wire = std::move(tls->outgoing());
    tls->outgoing().clear();
    if (!wire.empty()) send(std::move(wire), 0);
    if (state == State::closed) return;
  }
  const int error =
      uv_shutdown(&shutdown_request, reinterpret_cast<uv_stream_t*>(&tcp), [](uv_shutdown_t* request, int) {
        Impl* impl = from(request->handle->data);
        if (impl->peer_ended) impl->close_handle();
      });
  if (error != 0) close_handle();
}

// The peer is told why (TLS's alert is in the outgoing bytes), then closed on.
void Stream::Impl::fail_in_order(const Error& reason) {
  if (state != State::open) return;
  close_reason = reason;
  outgoing.clear();
  outgoing_at = 0;
  close();
}

void Stream::Impl::abort(Status reason) {
  if (state == State::closed) return;
  if (close_reason.ok()) close_reason = std::move(reason);
  if (on_ready) {
    const Error error = close_reason.error();
    close_handle();
    return finish_handshake(error);
  }
  close_handle();
}

void Stream::Impl::close_handle() {
  if (state == State::closed) return;
  state = State::closed;
  reading = false;
  loop.cancel(deadline);
  uv_close(reinterpret_cast<uv_handle_t*>(&tcp), [](uv_handle_t* handle) { from(handle->data)->on_handle_closed(); });
}

void Stream::Impl::on_handle_closed() {
  const auto hold = std::move(self);
  counted_connection = nullptr;
  tls = nullptr;
  const auto last = std::move(handlers);
  handlers = nullptr;
  if (!detached && last != nullptr && last->on_closed) {
    Loop::Stage stage(loop, "stream closed");
    last->on_closed(close_reason);
  }
}

void Stream::Impl::detach() {
  detached = true;
  on_ready = nullptr;
}

void Stream::Impl::close_with_loop() {
  detach();
  close_handle();
}

// -- The owner's view ------------------------------------------------------------------------------------------------

Stream::Stream(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Stream::~Stream() {
  impl_->detach();
  impl_->abort(Error(Code::cancelled, "the stream's owner is gone"));
}

void Stream::start(StreamHandlers handlers) {
  impl_->start(std::move(handlers));
}

bool Stream::write(BytesView bytes) {
  if (!impl_->accepts_write()) return false;
  impl_->append(bytes);
  return true;
}

bool Stream::write_owned(Bytes&& bytes) {
  if (!impl_->accepts_write()) return false;
  impl_->append(std::move(bytes));
  return true;
}

uint64_t Stream::pending_bytes() const {
  return impl_->pending_bytes();
}
void Stream::pause() {
  impl_->pause();
}
void Stream::resume() {
  impl_->resume();
}
void Stream::close() {
  impl_->close();
}
void Stream::abort(const Error& reason) {
  impl_->abort(reason);
}
const PeerInfo& Stream::peer() const {
  return impl_->peer;
}
Loop& Stream::loop() const {
  return impl_->loop;
}
uint64_t Stream::bytes_received() const {
  return impl_->bytes_received;
}
uint64_t Stream::bytes_sent() const {
  return impl_->bytes_sent - uv_stream_get_write_queue_size(reinterpret_cast<const uv_stream_t*>(&impl_->tcp));
}

}  // namespace reeve::sys
