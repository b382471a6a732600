// The listener's streams become connections, and the connections live in one set until they drop themselves.
#include "common/sys/http_server.h"

#include <algorithm>
#include <vector>

#include "common/sys/http_server_impl.h"

namespace reeve::sys {

void HttpServer::Impl::on_stream(std::unique_ptr<Stream> stream) {
  const auto connection = make_http1_connection(shared_from_this(), std::move(stream));
  connections.insert(connection);
  connection->begin();
}

void HttpServer::Impl::tick() {
  const std::vector<std::shared_ptr<HttpConnection>> now(connections.begin(), connections.end());
  for (const auto& connection : now) connection->on_tick();
}

void HttpServer::Impl::end() {
  loop.cancel(ticking);
  listener.reset();
  const auto dropped = connections;
  for (const auto& connection : dropped) connection->drop();
}

Status HttpServer::Impl::open() {
  listener = TRY(
      Listener::open(loop, options.listener, [this](std::unique_ptr<Stream> stream) { on_stream(std::move(stream)); }));
  const Duration period = std::max<Duration>(options.stall_timeout / stall_ticks, 1ms);
  ticking = loop.every(
      period, [this] { tick(); }, "http tick");
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

uint16_t HttpServer::port() const {
  return impl_->listener->port();
}

HttpServerStats HttpServer::stats() const {
  HttpServerStats stats = impl_->stats;
  stats.listener = impl_->listener->stats();
  return stats;
}

}  // namespace reeve::sys
