// HttpFetch against a real server on loopback: whom it trusts, what it sends, and how it ends.
#include "cli/http.h"

#include <unistd.h>

#include <future>
#include <thread>

#include "common/sys/http_server.h"
#include "tests/cli/fake_world.h"
#include "tests/sys/certificates.h"

using namespace reeve;
using namespace reeve::cli;
using sys::acme;
using sys::must;

namespace {

// A server on a thread of its own.
class LiveServer {
 public:
  using Handler = std::function<void(const sys::HttpRequest&, const sys::Responder&)>;

  LiveServer(std::shared_ptr<sys::TlsContext> tls, Handler handler) : handler_(std::move(handler)) {
    std::promise<uint16_t> opened;
    thread_ = std::thread([this, &opened, tls = std::move(tls)] {
      sys::HttpServerOptions options;
      options.listener.tls = tls;
      auto server = sys::HttpServer::open(
          loop_, options, [this](sys::HttpRequest request, const sys::PeerInfo&, sys::Responder responder) {
            ++requests;
            handler_(request, responder);
            kept_.push_back(std::move(responder));  // so that a handler which does not respond keeps its caller waiting
          });
      opened.set_value(server ? (*server)->port() : 0);
      loop_.run();
      kept_.clear();  // a Responder does not outlive its loop
    });
    port = opened.get_future().get();
    REQUIRE(port != 0);
  }
  ~LiveServer() {
    loop_.stop();
    thread_.join();
  }
  LiveServer(const LiveServer&) = delete;
  LiveServer& operator=(const LiveServer&) = delete;

  std::string url(const std::string& scheme, const std::string& host) const {
    return scheme + "://" + host + ":" + std::to_string(port);
  }

  uint16_t port = 0;
  std::atomic<int> requests = 0;

 private:
  SystemClock clock_;
  sys::Loop loop_{clock_};
  Handler handler_;
  std::vector<sys::Responder> kept_;
  std::thread thread_;
};

LiveServer::Handler answering(const std::string& body, int status = 200) {
  return [body, status](const sys::HttpRequest&, const sys::Responder& responder) {
    responder.respond({.status = status, .headers = {{"X-Request-Id", "r7"}}, .body = body});
  };
}

// Everything that the request was made of, in its own words.
void echo(const sys::HttpRequest& request, const sys::Responder& responder) {
  responder.respond({.status = 200,
                     .headers = {},
                     .body = request.method + " " + request.target + " [" +
                             std::string(request.header("authorization")) + "] [" +
                             std::string(request.header("content-type")) + "] " + request.body});
}

}  // namespace

TEST_CASE("a request arrives as it was meant") {
  LiveServer server(nullptr, echo);
  const auto http = make_http_fetch(-1);
  const std::string url = server.url("http", "127.0.0.1");

  CHECK(must(http->fetch({.server = url, .path = "/v1/logs", .query = {{"text", "a b&c=ü"}, {"to", ""}}, .key = "rk"}))
            .body == "GET /v1/logs?text=a%20b%26c%3D%C3%BC&to= [Bearer rk] [] ");
  CHECK(must(http->fetch({.method = "POST", .server = url, .path = "/x", .query = {}, .key = {}, .body = "{}"})).body ==
        "POST /x [] [application/json] {}");
  CHECK(must(http->fetch({.method = "POST", .server = url, .path = "/x"})).body.starts_with("POST /x [] "));
  CHECK(must(http->fetch({.server = url, .path = "/y"})).body == "GET /y [] [] ");
}

TEST_CASE("any complete answer is a value") {
  LiveServer server(nullptr, answering("no", 404));

  const HttpAnswer answer =
      must(make_http_fetch(-1)->fetch({.server = server.url("http", "localhost"), .path = "/none"}));

  CHECK(answer.status == 404);
  CHECK(answer.body == "no");
  CHECK(answer.request_id == "r7");
}

TEST_CASE("a redirect is not followed, so the key stays where it belongs") {
  LiveServer other(nullptr, answering("caught"));
  LiveServer server(nullptr, [&](const sys::HttpRequest&, const sys::Responder& responder) {
    responder.respond({.status = 302, .headers = {{"Location", other.url("http", "127.0.0.1") + "/"}}, .body = {}});
  });

  const HttpAnswer answer = must(
      make_http_fetch(-1)->fetch({.server = server.url("http", "127.0.0.1"), .path = "/", .query = {}, .key = "rk"}));

  CHECK(answer.status == 302);
  CHECK(other.requests == 0);
}

TEST_CASE("a proxy from the environment does not get to read plain loopback traffic") {
  LiveServer proxy(nullptr, answering("caught"));
  LiveServer server(nullptr, answering("direct"));
  setenv("http_proxy", proxy.url("http", "127.0.0.1").c_str(), 1);

  const Result<HttpAnswer> answer =
      make_http_fetch(-1)->fetch({.server = server.url("http", "127.0.0.1"), .path = "/", .query = {}, .key = "rk"});
  unsetenv("http_proxy");

  CHECK(must(answer).body == "direct");
  CHECK(proxy.requests == 0);
}

TEST_CASE("the server is trusted by the given CA alone") {
  LiveServer server(acme().server_context(false), answering("hello"));
  const std::string url = server.url("https", "localhost");
  const sys::KeyAndCertificate other =
      must(sys::make_ca({.organization = "other", .now = sys::wall_now(), .validity = 24h}));
  const auto http = make_http_fetch(-1);

  CHECK(must(http->fetch(
                 {.server = url, .path = "/", .query = {}, .key = {}, .body = {}, .ca_pem = acme().ca.certificate_pem}))
            .body == "hello");

  // The kept connection of the call before must not lend its trust to another CA.
  const Result<HttpAnswer> refused =
      http->fetch({.server = url, .path = "/", .query = {}, .key = "rk", .body = {}, .ca_pem = other.certificate_pem});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code() == Code::denied);
  CHECK_THAT(refused.error().text(), Catch::StartsWith(url + " is not the server that this login trusts"));
  CHECK(server.requests == 1);
}

