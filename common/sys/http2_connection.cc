// Reading: from the stream's bytes through nghttp2 to the handler, and the connection's life.
#include <array>
#include <utility>

#include "common/base/check.h"
#include "common/base/log.h"
#include "common/sys/content_coding.h"
#include "common/sys/http2_impl.h"

namespace reeve::sys {
namespace {

constexpr uint32_t stream_window_bytes = 256_KiB;
constexpr int32_t connection_window_bytes = 1 << 20;
constexpr uint64_t resets_burst = 200;  // CVE-2023-44487
constexpr uint64_t resets_per_second = 20;
constexpr size_t acknowledgements_max = 256;  // owed to a client that does not read them

BytesView view_of(const uint8_t* bytes, size_t count) {
  return {reinterpret_cast<const char*>(bytes), count};
}

}  // namespace

// -- Life ------------------------------------------------------------------------------------------------------------

Http2Connection::Http2Connection(HttpServerPtr server, std::unique_ptr<Stream> stream, Bytes received)
    : server_(std::move(server)),
      stream_(std::move(stream)),
      peer_(stream_->peer()),
      received_(std::move(received)),
      budget_(server_->loop.clock().now()),
      stall_(server_->options),
      opened_(server_->loop.clock().now()),
      idle_since_(opened_) {
  make_session();
}

Http2Connection::~Http2Connection() {
  nghttp2_session_del(session_);
}

void Http2Connection::make_session() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* option = nullptr;
  check(nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0,
        "nghttp2 has memory for a session");
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks,
                                                          [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
                                                            from(self)->on_begin_headers(*frame);
                                                            return 0;
                                                          });
  nghttp2_session_callbacks_set_on_header_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_bytes,
                    const uint8_t* value, size_t value_bytes, uint8_t, void* self) {
        return from(self)->on_header(*frame, view_of(name, name_bytes), view_of(value, value_bytes));
      });
  nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks,
                                                        [](nghttp2_session*, const nghttp2_frame_hd* head, void* self) {
                                                          from(self)->on_begin_frame(*head);
                                                          return 0;
                                                        });
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks,
                                                       [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
                                                         from(self)->on_frame(*frame);
                                                         return 0;
                                                       });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      callbacks, [](nghttp2_session*, uint8_t, int32_t id, const uint8_t* bytes, size_t count, void* self) {
        from(self)->on_piece(id, view_of(bytes, count));
        return 0;
      });
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks,
                                                         [](nghttp2_session*, int32_t id, uint32_t, void* self) {
                                                           from(self)->on_stream_end(id);
                                                           return 0;
                                                         });
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks,
                                                       [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
                                                         from(self)->on_sent(*frame);
                                                         return 0;
                                                       });
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_max_outbound_ack(option, acknowledgements_max);
  nghttp2_option_set_stream_reset_rate_limit(option, resets_burst, resets_per_second);
  nghttp2_option_set_no_closed_streams(option, 1);
  check(nghttp2_session_server_new2(&session_, callbacks, this, option) == 0, "nghttp2 has memory for a session");
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
}

void Http2Connection::begin() {
  const std::array settings = {
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, server_->options.http2_streams_max},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, stream_window_bytes},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
                             static_cast<uint32_t>(server_->options.limits.header_bytes_max)},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
  check(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) == 0,
        "nghttp2 has memory for its settings");
  check(nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, connection_window_bytes) == 0,
        "a window may be a MiB");
  stream_->start({.on_data =
                      [self = weak_from_this()](BytesView bytes) {
                        if (const auto alive = self.lock()) alive->on_data(bytes);
                      },
                  .on_drained =
                      [self = weak_from_this()] {
                        if (const auto alive = self.lock()) alive->on_drained();
                      },
                  .on_closed =
                      [self = weak_from_this()](const Status&) {
                        if (const auto alive = self.lock()) alive->drop();
                      }});
  const Bytes received = std::move(received_);
  on_data(received);
}

// The session is freed with us: we may be inside of one of its callbacks.
void Http2Connection::drop() {
  if (dropped_) return;
  dropped_ = true;
  for (const auto& [id, request] : requests_) {
    if (request->exchange != nullptr) request->exchange->close();
  }
  stream_.reset();
  server_->connections.erase(shared_from_this());
}

void Http2Connection::finish() {
  if (dropped_ || finishing_) return;
  finishing_ = true;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                        NGHTTP2_NO_ERROR, nullptr, 0);
  flush_soon();
}

void Http2Connection::terminate(uint32_t error) {
  nghttp2_session_terminate_session(session_, error);
  flush_soon();
}

