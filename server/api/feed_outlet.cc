// See feed_outlet.h.
#include "server/api/feed_outlet.h"

#include <string>
#include <utility>

namespace reeve::server {
namespace {

constexpr uint16_t close_policy = 1008;  // RFC 6455 section 7.4.1

class EventStream final : public FeedOutlet {
 public:
  EventStream(sys::ResponseStream stream, std::function<void()> closed)
      : stream_(std::move(stream)), closed_(std::make_shared<std::function<void()>>(std::move(closed))) {
    stream_.on_closed([weak = std::weak_ptr(closed_)] {
      if (const auto call = weak.lock()) (*call)();
    });
  }

  bool send(std::string_view message, std::string_view cursor) override {
    Bytes event;
    if (!cursor.empty()) event.append("id: ").append(cursor).append("\n");
    event.append("data: ").append(message).append("\n\n");
    return stream_.try_write(std::move(event));
  }

  uint64_t unsent_bytes() const override { return stream_.unsent_bytes(); }
  void end(std::string_view) override { stream_.end(); }

 private:
  const sys::ResponseStream stream_;
  const std::shared_ptr<std::function<void()>> closed_;
};

class SocketOutlet final : public FeedOutlet {
 public:
  SocketOutlet(std::unique_ptr<sys::WebSocket> socket, std::function<void()> closed) : socket_(std::move(socket)) {
    // What a client says is not for us; it is read so that its pongs and its close are.
    socket_->start({.on_closed = [call = std::move(closed)](const sys::WebSocketClosed&) { call(); }});
  }

  bool send(std::string_view message, std::string_view) override { return socket_->send_text(message); }
  uint64_t unsent_bytes() const override { return socket_->pending_bytes(); }
  void end(std::string_view reason) override { socket_->close(close_policy, reason); }

 private:
  const std::unique_ptr<sys::WebSocket> socket_;
};

}  // namespace

std::unique_ptr<FeedOutlet> make_event_stream(sys::ResponseStream stream, std::function<void()> closed) {
  return std::make_unique<EventStream>(std::move(stream), std::move(closed));
}

std::unique_ptr<FeedOutlet> make_socket_outlet(std::unique_ptr<sys::WebSocket> socket, std::function<void()> closed) {
  return std::make_unique<SocketOutlet>(std::move(socket), std::move(closed));
}

}  // namespace reeve::server
