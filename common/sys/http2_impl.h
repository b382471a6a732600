// An HTTP/2 connection's state, shared by the files that read requests and write answers. Inside common/sys only.
//
// nghttp2 keeps the protocol: frames, HPACK, flow control, the order of things. We lend it the stream's bytes and take
// what it wants to send, as long as the client takes it.
//
// Requests are handed to the handler only after everything that arrived together has been read: one that was reset in
// the same breath costs nothing. What a client can make us do for free (resets, pings, settings, empty frames) runs
// against a budget that refills slowly; beyond it the connection ends with ENHANCE_YOUR_CALM and is counted.
#pragma once

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "common/sys/http2_fields.h"
#include "common/sys/http_exchange.h"
#include "common/sys/http_server_impl.h"
#include "common/sys/request_body.h"

namespace reeve::sys {

// A bucket of what a client may do for free.
class FrameBudget {
 public:
  explicit FrameBudget(Instant now) : filled_(now) {}

  bool spend(Instant now) {
    const auto seconds = std::chrono::duration<double>(now - filled_).count();
    filled_ = now;
    left_ = std::min(burst, left_ + seconds * per_second);
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

 private:
  static constexpr double burst = 500;
  static constexpr double per_second = 50;
  double left_ = burst;
  Instant filled_;
};

// One request and its answer: one of HTTP/2's streams.
struct Http2Request {
  explicit Http2Request(HttpServer::Impl& server) : share(server), stall(server.options) {}

  RequestFields fields;
  HttpRequest request;
  std::unique_ptr<RequestBody> body;  // none where it is gathered as it is
  uint64_t body_bytes_max = 0;
  uint64_t body_bytes = 0;
  BodyShare share;
  Bytes kept;             // came while the body was paused
  size_t unconsumed = 0;  // of the stream's window, meanwhile
  bool head_done = false;
  bool complete = false;    // its last byte was read
  bool dispatched = false;  // the handler has it, or it has been refused
  Instant began;

  std::shared_ptr<Exchange> exchange;
  bool head_only = false;
  bool streaming = false;
  Bytes out;  // of the answer, and how much of it is framed
  size_t out_at = 0;
  bool out_ends = false;  // nothing comes behind it
  uint64_t framed_bytes = 0;
  StallWatch stall;
};

class Http2Connection final : public HttpConnection,
                              public AnswerSink,
                              public std::enable_shared_from_this<Http2Connection> {
 public:
  Http2Connection(HttpServerPtr server, std::unique_ptr<Stream> stream, Bytes received);
  ~Http2Connection() override;
  Http2Connection(const Http2Connection&) = delete;
  Http2Connection& operator=(const Http2Connection&) = delete;

  void begin() override;
  void drop() override;
  void finish() override;
  void on_tick(Instant now) override;

  void on_answer(uint64_t id, HttpResponse response) override;
  void on_start(uint64_t id, HttpResponse head) override;
  void on_body(uint64_t id) override;
  void on_upgrade(uint64_t id, const WebSocketOptions& options, Responder::OnSocket on_socket) override;

 private:
  static Http2Connection* from(void* self) { return static_cast<Http2Connection*>(self); }
  void make_session();
  Http2Request* find(int32_t id);

  // Reading: what the stream gives, then what nghttp2 found in it.
  void on_data(BytesView bytes);
  void on_begin_frame(const nghttp2_frame_hd& head);
  void on_begin_headers(const nghttp2_frame& frame);
  int on_header(const nghttp2_frame& frame, BytesView name, BytesView value);
  void on_frame(const nghttp2_frame& frame);
  void on_head(int32_t id);
  void on_piece(int32_t id, BytesView piece);
  void on_complete(int32_t id);
  void on_stream_end(int32_t id);
  void spend();

  // Requests on their way to the handler.
  void take_piece(int32_t id, Http2Request& request, BytesView piece);
  bool share_out(int32_t id, Http2Request& request);
  void resume_body(int32_t id);
  void dispatch();
  void hand_over(int32_t id, Http2Request& request);
  void refuse(int32_t id, Http2Request& request, HttpError error);
  void refuse_body(int32_t id, Http2Request& request, uint64_t bytes);

  // Answering and sending.
  void answer(int32_t id, Http2Request& request, HttpResponse response);
  void submit_continue(int32_t id);
  void submit(int32_t id, const HttpResponse& head, bool has_body, std::optional<uint64_t> length);
  ssize_t give_body(int32_t id, uint8_t* buffer, size_t capacity, uint32_t& flags);
  void on_sent(const nghttp2_frame& frame);
  void flush();
  void flush_soon();
  void on_drained();
  void terminate(uint32_t error);

  const HttpServerPtr server_;  // a cycle until drop() takes us out of it
  std::unique_ptr<Stream> stream_;
  const PeerInfo peer_;
  Bytes received_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<int32_t, std::unique_ptr<Http2Request>> requests_;
  std::vector<int32_t> ready_;  // complete, and not yet handed over
  uint64_t requests_seen_ = 0;
  FrameBudget budget_;
  StallWatch stall_;
  Instant opened_;
  Instant idle_since_;
  std::optional<Instant> block_since_;  // a head has begun, and its end has not come
  bool settings_seen_ = false;
  bool calm_wanted_ = false;
  bool finishing_ = false;
  bool flush_scheduled_ = false;
  bool closing_ = false;
  bool dropped_ = false;
};

}  // namespace reeve::sys
