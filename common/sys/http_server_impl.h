// What a server and its connections know of each other. Inside common/sys only.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <unordered_set>

#include "common/sys/http_server.h"

namespace reeve::sys {

// One connection, whatever version it speaks. Loop thread. It belongs to the server's set until drop().
class HttpConnection {
 public:
  virtual ~HttpConnection() = default;
  virtual void begin() = 0;
  virtual void drop() = 0;                // at once; it takes itself out of the server
  virtual void finish() = 0;              // closes after what is under way; at once where nothing is
  virtual void on_tick(Instant now) = 0;  // now and then, to notice clients that take nothing
};

struct HttpServer::Impl final : std::enable_shared_from_this<HttpServer::Impl> {
  Impl(Loop& the_loop, HttpServerOptions the_options, Handler the_handler)
      : loop(the_loop), options(std::move(the_options)), handler(std::move(the_handler)) {}

  Status open();
  void on_stream(std::unique_ptr<Stream> stream);
  void begin_http2(std::unique_ptr<Stream> stream, Bytes received);
  void tick();
  void finish(Duration grace, std::function<void()> callback);
  void end();

  Loop& loop;
  const HttpServerOptions options;
  const Handler handler;
  std::unique_ptr<Listener> listener;
  std::unordered_set<std::shared_ptr<HttpConnection>> connections;
  TimerId ticking;
  TimerId grace_timer;
  std::function<void()> finished;
  uint16_t port = 0;
  HttpServerStats stats;
  uint64_t bodies_bytes = 0;  // gathered and not yet with the handler
};

// What one body holds of the server's memory.
class BodyShare {
 public:
  explicit BodyShare(HttpServer::Impl& server) : server_(server) {}
  ~BodyShare() { release(); }
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;

  // False where the server holds too much of others.
  [[nodiscard]] bool grow_to(uint64_t bytes) {
    if (bytes <= bytes_) return true;
    if (server_.bodies_bytes + (bytes - bytes_) > server_.options.bodies_bytes_max) return false;
    server_.bodies_bytes += bytes - bytes_;
    bytes_ = bytes;
    return true;
  }
  void release() {
    server_.bodies_bytes -= bytes_;
    bytes_ = 0;
  }

 private:
  HttpServer::Impl& server_;
  uint64_t bytes_ = 0;
};
constexpr const char* bodies_full = "the server holds too many bodies at once; try again";

// Notices a client that is owed bytes and takes none, or nearly none.
class StallWatch {
 public:
  explicit StallWatch(const HttpServerOptions& options)
      : timeout_(options.stall_timeout), bytes_min_(options.stall_bytes_min) {}

  // `owed`: bytes wait for the client; `taken`: how many it took so far, in all. True when it is to be cut.
  bool stalled(bool owed, uint64_t taken, Instant now) {
    if (!owed || taken - mark_ >= bytes_min_) {
      mark_ = taken;
      since_.reset();
      return false;
    }
    if (!since_) since_ = now;
    return now - *since_ >= timeout_;
  }

 private:
  const Duration timeout_;
  const uint64_t bytes_min_;
  uint64_t mark_ = 0;
  std::optional<Instant> since_;
};

// RFC 9113 section 3.4: what a client says first.
constexpr std::string_view http2_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

using HttpServerPtr = std::shared_ptr<HttpServer::Impl>;
std::shared_ptr<HttpConnection> make_http1_connection(HttpServerPtr server, std::unique_ptr<Stream> stream);
// `received` begins with the preface, or is empty where it is still to come.
std::shared_ptr<HttpConnection> make_http2_connection(HttpServerPtr server, std::unique_ptr<Stream> stream,
                                                      Bytes received);

}  // namespace reeve::sys
