// The server that the HTTP benchmarks measure: ours, and beside it a bare loop on the same Stream that answers fixed
// bytes to each read, which is what our server's own work is counted against.
//
//     cmake --preset release -DREEVE_TESTS=ON && cmake --build build/release --target http_bench
//     build/release/bin/http_bench http|bare plain|tls [PORT]
//
// Prints "port N" and serves until it is told to stop; http_bench.py and slow_clients.py drive it. Every answer is
// the same 200 with 12 bytes; GET /large is 1 MiB, GET /stream 1 MiB in pieces; POST takes at most 64 KiB.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <unordered_set>

#include "common/sys/crypto.h"
#include "common/sys/http_server.h"
#include "common/sys/tls.h"

namespace reeve::sys {
namespace {

const Bytes large(1_MiB, 'x');

std::shared_ptr<TlsContext> make_tls() {
  SystemClock clock;
  const KeyAndCertificate ca =
      make_ca({.organization = "bench", .now = clock.wall(), .validity = std::chrono::hours(24)}).value();
  const KeyAndCertificate own =
      make_server_certificate(
          ca, {.names = {"localhost", "127.0.0.1"}, .now = clock.wall(), .validity = std::chrono::hours(24)})
          .value();
  return TlsContext::make_server({.certificate_chain_pem = append_chain(own.certificate_pem, ca.certificate_pem),
                                  .key_pem = own.key_pem,
                                  .client_ca_pem = {}})
      .value();
}

// Ten lines: whatever comes, the same bytes go back.
struct BareServer {
  void take(std::unique_ptr<Stream> stream) {
    Stream* raw = stream.get();
    streams.insert(std::move(stream));
    raw->start({.on_data = [raw](BytesView) { (void)raw->write(answer); },
                .on_drained = {},
                .on_closed =
                    [this, raw](const Status&) {
                      std::erase_if(streams, [raw](const auto& one) { return one.get() == raw; });
                    }});
  }

  static constexpr std::string_view answer =
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nhello world\n";
  std::unordered_set<std::unique_ptr<Stream>> streams;
};

void answer(const HttpRequest& request, const Responder& responder) {
  HttpResponse response;
  response.headers = {{"Content-Type", "text/plain"}};
  if (request.path == "/stream") {
    const ResponseStream stream = responder.start(response);
    for (size_t at = 0; at < large.size(); at += 64_KiB) (void)stream.try_write(large.substr(at, 64_KiB));
    return stream.end();
  }
  response.body = request.path == "/large" ? large : "hello world\n";
  responder.respond(std::move(response));
}

int serve(const std::string& what, bool with_tls, uint16_t port) {
  SystemClock clock;
  Loop loop(clock);
  HttpServerOptions options;
  options.listener.port = port;
  options.listener.connections_max = 20'000;
  if (with_tls) options.listener.tls = make_tls();
  options.limits.body_bytes_max = 64_KiB;

  BareServer bare;
  std::unique_ptr<Listener> listener;
  std::unique_ptr<HttpServer> http;
  if (what == "bare") {
    listener = Listener::open(loop, options.listener, [&bare](std::unique_ptr<Stream> stream) {
                 bare.take(std::move(stream));
               }).value();
    port = listener->port();
  } else {
    http = HttpServer::open(loop, options, [](const HttpRequest& request, const PeerInfo&, const Responder& responder) {
             answer(request, responder);
           }).value();
    port = http->port();
  }
  std::printf("port %u\n", port);
  std::fflush(stdout);
  loop.on_signal(SIGTERM, [&loop] { loop.stop(); });
  loop.run();
  if (http != nullptr) {
    const HttpServerStats stats = http->stats();
    std::printf(
        "requests %llu timeouts %llu stalled %llu slow turns %llu longest turn %.1f ms\n",
        static_cast<unsigned long long>(stats.requests_total), static_cast<unsigned long long>(stats.timeouts_total),
        static_cast<unsigned long long>(stats.stalled_total), static_cast<unsigned long long>(loop.stats().turns_slow),
        std::chrono::duration<double, std::milli>(loop.stats().turn_longest).count());
  }
  bare.streams.clear();
  return 0;
}

}  // namespace
}  // namespace reeve::sys

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const std::string how = argc > 2 ? argv[2] : "";
  if ((what != "http" && what != "bare") || (how != "plain" && how != "tls")) {
    std::fprintf(stderr, "usage: http_bench http|bare plain|tls [PORT]\n");
    return 2;
  }
  return reeve::sys::serve(what, how == "tls", static_cast<uint16_t>(argc > 3 ? std::atoi(argv[3]) : 0));
}
