// HTTP/2 over real sockets: the same handler, limits for each stream, and clients that mean no good.
#include <thread>

#include "tests/sys/http2_client.h"

using namespace reeve;
using namespace reeve::sys;

namespace {

const std::string* field(const Http2Answer& answer, std::string_view name) {
  return find_header(answer.headers, name);
}

}  // namespace

TEST_CASE_METHOD(Http2Fixture, "a request over HTTP/2 is answered, by prior knowledge and by ALPN") {
  const bool with_tls = GENERATE(false, true);
  if (with_tls) options.listener.tls = acme().server_context(false);
  serve();
  dial2(with_tls ? acme().client_context() : nullptr);
  if (with_tls) CHECK(client->peer().protocol == "h2");

  const Http2Answer got =
      answer(send("POST", "/v1/x?a=1", {{"x-a", "b"}, {"cookie", "c=1"}, {"cookie", "d=2"}}, "hello"));

  CHECK(got.status == 200);
  CHECK(got.body == "POST /v1/x hello");
  CHECK(*field(got, "content-length") == "16");
  CHECK(*field(got, "content-type") == "text/plain");
  CHECK(requests.at(0).version == 2);
  CHECK(requests.at(0).query == "a=1");
  CHECK(requests.at(0).header("Host") == "h");
  CHECK(requests.at(0).header("X-A") == "b");
  CHECK(requests.at(0).header("Cookie") == "c=1; d=2");
  CHECK(server->stats().connections_http2_total == 1);
}

TEST_CASE_METHOD(HttpFixture, "a client that offers only HTTP/1.1 gets it, and one without ALPN does too") {
  options.listener.tls = acme().server_context(false);
  serve();
  const std::vector<std::string> protocols =
      GENERATE(std::vector<std::string>{}, std::vector<std::string>{"http/1.1"}, std::vector<std::string>{"other"});
  HttpCall get;
  get.connect.tls = acme().client_context();
  get.connect.protocols = protocols;

  CHECK(must(call(get)).status == 200);
  CHECK(requests.at(0).version == 1);
}

TEST_CASE_METHOD(HttpFixture, "a first line that begins like HTTP/2's preface is read as HTTP/1.1, cut anywhere") {
  serve();
  dial();
  for (const char c : std::string("PRINT / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")) {
    say(std::string(1, c));
    loop.run_until([] { return false; }, 1ms);
  }

  REQUIRE(end());
  CHECK(requests.at(0).method == "PRINT");
}

TEST_CASE_METHOD(Http2Fixture, "many requests of one connection are under way at once") {
  std::vector<Responder> waiting;
  handler = [&](HttpRequest request, const PeerInfo&, const Responder& responder) {
    requests.push_back(std::move(request));
    waiting.push_back(responder);
  };
  serve();
  dial2();
  std::vector<int32_t> ids;
  for (int i = 0; i < 50; ++i) ids.push_back(send("GET", "/" + std::to_string(i)));
  REQUIRE(loop.run_until([&] { return waiting.size() == 50; }, 5s));

  for (size_t i = 50; i-- > 0;) {
    HttpResponse response;
    response.body = requests[i].path;
    waiting[i].respond(response);
  }

  for (size_t i = 0; i < 50; ++i) CHECK(answer(ids[i]).body == "/" + std::to_string(i));
}

TEST_CASE_METHOD(Http2Fixture, "streams beyond the limit are refused, and the others are not disturbed") {
  options.http2_streams_max = 2;
  std::vector<Responder> waiting;
  handler = [&](HttpRequest, const PeerInfo&, const Responder& responder) { waiting.push_back(responder); };
  serve();
  dial2();
  // Before the server's settings arrive a client may begin as many as it likes.
  const std::vector<int32_t> ids = {send("GET", "/"), send("GET", "/"), send("GET", "/")};

  CHECK(answer(ids[2]).error == NGHTTP2_REFUSED_STREAM);
  REQUIRE(waiting.size() == 2);
  waiting[0].respond({});
  waiting[1].respond({});
  CHECK(answer(ids[0]).status == 200);
  CHECK(answer(ids[1]).status == 200);
}

