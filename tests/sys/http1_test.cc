// What is a message and what is not, whole and cut at every byte.
#include "common/sys/http1.h"

#include "common/base/json.h"
#include "common/base/random.h"

using namespace reeve;
using namespace reeve::sys;

namespace {

constexpr HttpLimits small_limits = {.header_bytes_max = 512, .headers_max = 8, .body_bytes_max = 64};

// The outcome of a message, fed in pieces of `piece` bytes: "200 GET /path body" or "400".
struct Outcome {
  int status = 0;  // 200 where complete, 0 where more is needed
  std::string detail;
  HttpRequest request;
  size_t used = 0;
};

Outcome parse(BytesView bytes, size_t piece, HttpLimits limits = small_limits) {
  RequestParser parser(limits);
  Outcome outcome;
  while (outcome.used < bytes.size() && parser.progress() != HttpProgress::complete &&
         parser.progress() != HttpProgress::failed) {
    const BytesView fed = bytes.substr(outcome.used, piece);
    const size_t used = parser.feed(fed);
    outcome.used += used;
    if (used < fed.size()) break;
  }
  if (parser.progress() == HttpProgress::complete) {
    outcome.status = 200;
    outcome.request = parser.take();
  } else if (parser.progress() == HttpProgress::failed) {
    outcome.status = parser.error().status;
    outcome.detail = parser.error().detail;
  }
  return outcome;
}

struct Case {
  const char* what;
  std::string bytes;
  int status;
};

const std::string head = "POST /x HTTP/1.1\r\nHost: h\r\n";

std::vector<Case> cases() {
  return {
      {"a plain GET", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 200},
      {"an HTTP/1.0 GET without Host", "GET / HTTP/1.0\r\n\r\n", 200},
      {"an absolute target", "GET http://h/x?y HTTP/1.1\r\nHost: h\r\n\r\n", 200},
      {"an empty line before the request", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 200},
      {"a body with a length", head + "Content-Length: 5\r\n\r\nhello", 200},
      {"an empty body", head + "Content-Length: 0\r\n\r\n", 200},
      {"a body of the largest size", head + "Content-Length: 64\r\n\r\n" + std::string(64, 'b'), 200},
      {"a chunked body", head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200},
      {"chunked, in capitals", head + "transfer-encoding: CHUNKED\r\n\r\n0\r\n\r\n", 200},
      {"chunks with extensions", head + "Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0;c\r\n\r\n", 200},
      {"trailers", head + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-After: 1\r\n\r\n", 200},
      {"a value with a tab and bytes beyond ASCII", head + "X: a\tb\xc3\xa9\r\n\r\n", 200},

      // The five checks of ours, and their kin.
      {"an unknown Transfer-Encoding", head + "Transfer-Encoding: gzip\r\n\r\n", 501},
      {"an unknown Transfer-Encoding before chunked", head + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
      {"identity", head + "Transfer-Encoding: identity\r\n\r\n", 501},
      {"Transfer-Encoding on HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"obs-fold with a blank", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", 400},
      {"obs-fold with a tab", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n\tb\r\n\r\n", 400},
      {"a field that begins folded", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400},
      {"a missing Host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"a repeated Host", "GET / HTTP/1.1\r\nHost: h\r\nhost: h\r\n\r\n", 400},
      {"a repeated Host on HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"a Host that is none", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
      {"Content-Length before Transfer-Encoding",
       head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"Transfer-Encoding before Content-Length",
       head + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
      {"a repeated Transfer-Encoding",
       head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"a repeated Content-Length", head + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400},
      {"a list of lengths", head + "Content-Length: 5, 5\r\n\r\nhello", 400},
      {"a signed length", head + "Content-Length: +5\r\n\r\nhello", 400},
      {"a length in hex", head + "Content-Length: 0x5\r\n\r\nhello", 400},
      {"a length beyond 64 bits", head + "Content-Length: 99999999999999999999\r\n\r\n", 400},

      {"a bare line feed after a field", "GET / HTTP/1.1\r\nHost: h\n\r\n", 400},
      {"a bare line feed after the request line", "GET / HTTP/1.1\nHost: h\r\n\r\n", 400},
      {"a bare carriage return", "GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", 400},
      {"a NUL in a value", std::string("GET / HTTP/1.1\r\nHost: h\r\nX: a") + '\0' + "b\r\n\r\n", 400},
      {"a blank before the colon", "GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400},
      {"a field without a colon", "GET / HTTP/1.1\r\nHost: h\r\nnonsense\r\n\r\n", 400},
      {"a field without a name", "GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n", 400},
      {"HTTP/2", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 400},
      {"no version", "GET /\r\nHost: h\r\n\r\n", 400},
      {"no target", "GET HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"a target that is no URL", "GET x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"a target of another scheme", "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"a target beyond ASCII", "GET /\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"a TLS hello", std::string("\x16\x03\x01\x02\x00\x01\x00\n", 8), 400},
      {"only empty lines", "\r\n\r\n\r\n\r\n\r\n\r\n", 400},
      {"an expectation we do not know", head + "Expect: a miracle\r\n\r\n", 417},

      {"a body one byte too long", head + "Content-Length: 65\r\n\r\n", 413},
      {"chunks that together are too long",
       head + "Transfer-Encoding: chunked\r\n\r\n28\r\n" + std::string(40, 'b') + "\r\n28\r\n", 413},
      {"a chunk size that wraps around", head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nffffffffffffffff\r\n",
       413},
      {"a chunk size beyond 64 bits", head + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n", 400},
      {"a chunk size that is none", head + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
      {"a chunk longer than its size", head + "Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n", 400},
      {"a chunk's extension without end", head + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(600, 'e'), 431},
      {"trailers without end", head + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + std::string(600, 'e'), 431},
      {"a bare line feed after the last chunk", head + "Transfer-Encoding: chunked\r\n\r\n0\r\n\n\r\n", 400},
      {"a head too long", "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(500, 'x') + "\r\n\r\n", 431},
      {"a request line too long", "GET /" + std::string(600, 'x'), 431},
      {"too many fields",
       "GET / HTTP/1.1\r\nHost: h\r\n1: 1\r\n2: 2\r\n3: 3\r\n4: 4\r\n5: 5\r\n6: 6\r\n7: 7\r\n8: 8\r\n\r\n", 431},
      {"a head that is not over", "GET / HTTP/1.1\r\nHost: h\r\n", 0},
      {"a body that is not over", head + "Content-Length: 5\r\n\r\nhell", 0},
  };
}

}  // namespace

TEST_CASE("requests are read or refused the same however they are cut") {
  for (const Case& one : cases()) {
    for (size_t piece = 1; piece <= one.bytes.size(); ++piece) {
      INFO(one.what << ", in pieces of " << piece);
      const Outcome outcome = parse(one.bytes, piece);
      INFO(outcome.detail);
      REQUIRE(outcome.status == one.status);
      if (one.status == 200) REQUIRE(outcome.used == one.bytes.size());
    }
  }
}

TEST_CASE("requests are read or refused the same when cut once, anywhere") {
  for (const Case& one : cases()) {
    for (size_t cut = 1; cut < one.bytes.size(); ++cut) {
      INFO(one.what << ", cut at " << cut);
      RequestParser parser(small_limits);
      const size_t used = parser.feed(BytesView(one.bytes).substr(0, cut));
      if (used == cut) (void)parser.feed(BytesView(one.bytes).substr(cut));
      REQUIRE((parser.progress() == HttpProgress::complete) == (one.status == 200));
      REQUIRE((parser.progress() == HttpProgress::failed) == (one.status >= 400));
      if (one.status >= 400) REQUIRE(parser.error().status == one.status);
    }
  }
}

TEST_CASE("a request's parts are where they belong") {
  const Outcome outcome = parse(
      "PUT http://reeve:1/a/b%20c?x=1&y#f HTTP/1.1\r\nHost: h\r\nX-One:  two \r\n"
      "Content-Length: 4\r\n\r\nbodymore",
      1000);

  REQUIRE(outcome.status == 200);
  CHECK(outcome.request.method == "PUT");
  CHECK(outcome.request.path == "/a/b%20c");
  CHECK(outcome.request.query == "x=1&y");
  CHECK(outcome.request.header("x-ONE") == "two");
  CHECK(outcome.request.header("absent").empty());
  CHECK(outcome.request.body == "body");
  CHECK(outcome.request.keep_alive);
}

TEST_CASE("a chunked body is put together, and its trailers change nothing") {
  const Outcome outcome = parse(head +
                                    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n"
                                    "Authorization: root\r\n\r\nGET",
                                7);

  REQUIRE(outcome.status == 200);
  CHECK(outcome.request.body == "abc0123456789");
  CHECK(outcome.request.header("Authorization").empty());
}

TEST_CASE("requests in one piece are taken one after the other") {
  const std::string bytes = head + "Content-Length: 2\r\n\r\nab" + "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n" + head +
                            "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n" + "GET /4 HTTP/1.0\r\n\r\n";
  RequestParser parser(small_limits);
  std::vector<std::string> seen;
  size_t used = 0;

  while (used < bytes.size()) {
    used += parser.feed(BytesView(bytes).substr(used));
    REQUIRE(parser.progress() == HttpProgress::complete);
    const HttpRequest request = parser.take();
    seen.push_back(request.path + " " + request.body + (request.keep_alive ? "" : " close"));
    REQUIRE(parser.is_fresh());
  }

  CHECK(seen == std::vector<std::string>{"/x ab", "/2 ", "/x x", "/4  close"});
}

TEST_CASE("an upgrade, an expectation and a body's own limit are seen in the head") {
  RequestParser parser(small_limits);
  parser.set_body_limit([](const HttpRequest& request) { return request.path == "/big" ? 1000u : 3u; });

  (void)parser.feed("POST /big HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n");
  CHECK(parser.wants_continue());
  (void)parser.feed(std::string(1000, 'x'));
  CHECK(parser.take().body.size() == 1000);
  CHECK(!parser.wants_continue());

  (void)parser.feed("GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n");
  CHECK(parser.take().wants_websocket);

  (void)parser.feed("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n");
  CHECK(parser.error().status == 413);
}

TEST_CASE("random damage never gets past an error") {
  SeededRandom random(7);
  const std::vector<Case> all = cases();
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = all[random.below(all.size())].bytes;
    for (uint64_t damage = random.below(4); damage-- > 0;) {
      bytes[random.below(bytes.size())] =
          random.one_in(2) ? "\r\n \t:0;,"[random.below(8)] : static_cast<char>(random.below(256));
    }
    const Outcome outcome = parse(bytes, 1 + random.below(bytes.size()));
    REQUIRE((outcome.status == 0 || outcome.status == 200 || outcome.status >= 400));
    REQUIRE(outcome.request.body.size() <= small_limits.body_bytes_max);
  }
}

// -- Responses -------------------------------------------------------------------------------------------------------

namespace {

struct ResponseOutcome {
  HttpProgress progress = HttpProgress::head;
  HttpResponse response;
};

ResponseOutcome parse_response(BytesView bytes, ResponseParser::Answers answers = ResponseParser::Answers::other,
                               size_t piece = 1) {
  ResponseParser parser(small_limits, answers);
  for (size_t at = 0; at < bytes.size() && parser.progress() != HttpProgress::complete; at += piece) {
    (void)parser.feed(bytes.substr(at, piece));
  }
  ResponseOutcome outcome{.progress = parser.progress(), .response = {}};
  if (outcome.progress == HttpProgress::complete) outcome.response = parser.take();
  return outcome;
}

}  // namespace

TEST_CASE("a response is read behind those that only announce it") {
  const ResponseOutcome outcome = parse_response(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
      "HTTP/1.1 201 Created\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok");

  REQUIRE(outcome.progress == HttpProgress::complete);
  CHECK(outcome.response.status == 201);
  CHECK(outcome.response.header("x-a") == "b");
  CHECK(outcome.response.header("link").empty());
  CHECK(outcome.response.body == "ok");
}

TEST_CASE("a response without a length is refused unless it has no body") {
  CHECK(parse_response("HTTP/1.1 200 OK\r\n\r\nbody").progress == HttpProgress::failed);
  CHECK(parse_response("HTTP/1.1 204 No Content\r\n\r\n").progress == HttpProgress::complete);
  CHECK(parse_response("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n").progress ==
        HttpProgress::complete);
  CHECK(parse_response("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", ResponseParser::Answers::head).progress ==
        HttpProgress::complete);
  CHECK(parse_response("HTTP/1.1 200 Connection established\r\n\r\n", ResponseParser::Answers::connect).progress ==
        HttpProgress::complete);
}

TEST_CASE("a response beyond its limit, or in bad shape, is refused") {
  CHECK(parse_response("HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n").progress == HttpProgress::failed);
  CHECK(parse_response("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx").progress ==
        HttpProgress::failed);
  CHECK(parse_response("HTTP/1.1 2000 OK\r\n\r\n").progress == HttpProgress::failed);
  CHECK(parse_response("ICY 200 OK\r\n\r\n").progress == HttpProgress::failed);
}

// -- Serialising -----------------------------------------------------------------------------------------------------

TEST_CASE("what is serialised is read back") {
  HttpResponse response;
  response.status = 200;
  response.headers = {{"Content-Type", "text/plain"}};
  response.body = "hello";
  const ResponseOutcome read_back = parse_response(serialize(response));
  CHECK(read_back.response.body == "hello");

  HttpRequest request;
  request.method = "POST";
  request.target = "/v1/enroll?x";
  request.headers = {{"Host", "h"}};
  request.body = "{}";
  const Outcome outcome = parse(serialize(request), 3);
  CHECK(outcome.request.path == "/v1/enroll");
  CHECK(outcome.request.body == "{}");
}

TEST_CASE("a header's value cannot carry another header out") {
  HttpResponse response;
  response.headers = {{"X-Echo", "a\r\nSet-Cookie: evil"}};

  const std::string bytes = serialize(response);

  CHECK(bytes.find("\r\nSet-Cookie") == std::string::npos);
  CHECK(bytes.find("X-Echo: a  Set-Cookie: evil\r\n") != std::string::npos);
}

TEST_CASE("HEAD and statuses without a body are serialised without one") {
  HttpResponse response;
  response.body = "hello";

  CHECK(serialize(response, true).ends_with("Content-Length: 5\r\n\r\n"));
  response.status = 204;
  CHECK(serialize(response).ends_with("204 No Content\r\n\r\n"));
}

TEST_CASE("a problem is JSON with its status and detail") {
  const HttpResponse problem = make_problem(413, "too \"big\"");

  const Json body = *parse_json(problem.body);
  CHECK(problem.header("content-type") == "application/problem+json");
  CHECK(body.int_or("status") == 413);
  CHECK(body.string_or("detail") == "too \"big\"");
}

TEST_CASE("queries are decoded, and damaged ones named") {
  const auto pairs = parse_query("a=1&b=x%20y+z&&c&a=%3D");

  REQUIRE(pairs.ok());
  CHECK(pairs.value() ==
        std::vector<std::pair<std::string, std::string>>{{"a", "1"}, {"b", "x y z"}, {"c", ""}, {"a", "="}});
  CHECK(parse_query("a=%2").error().text().find("a=%2") != std::string::npos);
  CHECK(!parse_query("a=%zz").ok());
  CHECK(percent_decode("%41%2f+") == "A/+");
  CHECK(percent_encode("a b/ä") == "a%20b%2F%C3%A4");
  std::string many;
  for (int i = 0; i < 201; ++i) many += "a&";
  CHECK(!parse_query(many).ok());
}
