// Answering: from what the handler says through nghttp2 to the stream, as fast as the client takes it.
#include <algorithm>
#include <vector>

#include "common/base/check.h"
#include "common/base/log.h"
#include "common/sys/http2_impl.h"

namespace reeve::sys {
namespace {

constexpr uint64_t unsent_bytes_max = 256_KiB;  // in the stream's hands; what is behind waits for the client

// Borrows from `fields`.
std::vector<nghttp2_nv> name_values(const Fields& fields) {
  std::vector<nghttp2_nv> values;
  values.reserve(fields.size());
  for (const auto& [name, value] : fields) {
    // nghttp2 does not write here; its interface is C's.
    auto* name_bytes = reinterpret_cast<uint8_t*>(const_cast<char*>(name.data()));
    auto* value_bytes = reinterpret_cast<uint8_t*>(const_cast<char*>(value.data()));
    values.push_back({name_bytes, value_bytes, name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  return values;
}

}  // namespace

// -- What the handler says -------------------------------------------------------------------------------------------

void Http2Connection::on_answer(uint64_t id, HttpResponse response) {
  Http2Request* request = find(static_cast<int32_t>(id));
  if (request == nullptr || request->streaming || request->out_ends) return;
  answer(static_cast<int32_t>(id), *request, std::move(response));
}

void Http2Connection::on_start(uint64_t id, HttpResponse head) {
  Http2Request* request = find(static_cast<int32_t>(id));
  if (request == nullptr || request->streaming || request->out_ends) return;
  request->streaming = !request->head_only && head.status != 204 && head.status != 304;
  request->out_ends = !request->streaming;
  if (request->out_ends) request->exchange->close();
  submit(static_cast<int32_t>(id), head, request->streaming, std::nullopt);
}

void Http2Connection::on_body(uint64_t id) {
  if (find(static_cast<int32_t>(id)) == nullptr) return;
  // Fails where the stream waits for its window instead, and then goes on by itself.
  (void)nghttp2_session_resume_data(session_, static_cast<int32_t>(id));
  flush_soon();
}

void Http2Connection::on_upgrade(uint64_t id, const WebSocketOptions&, Responder::OnSocket) {
  on_answer(id, make_problem(400, "a WebSocket needs a connection of HTTP/1.1"));
}

void Http2Connection::answer(int32_t id, Http2Request& request, HttpResponse response) {
  const bool has_length = response.status / 100 != 1 && response.status != 204 && response.status != 304;
  const std::optional<uint64_t> length = has_length ? std::optional<uint64_t>(response.body.size()) : std::nullopt;
  const bool has_body = has_length && !request.head_only && !response.body.empty();
  if (has_body) request.out = std::move(response.body);
  request.out_ends = true;
  submit(id, response, has_body, length);
}

void Http2Connection::submit_continue(int32_t id) {
  const Fields fields = {{":status", "100"}};
  const auto values = name_values(fields);
  (void)nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, id, nullptr, values.data(), values.size(), nullptr);
}

void Http2Connection::submit(int32_t id, const HttpResponse& head, bool has_body, std::optional<uint64_t> length) {
  const Fields fields = response_fields(head, length);
  const auto values = name_values(fields);
  const nghttp2_data_provider body = {
      .source = {.ptr = nullptr},
      .read_callback = [](nghttp2_session*, int32_t stream, uint8_t* buffer, size_t capacity, uint32_t* flags,
                          nghttp2_data_source*,
                          void* self) { return from(self)->give_body(stream, buffer, capacity, *flags); }};
  const int error = nghttp2_submit_response(session_, id, values.data(), values.size(), has_body ? &body : nullptr);
  if (error != 0) {
    log_warn("an HTTP/2 answer cannot be sent", {{"peer", peer_.address}, {"error", nghttp2_strerror(error)}});
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_INTERNAL_ERROR);
  }
  flush_soon();
}

// -- Sending ---------------------------------------------------------------------------------------------------------

// nghttp2 asks when the client's windows have room.
ssize_t Http2Connection::give_body(int32_t id, uint8_t* buffer, size_t capacity, uint32_t& flags) {
  Http2Request* request = find(id);
  if (request == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  if (request->out_at == request->out.size() && !request->out_ends) {
    request->exchange->sent();
    Exchange::Piece piece = request->exchange->take();
    if (piece.then == Exchange::Then::cut) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // resets the stream
    request->out = std::move(piece.bytes);
    request->out_at = 0;
    request->out_ends = piece.then == Exchange::Then::end;
  }
  const size_t count = std::min(capacity, request->out.size() - request->out_at);
  std::copy_n(request->out.data() + request->out_at, count, buffer);
  request->out_at += count;
  request->framed_bytes += count;
  if (request->out_at == request->out.size() && request->out_ends) {
    flags |= NGHTTP2_DATA_FLAG_EOF;
  } else if (count == 0) {
    return NGHTTP2_ERR_DEFERRED;
  }
  return static_cast<ssize_t>(count);
}

// A client that still sends after its answer is whole is told that nobody listens.
void Http2Connection::on_sent(const nghttp2_frame& frame) {
  const bool ends = (frame.hd.type == NGHTTP2_HEADERS || frame.hd.type == NGHTTP2_DATA) &&
                    (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  const Http2Request* request = ends ? find(frame.hd.stream_id) : nullptr;
  if (request == nullptr || request->complete) return;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, frame.hd.stream_id, NGHTTP2_NO_ERROR);
}

void Http2Connection::flush_soon() {
  if (flush_scheduled_ || dropped_) return;
  flush_scheduled_ = true;
  server_->loop.at_turn_end([hold = shared_from_this()] {
    hold->flush_scheduled_ = false;
    hold->flush();
  });
}

void Http2Connection::flush() {
  if (dropped_ || closing_) return;
  Bytes out;
  while (stream_->pending_bytes() + out.size() < unsent_bytes_max) {
    const uint8_t* bytes = nullptr;
    const ssize_t count = nghttp2_session_mem_send(session_, &bytes);
    if (count < 0) return drop();
    if (count == 0) break;
    out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(count));
  }
  if (!out.empty() && !stream_->write_owned(std::move(out))) return drop();
  if (nghttp2_session_want_read(session_) != 0 || nghttp2_session_want_write(session_) != 0) return;
  closing_ = true;
  if (stream_->pending_bytes() == 0) stream_->close();
}

void Http2Connection::on_drained() {
  if (dropped_) return;
  if (closing_) return stream_->close();
  flush();
}

}  // namespace reeve::sys
