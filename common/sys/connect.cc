// Calls out: resolves the name off the loop, tries its addresses one after the other, goes through the proxy where
// there is one, shakes hands. One deadline covers it all; what is left of it is shared among the addresses still to
// try.
#include <deque>

#include "common/base/check.h"
#include "common/sys/address.h"
#include "common/sys/http1.h"
#include "common/sys/stream.h"
#include "common/sys/stream_impl.h"

namespace reeve::sys {
namespace {

constexpr size_t addresses_max = 8;
constexpr HttpLimits proxy_limits = {.header_bytes_max = 8_KiB, .headers_max = 50, .body_bytes_max = 0};

}  // namespace

struct Connecting::Impl final : std::enable_shared_from_this<Connecting::Impl> {
  Impl(Loop& the_loop, ConnectOptions the_options, OnConnect callback)
      : loop(the_loop), options(std::move(the_options)), on_connect(std::move(callback)) {
    through_proxy = options.proxy.has_value();
    dial_host = through_proxy ? options.proxy->host : options.host;
    dial_port = through_proxy ? options.proxy->port : options.port;
    where = "connect to " + dial_host + " port " + std::to_string(dial_port);
  }

  void begin() {
    // Held by the deadline until the end, and nothing runs before the caller has what connect() returns.
    started = loop.clock().now();
    deadline = loop.after(
        options.timeout,
        [hold = shared_from_this()] {
          hold->finish(
              Error(Code::unavailable, hold->where + ": no answer within " + format_duration(hold->options.timeout)));
        },
        "connect timeout");
    loop.at_turn_end([hold = shared_from_this()] { hold->resolve(); });
  }

  void resolve() {
    if (done) return;
    if (options.tls != nullptr && options.tls->is_server()) {
      return finish(Error(Code::invalid, where + ": needs a client's TLS context, and was given a server's"));
    }
    if (const auto address = parse_address(dial_host, dial_port)) {
      addresses.push_back(*address);
      return try_next();
    }

    struct Request {
      uv_getaddrinfo_t uv{};
      std::shared_ptr<Impl> owner;
    };
    auto* request = new Request;  // freed in its callback
    request->owner = shared_from_this();
    request->uv.data = request;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    const int error = uv_getaddrinfo(
        loop.uv(), &request->uv,
        [](uv_getaddrinfo_t* uv, int status, addrinfo* found) {
          std::unique_ptr<Request> ended(static_cast<Request*>(uv->data));
          ended->owner->on_resolved(status, found);
          uv_freeaddrinfo(found);
        },
        dial_host.c_str(), std::to_string(dial_port).c_str(), &hints);
    if (error != 0) {
      delete request;
      finish(uv_error(error, "resolve " + printable(dial_host)));
    }
  }

  void on_resolved(int status, const addrinfo* found) {
    if (done) return;
    if (status != 0) return finish(uv_error(status, "resolve " + printable(dial_host)));
    for (; found != nullptr && addresses.size() < addresses_max; found = found->ai_next) {
      if (found->ai_addrlen > sizeof(sockaddr_storage)) continue;
      sockaddr_storage address{};
      std::memcpy(&address, found->ai_addr, found->ai_addrlen);
      addresses.push_back(address);
    }
    last_error = Error(Code::unavailable, where + ": the name has no addresses");
    try_next();
  }

  void try_next() {
    if (done) return;
    drop_attempt();
    if (addresses.empty()) return finish(last_error);
    const sockaddr_storage address = addresses.front();
    addresses.pop_front();
    dialed = to_string(address);
    last_error = Error(Code::unavailable, where + ": no answer from " + dialed);

    attempt = Stream::Impl::open(loop, options.stream, nullptr);
    if (!addresses.empty()) {
      const Duration left = options.timeout - (loop.clock().now() - started);
      attempt_deadline = loop.after(
          left / static_cast<int64_t>(addresses.size() + 1), [hold = shared_from_this()] { hold->try_next(); },
          "connect timeout");
    }

    struct Request {
      uv_connect_t uv{};
      std::shared_ptr<Impl> owner;
      Stream::Impl* attempt;
    };
    auto* request = new Request;  // freed in its callback, which libuv calls even for a handle that is closed
    request->owner = shared_from_this();
    request->attempt = attempt.get();
    request->uv.data = request;
    const int error = uv_tcp_connect(&request->uv, &attempt->tcp, reinterpret_cast<const sockaddr*>(&address),
                                     [](uv_connect_t* uv, int status) {
                                       const std::unique_ptr<Request> ended(static_cast<Request*>(uv->data));
                                       if (ended->owner->attempt.get() == ended->attempt) ended->owner->on_tcp(status);
                                     });
    if (error != 0) {
      delete request;
      last_error = uv_error(error, where);
      try_next();
    }
  }