TEST_CASE("without a CA nobody is trusted, whatever the system trusts") {
  LiveServer server(acme().server_context(false), answering("hello"));
  const std::string bundle = (std::filesystem::temp_directory_path() / "reeve_cli_bundle.pem").string();
  std::ofstream(bundle) << acme().ca.certificate_pem;
  setenv("SSL_CERT_FILE", bundle.c_str(), 1);
  setenv("CURL_CA_BUNDLE", bundle.c_str(), 1);

  const Result<HttpAnswer> answer =
      make_http_fetch(-1)->fetch({.server = server.url("https", "localhost"), .path = "/", .query = {}, .key = "rk"});
  unsetenv("SSL_CERT_FILE");
  unsetenv("CURL_CA_BUNDLE");
  std::filesystem::remove(bundle);

  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code() == Code::denied);
  CHECK(server.requests == 0);
}

TEST_CASE("a certificate for another name is refused") {
  const sys::KeyAndCertificate elsewhere = must(sys::make_server_certificate(
      acme().ca, {.names = {"elsewhere.example"}, .now = sys::wall_now(), .validity = 24h}));
  LiveServer server(must(sys::TlsContext::make_server({.certificate_chain_pem = sys::append_chain(
                                                           elsewhere.certificate_pem, acme().ca.certificate_pem),
                                                       .key_pem = elsewhere.key_pem,
                                                       .client_ca_pem = {}})),
                    answering("hello"));

  const Result<HttpAnswer> answer = make_http_fetch(-1)->fetch({.server = server.url("https", "localhost"),
                                                                .path = "/",
                                                                .query = {},
                                                                .key = "rk",
                                                                .body = {},
                                                                .ca_pem = acme().ca.certificate_pem});

  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code() == Code::denied);
  CHECK(server.requests == 0);
}

TEST_CASE("the presented chain is fetched without a request, and trusts nobody afterwards") {
  LiveServer server(acme().server_context(false), answering("hello"));
  const std::string url = server.url("https", "localhost");
  const auto http = make_http_fetch(-1);

  const std::vector<Bytes> chain = must(http->presented_chain(url));

  REQUIRE(chain.size() == 2);
  CHECK(must(sys::certificate_info(chain[1])).fingerprint == acme().fingerprint());
  CHECK(server.requests == 0);
  CHECK_FALSE(http->fetch({.server = url, .path = "/", .query = {}, .key = "rk"}).ok());
  CHECK(must(http->fetch({.server = url, .path = "/", .query = {}, .key = {}, .body = {}, .ca_pem = chain[1]})).body ==
        "hello");
}

TEST_CASE("the wrong scheme is guessed at") {
  LiveServer plain(nullptr, answering("hello"));
  LiveServer encrypted(acme().server_context(false), answering("hello"));
  const auto http = make_http_fetch(-1);

  const Result<HttpAnswer> no_tls = http->fetch({.server = plain.url("https", "localhost"),
                                                 .path = "/",
                                                 .query = {},
                                                 .key = {},
                                                 .body = {},
                                                 .ca_pem = acme().ca.certificate_pem});
  const Result<HttpAnswer> no_plain = http->fetch({.server = encrypted.url("http", "localhost"), .path = "/"});

  REQUIRE_FALSE(no_tls.ok());
  CHECK_THAT(no_tls.error().text(), Catch::EndsWith("does it speak plain http?"));
  REQUIRE_FALSE(no_plain.ok());
  CHECK_THAT(no_plain.error().text(), Catch::EndsWith("does it speak https?"));
}

TEST_CASE("an answer beyond its limit is refused, one at the limit is taken") {
  LiveServer server(nullptr, answering(std::string(1000, 'x')));
  const std::string url = server.url("http", "127.0.0.1");
  const auto http = make_http_fetch(-1);
  HttpCall call{.server = url, .path = "/"};

  call.answer_bytes_max = 1000;
  CHECK(must(http->fetch(call)).body.size() == 1000);
  call.answer_bytes_max = 999;
  CHECK(http->fetch(call).error().code() == Code::exhausted);
}

TEST_CASE("nobody there is unavailable") {
  uint16_t port = 0;
  { port = LiveServer(nullptr, answering("")).port; }
  const std::string url = "http://127.0.0.1:" + std::to_string(port);

  const Result<HttpAnswer> answer = make_http_fetch(-1)->fetch({.server = url, .path = "/"});

  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code() == Code::unavailable);
  CHECK(answer.error().text() == "cannot reach " + url + ": Connection refused");
}

TEST_CASE("a server that never answers is given up after the timeout") {
  LiveServer server(nullptr, [](const sys::HttpRequest&, const sys::Responder&) {});
  HttpCall call{.server = server.url("http", "127.0.0.1"), .path = "/"};
  call.timeout = 50ms;

  const Result<HttpAnswer> answer = make_http_fetch(-1)->fetch(call);

  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code() == Code::unavailable);
}

TEST_CASE("a byte on the stop descriptor ends a wait at once") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  LiveServer server(nullptr, [&](const sys::HttpRequest&, const sys::Responder&) {
    check(::write(ends[1], "x", 1) == 1, "a pipe takes a byte");
  });

  const Result<HttpAnswer> answer =
      make_http_fetch(ends[0])->fetch({.server = server.url("http", "127.0.0.1"), .path = "/"});
  ::close(ends[0]);
  ::close(ends[1]);

  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code() == Code::cancelled);
}
