// A connection is in one of three states: reading a request, waiting for its answer, closing. It has one timer, whose
// meaning follows the state: idle, head, body; while the handler works there is none, because a slow handler is our
// own fault.
#include "common/sys/http_server.h"

#include <atomic>
#include <unordered_set>

#include "common/base/check.h"
#include "common/base/log.h"

namespace reeve::sys {

namespace {
class Connection;
}  // namespace

struct HttpServer::Impl final : std::enable_shared_from_this<HttpServer::Impl> {
  Impl(Loop& the_loop, HttpServerOptions the_options, Handler the_handler)
      : loop(the_loop), options(std::move(the_options)), handler(std::move(the_handler)) {}

  void on_stream(std::unique_ptr<Stream> stream);
  void end();

  Loop& loop;
  const HttpServerOptions options;
  const Handler handler;
  std::unique_ptr<Listener> listener;
  std::unordered_set<std::shared_ptr<Connection>> connections;
  HttpServerStats stats;
  bool ended = false;
};

namespace {

class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<HttpServer::Impl> server, std::unique_ptr<Stream> stream)
      : server_(std::move(server)),
        stream_(std::move(stream)),
        peer_(stream_->peer()),
        parser_(server_->options.limits) {
    if (server_->options.body_limit) parser_.set_body_limit(server_->options.body_limit);
  }

  void begin() {
    arm(Waiting::idle);
    // The stream is ours and dies first; whoever calls in holds us, because a request may be the last thing we see.
    stream_->start({.on_data =
                        [this](BytesView bytes) {
                          const auto hold = shared_from_this();
                          on_data(bytes);
                        },
                    .on_drained = {},
                    .on_closed =
                        [this](const Status&) {
                          const auto hold = shared_from_this();
                          drop();
                        }});
  }

  // The answer to request number `index`; nothing where that request is not the current one any more.
  void answer(uint64_t index, HttpResponse response) {
    if (dropped_ || !answering_ || index != index_) return;
    answering_ = false;
    send(std::move(response));
    if (closing_) return;
    arm(Waiting::idle);
    if (unread_.empty()) return;
    // Not from here: the answer came from inside a handler, perhaps, and the next request would be nested in it.
    server_->loop.at_turn_end([hold = shared_from_this()] {
      if (hold->dropped_) return;
      const Bytes bytes = std::move(hold->unread_);
      hold->unread_.clear();
      hold->stream_->resume();
      hold->on_data(bytes);
    });
  }

  // Takes itself out of the server; the stream aborts unless it was handed on.
  void drop() {
    if (dropped_) return;
    dropped_ = true;
    server_->loop.cancel(timer_);
    stream_.reset();
    server_->connections.erase(shared_from_this());
  }

 private:
  enum class Waiting { idle, head, body, nothing };

  void on_data(BytesView bytes) {
    while (!bytes.empty() && !dropped_ && !closing_) {
      if (answering_) return keep(bytes);
      bytes.remove_prefix(parser_.feed(bytes));
      switch (parser_.progress()) {
        case HttpProgress::head:
          if (!parser_.is_fresh() && waiting_ != Waiting::head) arm(Waiting::head);
          break;
        case HttpProgress::body:
          if (waiting_ != Waiting::body) begin_body();
          break;
        case HttpProgress::complete:
          on_request(parser_.take(), bytes);
          if (stream_ == nullptr) return;
          break;
        case HttpProgress::failed:
          return refuse(parser_.error().status, parser_.error().detail);
      }
    }
  }

  // What the client sent ahead of our answer. Beyond the limit TCP keeps it.
  void keep(BytesView bytes) {
    unread_.append(bytes);
    if (unread_.size() >= server_->options.pipelined_bytes_max) stream_->pause();
  }

  void begin_body() {
    arm(Waiting::body);
    if (parser_.wants_continue() && !stream_->write("HTTP/1.1 100 Continue\r\n\r\n")) drop();
  }

  void on_request(HttpRequest request, BytesView& behind) {
    arm(Waiting::nothing);
    ++server_->stats.requests_total;
    ++index_;
    head_only_ = request.method == "HEAD";
    keep_alive_ = request.keep_alive && index_ < server_->options.requests_per_connection_max;
    answering_ = true;
    if (request.wants_websocket && server_->options.on_websocket) {
      const Bytes received(behind);
      behind = {};
      return upgrade(std::move(request), received);
    }
    auto state = std::make_shared<Responder::State>(server_->loop, weak_from_this(), index_);
    server_->handler(std::move(request), peer_, Responder(std::move(state)));
  }

