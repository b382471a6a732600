#include "agent/link_client.h"

#include <catch2/catch.hpp>

#include "common/base/log.h"
#include "common/sys/crypto.h"
#include "common/sys/http_server.h"
#include "tests/sys/temp_directory.h"

namespace reeve::agent {

namespace {

const Uuid agent_id = parse_uuid("0198c2f0-7c1e-7abc-8def-0123456789ab").value();
constexpr Duration day = 24h;
constexpr Duration patience = 20s;

// A server of a few lines, with real TLS and sockets: it answers Hello, stores what comes, signs what is asked for.
class TinyServer {
 public:
  TinyServer(sys::Loop& loop, const sys::KeyAndCertificate& ca, WallTime now) : ca_(ca), now_(now) {
    const auto own =
        sys::make_server_certificate(ca, {.names = {"127.0.0.1"}, .now = now, .validity = day * 30}).value();
    sys::TlsServerOptions tls;
    tls.certificate_chain_pem = sys::append_chain(own.certificate_pem, ca.certificate_pem);
    tls.key_pem = own.key_pem;
    tls.client_ca_pem = ca.certificate_pem;
    sys::HttpServerOptions options;
    options.listener.tls = sys::TlsContext::make_server(tls).value();
    options.on_websocket = [this](const sys::HttpRequest&, std::unique_ptr<sys::WebSocket> socket) {
      accept(std::move(socket));
    };
    http_ = sys::HttpServer::open(loop, std::move(options), [](auto&&, auto&&, const sys::Responder& to) {
              to.respond(sys::make_problem(404, "only the link is here"));
            }).value();
  }

  uint16_t port() const { return http_->port(); }
  void drop_link() { socket_->abort(Error(Code::cancelled, "test")); }

  size_t connections = 0;
  uint64_t through = 0;
  uint64_t block_bytes = 0;
  size_t renewals = 0;

 private:
  void accept(std::unique_ptr<sys::WebSocket> socket) {
    ++connections;
    socket_ = std::move(socket);
    sys::WebSocketHandlers on;
    on.on_message = [this](BytesView message) {
      const auto frame = wire::parse_agent_frame(message);
      REQUIRE(frame.ok());
      std::visit([this](const auto& each) { take(each); }, *frame);
    };
    on.on_closed = [](const sys::WebSocketClosed&) {};
    socket_->start(std::move(on));
  }

  void answer(const wire::ServerFrame& frame) { REQUIRE(socket_->send(wire::encode(frame))); }

  void take(const wire::Hello& hello) { answer(wire::Welcome{hello.epoch, {{wire::Lane::live, through}}, 8_MiB}); }
  void take(const wire::BlockChunk& chunk) {
    block_bytes += chunk.bytes.size();
    if (chunk.offset + chunk.bytes.size() < chunk.total) return;
    through = chunk.sequence;
    answer(wire::Ack{{chunk.lane, chunk.sequence}, 8_MiB});
  }
  void take(const wire::RenewRequest& request) {
    ++renewals;
    const auto signed_pem =
        sys::sign_csr(ca_, request.csr_pem,
                      {.common_name = to_string(agent_id), .organization = "home", .now = now_, .validity = day * 30});
    REQUIRE(signed_pem.ok());
    answer(wire::RenewResponse{*signed_pem, ""});
  }
  void take(const wire::Gap&) {}
  void take(const wire::AgentStatus&) {}
  void take(const wire::AuditPin&) {}

  const sys::KeyAndCertificate ca_;
  const WallTime now_;
  std::unique_ptr<sys::HttpServer> http_;
  std::unique_ptr<sys::WebSocket> socket_;
};

struct LinkClientTest {
  TempDirectory folder;
  SystemClock clock;
  SystemRandom random;
  sys::Loop loop{clock};
  sys::KeyAndCertificate ca =
      sys::make_ca({.organization = "home", .now = clock.wall(), .validity = day * 365}).value();
  TinyServer server{loop, ca, clock.wall()};
  std::unique_ptr<DiskWorker> disk_worker;
  std::unique_ptr<LinkClient> client;

