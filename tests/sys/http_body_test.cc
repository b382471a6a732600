// Request bodies that are decoded or handed on as they come, and answers that leave gzipped.
#include <thread>

#include "tests/sys/coded.h"
#include "tests/sys/http2_client.h"

using namespace reeve;
using namespace reeve::sys;

namespace {

HttpCall post(Bytes body, std::string coding = {}) {
  HttpCall call{.method = "POST", .body = std::move(body), .response_bytes_max = 64_MiB};
  if (!coding.empty()) call.headers.push_back({"Content-Encoding", std::move(coding)});
  return call;
}

// Takes pieces while it has room for them.
struct Sink final : BodySink {
  explicit Sink(BodyFlow the_flow) : flow(std::move(the_flow)) {}

  Status take(BytesView piece) override {
    if (piece.find("poison") != BytesView::npos) return Error(Code::denied, "no poison");
    taken += piece;
    ++pieces;
    room = room < piece.size() ? 0 : room - piece.size();
    return {};
  }
  bool ready() const override { return room > 0; }

  BodyFlow flow;
  Bytes taken{};
  size_t pieces = 0;
  size_t room = SIZE_MAX;
};

struct SinkFixture : Http2Fixture {
  std::shared_ptr<Sink> sink;
  size_t room = SIZE_MAX;

  SinkFixture() {
    options.limits.body_bytes_max = 64_MiB;
    options.decode_bodies = true;
    options.body_sink = [this](const HttpRequest&, BodyFlow flow) {
      sink = std::make_shared<Sink>(std::move(flow));
      sink->room = room;
      return sink;
    };
    handler = [this](HttpRequest request, const PeerInfo&, const Responder& responder) {
      CHECK(request.body.empty());
      CHECK(request.sink == sink);
      HttpResponse response;
      response.body = std::to_string(sink->taken.size());
      requests.push_back(std::move(request));
      responder.respond(response);
    };
  }
};

}  // namespace

TEST_CASE_METHOD(HttpFixture, "coded bodies are decoded before the handler sees them") {
  options.decode_bodies = true;
  options.limits.body_bytes_max = 1_MiB;
  serve();
  const auto coding = GENERATE(ContentCoding::gzip, ContentCoding::deflate, ContentCoding::zstd);
  const std::string name = coding == ContentCoding::gzip      ? "gzip"
                           : coding == ContentCoding::deflate ? "deflate"
                                                              : "zstd";

  CHECK(must(call(post(encode(coding, Bytes(1_MiB, 'x')), name))).body.size() == 1_MiB + 7);
  CHECK(requests.at(0).header("Content-Encoding").empty());
  CHECK(must(call(post(encode(coding, ""), name))).status == 200);
  CHECK(must(call(post("", name))).status == 200);
  CHECK(must(call(post("plain", "identity"))).body == "POST / plain");
}

TEST_CASE_METHOD(HttpFixture, "a bomb is a 413, at its first byte too many") {
  options.decode_bodies = true;
  options.limits.body_bytes_max = 1_MiB;
  serve();
  const auto coding = GENERATE(ContentCoding::gzip, ContentCoding::zstd);
  const std::string name = coding == ContentCoding::gzip ? "gzip" : "zstd";

  CHECK(must(call(post(encode(coding, Bytes(1_MiB + 1, 'x')), name))).status == 413);
  CHECK(must(call(post(encode(coding, Bytes(512_MiB, 'x')), name))).status == 413);
  CHECK(requests.empty());
}

TEST_CASE_METHOD(HttpFixture, "a coding that is unknown, damaged or cut is refused") {
  options.decode_bodies = true;
  serve();

  const HttpResponse unknown = must(call(post("x", "br")));
  CHECK(unknown.status == 415);
  CHECK(unknown.header("Accept-Encoding") == "gzip, deflate, zstd");
  CHECK(must(call(post("no gzip at all", "gzip"))).status == 400);
  const Bytes coded = gzip("hello", 6);
  CHECK(must(call(post(coded.substr(0, coded.size() - 3), "gzip"))).status == 400);
  CHECK(must(call(post(coded.substr(0, 3), "gzip"))).status == 400);
  CHECK(requests.empty());
}

