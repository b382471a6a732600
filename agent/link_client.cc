// See link_client.h.
#include "agent/link_client.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/log.h"
#include "common/sys/crypto.h"

namespace reeve::agent {

namespace {

constexpr Duration tick_interval = 1s;
constexpr Duration renewal_retry = 10min;
constexpr uint16_t close_normal = 1000;

}  // namespace

struct LinkClient::Impl : std::enable_shared_from_this<Impl> {
  World world;
  Options options;
  Handlers handlers;
  std::shared_ptr<sys::TlsContext> tls;
  Backoff backoff;

  std::optional<SpoolView> view;
  std::unique_ptr<sys::WebSocketConnecting> connecting;
  std::unique_ptr<sys::WebSocket> socket;
  std::unique_ptr<LinkSession> session;
  uint64_t connection = 0;                                     // counts, so that answers for an older one are known
  uint64_t unwritten_bytes = 0;                                // handed to the socket and not yet to the kernel
  std::array<uint64_t, wire::lane_count> acknowledge_later{};  // the disk worker was full
  std::optional<Uuid> epoch_to_leave;  // a new epoch is asked for; until it is there, a connection is of no use
  bool denied = false;
  std::string state = "connecting";
  sys::TimerId reconnect_timer;
  sys::TimerId tick_timer;
  WallTime renew_at;
  Instant renew_asked{INT64_MIN};

  Impl(World the_world, Options the_options, Handlers the_handlers)
      : world(std::move(the_world)),
        options(std::move(the_options)),
        handlers(std::move(the_handlers)),
        backoff(options.retry) {}

  Instant now() const { return world.loop.clock().now(); }

  sys::TlsClientOptions tls_options() const;
  void connect();
  void on_socket(Result<std::unique_ptr<sys::WebSocket>> result);
  void reconnect(const std::string& reason);
  void tick();
  void note_open();
  void renew_when_due();
  void run_on_disk(DiskWorker::Task task);

  void perform(std::vector<LinkAction> actions);
  void perform(const SendFrame& action);
  void perform(const FetchBlock& action);
  void perform(const AcknowledgeSpool& action);
  void perform(const SetAside& action);
  void perform(const BeginNewEpoch& action);
  void perform(const ServeLive& action);
  void perform(const InstallCertificate& action);
  void perform(const WitnessAudit& action);
  void perform(const CloseLink& action);

