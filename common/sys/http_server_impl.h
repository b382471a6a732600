// What a server and its connections know of each other. Inside common/sys only.
#pragma once

#include <memory>
#include <unordered_set>

#include "common/sys/http_server.h"

namespace reeve::sys {

// One connection, whatever version it speaks. Loop thread. It belongs to the server's set until drop().
class HttpConnection {
 public:
  virtual ~HttpConnection() = default;
  virtual void begin() = 0;
  virtual void drop() = 0;     // at once; it takes itself out of the server
  virtual void finish() = 0;   // closes after what is under way; at once where nothing is
  virtual void on_tick() = 0;  // now and then, to notice clients that take nothing
};

struct HttpServer::Impl final : std::enable_shared_from_this<HttpServer::Impl> {
  Impl(Loop& the_loop, HttpServerOptions the_options, Handler the_handler)
      : loop(the_loop), options(std::move(the_options)), handler(std::move(the_handler)) {}

  Status open();
  void on_stream(std::unique_ptr<Stream> stream);
  void tick();
  void end();

  Loop& loop;
  const HttpServerOptions options;
  const Handler handler;
  std::unique_ptr<Listener> listener;
  std::unordered_set<std::shared_ptr<HttpConnection>> connections;
  TimerId ticking;
  HttpServerStats stats;
};

// Ticks in a stall_timeout: a client is cut after this many in a row without progress.
constexpr int stall_ticks = 4;

// Notices a client that is owed bytes and takes none, or nearly none. Asked once a tick.
class StallWatch {
 public:
  explicit StallWatch(uint64_t bytes_min) : bytes_min_(bytes_min) {}

  // `owed`: bytes wait for the client; `taken`: how many it took so far, in all. True when it is to be cut.
  bool stalled(bool owed, uint64_t taken) {
    if (!owed || taken - mark_ >= bytes_min_) {
      mark_ = taken;
      quiet_ = 0;
      return false;
    }
    return ++quiet_ > stall_ticks;
  }

 private:
  const uint64_t bytes_min_;
  uint64_t mark_ = 0;
  int quiet_ = 0;
};

using HttpServerPtr = std::shared_ptr<HttpServer::Impl>;
std::shared_ptr<HttpConnection> make_http1_connection(HttpServerPtr server, std::unique_ptr<Stream> stream);

}  // namespace reeve::sys
