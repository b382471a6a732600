// Who is let in, on both sides, and who is not.
#include "common/sys/tls.h"

#include <openssl/ssl.h>

#include <thread>

#include "tests/sys/stream_fixture.h"

using namespace reeve;
using namespace reeve::sys;

TEST_CASE_METHOD(StreamFixture, "a client without a certificate is refused") {
  listen(acme().server_context(true));

  const Error error = refused(acme().client_context());

  CHECK(error.code() == Code::denied);
  CHECK(server == nullptr);
  CHECK(listener->stats().refused_handshake_total == 1);
}

TEST_CASE_METHOD(StreamFixture, "a client of a foreign CA is refused") {
  const TestOrg other;
  listen(acme().server_context(true));
  const KeyAndCertificate foreign = other.agent();

  const Error error = refused(acme().client_context(foreign));

  CHECK(error.code() == Code::denied);
  CHECK(server == nullptr);
}

TEST_CASE_METHOD(StreamFixture, "a client whose certificate has expired is refused") {
  listen(acme().server_context(true));
  const KeyAndCertificate expired = acme().agent(wall_now() - 48h, 24h);

  const Error error = refused(acme().client_context(expired));

  CHECK(error.code() == Code::denied);
  CHECK(error.text().find("expired") != std::string::npos);
  CHECK(server == nullptr);
}

TEST_CASE_METHOD(StreamFixture, "a server's certificate does not serve as a client's") {
  listen(acme().server_context(true));

  const Error error = refused(acme().client_context(acme().server));

  CHECK(error.code() == Code::denied);
  CHECK(server == nullptr);
}

TEST_CASE_METHOD(StreamFixture, "an agent's certificate does not serve as a server's") {
  const KeyAndCertificate agent = acme().agent();
  listen(must(
      TlsContext::make_server({.certificate_chain_pem = append_chain(agent.certificate_pem, acme().ca.certificate_pem),
                               .key_pem = agent.key_pem})));

  const Error with_ca = refused(acme().client_context());
  const Error with_pin = refused(must(TlsContext::make_client({.ca_fingerprint = acme().fingerprint()})));

  CHECK(with_ca.code() == Code::denied);
  CHECK(with_pin.code() == Code::denied);
}

TEST_CASE_METHOD(StreamFixture, "a server of a foreign CA is refused") {
  const TestOrg other;
  listen(other.server_context(false));

  CHECK(refused(acme().client_context()).code() == Code::denied);
}

TEST_CASE_METHOD(StreamFixture, "a server under another name or address is refused") {
  listen(acme().server_context(false));
  ConnectOptions wrong_name = connect_options(acme().client_context());
  wrong_name.server_name = "elsewhere.example";
  ConnectOptions wrong_address = connect_options(acme().client_context());
  wrong_address.server_name = "127.0.0.2";

  const Error name_error = refused(wrong_name);
  const Error address_error = refused(wrong_address);

  CHECK(name_error.code() == Code::denied);
  CHECK(name_error.text().find("elsewhere.example") != std::string::npos);
  CHECK(address_error.code() == Code::denied);
}

TEST_CASE_METHOD(StreamFixture, "a server whose certificate has expired is refused") {
  const KeyAndCertificate expired =
      must(make_server_certificate(acme().ca, {.names = {"127.0.0.1"}, .now = wall_now() - 48h, .validity = 24h}));
  listen(must(TlsContext::make_server({.certificate_chain_pem = expired.certificate_pem, .key_pem = expired.key_pem})));

  CHECK(refused(acme().client_context()).text().find("expired") != std::string::npos);
}

TEST_CASE_METHOD(StreamFixture, "the fingerprint of the presented CA is enough to enrol") {
  listen(acme().server_context(false));
  std::string fingerprint = acme().fingerprint();
  for (char& c : fingerprint) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));

  connect_to_it(must(TlsContext::make_client({.ca_fingerprint = fingerprint})));

  CHECK(client->peer().certificate->names.front() == "localhost");
}

TEST_CASE_METHOD(StreamFixture, "another fingerprint is refused, and so is a leaf's, and a chain without its CA") {
  listen(acme().server_context(false));
  const std::string leaf = must(certificate_info(acme().server.certificate_pem)).fingerprint;
  const auto with_pin = [](const std::string& fingerprint) {
    return must(TlsContext::make_client({.ca_fingerprint = fingerprint}));
  };

  const Error other = refused(with_pin(TestOrg().fingerprint()));
  CHECK(other.code() == Code::denied);
  CHECK(other.text().find("fingerprint") != std::string::npos);
  CHECK(refused(with_pin(leaf)).code() == Code::denied);

  listen(must(TlsContext::make_server(
      {.certificate_chain_pem = acme().server.certificate_pem, .key_pem = acme().server.key_pem})));
  CHECK(refused(with_pin(acme().fingerprint())).code() == Code::denied);
}