TEST_CASE_METHOD(Http2Fixture, "large bodies go up and come down through the windows") {
  options.limits.body_bytes_max = 8_MiB;
  serve();
  dial2();

  CHECK(answer(send("POST", "/", {}, Bytes(8_MiB, 'x'))).body.size() == 8_MiB + 7);
}

TEST_CASE_METHOD(Http2Fixture, "a body beyond its limit is a 413, announced or not, and the connection goes on") {
  options.limits.body_bytes_max = 1000;
  serve();
  dial2();
  const bool announced = GENERATE(true, false);
  HttpHeaders headers;
  if (announced) headers.push_back({"content-length", "300000"});

  const Http2Answer refused = answer(send("POST", "/", headers, Bytes(300'000, 'x')));

  CHECK(refused.status == 413);
  CHECK(requests.empty());
  CHECK(answer(send("POST", "/", {}, Bytes(1000, 'x'))).status == 200);
}

TEST_CASE_METHOD(Http2Fixture, "each kind of bad head has its status") {
  serve();
  dial2();
  HttpHeaders many;
  for (int i = 0; i < 120; ++i) many.push_back({"x-" + std::to_string(i), "y"});

  CHECK(answer(send("GET", "/", many)).status == 431);
  CHECK(answer(send("GET", "/", {{"x", std::string(20'000, 'x')}})).status == 431);
  CHECK(answer(send("GET", "/", {{"host", "other"}})).status == 400);
  CHECK(answer(send("POST", "/", {{"expect", "more"}}, "x")).status == 417);
  CHECK(answer(send("GET", "/fine")).status == 200);
  CHECK(requests.size() == 1);
  CHECK(server->stats().requests_bad_total == 4);
}

TEST_CASE_METHOD(Http2Fixture, "HTTP/1's own fields are malformed in HTTP/2") {
  serve();
  dial2();
  const auto header = GENERATE(table<std::string, std::string>({{"connection", "close"},
                                                                {"transfer-encoding", "chunked"},
                                                                {"upgrade", "websocket"},
                                                                {"te", "gzip"},
                                                                {"content-length", "5, 5"},
                                                                {"x", "a\r\nInjected: b"}}));
  const int32_t id = send("POST", "/", {{std::get<0>(header), std::get<1>(header)}}, "hello");

  CHECK(answer(id).error != 0);
  CHECK(requests.empty());
}

TEST_CASE_METHOD(Http2Fixture, "a body that is not as long as it says reaches no handler") {
  serve();
  dial2();
  const auto length = GENERATE(as<std::string>{}, "4", "6");

  CHECK(answer(send("POST", "/", {{"content-length", length}}, "hello")).error == NGHTTP2_PROTOCOL_ERROR);
  CHECK(requests.empty());
}

TEST_CASE_METHOD(Http2Fixture, "HEAD and 304 have no body, and an empty one ends at once") {
  handler = [](const HttpRequest& request, const PeerInfo&, const Responder& responder) {
    HttpResponse response;
    response.status = request.path == "/same" ? 304 : 200;
    response.body = request.path == "/empty" ? "" : "body";
    responder.respond(response);
  };
  serve();
  dial2();

  const Http2Answer head = answer(send("HEAD", "/"));
  CHECK(head.body.empty());
  CHECK(*field(head, "content-length") == "4");
  CHECK(answer(send("GET", "/same")).body.empty());
  CHECK(answer(send("GET", "/empty")).status == 200);
}

TEST_CASE_METHOD(Http2Fixture, "a streamed response leaves piece by piece, and one given up resets its stream alone") {
  std::optional<ResponseStream> stream;
  handler = [&](HttpRequest, const PeerInfo&, const Responder& responder) { stream = responder.start({}); };
  serve();
  dial2();
  const int32_t first = send("GET", "/");
  REQUIRE(loop.run_until([&] { return stream.has_value(); }, 5s));
  CHECK(stream->try_write("one"));
  REQUIRE(loop.run_until([&] { return answers[first].body == "one"; }, 5s));
  CHECK(stream->try_write("two"));
  stream->end();
  CHECK(answer(first).body == "onetwo");
  CHECK(answer(first).error == NGHTTP2_NO_ERROR);

  stream.reset();
  const int32_t second = send("GET", "/");
  REQUIRE(loop.run_until([&] { return stream.has_value(); }, 5s));
  CHECK(stream->try_write("half"));
  REQUIRE(loop.run_until([&] { return answers[second].body == "half"; }, 5s));
  stream.reset();

  CHECK(answer(second).error == NGHTTP2_INTERNAL_ERROR);
  CHECK(!closed);
}

TEST_CASE_METHOD(Http2Fixture, "a stream whose window stays shut is bounded, cut and counted; its neighbours go on") {
  options.stall_timeout = 200ms;
  std::optional<ResponseStream> stream;
  handler = [&](const HttpRequest& request, const PeerInfo&, const Responder& responder) {
    if (request.path == "/stream") {
      stream = responder.start({});
    } else {
      responder.respond({});
    }
  };
  serve();
  hold_windows = true;
  dial2();
  const int32_t id = send("GET", "/stream");
  REQUIRE(loop.run_until([&] { return stream.has_value(); }, 5s));
  std::optional<Status> outcome;
  std::thread writer([&] {
    Status written;
    while (written.ok()) written = stream->write(Bytes(64_KiB, 'x'));
    loop.post([&, written] { outcome = written; });
  });

  CHECK(answer(id).error == NGHTTP2_CANCEL);
  REQUIRE(loop.run_until([&] { return outcome.has_value(); }, 5s));
  writer.join();

  CHECK(outcome->error().code() == Code::cancelled);
  CHECK(answers[id].body.size() == window_bytes);
  CHECK(server->stats().stalled_total == 1);
  CHECK(answer(send("GET", "/other")).status == 200);
}

TEST_CASE_METHOD(Http2Fixture, "a client that resets its stream ends what is written to it") {
  std::optional<ResponseStream> stream;
  bool stream_closed = false;
  handler = [&](HttpRequest, const PeerInfo&, const Responder& responder) {
    stream = responder.start({});
    stream->on_closed([&] { stream_closed = true; });
  };
  serve();
  dial2();
  const int32_t id = send("GET", "/");
  REQUIRE(loop.run_until([&] { return stream.has_value(); }, 5s));

  nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  flush();

  REQUIRE(loop.run_until([&] { return stream_closed; }, 5s));
  CHECK(stream->gone());
}

TEST_CASE_METHOD(Http2Fixture, "a request that is reset in the same breath never reaches the handler") {
  serve();
  dial2();
  CHECK(answer(send("GET", "/")).status == 200);
  requests.clear();
  for (int i = 0; i < 20; ++i) {
    const int32_t id = send("GET", "/");
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    flush();
  }

  CHECK(answer(send("GET", "/last")).status == 200);
  CHECK(requests.size() == 1);
}

TEST_CASE_METHOD(Http2Fixture, "floods of frames that cost nothing end the connection and are counted") {
  serve();
  dial2();
  REQUIRE(answer(send("GET", "/")).status == 200);
  const Bytes one = GENERATE(frame(NGHTTP2_PING, 0, 0, "12345678"), frame(NGHTTP2_SETTINGS, 0, 0, ""),
                             frame(NGHTTP2_PRIORITY, 0, 1001, Bytes(5, '\0')));
  Bytes flood;
  for (int i = 0; i < 5000; ++i) flood += one;

  say(flood);

  REQUIRE(end());
  CHECK(server->stats().floods_total == 1);
}

TEST_CASE_METHOD(Http2Fixture, "rapid resets end the connection") {
  serve();
  dial2();
  REQUIRE(answer(send("GET", "/")).status == 200);
  Bytes flood;
  // ":method: GET", ":scheme: https", ":path: /" from HPACK's static table, and ":authority: h".
  const Bytes head("\x82\x87\x84\x41\x01h", 6);
  for (uint32_t id = 1001; id < 1001 + 2 * 2000; id += 2) {
    flood += frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, id, head);
    flood += frame(NGHTTP2_RST_STREAM, 0, id, Bytes("\0\0\0\x08", 4));
  }
  requests.clear();

  say(flood);

  REQUIRE(end());
  CHECK(requests.size() < 400);
}

TEST_CASE_METHOD(Http2Fixture, "a head that never ends is cut, in bytes and in time") {
  options.header_timeout = 100ms;
  serve();
  dial2();
  REQUIRE(answer(send("GET", "/")).status == 200);
  const int continuations = GENERATE(1, 1000);
  const Bytes field("\x40\x01x\x01y", 5);

  Bytes said = frame(NGHTTP2_HEADERS, 0, 1001, Bytes("\x82\x87\x84\x41\x01h", 6));
  for (int i = 0; i < continuations; ++i) said += frame(NGHTTP2_CONTINUATION, 0, 1001, field);
  say(said);

  REQUIRE(end());
  CHECK(requests.size() == 1);
}

TEST_CASE_METHOD(Http2Fixture, "a body that does not come is a 408, and a client without settings is let go") {
  options.body_timeout = 100ms;
  options.header_timeout = 200ms;
  serve();
  dial2();
  nghttp2_nv values[4];
  const char* names[] = {":method", ":scheme", ":authority", ":path"};
  const char* texts[] = {"POST", "https", "h", "/"};
  for (int i = 0; i < 4; ++i) {
    values[i] = {reinterpret_cast<uint8_t*>(const_cast<char*>(names[i])),
                 reinterpret_cast<uint8_t*>(const_cast<char*>(texts[i])), strlen(names[i]), strlen(texts[i]), 0};
  }
  const int32_t id = nghttp2_submit_headers(session, NGHTTP2_FLAG_NONE, -1, nullptr, values, 4, nullptr);
  flush();

  CHECK(answer(id).status == 408);
  CHECK(answer(send("GET", "/")).status == 200);

  client.reset();
  dial();
  say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  CHECK(end());
  CHECK(server->stats().timeouts_total == 2);
}

TEST_CASE_METHOD(Http2Fixture, "an idle connection is ended with GOAWAY, and a server that finishes says so too") {
  const bool idle = GENERATE(true, false);
  options.idle_timeout = idle ? Duration(100ms) : Duration(60s);
  serve();
  dial2();
  REQUIRE(answer(send("GET", "/")).status == 200);
  bool finished = false;

  if (!idle) server->finish(5s, [&] { finished = true; });

  REQUIRE(end());
  CHECK(goaway == NGHTTP2_NO_ERROR);
  if (!idle) CHECK(loop.run_until([&] { return finished; }, 5s));
}

TEST_CASE_METHOD(Http2Fixture, "a server that finishes lets requests under way end") {
  std::optional<Responder> waiting;
  handler = [&](HttpRequest, const PeerInfo&, const Responder& responder) { waiting = responder; };
  serve();
  dial2();
  const int32_t id = send("GET", "/");
  REQUIRE(loop.run_until([&] { return waiting.has_value(); }, 5s));
  bool finished = false;
  server->finish(10s, [&] { finished = true; });
  REQUIRE(loop.run_until([&] { return goaway.has_value(); }, 5s));
  CHECK(!finished);

  HttpResponse response;
  response.body = "late";
  waiting->respond(response);

  CHECK(answer(id).body == "late");
  CHECK(loop.run_until([&] { return finished; }, 5s));
}

TEST_CASE_METHOD(Http2Fixture,
                 "an upgrade to a WebSocket is refused over HTTP/2, and a responder that is dropped is a 500") {
  handler = [](const HttpRequest& request, const PeerInfo&, const Responder& responder) {
    if (request.path == "/socket") responder.upgrade({}, [](std::unique_ptr<WebSocket>) { FAIL("not over HTTP/2"); });
  };
  serve();
  dial2();

  CHECK(answer(send("GET", "/socket")).status == 400);
  CHECK(answer(send("GET", "/dropped")).status == 500);
}