void Http2Connection::on_tick(Instant now) {
  if (dropped_) return;
  const HttpServerOptions& options = server_->options;
  if (stall_.stalled(stream_->pending_bytes() > 0, stream_->bytes_sent(), now)) {
    ++server_->stats.stalled_total;
    log_info("a client did not take its answers, and is cut", {{"peer", peer_.address}});
    return drop();
  }
  if (closing_) return;
  const bool greeting_late = !settings_seen_ && now - opened_ > options.header_timeout;
  const bool head_late = block_since_ && now - *block_since_ > options.header_timeout;
  const bool idle = requests_.empty() && now - idle_since_ > options.idle_timeout;
  if (greeting_late || head_late || idle) {
    ++server_->stats.timeouts_total;
    terminate(NGHTTP2_NO_ERROR);
  }
  for (const auto& [id, request] : requests_) {
    const bool waits_for_us = request->body != nullptr && request->body->paused();
    if (!request->dispatched && !request->complete && !waits_for_us && now - request->began > options.body_timeout) {
      ++server_->stats.timeouts_total;
      refuse(id, *request, {408, "the request's body did not arrive in time"});
    }
    const bool owed = request->out_at < request->out.size() ||
                      (request->exchange != nullptr && request->exchange->unsent_bytes() > 0);
    if (!request->stall.stalled(owed, request->framed_bytes, now)) continue;
    ++server_->stats.stalled_total;
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  }
  flush_soon();
}

Http2Request* Http2Connection::find(int32_t id) {
  const auto found = requests_.find(id);
  return dropped_ || found == requests_.end() ? nullptr : found->second.get();
}

// -- Reading ---------------------------------------------------------------------------------------------------------

void Http2Connection::on_data(BytesView bytes) {
  const auto hold = shared_from_this();
  if (dropped_ || closing_) return;
  const auto used = nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (used < 0) {
    log_debug("an HTTP/2 connection is ended",
              {{"peer", peer_.address}, {"error", nghttp2_strerror(static_cast<int>(used))}});
    if (used == NGHTTP2_ERR_FLOODED) ++server_->stats.floods_total;
    return drop();
  }
  dispatch();
  flush();
}

// Also for frames that nghttp2 ignores.
void Http2Connection::on_begin_frame(const nghttp2_frame_hd& head) {
  switch (head.type) {
    case NGHTTP2_HEADERS:
      if (!block_since_) block_since_ = server_->loop.clock().now();
      return;
    case NGHTTP2_DATA:
      if (head.length == 0 && (head.flags & NGHTTP2_FLAG_END_STREAM) == 0) spend();
      return;
    case NGHTTP2_CONTINUATION:
    case NGHTTP2_WINDOW_UPDATE:
      return;
    default:
      spend();
  }
}

void Http2Connection::on_begin_headers(const nghttp2_frame& frame) {
  if (frame.headers.cat != NGHTTP2_HCAT_REQUEST) return;
  auto request = std::make_unique<Http2Request>(*server_);
  request->began = server_->loop.clock().now();
  requests_.emplace(frame.hd.stream_id, std::move(request));
}

int Http2Connection::on_header(const nghttp2_frame& frame, BytesView name, BytesView value) {
  Http2Request* request = find(frame.hd.stream_id);
  if (request == nullptr || request->head_done) return 0;  // a trailer
  return request->fields.add(name, value, server_->options.limits) ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

void Http2Connection::on_frame(const nghttp2_frame& frame) {
  const bool ends_stream = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS:
      block_since_.reset();
      if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) on_head(frame.hd.stream_id);
      if (ends_stream) on_complete(frame.hd.stream_id);
      break;
    case NGHTTP2_DATA:
      if (ends_stream) on_complete(frame.hd.stream_id);
      break;
    case NGHTTP2_SETTINGS:
      settings_seen_ = true;
      break;
    default:
      break;
  }
}

void Http2Connection::spend() {
  if (calm_wanted_ || budget_.spend(server_->loop.clock().now())) return;
  calm_wanted_ = true;
  ++server_->stats.floods_total;
  log_info("an HTTP/2 connection is ended: too many frames that ask for nothing", {{"peer", peer_.address}});
  terminate(NGHTTP2_ENHANCE_YOUR_CALM);
}

void Http2Connection::on_head(int32_t id) {
  Http2Request* request = find(id);
  if (request == nullptr) return;
  request->head_done = true;
  if (++requests_seen_ >= server_->options.requests_per_connection_max) finish();
  const HttpServerOptions& options = server_->options;
  if (auto bad = request->fields.take(request->request, options.limits)) return refuse(id, *request, std::move(*bad));

  request->head_only = request->request.method == "HEAD";
  request->body_bytes_max = options.body_limit ? options.body_limit(request->request) : options.limits.body_bytes_max;
  const std::optional<uint64_t> length = content_length(request->request);
  if (length && *length > request->body_bytes_max) return refuse_body(id, *request, *length);

  const bool is_coded = options.decode_bodies && !request->request.header("content-encoding").empty();
  if (options.body_sink || is_coded) {
    auto resume = [self = weak_from_this(), id] {
      if (const auto alive = self.lock()) alive->resume_body(id);
    };
    auto bad = RequestBody::make(options, server_->loop, request->request, std::move(resume), request->body);
    if (bad) return refuse(id, *request, std::move(*bad));
  }
  if (!request->request.header("expect").empty()) {
    submit_continue(id);
  }
}

