// One HTTP/1.x connection. It reads a request, waits for its answer, lets the client take it, and reads the next; what
// comes meanwhile is kept. It has one deadline, whose meaning follows what it waits for: idle, head, body; while the
// handler works there is none, because a slow handler is our own fault. The server's tick looks at it, and notices
// clients that do not take their answers.
#include "common/base/check.h"
#include "common/base/log.h"
#include "common/sys/http_exchange.h"
#include "common/sys/http_server_impl.h"
#include "common/sys/request_body.h"

namespace reeve::sys {
namespace {

// While more than this waits for the client, its next request is not read.
constexpr uint64_t unsent_before_next_max = 256_KiB;

class Http1Connection final : public HttpConnection,
                              public AnswerSink,
                              public std::enable_shared_from_this<Http1Connection> {
 public:
  Http1Connection(HttpServerPtr server, std::unique_ptr<Stream> stream)
      : server_(std::move(server)),
        stream_(std::move(stream)),
        peer_(stream_->peer()),
        parser_(server_->options.limits),
        stall_(server_->options),
        share_(*server_) {
    if (server_->options.body_limit) parser_.set_body_limit(server_->options.body_limit);
    if (server_->options.http2) phase_ = Phase::sniffing;
  }

  void begin() override {
    arm(Waiting::idle);
    // Whoever calls in holds us, because a request may be the last thing we see; and a stream that was handed on may
    // still call before its next owner starts it.
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
  }

  // The stream aborts unless it was handed on.
  void drop() override {
    if (dropped_) return;
    dropped_ = true;
    if (exchange_ != nullptr) exchange_->close();
    exchange_.reset();
    close_finished();
    share_.release();
    stream_.reset();
    server_->connections.erase(shared_from_this());
  }

  void finish() override {
    finishing_ = true;
    const bool idle = (phase_ == Phase::reading || phase_ == Phase::sniffing) && waiting_ == Waiting::idle;
    if (idle && unread_.empty()) close_when_sent();
  }

  void on_tick(Instant now) override {
    if (dropped_) return;
    if (waiting_ != Waiting::nothing && now >= deadline_) on_timeout();
    if (dropped_ || !stall_.stalled(stream_->pending_bytes() > 0, stream_->bytes_sent(), now)) return;
    ++server_->stats.stalled_total;
    log_info("a client did not take its answer, and is cut", {{"peer", peer_.address}});
    drop();
  }

  // -- What the handler says

  void on_answer(uint64_t id, HttpResponse response) override {
    if (!is_open(id, Phase::answering)) return;
    const bool close_after = prepare(response);
    if (!stream_->write_owned(serialize(response, head_only_))) return drop();
    end_answer(close_after);
  }

  void on_start(uint64_t id, HttpResponse head) override {
    if (!is_open(id, Phase::answering)) return;
    const bool has_body = head.status != 204 && head.status != 304;
    chunked_ = has_body && minor_version_ > 0;
    if (has_body && !chunked_) head.keep_alive = false;  // the connection's end is the body's
    close_after_body_ = prepare(head);
    if (!stream_->write_owned(serialize_stream_head(head, chunked_))) return drop();
    if (head_only_ || !has_body) return end_answer(close_after_body_);
    phase_ = Phase::streaming;
    on_body(id);
  }

  void on_body(uint64_t id) override {
    if (!is_open(id, Phase::streaming)) return;
    Exchange::Piece piece = exchange_->take();
    if (piece.then == Exchange::Then::cut) {
      log_debug("a response was given up halfway", {{"peer", peer_.address}});
      return drop();
    }
    const bool ends = piece.then == Exchange::Then::end;
    if (chunked_) frame_chunk(piece.bytes, ends);
    // At once: a piece comes only when the one before it is sent, so there is room however large it is.
    if (!piece.bytes.empty() && !stream_->write_owned(std::move(piece.bytes))) return drop();
    if (ends) end_answer(close_after_body_);
  }

  void on_upgrade(uint64_t id, const WebSocketOptions& options, Responder::OnSocket on_socket) override {
    if (!is_open(id, Phase::answering)) return;
    if (!websocket_answer_ || !websocket_answer_->ok()) {
      keep_alive_ = false;
      return on_answer(id, refuse_upgrade(websocket_answer_ ? websocket_answer_->error().text()
                                                            : "the request asks for no WebSocket"));
    }
    if (!stream_->write_owned(serialize(**websocket_answer_))) return drop();
    stream_->pause();  // until its next owner starts it
    auto socket = make_server_websocket(std::move(stream_), std::move(unread_), options);
    drop();
    on_socket(std::move(socket));
  }

 private:
  enum class Waiting { idle, head, body, nothing };
  enum class Phase {
    sniffing,  // the first bytes of a connection, which may be HTTP/2's
    reading,
    holding,    // what takes the body wants no more for now
    answering,  // the handler has the request
    streaming,  // it has begun to answer
    draining,   // the answer is whole, and much of it waits for the client
    closing     // nothing more is read
  };

  bool is_open(uint64_t id, Phase phase) const { return !dropped_ && phase_ == phase && id == index_; }

  // -- Reading

  void on_data(BytesView bytes) {
    if (phase_ == Phase::sniffing) return sniff(bytes);
    while (!bytes.empty() && !dropped_ && phase_ != Phase::closing) {
      // What was kept comes first, even when the next bytes are here before its turn.
      if (phase_ != Phase::reading || !unread_.empty()) return keep(bytes);
      bytes.remove_prefix(parser_.feed(bytes));
      switch (parser_.progress()) {
        case HttpProgress::head:
          if (!parser_.is_fresh() && waiting_ != Waiting::head) arm(Waiting::head);
          break;
        case HttpProgress::body:
          if (waiting_ != Waiting::body) begin_body();
          pass_body_on(bytes);
          break;
        case HttpProgress::complete:
          if (waiting_ != Waiting::body && !open_body()) return;
          pass_body_on(bytes);
          break;
        case HttpProgress::failed:
          return refuse(parser_.error().status, parser_.error().detail);
      }
    }
  }

  // HTTP/2 by prior knowledge begins with a request line that no HTTP/1 client sends.
  void sniff(BytesView bytes) {
    unread_ += bytes;
    const size_t known = std::min(unread_.size(), http2_preface.size());
    if (BytesView(unread_).substr(0, known) == http2_preface.substr(0, known)) {
      if (waiting_ != Waiting::head) arm(Waiting::head);
      if (known < http2_preface.size()) return;
      const HttpServerPtr server = server_;
      std::unique_ptr<Stream> stream = std::move(stream_);
      const Bytes received = std::move(unread_);
      drop();
      return server->begin_http2(std::move(stream), received);
    }
    phase_ = Phase::reading;
    const Bytes received = std::move(unread_);
    unread_.clear();
    on_data(received);
  }

  // What the client sent ahead of our answer. Beyond the limit TCP keeps it.
  void keep(BytesView bytes) {
    unread_.append(bytes);
    if (unread_.size() >= server_->options.pipelined_bytes_max) stream_->pause();
  }

  void begin_body() {
    arm(Waiting::body);
    if (!open_body()) return;
    if (parser_.wants_continue() && !stream_->write("HTTP/1.1 100 Continue\r\n\r\n")) drop();
  }

  // False where the request is refused by its head.
  bool open_body() {
    const bool is_coded = server_->options.decode_bodies && !parser_.head().header("Content-Encoding").empty();
    if (!server_->options.body_sink && !is_coded) return true;
    auto resume = [self = weak_from_this(), number = index_] {
      if (const auto alive = self.lock()) alive->resume_body(number);
    };
    const auto bad = RequestBody::make(server_->options, server_->loop, parser_.head(), std::move(resume), body_);
    if (bad) refuse(bad->status, bad->detail);
    return !bad;
  }

  void pass_body_on(BytesView& behind) {
    if (dropped_ || phase_ == Phase::closing) return;
    if (body_ != nullptr) {
      if (const auto bad = body_->put(parser_.take_body())) return refuse(bad->status, bad->detail);
    }
    if (!share_.grow_to(held_bytes())) return refuse(503, bodies_full);
    if (body_ != nullptr) {
      if (body_->paused()) {
        arm(Waiting::nothing);  // it waits for us, not for the client
        phase_ = Phase::holding;
        return;
      }
    }
    if (parser_.progress() == HttpProgress::complete) end_body(behind);
  }

  void resume_body(uint64_t number) {
    if (dropped_ || phase_ != Phase::holding || number != index_) return;
    if (const auto bad = body_->put({})) return refuse(bad->status, bad->detail);
    if (!share_.grow_to(held_bytes())) return refuse(503, bodies_full);
    if (body_->paused()) return;
    phase_ = Phase::reading;
    if (parser_.progress() != HttpProgress::complete) {
      arm(Waiting::body);
      return read_kept();
    }
    const Bytes kept = std::move(unread_);
    unread_.clear();
    BytesView behind = kept;
    end_body(behind);
    if (dropped_ || phase_ == Phase::closing || behind.empty()) return;
    unread_.insert(0, behind);
    if (phase_ == Phase::reading) read_kept();
  }

  uint64_t held_bytes() const { return body_ != nullptr ? body_->held_bytes() : parser_.body_bytes(); }

  void end_body(BytesView& behind) {
    share_.release();
    HttpRequest request = parser_.take();
    if (body_ != nullptr) {
      if (const auto bad = body_->finish(request)) return refuse(bad->status, bad->detail);
      body_.reset();
    }
    on_request(std::move(request), behind);
  }

  void on_request(HttpRequest request, BytesView& behind) {
    arm(Waiting::nothing);
    ++server_->stats.requests_total;
    ++index_;
    phase_ = Phase::answering;
    head_only_ = request.method == "HEAD";
    minor_version_ = request.version_minor;
    keep_alive_ = request.keep_alive && index_ < server_->options.requests_per_connection_max;
    const bool gzip = server_->options.compress_responses && accepts_gzip(request.header("Accept-Encoding"));
    exchange_ = std::make_shared<Exchange>(server_->loop, weak_from_this(), index_, gzip);
    websocket_answer_.reset();
    if (request.wants_websocket) {
      websocket_answer_ = make_websocket_answer(request);
      unread_ = behind;
      behind = {};
      if (server_->options.on_websocket) return upgrade_by_options(std::move(request));
    }
    server_->handler(std::move(request), peer_, make_responder(exchange_));
  }

  void upgrade_by_options(HttpRequest request) {
    if (server_->options.websocket_verdict) {
      if (std::optional<HttpResponse> refusal = server_->options.websocket_verdict(request, peer_)) {
        keep_alive_ = false;
        return on_answer(index_, std::move(*refusal));
      }
    }
    on_upgrade(index_, server_->options.websocket,
               [hand_on = server_->options.on_websocket, asked = std::move(request)](
                   std::unique_ptr<WebSocket> socket) mutable { hand_on(std::move(asked), std::move(socket)); });
  }

  static HttpResponse refuse_upgrade(const std::string& detail) {
    HttpResponse refusal = make_problem(400, detail);
    refusal.headers.push_back({"Sec-WebSocket-Version", "13"});
    return refusal;
  }

  void refuse(int status, const std::string& detail) {
    ++server_->stats.requests_bad_total;
    log_debug("a request is refused", {{"peer", peer_.address}, {"status", status}, {"detail", detail}});
    HttpResponse refusal = make_problem(status, detail);
    if (status == 503) refusal.headers.push_back({"Retry-After", "1"});
    if (status == 415) refusal.headers.push_back({"Accept-Encoding", "gzip, deflate, zstd"});
    refusal.keep_alive = false;
    if (!stream_->write_owned(serialize(refusal))) return drop();
    close_when_sent();
  }

  // -- Answering

  // True where the connection closes after this answer; the answer then says so.
  bool prepare(HttpResponse& response) const {
    if (!keep_alive_ || finishing_) response.keep_alive = false;
    return !response.keep_alive;
  }

  static void frame_chunk(Bytes& piece, bool last) {
    static constexpr std::string_view digits = "0123456789abcdef";
    if (!piece.empty()) {
      std::string size;
      for (size_t left = piece.size(); left > 0; left /= 16) size.insert(size.begin(), digits[left % 16]);
      piece.insert(0, size + "\r\n");
      piece += "\r\n";
    }
    if (last) piece += "0\r\n\r\n";
  }

  void end_answer(bool close_after) {
    finished_.push_back(std::move(exchange_));
    exchange_.reset();
    if (head_only_ || phase_ == Phase::answering) close_finished();
    if (close_after) return close_when_sent();
    if (stream_->pending_bytes() > unsent_before_next_max) {
      phase_ = Phase::draining;
      return;
    }
    read_next();
  }

  void close_finished() {
    for (const auto& finished : finished_) finished->close();
    finished_.clear();
  }

  void read_next() {
    phase_ = Phase::reading;
    if (finishing_ && unread_.empty()) return close_when_sent();
    arm(Waiting::idle);
    if (unread_.empty()) return;
    read_kept();
  }

  // Not from here: the answer came from inside a handler, perhaps, and the next request would be nested in it.
  void read_kept() {
    server_->loop.at_turn_end([hold = shared_from_this()] {
      if (hold->dropped_ || hold->phase_ != Phase::reading) return;
      const Bytes bytes = std::move(hold->unread_);
      hold->unread_.clear();
      hold->stream_->resume();
      hold->on_data(bytes);
    });
  }

  void on_drained() {
    if (dropped_) return;
    if (phase_ == Phase::streaming) {
      exchange_->sent();
      return on_body(index_);
    }
    close_finished();
    if (phase_ == Phase::draining) return read_next();
    if (phase_ == Phase::closing) stream_->close();
  }

  // What is written is sent first, however long the client takes for it, as long as it takes some.
  void close_when_sent() {
    phase_ = Phase::closing;
    arm(Waiting::nothing);
    if (stream_->pending_bytes() == 0) stream_->close();
  }

  // Deadlines are looked at by the server's tick: a timer for each request would cost more than the request.
  void arm(Waiting waiting) {
    waiting_ = waiting;
    if (waiting == Waiting::nothing) return;
    const HttpServerOptions& options = server_->options;
    deadline_ = server_->loop.clock().now() + (waiting == Waiting::idle   ? options.idle_timeout
                                               : waiting == Waiting::head ? options.header_timeout
                                                                          : options.body_timeout);
  }

  void on_timeout() {
    ++server_->stats.timeouts_total;
    if (waiting_ == Waiting::idle) return close_when_sent();
    refuse(408, waiting_ == Waiting::head ? "the request's head did not arrive in time"
                                          : "the request's body did not arrive in time");
  }

  const HttpServerPtr server_;  // a cycle until drop() takes us out of it; a handler may destroy it
  std::unique_ptr<Stream> stream_;
  const PeerInfo peer_;
  RequestParser parser_;
  StallWatch stall_;
  Bytes unread_;
  Phase phase_ = Phase::reading;
  BodyShare share_;
  std::unique_ptr<RequestBody> body_;  // none where it is gathered as it is
  Waiting waiting_ = Waiting::nothing;
  Instant deadline_;  // unless it waits for nothing

  uint64_t index_ = 0;  // of the current request
  std::shared_ptr<Exchange> exchange_;
  std::vector<std::shared_ptr<Exchange>> finished_;  // their last bytes are not yet with the kernel
  std::optional<Result<HttpResponse>> websocket_answer_;
  int minor_version_ = 1;
  bool head_only_ = false;
  bool keep_alive_ = true;
  bool chunked_ = false;
  bool close_after_body_ = false;
  bool finishing_ = false;
  bool dropped_ = false;
};

}  // namespace

std::shared_ptr<HttpConnection> make_http1_connection(HttpServerPtr server, std::unique_ptr<Stream> stream) {
  return std::make_shared<Http1Connection>(std::move(server), std::move(stream));
}

}  // namespace reeve::sys
