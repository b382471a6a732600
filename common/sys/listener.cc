// Accepts, counts, shakes hands, asks for the verdict, and only then hands a stream on.
#include <array>
#include <unordered_map>
#include <unordered_set>

#include "common/base/check.h"
#include "common/base/log.h"
#include "common/sys/address.h"
#include "common/sys/stream.h"
#include "common/sys/stream_impl.h"

namespace reeve::sys {
namespace {

constexpr int backlog = 512;

// Open connections, in all and by peer. Connections outlive their listener, so this does too.
struct OpenConnections {
  uint64_t count = 0;
  std::unordered_map<std::string, size_t> by_peer;
};

// One connection's share of it, as long as it is open.
class Counted {
 public:
  explicit Counted(std::shared_ptr<OpenConnections> open) : open_(std::move(open)) { ++open_->count; }
  ~Counted() {
    --open_->count;
    if (peer_.empty()) return;
    const auto found = open_->by_peer.find(peer_);
    if (--found->second == 0) open_->by_peer.erase(found);
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  // How many connections of that peer are open, with this one.
  size_t name_peer(std::string peer) {
    peer_ = std::move(peer);
    return ++open_->by_peer[peer_];
  }

 private:
  const std::shared_ptr<OpenConnections> open_;
  std::string peer_;
};

// What counts as one peer: an IPv4 address, or the 64 bits that IPv6 gives to one network. Empty for the loopback.
std::string peer_of(const uv_tcp_t& tcp, bool with_loopback) {
  sockaddr_storage address{};
  int length = sizeof address;
  if (uv_tcp_getpeername(&tcp, reinterpret_cast<sockaddr*>(&address), &length) != 0) return "unknown";
  std::string bytes;
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    const auto* raw = reinterpret_cast<const char*>(v6.s6_addr);
    const bool is_v4 = IN6_IS_ADDR_V4MAPPED(&v6);
    if (!with_loopback && IN6_IS_ADDR_LOOPBACK(&v6)) return {};
    bytes = is_v4 ? std::string(raw + 12, 4) : std::string(raw, 8);
  } else {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address).sin_addr;
    bytes.assign(reinterpret_cast<const char*>(&v4.s_addr), sizeof v4.s_addr);
  }
  const bool is_loopback = bytes.size() == 4 && bytes[0] == 127;
  return is_loopback && !with_loopback ? std::string() : bytes;
}

}  // namespace

struct Listener::Impl final : LoopHandle, std::enable_shared_from_this<Listener::Impl> {
  Impl(Loop& the_loop, ListenerOptions the_options, OnStream callback)
      : loop(the_loop), options(std::move(the_options)), on_stream(std::move(callback)) {}

  Status bind() {
    const std::string where = "listen on " + options.host + " port " + std::to_string(options.port);
    const auto address = parse_address(options.host, options.port);
    if (!address) return Error(Code::invalid, where + ": the host must be an IP address of this machine");

    check(uv_tcp_init(loop.uv(), &tcp) == 0, "a TCP handle without a socket always opens");
    tcp.data = static_cast<LoopHandle*>(this);
    self = shared_from_this();
    if (const int error = uv_tcp_bind(&tcp, reinterpret_cast<const sockaddr*>(&*address), 0); error != 0) {
      return uv_error(error, where);
    }
    const int error = uv_listen(reinterpret_cast<uv_stream_t*>(&tcp), backlog, [](uv_stream_t* server, int status) {
      static_cast<Impl*>(static_cast<LoopHandle*>(server->data))->on_connection(status);
    });
    if (error != 0) return uv_error(error, where);

    sockaddr_storage bound{};
    int length = sizeof bound;
    uv_tcp_getsockname(&tcp, reinterpret_cast<sockaddr*>(&bound), &length);
    port = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port
                                             : reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
    return {};
  }

