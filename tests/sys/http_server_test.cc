// The HTTP server over real sockets, and the one-request client against it.
#include "common/sys/http_server.h"

#include <thread>

#include "common/base/json.h"
#include "tests/sys/http_fixture.h"

using namespace reeve;
using namespace reeve::sys;

TEST_CASE_METHOD(HttpFixture, "a request is answered, over TLS too") {
  const bool with_tls = GENERATE(false, true);
  if (with_tls) options.listener.tls = acme().server_context(false);
  serve();
  HttpCall post{.method = "POST", .target = "/v1/enroll?x=1", .headers = {{"X-A", "b"}}, .body = "hello"};
  if (with_tls) post.connect.tls = must(TlsContext::make_client({.ca_fingerprint = acme().fingerprint()}));

  const HttpResponse response = must(call(post));

  CHECK(response.status == 200);
  CHECK(response.body == "POST /v1/enroll hello");
  CHECK(requests.at(0).query == "x=1");
  CHECK(requests.at(0).header("X-A") == "b");
}

TEST_CASE_METHOD(HttpFixture, "a large body goes up and comes back down") {
  options.limits.body_bytes_max = 8_MiB;
  serve();
  HttpCall post{.method = "POST", .body = Bytes(8_MiB, 'x'), .response_bytes_max = 9_MiB};

  CHECK(must(call(post)).body.size() == 8_MiB + 7);

  post.body += 'x';
  CHECK(must(call(post)).status == 413);
  CHECK(requests.size() == 1);
}

TEST_CASE_METHOD(HttpFixture, "the client refuses an answer beyond its limit") {
  serve();
  const Result<HttpResponse> response = call({.method = "POST", .body = Bytes(1000, 'x'), .response_bytes_max = 1000});

  REQUIRE(!response.ok());
  CHECK(response.error().text().find("1000") != std::string::npos);
}

TEST_CASE_METHOD(HttpFixture, "requests of one connection are answered in order, pipelined ones after the first") {
  std::vector<Responder> waiting;
  handler = [&](HttpRequest request, const PeerInfo&, Responder responder) {
    requests.push_back(std::move(request));
    waiting.push_back(responder);
  };
  serve();
  dial();

  say("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3 HTTP/1.1\r\nHost: h\r\nConnection: "
      "close\r\n\r\n");
  for (size_t i = 0; i < 3; ++i) {
    REQUIRE(loop.run_until([&] { return waiting.size() == i + 1; }, 5s));
    CHECK(requests.size() == i + 1);  // the next one waits for this answer
    HttpResponse response;
    response.body = "answer " + requests[i].path;
    waiting[i].respond(response);
    waiting[i].respond(response);  // the second does nothing
  }

  REQUIRE(end());
  const size_t first = received.find("answer /1");
  const size_t second = received.find("answer /2");
  const size_t third = received.find("answer /3");
  CHECK(first < second);
  CHECK(second < third);
  CHECK(third != std::string::npos);
  CHECK(received.find("Connection: close") > second);
}

TEST_CASE_METHOD(HttpFixture, "another thread may answer, and a responder that is dropped there is a 500") {
  std::thread worker;
  handler = [&](HttpRequest request, const PeerInfo&, Responder responder) {
    if (worker.joinable()) worker.join();
    worker = std::thread([path = request.path, to = std::move(responder)]() mutable {
      HttpResponse response;
      response.body = "from a thread";
      if (path == "/answer") to.respond(response);
      const Responder gone = std::move(to);
    });
  };
  serve();

  CHECK(must(call({.target = "/answer"})).body == "from a thread");
  CHECK(must(call({.target = "/drop"})).status == 500);
  worker.join();
}

TEST_CASE_METHOD(HttpFixture, "a bad request is answered with a problem and the connection closes") {
  serve();
  dial();

  say("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: smuggled\r\n\r\n");

  REQUIRE(end());
  CHECK(received.starts_with("HTTP/1.1 400 Bad Request\r\n"));
  CHECK(received.find("application/problem+json") != std::string::npos);
  CHECK(received.find("Host is missing") != std::string::npos);
  CHECK(requests.empty());
  CHECK(server->stats().requests_bad_total == 1);
}

TEST_CASE_METHOD(HttpFixture, "each kind of refusal has its status") {
  serve();
  const auto [bytes, status] = GENERATE(table<std::string, std::string>({
      {"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(20'000, 'x'), "431"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n", "413"},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", "501"},
      {"POST / HTTP/1.1\r\nHost: h\r\nExpect: more\r\n\r\n", "417"},
      {"\x16\x03\x01\n", "400"},
  }));
  dial();

  say(bytes);

  REQUIRE(end());
  CHECK(received.starts_with("HTTP/1.1 " + status));
}