  // Runs `task` on the loop, where the client still lives.
  template <typename F>
  auto on_loop(F task) {
    return [weak = weak_from_this(), &loop = world.loop, task = std::move(task)](auto... values) {
      loop.post(
          [weak, task, ... values = std::move(values)]() mutable {
            if (const auto self = weak.lock()) task(*self, std::move(values)...);
          },
          "link");
    };
  }
};

Result<std::unique_ptr<LinkClient>> LinkClient::open(World world, Options options, Handlers handlers) {
  auto impl = std::make_shared<Impl>(std::move(world), std::move(options), std::move(handlers));
  impl->tls = TRY_DURING(sys::TlsContext::make_client(impl->tls_options()), "read the identity");
  impl->renew_at = TRY_DURING(renewal_time(impl->world.identity), "read the identity");
  impl->tick_timer = impl->world.loop.every(
      tick_interval,
      [weak = std::weak_ptr(impl)] {
        if (const auto self = weak.lock()) self->tick();
      },
      "link");
  return std::unique_ptr<LinkClient>(new LinkClient(std::move(impl)));
}

LinkClient::LinkClient(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

LinkClient::~LinkClient() {
  impl_->world.loop.cancel(impl_->tick_timer);
  impl_->world.loop.cancel(impl_->reconnect_timer);
}

bool LinkClient::drained() const {
  return impl_->session != nullptr && impl_->session->drained();
}

bool LinkClient::denied() const {
  return impl_->denied;
}

const std::string& LinkClient::state() const {
  return impl_->state;
}

void LinkClient::on_report(const SpoolReport& report) {
  const bool first = !impl_->view.has_value();
  impl_->view = report.view;
  if (impl_->epoch_to_leave && *impl_->epoch_to_leave != report.view.epoch) impl_->epoch_to_leave.reset();
  if (first) impl_->connect();
  if (impl_->session) impl_->perform(impl_->session->on_spool(report.view, impl_->now()));
}

// -- Connecting ------------------------------------------------------------------------------------------------------

sys::TlsClientOptions LinkClient::Impl::tls_options() const {
  sys::TlsClientOptions tls_options;
  tls_options.ca_pem = world.identity.ca_pem;
  tls_options.certificate_chain_pem = world.identity.certificate_pem;
  tls_options.key_pem = world.identity.key_pem;
  return tls_options;
}

void LinkClient::Impl::connect() {
  reconnect_timer = {};
  if (epoch_to_leave) return reconnect("a new stream epoch begins");
  sys::WebSocketCall call;
  call.connect.host = options.server.host;
  call.connect.port = options.server.port;
  call.connect.tls = tls;
  if (options.proxy)
    call.connect.proxy = {.host = options.proxy->host, .port = options.proxy->port, .authorization = {}};
  call.target = "/v1/link";
  call.websocket.message_bytes_max = wire::frame_bytes_max;
  connecting = sys::connect_websocket(world.loop, std::move(call),
                                      [weak = weak_from_this()](Result<std::unique_ptr<sys::WebSocket>> result) {
                                        if (const auto self = weak.lock()) self->on_socket(std::move(result));
                                      });
}

void LinkClient::Impl::on_socket(Result<std::unique_ptr<sys::WebSocket>> result) {
  denied = !result.ok() && result.error().code() == Code::denied;
  if (!result.ok()) return reconnect(result.error().text());

  ++connection;
  unwritten_bytes = 0;
  socket = std::move(result).value();
  sys::WebSocketHandlers on;
  on.on_message = [weak = weak_from_this()](BytesView message) {
    const auto self = weak.lock();
    if (!self || !self->session) return;
    self->perform(self->session->on_frame(message, self->now()));
    self->note_open();
  };
  on.on_drained = [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && self->session) {
      self->perform(self->session->on_written(std::exchange(self->unwritten_bytes, 0), self->now()));
    }
  };
  on.on_closed = [weak = weak_from_this()](const sys::WebSocketClosed& closed) {
    const auto self = weak.lock();
    if (!self) return;
    const std::string reason = closed.reason.empty() ? "the connection ended" : printable(closed.reason);
    self->reconnect(closed.by_peer ? "the server closed the link: " + reason : reason);
  };
  socket->start(std::move(on));

  LinkSession::Options session_options;
  session_options.host = options.host;
  session_options.agent_version = options.version;
  session = std::make_unique<LinkSession>(session_options, *view, now());
  perform(session->start());
}

// Gives up what there is of a connection and makes another one later.
void LinkClient::Impl::reconnect(const std::string& reason) {
  if (session && session->welcomed()) backoff.reset();
  session.reset();
  // Neither may be destroyed from inside of its own callback.
  world.loop.post([old_socket = std::shared_ptr<sys::WebSocket>(std::move(socket)),
                   old_connecting = std::shared_ptr<sys::WebSocketConnecting>(std::move(connecting))] {},
                  "link");
  if (reconnect_timer) return;

  const Duration pause = backoff.take_next(world.random);
  if (state != reason) log_warn("there is no link", {{"server", to_string(options.server)}, {"reason", reason}});
  state = reason;
  reconnect_timer = world.loop.after(
      pause,
      [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->connect();
      },
      "link");
}

void LinkClient::Impl::tick() {
  for (size_t i = 0; i < wire::lane_count; ++i) {
    if (acknowledge_later[i] > 0) {
      perform(AcknowledgeSpool{static_cast<wire::Lane>(i), std::exchange(acknowledge_later[i], 0)});
    }
  }
  if (!session) return;
  perform(session->tick(now(), handlers.status()));
  renew_when_due();
}

void LinkClient::Impl::note_open() {
  if (!session || !session->welcomed() || state == "open") return;
  state = "open";
  log_info("the link is open", {{"server", to_string(options.server)}});
  if (handlers.audit_pin) perform(session->send_audit_pin(handlers.audit_pin()));
}

void LinkClient::Impl::renew_when_due() {
  if (!session || !session->welcomed() || world.loop.clock().wall() < renew_at) return;
  if (renew_asked.ns != INT64_MIN && now() < renew_asked + renewal_retry) return;
  renew_asked = now();
  const auto csr = sys::make_csr(world.identity.key_pem, to_string(world.identity.agent));
  if (csr.ok()) {
    log_info("asking for a new certificate");
    perform(session->request_certificate(*csr));
  } else {
    log_warn("no certificate can be asked for", {{"error", csr.error().text()}});
  }
}

// -- What the session asks for ---------------------------------------------------------------------------------------

void LinkClient::Impl::perform(std::vector<LinkAction> actions) {
  const uint64_t of = connection;
  for (LinkAction& action : actions) {
    if (of != connection || !session) return;
    std::visit([this](auto& each) { perform(std::move(each)); }, action);
  }
}

void LinkClient::Impl::perform(const SendFrame& action) {
  if (!socket) return;
  if (!socket->send(action.bytes)) return reconnect("the socket takes no more");
  unwritten_bytes += action.bytes.size();
}

// A full disk worker makes the session start anew: rare, and nothing is lost by it.
void LinkClient::Impl::run_on_disk(DiskWorker::Task task) {
  if (!world.disk_worker.try_run(std::move(task))) reconnect("the disk does not keep up");
}

void LinkClient::Impl::perform(const FetchBlock& action) {
  auto answer = on_loop([action, of = connection](Impl& self, Result<Bytes> block) {
    if (self.session && self.connection == of) {
      self.perform(self.session->on_block(action.lane, action.sequence, std::move(block), self.now()));
    }
  });
  run_on_disk([action, answer](Spool& spool) { answer(spool.read(action.lane, action.sequence)); });
}

void LinkClient::Impl::perform(const AcknowledgeSpool& action) {
  const bool taken = world.disk_worker.try_run([action](Spool& spool) {
    const Status acknowledged = spool.acknowledge(action.lane, action.through);
    if (!acknowledged.ok()) log_warn("an acknowledgement is refused", {{"error", acknowledged.error().text()}});
  });
  uint64_t& later = acknowledge_later[static_cast<size_t>(action.lane)];
  if (!taken) later = std::max(later, action.through);
}

void LinkClient::Impl::perform(const SetAside& action) {
  run_on_disk([action](Spool& spool) {
    const Status aside = spool.set_aside(action.lane, action.sequence, action.reason);
    if (!aside.ok()) log_warn("a block cannot be set aside", {{"error", aside.error().text()}});
  });
}

void LinkClient::Impl::perform(const BeginNewEpoch&) {
  epoch_to_leave = view->epoch;
  auto answer = on_loop([](Impl& self) { self.epoch_to_leave.reset(); });  // whatever came of it, ask the server again
  run_on_disk([answer](Spool& spool) {
    const Status begun = spool.begin_new_epoch();
    if (!begun.ok()) log_warn("no new stream epoch can begin", {{"error", begun.error().text()}});
    answer();
  });
}

void LinkClient::Impl::perform(const ServeLive& action) {
  handlers.on_live(action.duration);
}

void LinkClient::Impl::perform(const InstallCertificate& action) {
  auto answer = on_loop([](Impl& self, Identity identity) {
    self.world.identity = std::move(identity);
    const Status reloaded = self.tls->reload(self.tls_options());
    if (!reloaded.ok()) return log_error("the new certificate is not taken", {{"error", reloaded.error().text()}});
    if (const auto at = renewal_time(self.world.identity); at.ok()) self.renew_at = *at;
    log_info("the certificate is renewed", {{"again_at", format_rfc3339(self.renew_at)}});
  });
  run_on_disk([answer, identity = world.identity, pem = action.pem, directory = options.identity_dir,
               &disk = world.disk](Spool&) mutable {
    const Status installed = install_certificate(disk, directory, identity, pem);
    if (!installed.ok()) return log_error("the new certificate is refused", {{"error", installed.error().text()}});
    answer(std::move(identity));
  });
}

void LinkClient::Impl::perform(const WitnessAudit& action) {
  if (!handlers.on_audit_head) return;
  handlers.on_audit_head(action.head);
  if (session) perform(session->send_audit_pin(handlers.audit_pin()));
}

void LinkClient::Impl::perform(const CloseLink& action) {
  if (socket) socket->close(close_normal, action.reason);
  reconnect(action.reason);
}

}  // namespace reeve::agent