TEST_CASE_METHOD(StreamFixture, "a foreign server that presents our CA is refused by the pin") {
  const TestOrg thief;
  listen(must(TlsContext::make_server(
      {.certificate_chain_pem = append_chain(thief.server.certificate_pem, acme().ca.certificate_pem),
       .key_pem = thief.server.key_pem})));

  CHECK(refused(must(TlsContext::make_client({.ca_fingerprint = acme().fingerprint()}))).code() == Code::denied);
}

TEST_CASE_METHOD(StreamFixture, "a pinned server still needs the right name") {
  listen(acme().server_context(false));
  ConnectOptions wrong = connect_options(must(TlsContext::make_client({.ca_fingerprint = acme().fingerprint()})));
  wrong.server_name = "elsewhere.example";

  CHECK(refused(wrong).code() == Code::denied);
}

TEST_CASE_METHOD(StreamFixture, "the listener's verdict closes a connection before anybody sees it") {
  verdict = [](const PeerInfo& peer) -> Status {
    if (peer.certificate->common_name == "agent-1") return Error(Code::denied, "agent-1 is revoked");
    return {};
  };
  listen(acme().server_context(true));

  (void)refused(acme().client_context(acme().agent()));

  CHECK(server == nullptr);
  CHECK(listener->stats().refused_verdict_total == 1);
}

TEST_CASE_METHOD(StreamFixture, "a peer that never shakes hands is dropped in time") {
  handshake_timeout = 50ms;
  listen(acme().server_context(false));
  connect_options(nullptr);

  const Error error = refused(connect_options(nullptr));  // plain TCP, silent

  CHECK(server == nullptr);
  CHECK(listener->stats().refused_handshake_total == 1);
  CHECK(error.text() != "");
}

TEST_CASE_METHOD(StreamFixture, "plain text at a TLS port is refused") {
  listen(acme().server_context(false));
  const auto connecting = connect(loop, connect_options(nullptr), [this](Result<std::unique_ptr<Stream>> made) {
    client = must(std::move(made));
    client->start({.on_data = {}, .on_drained = {}, .on_closed = [this](const Status& s) { client_closed = s; }});
    CHECK(client->write("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  });

  REQUIRE(loop.run_until([this] { return client_closed.has_value(); }, 10s));
  CHECK(listener->stats().refused_handshake_total == 1);
}

TEST_CASE_METHOD(StreamFixture, "reloaded certificates serve new connections, and old ones go on") {
  const auto context = acme().server_context(false);
  listen(context);
  connect_to_it(acme().client_context());
  const auto first_client = std::move(client);
  const auto first_server = std::move(server);
  const TestOrg renewed;

  REQUIRE(context->reload(TlsServerOptions{
      .certificate_chain_pem = renewed.server_chain(), .key_pem = renewed.server.key_pem, .client_ca_pem = {}}));
  CHECK(!context->reload(TlsServerOptions{.certificate_chain_pem = "junk", .key_pem = "junk", .client_ca_pem = {}}));
  connect_to_it(renewed.client_context());

  Bytes received;
  first_server->start({.on_data = [&](BytesView bytes) { received += bytes; }, .on_drained = {}, .on_closed = {}});
  REQUIRE(first_client->write("still here"));
  CHECK(loop.run_until([&] { return received == "still here"; }, 5s));
}

TEST_CASE("contexts refuse what does not fit together") {
  const Bytes other_key = must(make_key());

  CHECK(!TlsContext::make_server({.certificate_chain_pem = acme().server_chain(), .key_pem = other_key}));
  CHECK(!TlsContext::make_server({.certificate_chain_pem = "", .key_pem = ""}));
  CHECK(!TlsContext::make_server({.certificate_chain_pem = acme().server_chain(),
                                  .key_pem = acme().server.key_pem,
                                  .client_ca_pem = acme().server.certificate_pem}));
  CHECK(!TlsContext::make_client({}));
  CHECK(!TlsContext::make_client({.ca_pem = acme().ca.certificate_pem, .ca_fingerprint = acme().fingerprint()}));
  CHECK(!TlsContext::make_client({.ca_fingerprint = "abc"}));
}

namespace {

// A foreign TLS client, on a thread of its own because it blocks. True where it got in.
bool shakes_hands(uint16_t port, int version_max) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_max_proto_version(context, version_max);
  BIO* bio = BIO_new_ssl_connect(context);
  BIO_set_conn_hostname(bio, ("127.0.0.1:" + std::to_string(port)).c_str());
  const bool in = BIO_do_connect(bio) == 1 && BIO_do_handshake(bio) == 1;
  BIO_free_all(bio);
  SSL_CTX_free(context);
  return in;
}

}  // namespace

TEST_CASE_METHOD(StreamFixture, "TLS 1.2 is refused and 1.3 is not") {
  listen(acme().server_context(false));
  bool finished = false;
  bool old_in = true;
  bool new_in = false;

  std::thread client_thread([&, port = listener->port()] {
    old_in = shakes_hands(port, TLS1_2_VERSION);
    new_in = shakes_hands(port, TLS1_3_VERSION);
    loop.post([&] { finished = true; });
  });
  const bool in_time = loop.run_until([&] { return finished; }, 10s);
  client_thread.join();

  REQUIRE(in_time);
  CHECK(!old_in);
  CHECK(new_in);
}