TEST_CASE_METHOD(HttpFixture, "without the option a coded body is handed on as it came") {
  serve();

  CHECK(must(call(post("\x1f\x8b", "gzip"))).body == "POST / \x1f\x8b");
  CHECK(requests.at(0).header("Content-Encoding") == "gzip");
}

TEST_CASE_METHOD(Http2Fixture, "HTTP/2 decodes and refuses the same") {
  options.decode_bodies = true;
  options.limits.body_bytes_max = 1_MiB;
  serve();
  dial2();

  CHECK(answer(send("POST", "/", {{"content-encoding", "zstd"}}, encode(ContentCoding::zstd, Bytes(1_MiB, 'x'))))
            .body.size() == 1_MiB + 7);
  CHECK(answer(send("POST", "/", {{"content-encoding", "gzip"}}, gzip(Bytes(64_MiB, 'x'), 6))).status == 413);
  CHECK(answer(send("POST", "/", {{"content-encoding", "br"}}, "x")).status == 415);
  CHECK(answer(send("POST", "/", {{"content-encoding", "gzip"}}, gzip("x", 6).substr(0, 12))).status == 400);
  CHECK(answer(send("POST", "/", {}, "fine")).status == 200);
  CHECK(requests.size() == 2);
}

TEST_CASE_METHOD(SinkFixture, "a sink takes a body piece by piece, decoded where it is coded") {
  serve();
  Bytes body;
  while (body.size() < 8_MiB) body += "some line of text, number " + std::to_string(body.size()) + "\n";

  CHECK(must(call(post(body))).body == std::to_string(body.size()));
  CHECK(sink->pieces > 1);
  CHECK(sink->taken == body);
  CHECK(must(call(post(gzip(body, 1), "gzip"))).body == std::to_string(body.size()));
  CHECK(sink->taken == body);
  CHECK(must(call(post(""))).body == "0");
}

TEST_CASE_METHOD(SinkFixture, "a sink that wants no more stops its client, and goes on where it was") {
  room = 1;
  const bool http2 = GENERATE(false, true);
  serve();
  const Bytes body(16_MiB, 'x');
  int32_t id = 0;
  if (http2) {
    dial2();
    id = send("POST", "/", {}, body);
  } else {
    options.listener.stream.pending_bytes_max = 64_MiB;
    dial();
    say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
    say(body);
  }
  REQUIRE(loop.run_until([this] { return sink != nullptr && sink->pieces == 1; }, 5s));
  CHECK(!loop.run_until([this] { return sink->pieces > 1; }, 50ms));
  CHECK(sink->taken.size() < 1_MiB);

  std::thread elsewhere([this] {
    sink->room = 1_MiB;
    sink->flow.resume();
  });
  elsewhere.join();
  REQUIRE(loop.run_until([this] { return sink->taken.size() > 1_MiB; }, 5s));
  sink->room = SIZE_MAX;
  sink->flow.resume();

  REQUIRE(loop.run_until([this] { return requests.size() == 1; }, 10s));
  CHECK(sink->taken == body);
  if (http2) {
    CHECK(answer(id).body == std::to_string(body.size()));
  } else {
    CHECK(hear(std::to_string(body.size())));
  }
}

TEST_CASE_METHOD(SinkFixture, "a sink refuses by the code of its error") {
  serve();
  const bool http2 = GENERATE(false, true);
  if (http2) {
    dial2();
    CHECK(answer(send("POST", "/", {}, "some poison")).status == 403);
  } else {
    CHECK(must(call(post("some poison"))).status == 403);
  }
  CHECK(requests.empty());
}