  void upgrade(HttpRequest request, const Bytes& received) {
    if (server_->options.websocket_verdict) {
      if (std::optional<HttpResponse> refusal = server_->options.websocket_verdict(request, peer_)) {
        keep_alive_ = false;
        return answer(index_, std::move(*refusal));
      }
    }
    Result<HttpResponse> accepted = make_websocket_answer(request);
    if (!accepted) {
      keep_alive_ = false;
      HttpResponse refusal = make_problem(400, accepted.error().text());
      refusal.headers.push_back({"Sec-WebSocket-Version", "13"});
      return answer(index_, std::move(refusal));
    }
    if (!stream_->write_owned(serialize(*accepted))) return drop();
    auto socket = make_server_websocket(std::move(stream_), received, server_->options.websocket);
    const auto hand_on = server_->options.on_websocket;
    drop();
    hand_on(std::move(request), std::move(socket));
  }

  void refuse(int status, const std::string& detail) {
    ++server_->stats.requests_bad_total;
    log_debug("a request is refused", {{"peer", peer_.address}, {"status", status}, {"detail", detail}});
    keep_alive_ = false;
    head_only_ = false;
    send(make_problem(status, detail));
  }

  void send(HttpResponse response) {
    if (!keep_alive_) response.keep_alive = false;
    const bool close_after = !response.keep_alive;
    // A client that does not read its answers while it sends requests is not served further.
    if (!stream_->write_owned(serialize(response, head_only_))) return drop();
    if (!close_after) return;
    closing_ = true;
    arm(Waiting::nothing);
    stream_->close();
  }

  void arm(Waiting waiting) {
    server_->loop.cancel(timer_);
    waiting_ = waiting;
    if (waiting == Waiting::nothing) return;
    const HttpServerOptions& options = server_->options;
    const Duration timeout = waiting == Waiting::idle   ? options.idle_timeout
                             : waiting == Waiting::head ? options.header_timeout
                                                        : options.body_timeout;
    timer_ = server_->loop.after(
        timeout,
        [this] {
          const auto hold = shared_from_this();
          on_timeout();
        },
        "http timeout");
  }

  void on_timeout() {
    ++server_->stats.timeouts_total;
    if (waiting_ == Waiting::idle) {
      closing_ = true;
      stream_->close();
      return;
    }
    refuse(408, waiting_ == Waiting::head ? "the request's head did not arrive in time"
                                          : "the request's body did not arrive in time");
  }

  const std::shared_ptr<HttpServer::Impl> server_;  // a cycle until drop() takes us out of it; a handler may destroy it
  std::unique_ptr<Stream> stream_;
  const PeerInfo peer_;
  RequestParser parser_;
  Bytes unread_;
  Waiting waiting_ = Waiting::nothing;
  TimerId timer_;
  uint64_t index_ = 0;
  bool answering_ = false;
  bool head_only_ = false;
  bool keep_alive_ = true;
  bool closing_ = false;
  bool dropped_ = false;
};

}  // namespace

// -- Responders ------------------------------------------------------------------------------------------------------

struct Responder::State {
  State(Loop& the_loop, std::weak_ptr<Connection> to, uint64_t request_index)
      : loop(the_loop), connection(std::move(to)), index(request_index) {}

  ~State() {
    if (!answered.exchange(true)) deliver(make_problem(500, "the request was given up"));
  }

  // The connection belongs to the loop thread, and so does its last reference.
  void deliver(HttpResponse response) {
    if (loop.on_loop_thread()) {
      if (const auto alive = connection.lock()) alive->answer(index, std::move(response));
      return;
    }
    loop.post(
        [to = connection, number = index, answer = std::move(response)] {
          if (const auto alive = to.lock()) alive->answer(number, answer);
        },
        "http answer");
  }

  Loop& loop;
  const std::weak_ptr<Connection> connection;
  const uint64_t index;
  std::atomic<bool> answered = false;
};

void Responder::respond(HttpResponse response) const {
  if (!state_->answered.exchange(true)) state_->deliver(std::move(response));
}

// -- The server ------------------------------------------------------------------------------------------------------

void HttpServer::Impl::on_stream(std::unique_ptr<Stream> stream) {
  const auto connection = std::make_shared<Connection>(shared_from_this(), std::move(stream));
  connections.insert(connection);
  connection->begin();
}

void HttpServer::Impl::end() {
  ended = true;
  listener.reset();
  const auto dropped = connections;
  for (const auto& connection : dropped) connection->drop();
}

Result<std::unique_ptr<HttpServer>> HttpServer::open(Loop& loop, HttpServerOptions options, Handler handler) {
  auto impl = std::make_shared<Impl>(loop, std::move(options), std::move(handler));
  std::unique_ptr<HttpServer> server(new HttpServer(impl));
  impl->listener =
      TRY(Listener::open(loop, impl->options.listener,
                         [impl = impl.get()](std::unique_ptr<Stream> stream) { impl->on_stream(std::move(stream)); }));
  return server;
}

HttpServer::HttpServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() {
  impl_->end();
}

uint16_t HttpServer::port() const {
  return impl_->listener->port();
}

HttpServerStats HttpServer::stats() const {
  HttpServerStats stats = impl_->stats;
  stats.listener = impl_->listener->stats();
  return stats;
}

}  // namespace reeve::sys
