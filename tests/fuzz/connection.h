// A stream whose other end is in our hands, without a network: one half of a socket pair. What a client says is written
// into the other half before the loop looks, so one input costs no more than a few system calls.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>

#include "common/base/check.h"
#include "common/sys/http_server_impl.h"
#include "common/sys/loop.h"
#include "common/sys/stream_impl.h"

namespace reeve::sys {

inline Loop& fuzz_loop() {
  static SystemClock clock;
  static Loop loop(clock);
  return loop;
}

class FuzzPeer {
 public:
  FuzzPeer() {
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_) == 0, "a pair of sockets opens");
    const auto impl = Stream::Impl::open(fuzz_loop(), {}, nullptr);
    check(uv_tcp_open(&impl->tcp, ends_[0]) == 0, "libuv takes a connected socket");
    stream = std::make_unique<Stream>(impl);
  }
  ~FuzzPeer() { close(ends_[1]); }
  FuzzPeer(const FuzzPeer&) = delete;
  FuzzPeer& operator=(const FuzzPeer&) = delete;

  // Says all of it (as much as a socket holds), reads what comes back, and closes.
  void say(BytesView bytes) {
    (void)!write(ends_[1], bytes.data(), bytes.size());  // what does not fit is not said
    shutdown(ends_[1], SHUT_WR);
  }

  // Runs the loop until `done`, taking what the server says.
  template <typename Done>
  void run(Done done, int turns_max = 64) {
    for (int turn = 0; turn < turns_max && !done(); ++turn) {
      uv_run(fuzz_loop().uv(), UV_RUN_NOWAIT);
      char heard[65536];
      while (read(ends_[1], heard, sizeof heard) > 0) {
      }
    }
  }

  std::unique_ptr<Stream> stream;

 private:
  int ends_[2] = {-1, -1};
};

// One connection with a whole server behind it: an echo that streams, decodes and refuses, by path.
inline void serve_fuzzed(BytesView bytes) {
  HttpServerOptions options;
  options.limits = {.header_bytes_max = 4_KiB, .headers_max = 20, .body_bytes_max = 64_KiB};
  options.decode_bodies = true;
  const auto server = std::make_shared<HttpServer::Impl>(
      fuzz_loop(), options, [](const HttpRequest& request, const PeerInfo&, const Responder& responder) {
        if (request.path == "/drop") return;
        HttpResponse response;
        response.headers = {{"Content-Type", "text/plain"}};
        if (request.path == "/stream") {
          const ResponseStream stream = responder.start(response);
          (void)stream.try_write(request.body);
          if (request.query != "cut") stream.end();
          return;
        }
        response.body = request.method + request.target + request.body;
        responder.respond(std::move(response));
      });
  FuzzPeer peer;
  server->on_stream(std::move(peer.stream));
  peer.say(bytes);
  peer.run([&] { return server->connections.empty(); });
  server->end();
  peer.run([] { return false; }, 3);  // what was closed leaves the loop
}

}  // namespace reeve::sys
