// See api_harness.h.
#include "tests/server/api_harness.h"

#include <cstdlib>
#include <filesystem>

#include "common/base/log.h"
#include "common/crypto/digest.h"
#include "common/sys/disk.h"
#include "common/sys/http_client.h"
#include "common/sys/tls.h"
#include "server/org_files.h"
#include "tests/pch.h"

namespace reeve::server {
namespace {

constexpr Duration patience = 10s;
constexpr Duration validity = 24h * 30;

void write(const std::string& path, BytesView bytes) {
  REQUIRE(sys::write_file_atomically(sys::real_disk(), path, bytes).ok());
}

}  // namespace

TempFolder::TempFolder() {
  path_ = (std::filesystem::temp_directory_path() / "reeve-test-XXXXXX").string();
  REQUIRE(mkdtemp(path_.data()) != nullptr);
}

TempFolder::~TempFolder() {
  std::error_code ignored;  // a folder left behind harms nobody
  std::filesystem::remove_all(path_, ignored);
}

ApiHarness::ApiHarness(std::unique_ptr<Store> the_store, bool with_api_tls)
    : loop(clock),
      store(the_store ? std::move(the_store) : make_memory_store()),
      foreign_store(make_memory_store()),
      api_tls(with_api_tls) {
  set_log_level(LogLevel::error);
  config.org = "tests";
  config.data_dir = folder.path();
  config.listen.agents = {.host = "127.0.0.1", .port = 0};
  config.listen.api = {.host = "127.0.0.1", .port = 0};
  config.listen.api_tls = api_tls;
  config.disk_free_min = 0;

  const OrgFiles files{folder.path()};
  ca = *sys::make_ca({.organization = config.org, .now = clock.wall(), .validity = validity});
  const auto server = *sys::make_server_certificate(
      ca, {.names = {"127.0.0.1", "localhost"}, .now = clock.wall(), .validity = validity});
  write(files.ca_key(), ca.key_pem);
  write(files.ca_certificate(), ca.certificate_pem);
  write(files.server_key(), server.key_pem);
  write(files.server_certificate(), sys::append_chain(server.certificate_pem, ca.certificate_pem));

  const auto add_key = [this](Store& to, const std::string& key, const char* role) {
    REQUIRE(to.add_api_key({.id = make_uuid_v7(clock.wall(), random),
                            .prefix = key.substr(0, 10),
                            .hash = crypto::sha256(key),
                            .role = role,
                            .created = clock.wall()})
                .ok());
  };
  add_key(*store, admin_key, "admin");
  add_key(*store, viewer_key, "viewer");
  add_key(*foreign_store, foreign_key, "admin");
  auto opened = Pipeline::open(
      {.loop = loop, .disk = sys::real_disk(), .orgs = {{config.org, *store}, {"foreign", *foreign_store}}}, config);
  if (!opened.ok()) FAIL(opened.error().text());
  pipeline = std::move(*opened);
}

ApiHarness::~ApiHarness() {
  pipeline.reset();
  set_log_level(LogLevel::info);
}

void ApiHarness::wait_for(const char* what, const std::function<bool()>& done) {
  INFO("waiting for " << what);
  REQUIRE(loop.run_until(done, patience));
}

HttpAnswer ApiHarness::ask(const Asked& asked) {
  sys::HttpCall call;
  call.connect.host = "127.0.0.1";
  call.connect.port = pipeline->api_port();
  if (api_tls) call.connect.tls = *sys::TlsContext::make_client({.ca_pem = ca.certificate_pem});
  call.method = asked.method;
  call.target = asked.target;
  call.headers = asked.headers;
  if (!asked.key.empty()) call.headers.push_back({"Authorization", "Bearer " + asked.key});
  call.body = asked.body;
  call.response_bytes_max = 16_MiB;

  std::optional<Result<sys::HttpResponse>> got;
  const auto exchange = sys::send_request(loop, std::move(call),
                                          [&got](Result<sys::HttpResponse> response) { got = std::move(response); });
  wait_for("a response", [&got] { return got.has_value(); });
  if (!got->ok()) FAIL(asked.method << " " << asked.target << ": " << got->error().text());

  HttpAnswer answer;
  answer.response = std::move(**got);
  answer.status = answer.response.status;
  if (Result<Json> json = parse_json(answer.response.body); json.ok()) answer.json = std::move(*json);
  return answer;
}

std::string ApiHarness::make_token(const std::string& key) {
  const HttpAnswer made = ask({.method = "POST", .target = "/v1/agents/tokens", .key = key, .body = "{}"});
  REQUIRE(made.status == 201);
  return made.json.string_or("token");
}

Identity ApiHarness::enrol_with(const std::string& token, const std::string& host) {
  Identity identity;
  identity.key_pem = *sys::make_key();
  Json body;
  body.set("token", token);
  body.set("csr", *sys::make_csr(identity.key_pem, host));
  body.set("host", host);
  const HttpAnswer enrolled = ask({.method = "POST", .target = "/v1/enroll", .body = body.dump()});
  INFO(enrolled.response.body);
  REQUIRE(enrolled.status == 201);
  identity.agent = *parse_uuid(enrolled.json.string_or("agent_id"));
  identity.certificate_pem = enrolled.json.string_or("certificate");
  return identity;
}

// -- The link
// ----------------------------------------------------------------------------------------------------------

TestLink::TestLink(ApiHarness& harness, const Identity& identity) : harness_(harness) {
  sys::TlsClientOptions tls;
  tls.ca_pem = harness.ca.certificate_pem;
  tls.certificate_chain_pem = identity.certificate_pem;
  tls.key_pem = identity.key_pem;
  tls_ = *sys::TlsContext::make_client(tls);

  sys::WebSocketCall call;
  call.connect.host = "127.0.0.1";
  call.connect.port = harness.pipeline->agents_port();
  call.connect.tls = tls_;
  connecting_ =
      sys::connect_websocket(harness.loop, std::move(call), [this](Result<std::unique_ptr<sys::WebSocket>> socket) {
        if (!socket.ok()) {
          refusal_ = socket.error();
          finished_ = true;
          return;
        }
        socket_ = std::move(*socket);
        socket_->start({.on_message =
                            [this](BytesView message) {
                              Result<wire::ServerFrame> frame = wire::parse_server_frame(message);
                              if (frame.ok()) frames_.push_back(std::move(*frame));
                            },
                        .on_drained = {},
                        .on_closed =
                            [this](const sys::WebSocketClosed& closed) {
                              closed_ = closed;
                              finished_ = true;
                            }});
      });
}

void TestLink::open(const Uuid& epoch, uint64_t next) {
  harness_.wait_for("the link", [this] { return connected() || finished(); });
  if (refusal_) FAIL(refusal_->text());
  send(wire::Hello{.epoch = epoch,
                   .lanes = {{.lane = wire::Lane::live, .first_held = 1, .next = next}},
                   .host = "web-1",
                   .agent_version = "0.1.0"});
  (void)take<wire::Welcome>();  // its content is the session's tests' business
}

void TestLink::send(const wire::AgentFrame& frame) {
  REQUIRE(socket_->send(wire::encode(frame)));
}

Bytes make_line_block(const wire::BlockIdentity& identity, WallTime time, std::string_view body) {
  wire::LogBlockBuilder builder("web-1");
  const uint32_t source = builder.add_source({.id = 1, .kind = "file", .name = "/var/log/app.log"});
  builder.add({.time = time, .level = wire::Level::info, .source = source, .service = "app", .body = body});
  Bytes block = builder.seal({});
  wire::stamp_block(block, identity);
  return block;
}

wire::BlockChunk whole_block(const wire::BlockIdentity& identity, const Bytes& block) {
  return {.lane = identity.lane, .sequence = identity.sequence, .offset = 0, .total = block.size(), .bytes = block};
}

}  // namespace reeve::server
