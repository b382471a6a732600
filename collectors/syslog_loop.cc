// The loop's half of syslog: sockets, connections and their bounds.
#include <algorithm>
#include <unordered_map>

#include "collectors/syslog_framer.h"
#include "collectors/syslog_impl.h"
#include "common/base/log.h"
#include "common/sys/datagram.h"
#include "common/sys/disk.h"
#include "common/sys/loop.h"
#include "common/sys/stream.h"
#include "common/sys/tls.h"

namespace reeve::collect {
namespace {

constexpr uint64_t pem_bytes_max = 1_MiB;
constexpr Duration retry_wait = 5s;

// One listener of TCP or TLS, and its connections.
class Connections {
 public:
  Connections(sys::Loop& loop, const SyslogConfig& config, RowQueue& queue)
      : loop_(loop), config_(config), queue_(queue) {}

  Status listen(const Endpoint& endpoint, std::shared_ptr<sys::TlsContext> tls) {
    sys::ListenerOptions options;
    options.host = endpoint.host;
    options.port = endpoint.port;
    options.tls = std::move(tls);
    options.connections_max = config_.connections_max;
    listener_ = TRY(sys::Listener::open(loop_, std::move(options),
                                        [this](std::unique_ptr<sys::Stream> stream) { accept(std::move(stream)); }));
    return {};
  }
  bool listening() const { return listener_ != nullptr; }

  // The worker has taken rows: read on, unless they are full again already.
  void resume() {
    if (!paused_ || queue_.full()) return;
    paused_ = false;
    for (auto& [id, connection] : connections_) {
      connection.heard = loop_.clock().now();
      connection.stream->resume();
    }
  }

  // Closes who has been silent for too long. Whoever we do not read from is not silent.
  void sweep(Instant now) {
    if (paused_) return;
    for (auto& [id, connection] : connections_) {
      if (now - connection.heard < config_.idle_max) continue;
      connection.stream->abort(Error(Code::unavailable, "nothing was heard for " + format_duration(config_.idle_max)));
    }
    if (listener_ == nullptr) return;
    const uint64_t refused = listener_->stats().refused_full_total;
    if (refused > refused_seen_) {
      log_warn("syslog connections are refused, as many are open as may be",
               {{"connections_max", config_.connections_max}, {"refused", refused - refused_seen_}});
    }
    refused_seen_ = refused;
  }

 private:
  struct Connection {
    std::unique_ptr<sys::Stream> stream;
    SyslogFramer framer;
    Instant heard;
  };

  void accept(std::unique_ptr<sys::Stream> stream) {
    const uint64_t id = ++last_id_;
    Connection& connection =
        connections_
            .emplace(id, Connection{std::move(stream), SyslogFramer(config_.line_bytes_max), loop_.clock().now()})
            .first->second;
    connection.stream->start({.on_data = [this, id](BytesView bytes) { on_data(id, bytes); },
                              .on_drained = {},
                              .on_closed = [this, id](const Status& reason) { on_closed(id, reason); }});
    if (paused_) connection.stream->pause();
  }

  void on_data(uint64_t id, BytesView bytes) {
    Connection& connection = connections_.at(id);
    connection.heard = loop_.clock().now();
    bool room = true;
    connection.framer.feed(bytes, [&](BytesView row) { room = queue_.put(Bytes(row)) && room; });
    if (!room) pause();
  }

  void on_closed(uint64_t id, const Status& reason) {
    Connection& connection = connections_.at(id);
    connection.framer.finish([&](BytesView row) {
      if (!queue_.put(Bytes(row))) pause();
    });
    if (!reason.ok()) {
      log_info("syslog connection ended",
               {{"peer", connection.stream->peer().address}, {"reason", reason.error().text()}});
    }
    connections_.erase(id);
  }

  // Everybody waits: what is read already is at most one piece of each.
  void pause() {
    if (paused_) return;
    paused_ = true;
    for (auto& [id, connection] : connections_) connection.stream->pause();
  }

