// Two programs on a request's way must never disagree about where it ends. Each case here is one that some proxy or
// server has read differently; we refuse it and close, so that what follows is never taken for a request.
#include "tests/sys/http_fixture.h"

using namespace reeve;
using namespace reeve::sys;

namespace {

struct Case {
  std::string what;
  std::string bytes;
  std::string status;
};

const std::string next = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

const std::vector<Case> cases = {
    {"CL.TE", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", "400"},
    {"TE.CL", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n", "400"},
    {"CL.CL, two", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 35\r\n\r\n", "400"},
    {"CL.CL, the same twice", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", "400"},
    {"CL in a list", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0, 0\r\n\r\n", "400"},
    {"CL with a sign", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +0\r\n\r\n", "400"},
    {"CL negative", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", "400"},
    {"CL in hex", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x0\r\n\r\n", "400"},
    {"CL with a blank inside", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1 2\r\n\r\n", "400"},
    {"CL beyond 64 bits", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551616\r\n\r\n", "400"},
    {"CL empty", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \r\n\r\n", "400"},
    {"TE repeated", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n", "400"},
    {"TE unknown", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "501"},
    {"TE in a list", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501"},
    {"TE not last", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", "501"},
    {"TE identity", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n", "501"},
    {"TE quoted", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", "501"},
    {"TE with a parameter", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n", "501"},
    {"TE behind a vertical tab", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n", "400"},
    {"TE with a blank before its colon", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
     "400"},
    {"TE behind a blank", "POST / HTTP/1.1\r\nHost: h\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
    {"TE folded", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", "400"},
    {"TE hidden by a bare CR", "POST / HTTP/1.1\r\nHost: h\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     "400"},
    {"TE hidden by a bare LF", "POST / HTTP/1.1\r\nHost: h\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     "400"},
    {"TE hidden by a NUL", std::string("POST / HTTP/1.1\r\nHost: h\r\nX: y\0z\r\n\r\n", 37), "400"},
    {"TE on HTTP/1.0", "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
    {"a chunk's size with a sign", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n+0\r\n\r\n", "400"},
    {"a chunk's size in 0x", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n", "400"},
    {"a chunk's size beyond 64 bits",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n", "400"},
    {"a chunk's size that ends in LF", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\n\r\n",
     "400"},
    {"a chunk that ends elsewhere",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n0\r\n\r\n", "400"},
    {"a chunk's size line with a bare CR",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\rz\r\nabc\r\n0\r\n\r\n", "400"},
    {"a line of the head that ends in LF", "GET / HTTP/1.1\nHost: h\r\n\r\n", "400"},
    {"CR LF within a target", "GET /a\r\nX: y HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
    {"a blank within a target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
    {"two blanks behind the method", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
    {"a tab behind the method", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
    {"no version", "GET /\r\nHost: h\r\n\r\n", "400"},
    {"a version to come", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", "400"},
    {"Host repeated", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
    {"Host with a path", "GET / HTTP/1.1\r\nHost: h/x\r\n\r\n", "400"},
    {"Host with a user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", "400"},
    {"Host missing", "GET http://h/ HTTP/1.1\r\n\r\n", "400"},
    {"a name with a blank", "GET / HTTP/1.1\r\nHost: h\r\nX Y: z\r\n\r\n", "400"},
    {"a name that is empty", "GET / HTTP/1.1\r\nHost: h\r\n: z\r\n\r\n", "400"},
    {"a line without a colon", "GET / HTTP/1.1\r\nHost: h\r\nnothing\r\n\r\n", "400"},
};

}  // namespace

TEST_CASE_METHOD(HttpFixture, "what two programs could read differently is refused, and what follows it is not read") {
  serve();
  const size_t index = GENERATE(range(size_t{0}, cases.size()));
  const bool byte_by_byte = GENERATE(false, true);
  const Case& one = cases[index];
  INFO(one.what);
  dial();

  if (byte_by_byte) {
    for (const char c : one.bytes + next) {
      if (!client->write(std::string(1, c))) break;
    }
  } else {
    say(one.bytes + next);
  }

  REQUIRE(end());
  CHECK(received.substr(0, 12) == "HTTP/1.1 " + one.status);
  CHECK(received.find("HTTP/1.1", 8) == std::string::npos);
  CHECK(requests.empty());
}

TEST_CASE_METHOD(HttpFixture, "an answer cannot be split by what is put into its headers") {
  handler = [](HttpRequest, const PeerInfo&, const Responder& responder) {
    HttpResponse response;
    response.headers = {{"Location", "/x\r\nSet-Cookie: a=b\r\n\r\n<html>"}};
    responder.respond(response);
  };
  serve();
  dial();
  say("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");

  REQUIRE(end());
  CHECK(received.find("Location: /x  Set-Cookie: a=b    <html>\r\n") != std::string::npos);
  CHECK(received.find("\nSet-Cookie") == std::string::npos);
}

TEST_CASE_METHOD(HttpFixture, "paths are handed on as they came: dots, escapes and double slashes mean nothing here") {
  serve();
  const auto target = GENERATE(as<std::string>{}, "/../../etc/passwd", "/a/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/x",
                               "//evil.example/x", "/a/./b//c", "/%00", "/a;b=c", "/..\\..\\x");
  dial();
  say("GET " + target + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");

  REQUIRE(end());
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].path == target);
  CHECK(requests[0].target == target);
}

TEST_CASE_METHOD(HttpFixture, "an absolute target is its path, and one that is no URL is refused") {
  serve();
  const auto [target, path] = GENERATE(table<std::string, std::string>({{"http://h/a?b", "/a"},
                                                                        {"https://other.example", "/"},
                                                                        {"HTTP://h:80/../x", "/../x"},
                                                                        {"ftp://h/a", ""},
                                                                        {"http:/a", ""},
                                                                        {"a", ""},
                                                                        {"h:80", ""}}));
  dial();
  say("GET " + target + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");

  REQUIRE(end());
  CHECK(received.starts_with(path.empty() ? "HTTP/1.1 400" : "HTTP/1.1 200"));
  CHECK((requests.empty() ? std::string() : requests[0].path) == path);
}

TEST_CASE_METHOD(HttpFixture, "a body that is read to its end leaves the next request its own") {
  serve();
  dial();
  say("POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nGET /"
      "POST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nGET\r\n0\r\nTrailer: x\r\n\r\n"
      "GET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");

  REQUIRE(end());
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].body == "GET /");
  CHECK(requests[1].body == "GET");
  CHECK(requests[1].header("Trailer").empty());
  CHECK(requests[2].path == "/3");
}