TEST_CASE_METHOD(HttpFixture, "a head or body that comes too slowly is a 408") {
  options.header_timeout = 50ms;
  options.body_timeout = 50ms;
  serve();
  const auto bytes = GENERATE(as<std::string>{}, "G", "GET / HTTP/1.1\r\nHost: h\r\n",
                              "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhel");
  dial();

  say(bytes);

  REQUIRE(end());
  CHECK(received.starts_with("HTTP/1.1 408"));
  CHECK(server->stats().timeouts_total == 1);
}

TEST_CASE_METHOD(HttpFixture, "a head that drips in does not outlive its timeout") {
  options.header_timeout = 100ms;
  serve();
  dial();
  say("GET / HTTP/1.1\r\n");
  const TimerId drip = loop.every(5ms, [this] { (void)client->write("X: y\r\n"); });

  REQUIRE(end());
  loop.cancel(drip);
  CHECK(received.starts_with("HTTP/1.1 408"));
}

TEST_CASE_METHOD(HttpFixture, "an idle connection is closed without a word") {
  options.idle_timeout = 50ms;
  serve();
  dial();

  REQUIRE(end());
  CHECK(received.empty());
}

TEST_CASE_METHOD(HttpFixture, "a slow handler is not timed out") {
  options.header_timeout = options.body_timeout = options.idle_timeout = 200ms;
  handler = [this](HttpRequest, const PeerInfo&, Responder responder) {
    loop.after(500ms, [responder] { responder.respond({}); });
  };
  serve();

  CHECK(must(call({})).status == 200);
}

TEST_CASE_METHOD(HttpFixture, "a client that waits for 100 Continue gets it, unless the body would be too big") {
  serve();
  dial();
  say("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  REQUIRE(hear("100 Continue\r\n\r\n"));
  say("ok");
  REQUIRE(hear("POST / ok"));

  say("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n");
  REQUIRE(end());
  CHECK(received.find("413 Content Too Large") != std::string::npos);
}

TEST_CASE_METHOD(HttpFixture, "HEAD is answered without a body, and HTTP/1.0 closes") {
  serve();
  dial();
  say("HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(hear("Content-Length: 8\r\n\r\n"));
  CHECK(received.find("HEAD /x") == std::string::npos);

  say("GET /y HTTP/1.0\r\n\r\n");
  REQUIRE(end());
  CHECK(received.ends_with("GET /y "));
}

TEST_CASE_METHOD(HttpFixture, "what a client sends ahead is bounded, and none of it is lost") {
  options.pipelined_bytes_max = 4_KiB;
  options.listener.stream.pending_bytes_max = 64_MiB;
  std::optional<Responder> first;
  handler = [&, usual = handler](HttpRequest request, const PeerInfo& peer, Responder responder) {
    if (requests.empty()) {
      requests.push_back(request);
      first = responder;
      return;
    }
    usual(std::move(request), peer, std::move(responder));
  };
  serve();
  dial();
  Bytes many;
  for (int i = 0; i < 20'000; ++i) many += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  say(many);
  REQUIRE(loop.run_until([&] { return first.has_value(); }, 5s));
  CHECK(!loop.run_until([&] { return requests.size() > 1; }, 20ms));

  first->respond({});
  first.reset();

  REQUIRE(loop.run_until([&] { return requests.size() == 20'000; }, 30s));
  CHECK(requests.back().path == "/19999");
}

TEST_CASE_METHOD(HttpFixture, "a client that leaves before its answer disturbs nobody") {
  std::optional<Responder> responder;
  handler = [&](HttpRequest, const PeerInfo&, Responder one) { responder = one; };
  serve();
  dial();
  say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(loop.run_until([&] { return responder.has_value(); }, 5s));

  client->abort(Error(Code::cancelled, "gone"));
  REQUIRE(loop.run_until([&] { return server->stats().listener.connections == 0; }, 5s));

  responder->respond({});
}

TEST_CASE_METHOD(HttpFixture, "a server may be destroyed inside its own handler") {
  handler = [&](HttpRequest, const PeerInfo&, Responder) { server.reset(); };
  serve();
  dial();

  say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");

  CHECK(end());
}

TEST_CASE_METHOD(HttpFixture, "the client reports a server that closes without an answer, and one that is silent") {
  serve();
  handler = [&](HttpRequest request, const PeerInfo&, Responder responder) {
    if (request.path == "/silent") loop.after(1s, [responder] {});
    if (request.path == "/gone") server.reset();
  };

  CHECK(call({.target = "/silent", .timeout = 50ms}).error().code() == Code::unavailable);
  CHECK(call({.target = "/gone"}).error().code() == Code::unavailable);
}
