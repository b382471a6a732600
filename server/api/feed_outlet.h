// The client's end of a feed: an event stream or a WebSocket behind one face. Loop thread.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "common/sys/http_server.h"

namespace reeve::server {

class FeedOutlet {
 public:
  virtual ~FeedOutlet() = default;
  // One message, a JSON text in one line. `cursor`, where there is one, is what to come back with after it. False where
  // the client is gone or so much waits for it that it must be given up.
  virtual bool send(std::string_view message, std::string_view cursor) = 0;
  virtual uint64_t unsent_bytes() const = 0;
  virtual void end(std::string_view reason) = 0;
};

// `closed` is called once on the loop's thread when the client is gone or everything is sent after end(), and never
// once the outlet is destroyed.
std::unique_ptr<FeedOutlet> make_event_stream(sys::ResponseStream stream, std::function<void()> closed);
std::unique_ptr<FeedOutlet> make_socket_outlet(std::unique_ptr<sys::WebSocket> socket, std::function<void()> closed);

}  // namespace reeve::server