  void on_connection(int status) {
    Loop::Stage stage(loop, "accept");
    const auto hold = shared_from_this();
    if (status < 0) {
      log_warn("a connection could not be accepted", {{"error", uv_strerror(status)}, {"port", port}});
      return;
    }
    const auto counted = std::make_shared<Counted>(open);
    const auto connection = Stream::Impl::open(loop, options.stream, counted);
    if (uv_accept(reinterpret_cast<uv_stream_t*>(&tcp), reinterpret_cast<uv_stream_t*>(&connection->tcp)) != 0) {
      connection->close_with_loop();
      return;
    }
    ++stats.accepted_total;
    if (open->count > options.connections_max) {
      ++stats.refused_full_total;
      connection->close_with_loop();
      return;
    }
    if (options.connections_per_peer_max > 0) {
      const std::string peer = peer_of(connection->tcp, options.limit_loopback);
      if (!peer.empty() && counted->name_peer(peer) > options.connections_per_peer_max) {
        ++stats.refused_peer_total;
        connection->close_with_loop();
        return;
      }
    }

    connection->on_connected();
    if (options.tls == nullptr) return hand_on(connection);

    handshakes.insert(connection);
    connection->begin_tls(*options.tls, {.protocols = options.protocols, .timeout = options.handshake_timeout},
                          [this, hold = shared_from_this(), connection = connection.get()](const Status& outcome) {
                            const auto found = handshakes.extract(connection->shared_from_this());
                            check(!found.empty(), "a handshake that ends had begun");
                            if (outcome) return hand_on(found.value());
                            ++stats.refused_handshake_total;
                            log_debug("a TLS handshake failed",
                                      {{"peer", found.value()->peer.address}, {"error", outcome.error().text()}});
                          });
  }

  void hand_on(const std::shared_ptr<Stream::Impl>& connection) {
    auto stream = std::make_unique<Stream>(connection);
    if (options.verdict) {
      if (const Status verdict = options.verdict(stream->peer()); !verdict) {
        ++stats.refused_verdict_total;
        log_info("a connection is refused", {{"peer", stream->peer().address}, {"error", verdict.error().text()}});
        return;
      }
    }
    on_stream(std::move(stream));
  }

  void end() {
    if (closed) return;
    closed = true;
    const auto given_up = std::move(handshakes);
    handshakes.clear();
    for (const auto& connection : given_up) connection->close_with_loop();
    if (self == nullptr) return;  // never bound
    uv_close(reinterpret_cast<uv_handle_t*>(&tcp), [](uv_handle_t* handle) {
      const auto last = std::move(static_cast<Impl*>(static_cast<LoopHandle*>(handle->data))->self);
    });
  }

  void close_with_loop() override { end(); }

  Loop& loop;
  const ListenerOptions options;
  const OnStream on_stream;
  uv_tcp_t tcp{};
  uint16_t port = 0;
  ListenerStats stats;
  const std::shared_ptr<OpenConnections> open = std::make_shared<OpenConnections>();
  std::unordered_set<std::shared_ptr<Stream::Impl>> handshakes;
  std::shared_ptr<Impl> self;  // while libuv has the handle
  bool closed = false;
};

Result<std::unique_ptr<Listener>> Listener::open(Loop& loop, ListenerOptions options, OnStream on_stream) {
  if (options.tls != nullptr && !options.tls->is_server()) {
    return Error(Code::invalid, "a listener needs a server's TLS context, and was given a client's");
  }
  auto impl = std::make_shared<Impl>(loop, std::move(options), std::move(on_stream));
  std::unique_ptr<Listener> listener(new Listener(impl));
  TRY(impl->bind());
  return listener;
}

Listener::Listener(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::~Listener() {
  impl_->end();
}

uint16_t Listener::port() const {
  return impl_->port;
}

ListenerStats Listener::stats() const {
  ListenerStats stats = impl_->stats;
  stats.connections = impl_->open->count;
  return stats;
}

}  // namespace reeve::sys