  sys::Loop& loop_;
  const SyslogConfig& config_;
  RowQueue& queue_;
  std::unordered_map<uint64_t, Connection> connections_;
  uint64_t last_id_ = 0;
  uint64_t refused_seen_ = 0;
  bool paused_ = false;
  std::unique_ptr<sys::Listener> listener_;
};

class SyslogReceiver {
 public:
  SyslogReceiver(sys::Loop& loop, std::shared_ptr<SyslogCollector::Shared> shared)
      : loop_(loop),
        shared_(std::move(shared)),
        tcp_(loop, config(), shared_->queues[SyslogCollector::Shared::tcp]),
        tls_(loop, config(), shared_->queues[SyslogCollector::Shared::tls]) {
    shared_->on_room = [this] {
      tcp_.resume();
      tls_.resume();
    };
    open();
    const Duration look = std::clamp<Duration>(config().idle_max / 8, 100ms, 10s);
    sweep_timer_ = loop_.every(
        look, [this] { sweep(); }, "syslog");
  }
  ~SyslogReceiver() {
    shared_->on_room = [] {};
    loop_.cancel(sweep_timer_);
    loop_.cancel(retry_timer_);
  }
  SyslogReceiver(const SyslogReceiver&) = delete;
  SyslogReceiver& operator=(const SyslogReceiver&) = delete;

 private:
  const SyslogConfig& config() const { return shared_->config; }

  // A port may be taken still, a certificate not yet there: what cannot be opened is tried again.
  void open() {
    bool all = true;
    const auto note = [&](const Status& opened, const char* transport) {
      if (opened.ok()) return;
      all = false;
      if (!complained_) {
        log_error("syslog cannot listen, trying again now and then",
                  {{"transport", transport}, {"error", opened.error().text()}});
      }
    };
    if (config().udp && udp_ == nullptr) note(open_udp(), "udp");
    if (config().tcp && !tcp_.listening()) note(tcp_.listen(*config().tcp, nullptr), "tcp");
    if (config().tls && !tls_.listening()) note(open_tls(), "tls");
    complained_ = !all;
    if (!all) {
      retry_timer_ = loop_.after(
          retry_wait, [this] { open(); }, "syslog");
    } else {
      log_info("syslog is listening", {{"udp", config().udp ? to_string(*config().udp) : ""},
                                       {"tcp", config().tcp ? to_string(*config().tcp) : ""},
                                       {"tls", config().tls ? to_string(config().tls->address) : ""}});
    }
  }

  Status open_udp() {
    udp_ = TRY(sys::DatagramSocket::open(
        loop_,
        {.host = config().udp->host, .port = config().udp->port, .receive_buffer_bytes = config().receive_buffer_bytes},
        [this](BytesView datagram) { on_datagram(datagram); }));
    return {};
  }

  Status open_tls() {
    const auto& files = *config().tls;
    sys::TlsServerOptions options;
    options.certificate_chain_pem = TRY(sys::read_file(sys::real_disk(), files.certificate_file, pem_bytes_max));
    options.key_pem = TRY(sys::read_file(sys::real_disk(), files.key_file, pem_bytes_max));
    if (!files.client_ca_file.empty()) {
      options.client_ca_pem = TRY(sys::read_file(sys::real_disk(), files.client_ca_file, pem_bytes_max));
    }
    return tls_.listen(files.address, TRY(sys::TlsContext::make_server(options)));
  }

  void on_datagram(BytesView datagram) {
    split_message(datagram, config().line_bytes_max, [this](BytesView row) {
      shared_->udp_full_bytes += shared_->queues[SyslogCollector::Shared::udp].put_dropping_oldest(Bytes(row));
    });
    const uint64_t dropped = udp_ == nullptr ? 0 : udp_->stats().dropped_by_kernel;
    shared_->udp_kernel_drops += dropped - kernel_drops_seen_;
    kernel_drops_seen_ = dropped;
  }

  void sweep() {
    const Instant now = loop_.clock().now();
    tcp_.sweep(now);
    tls_.sweep(now);
  }

  sys::Loop& loop_;
  const std::shared_ptr<SyslogCollector::Shared> shared_;
  Connections tcp_;
  Connections tls_;
  std::unique_ptr<sys::DatagramSocket> udp_;
  uint64_t kernel_drops_seen_ = 0;
  bool complained_ = false;
  sys::TimerId sweep_timer_;
  sys::TimerId retry_timer_;
};

}  // namespace

std::shared_ptr<void> open_syslog(sys::Loop& loop, std::shared_ptr<SyslogCollector::Shared> shared) {
  return std::make_shared<SyslogReceiver>(loop, std::move(shared));
}

}  // namespace reeve::collect