  void on_tcp(int status) {
    if (done) return;
    Loop::Stage stage(loop, "connected");
    if (status != 0) {
      last_error = uv_error(status, where + " (" + dialed + ")");
      return try_next();
    }
    loop.cancel(attempt_deadline);
    attempt->on_connected();
    if (through_proxy) return ask_proxy();
    begin_tls({});
  }

  // The proxy's answer is the only plain text on such a connection; what follows it belongs to the far end.
  void ask_proxy() {
    HttpRequest request;
    request.method = "CONNECT";
    const bool is_v6 = options.host.find(':') != std::string::npos;
    request.target = (is_v6 ? "[" + options.host + "]" : options.host) + ":" + std::to_string(options.port);
    request.headers.push_back({"Host", request.target});
    if (!options.proxy->authorization.empty()) {
      request.headers.push_back({"Proxy-Authorization", options.proxy->authorization});
    }
    proxy_answer.emplace(proxy_limits, ResponseParser::Answers::connect);
    attempt->start({.on_data = [hold = shared_from_this()](BytesView bytes) { hold->on_proxy_data(bytes); },
                    .on_drained = {},
                    .on_closed =
                        [hold = shared_from_this()](const Status&) {
                          hold->finish(Error(Code::unavailable, hold->where + ": the proxy closed the connection"));
                        }});
    attempt->append(serialize(request));
  }

  void on_proxy_data(BytesView bytes) {
    if (done || !proxy_answer) return;
    const size_t used = proxy_answer->feed(bytes);
    if (proxy_answer->progress() == HttpProgress::failed) {
      return finish(Error(Code::unavailable, where + ": the proxy's answer: " + proxy_answer->error().detail));
    }
    if (proxy_answer->progress() != HttpProgress::complete) return;
    const HttpResponse answer = proxy_answer->take();
    proxy_answer.reset();
    if (answer.status / 100 != 2) {
      return finish(Error(answer.status == 407 ? Code::denied : Code::unavailable,
                          where + ": the proxy refused with status " + std::to_string(answer.status)));
    }
    begin_tls(bytes.substr(used));
  }

  void begin_tls(BytesView received) {
    if (options.tls == nullptr) {
      if (received.empty()) return finish_connected();
      return finish(Error(Code::unavailable, where + ": bytes behind the proxy's answer"));
    }
    const std::string& name = options.server_name.empty() ? options.host : options.server_name;
    attempt->begin_tls(
        *options.tls,
        {.server_name = name, .protocols = options.protocols, .timeout = options.timeout, .received = received},
        [hold = shared_from_this()](const Status& outcome) {
          if (outcome) return hold->finish_connected();
          // It closes by itself, so that the alert still reaches the server.
          hold->attempt->detach();
          hold->attempt = nullptr;
          hold->finish(outcome.error().during(hold->where));
        });
  }

  void finish_connected() {
    auto stream = std::make_unique<Stream>(std::move(attempt));
    attempt = nullptr;
    finish(Result<std::unique_ptr<Stream>>(std::move(stream)));
  }

  void finish(Result<std::unique_ptr<Stream>> outcome) {
    if (done) return;
    OnConnect callback = std::move(on_connect);
    give_up();
    callback(std::move(outcome));
  }

  void give_up() {
    done = true;
    on_connect = nullptr;
    // The last: these may hold the only references to us.
    const auto hold = shared_from_this();
    drop_attempt();
    loop.cancel(deadline);
  }

  void drop_attempt() {
    loop.cancel(attempt_deadline);
    if (attempt == nullptr) return;
    const auto dropped = std::move(attempt);
    attempt = nullptr;
    dropped->close_with_loop();
  }

  Loop& loop;
  const ConnectOptions options;
  OnConnect on_connect;
  bool through_proxy = false;
  std::string dial_host;
  uint16_t dial_port = 0;
  std::string where;

  bool done = false;
  Instant started;
  TimerId deadline;
  TimerId attempt_deadline;
  std::deque<sockaddr_storage> addresses;
  std::string dialed;
  Error last_error{Code::unavailable, ""};
  std::shared_ptr<Stream::Impl> attempt;
  std::optional<ResponseParser> proxy_answer;
};

Connecting::Connecting(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Connecting::~Connecting() {
  impl_->give_up();
}

std::unique_ptr<Connecting> connect(Loop& loop, ConnectOptions options, OnConnect on_connect) {
  auto impl = std::make_shared<Connecting::Impl>(loop, std::move(options), std::move(on_connect));
  auto connecting = std::make_unique<Connecting>(impl);
  impl->begin();
  return connecting;
}

}  // namespace reeve::sys