  LinkClientTest() { set_log_descriptor(-1); }
  ~LinkClientTest() {
    disk_worker->stop();
    client.reset();
    set_log_descriptor(2);
  }

  Identity make_identity(WallTime signed_at) {
    Identity identity;
    identity.agent = agent_id;
    identity.org = "home";
    identity.link = {"127.0.0.1", server.port()};
    identity.key_pem = sys::make_key().value();
    const Bytes csr = sys::make_csr(identity.key_pem, "x").value();
    identity.certificate_pem =
        sys::sign_csr(
            ca, csr,
            {.common_name = to_string(agent_id), .organization = "home", .now = signed_at, .validity = day * 30})
            .value();
    identity.ca_pem = ca.certificate_pem;
    REQUIRE(save_identity(sys::real_disk(), folder / "identity", identity).ok());
    return identity;
  }

  void start(const Identity& identity) {
    auto spool = Spool::open(sys::real_disk(), random, agent_id, {.directory = folder / "spool"});
    REQUIRE(spool.ok());
    disk_worker = std::make_unique<DiskWorker>(std::move(spool).value(), clock,
                                               DiskWorker::Handlers{[this](const SpoolReport& report) {
                                                                      loop.post([this, report] {
                                                                        if (client) client->on_report(report);
                                                                      });
                                                                    },
                                                                    [](auto&&) { return true; }});
    auto opened = LinkClient::open(
        {.loop = loop, .disk = sys::real_disk(), .random = random, .disk_worker = *disk_worker, .identity = identity},
        {.server = identity.link,
         .host = "web-1",
         .version = "test",
         .identity_dir = folder / "identity",
         .retry = {.min = 1ms, .max = 20ms}},
        {.on_live = [](Duration) {}, .status = [] { return wire::AgentStatus{}; }});
    REQUIRE(opened.ok());
    client = std::move(opened).value();
  }

  void append(const std::string& line) {
    wire::LogBlockBuilder builder("web-1");
    wire::LogRecord record;
    record.source = builder.add_source({});
    record.body = line;
    builder.add(record);
    REQUIRE(disk_worker->append({wire::Lane::live, builder.seal({}), {}}));
  }

  bool wait(const std::function<bool()>& until) { return loop.run_until(until, patience); }
};

}  // namespace

TEST_CASE_METHOD(LinkClientTest, "a block goes from the spool over mutual TLS, and the acknowledgement frees it") {
  start(make_identity(clock.wall()));
  append("hello");

  REQUIRE(wait([this] { return server.through == 1 && client->drained(); }));

  CHECK(server.block_bytes > wire::preamble_bytes);
  CHECK(client->state() == "open");
  CHECK_FALSE(client->denied());
}

TEST_CASE_METHOD(LinkClientTest, "a link that breaks is made again, and goes on where the server stands") {
  start(make_identity(clock.wall()));
  append("one");
  REQUIRE(wait([this] { return server.through == 1; }));

  server.drop_link();
  append("two");

  REQUIRE(wait([this] { return server.through == 2 && client->drained(); }));
  CHECK(server.connections == 2);
}

TEST_CASE_METHOD(LinkClientTest, "a certificate past two thirds of its life is renewed over the link, once") {
  const Identity identity = make_identity(clock.wall() - day * 21);
  start(identity);

  REQUIRE(wait([this, &identity] {
    const auto now = load_identity(sys::real_disk(), folder / "identity");
    return now.ok() && now->certificate_pem != identity.certificate_pem;
  }));

  CHECK(server.renewals == 1);
  // The next connection shows the new one, and the server takes it.
  server.drop_link();
  REQUIRE(wait([this] { return server.connections == 2 && client->drained(); }));
}

TEST_CASE_METHOD(LinkClientTest, "a certificate of another authority is not trusted, in either direction") {
  Identity identity = make_identity(clock.wall());
  identity.ca_pem =
      sys::make_ca({.organization = "home", .now = clock.wall(), .validity = day}).value().certificate_pem;
  start(identity);

  REQUIRE(wait([this] { return client->state().find("certificate") != std::string::npos; }));

  CHECK(server.connections == 0);
  CHECK(client->denied());
}

}  // namespace reeve::agent