TEST_CASE_METHOD(SinkFixture, "a client that leaves while its body is paused disturbs nobody") {
  room = 1;
  serve();
  dial();
  say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + Bytes(50'000, 'x'));
  REQUIRE(loop.run_until([this] { return sink != nullptr && sink->pieces == 1; }, 5s));
  client->abort(Error(Code::cancelled, "gone"));
  sink->room = SIZE_MAX;
  sink->flow.resume();

  REQUIRE(loop.run_until([this] { return server->stats().listener.connections == 0; }, 5s));
  sink->flow.resume();
  CHECK(!loop.run_until([this] { return !requests.empty(); }, 10ms));
}

TEST_CASE_METHOD(HttpFixture, "pipelined requests behind a paused body are read after it") {
  std::shared_ptr<Sink> sink;
  options.body_sink = [&](const HttpRequest& head, BodyFlow flow) -> std::shared_ptr<BodySink> {
    if (head.method != "POST") return nullptr;
    sink = std::make_shared<Sink>(std::move(flow));
    sink->room = 1;
    return sink;
  };
  serve();
  dial();
  say("POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
      "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
      "GET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  REQUIRE(loop.run_until([&] { return sink != nullptr && sink->pieces == 1; }, 5s));
  CHECK(requests.empty());

  sink->room = 1;
  sink->flow.resume();

  REQUIRE(end());
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].path == "/1");
  CHECK(requests[2].path == "/3");
}

// -- Answers ---------------------------------------------------------------------------------------------------------

namespace {

struct CompressFixture : HttpFixture {
  HttpResponse response;
  bool from_a_thread = false;
  std::thread worker;

  CompressFixture() {
    handler = [this](HttpRequest, const PeerInfo&, const Responder& responder) {
      if (!from_a_thread) return responder.respond(response);
      if (worker.joinable()) worker.join();
      worker = std::thread([this, responder] { responder.respond(response); });
    };
  }
  ~CompressFixture() {
    if (worker.joinable()) worker.join();
  }

  HttpResponse get(const std::string& accept) {
    return must(call({.headers = {{"Accept-Encoding", accept}}, .response_bytes_max = 64_MiB}));
  }
};

}  // namespace

TEST_CASE_METHOD(CompressFixture, "text and JSON of a KiB and more leave gzipped to who accepts it") {
  serve();
  response.headers = {{"Content-Type", GENERATE(as<std::string>{}, "application/json", "text/csv; charset=utf-8")}};
  response.body = Bytes(1_KiB, 'x');

  const HttpResponse gzipped = get("br, gzip");
  CHECK(gzipped.header("Content-Encoding") == "gzip");
  CHECK(gzipped.header("Vary") == "Accept-Encoding");
  CHECK(decode_content(ContentCoding::gzip, gzipped.body, 2_KiB).value() == response.body);

  const HttpResponse plain = get("br");
  CHECK(plain.header("Content-Encoding").empty());
  CHECK(plain.body == response.body);

  response.body.pop_back();
  CHECK(get("gzip").header("Content-Encoding").empty());
}

TEST_CASE_METHOD(CompressFixture, "a handler decides for itself, and what is coded or named by an ETag stays") {
  serve();
  response.headers = {{"Content-Type", "application/json"}};
  response.body = Bytes(2_KiB, 'x');

  response.compress = HttpResponse::Compress::never;
  CHECK(get("gzip").header("Content-Encoding").empty());
  response.compress = HttpResponse::Compress::always;
  response.headers = {{"Content-Type", "application/x-protobuf"}};
  CHECK(get("gzip").header("Content-Encoding") == "gzip");
  response.headers.push_back({"ETag", "\"1\""});
  CHECK(get("gzip").header("Content-Encoding").empty());
  response.headers = {{"Content-Encoding", "zstd"}};
  CHECK(get("gzip").body == response.body);
}

TEST_CASE_METHOD(CompressFixture, "large answers are compressed on the handler's thread, never on the loop's") {
  serve();
  response.headers = {{"Content-Type", "application/json"}};
  response.body = Bytes(1_MiB, 'x');

  CHECK(get("gzip").header("Content-Encoding").empty());
  from_a_thread = true;
  CHECK(get("gzip").header("Content-Encoding") == "gzip");
}