void Http2Connection::on_piece(int32_t id, BytesView piece) {
  nghttp2_session_consume_connection(session_, piece.size());
  Http2Request* request = find(id);
  if (request == nullptr || request->dispatched) {  // refused: the rest is of no interest
    nghttp2_session_consume_stream(session_, id, piece.size());
    return;
  }
  request->body_bytes += piece.size();
  if (request->body_bytes > request->body_bytes_max) return refuse_body(id, *request, request->body_bytes);
  take_piece(id, *request, piece);
  if (request->body != nullptr && request->body->paused()) {
    request->unconsumed += piece.size();  // the client's window stays that much smaller
  } else {
    nghttp2_session_consume_stream(session_, id, piece.size());
  }
}

void Http2Connection::on_complete(int32_t id) {
  Http2Request* request = find(id);
  if (request == nullptr) return;
  request->complete = true;
  ready_.push_back(id);
}

void Http2Connection::on_stream_end(int32_t id) {
  const auto found = requests_.find(id);
  if (found == requests_.end()) return;
  Http2Request& request = *found->second;
  if (request.exchange != nullptr) request.exchange->close();
  requests_.erase(found);
  idle_since_ = server_->loop.clock().now();
}

// -- Requests on their way to the handler ----------------------------------------------------------------------------

void Http2Connection::take_piece(int32_t id, Http2Request& request, BytesView piece) {
  if (request.body == nullptr) {
    request.request.body += piece;
  } else if (request.body->paused()) {
    request.kept += piece;
  } else if (auto bad = request.body->put(piece)) {
    return refuse(id, request, std::move(*bad));
  }
  (void)share_out(id, request);  // it refuses by itself
}

// False where the server holds too many bodies, and this request is refused.
bool Http2Connection::share_out(int32_t id, Http2Request& request) {
  const uint64_t held =
      request.request.body.size() + request.kept.size() + (request.body != nullptr ? request.body->held_bytes() : 0);
  if (request.share.grow_to(held)) return true;
  refuse(id, request, {503, bodies_full});
  return false;
}

void Http2Connection::resume_body(int32_t id) {
  Http2Request* request = find(id);
  if (request == nullptr || request->body == nullptr || !request->body->paused()) return;
  auto bad = request->body->put({});
  if (!bad && !request->body->paused() && !request->kept.empty()) {
    const Bytes kept = std::move(request->kept);
    request->kept.clear();
    bad = request->body->put(kept);
  }
  if (bad) {
    refuse(id, *request, std::move(*bad));
  } else if (share_out(id, *request) && !request->body->paused()) {
    request->began = server_->loop.clock().now();
    nghttp2_session_consume_stream(session_, id, std::exchange(request->unconsumed, 0));
    if (request->complete) ready_.push_back(id);
    dispatch();
  }
  flush_soon();
}

// Those whose last byte has come, and that are still wanted.
void Http2Connection::dispatch() {
  const std::vector<int32_t> ready = std::move(ready_);
  ready_.clear();
  for (const int32_t id : ready) {
    Http2Request* request = find(id);
    if (request == nullptr || request->dispatched) continue;
    if (request->body != nullptr) {
      if (request->body->paused()) continue;
      if (auto bad = request->body->finish(request->request)) {
        refuse(id, *request, std::move(*bad));
        continue;
      }
    }
    hand_over(id, *request);
  }
}

void Http2Connection::hand_over(int32_t id, Http2Request& request) {
  request.dispatched = true;
  request.share.release();
  request.body.reset();
  ++server_->stats.requests_total;
  const bool gzip = server_->options.compress_responses && accepts_gzip(request.request.header("accept-encoding"));
  request.exchange = std::make_shared<Exchange>(server_->loop, weak_from_this(), static_cast<uint64_t>(id), gzip);
  server_->handler(std::move(request.request), peer_, make_responder(request.exchange));
}

void Http2Connection::refuse(int32_t id, Http2Request& request, HttpError error) {
  if (request.dispatched) return;
  request.dispatched = true;
  ++server_->stats.requests_bad_total;
  log_debug("a request is refused", {{"peer", peer_.address}, {"status", error.status}, {"detail", error.detail}});
  request.request.body = Bytes();
  request.kept = Bytes();
  request.body.reset();
  request.share.release();
  HttpResponse refusal = make_problem(error.status, error.detail);
  if (error.status == 503) refusal.headers.push_back({"Retry-After", "1"});
  if (error.status == 415) refusal.headers.push_back({"Accept-Encoding", "gzip, deflate, zstd"});
  answer(id, request, std::move(refusal));
}

void Http2Connection::refuse_body(int32_t id, Http2Request& request, uint64_t bytes) {
  refuse(id, request,
         {413, "the body has " + std::to_string(bytes) + " bytes or more; at most " +
                   std::to_string(request.body_bytes_max) + " are allowed here"});
}

std::shared_ptr<HttpConnection> make_http2_connection(HttpServerPtr server, std::unique_ptr<Stream> stream,
                                                      Bytes received) {
  return std::make_shared<Http2Connection>(std::move(server), std::move(stream), std::move(received));
}

}  // namespace reeve::sys
