// The listener's streams become connections, and the connections live in one set until they drop themselves.
#include "common/sys/http_server.h"

#include <algorithm>
#include <vector>

#include "common/base/check.h"
#include "common/sys/http_server_impl.h"

namespace reeve::sys {

void HttpServer::Impl::on_stream(std::unique_ptr<Stream> stream) {
  if (stream->peer().protocol == "h2") return begin_http2(std::move(stream), {});
  const auto connection = make_http1_connection(shared_from_this(), std::move(stream));
  connections.insert(connection);
  connection->begin();
}

void HttpServer::Impl::begin_http2(std::unique_ptr<Stream> stream, Bytes received) {
  ++stats.connections_http2_total;
  const auto connection = make_http2_connection(shared_from_this(), std::move(stream), std::move(received));
  connections.insert(connection);
  connection->begin();
}

void HttpServer::Impl::tick() {
  const Instant now = loop.clock().now();
  const std::vector<std::shared_ptr<HttpConnection>> all(connections.begin(), connections.end());
  for (const auto& connection : all) connection->on_tick(now);
  if (!connections.empty() || !finished) return;
  loop.cancel(grace_timer);
  const std::function<void()> callback = std::move(finished);
  finished = nullptr;
  callback();
}

void HttpServer::Impl::finish(Duration grace, std::function<void()> callback) {
  check(!finished, "a server finishes once");
  finished = std::move(callback);
  stats.listener = listener->stats();
  listener.reset();
  const std::vector<std::shared_ptr<HttpConnection>> all(connections.begin(), connections.end());
  for (const auto& connection : all) connection->finish();
  grace_timer = loop.after(
      grace,
      [this] {
        const std::vector<std::shared_ptr<HttpConnection>> left(connections.begin(), connections.end());
        for (const auto& connection : left) connection->drop();
      },
      "http grace");
}

void HttpServer::Impl::end() {
  loop.cancel(ticking);
  loop.cancel(grace_timer);
  listener.reset();
  const auto dropped = connections;
  for (const auto& connection : dropped) connection->drop();
}

Status HttpServer::Impl::open() {
  ListenerOptions listening = options.listener;
  listening.connections_per_peer_max = options.connections_per_peer_max;
  listening.protocols =
      options.http2 ? std::vector<std::string>{"h2", "http/1.1"} : std::vector<std::string>{"http/1.1"};
  listener = TRY(Listener::open(loop, std::move(listening),
                                [this](std::unique_ptr<Stream> stream) { on_stream(std::move(stream)); }));
  port = listener->port();
  const Duration shortest = std::min(
      {options.stall_timeout, options.header_timeout, options.body_timeout, options.idle_timeout, Duration(4s)});
  ticking = loop.every(
      std::max<Duration>(shortest / 4, 1ms), [self = shared_from_this()] { self->tick(); }, "http tick");
  return {};
}

Result<std::unique_ptr<HttpServer>> HttpServer::open(Loop& loop, HttpServerOptions options, Handler handler) {
  auto impl = std::make_shared<Impl>(loop, std::move(options), std::move(handler));
  std::unique_ptr<HttpServer> server(new HttpServer(impl));
  TRY(impl->open());
  return server;
}

HttpServer::HttpServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() {
  impl_->end();
}

void HttpServer::finish(Duration grace, std::function<void()> finished) {
  impl_->finish(grace, std::move(finished));
}

uint16_t HttpServer::port() const {
  return impl_->port;
}

HttpServerStats HttpServer::stats() const {
  HttpServerStats stats = impl_->stats;
  if (impl_->listener != nullptr) stats.listener = impl_->listener->stats();
  return stats;
}

}  // namespace reeve::sys
