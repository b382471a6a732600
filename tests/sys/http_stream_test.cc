// Responses that go out piece by piece, and clients that do not take what they asked for.
#include <thread>

#include "tests/sys/http_fixture.h"
#include "tests/sys/websocket_fixture.h"

using namespace reeve;
using namespace reeve::sys;

namespace {

struct StreamingFixture : HttpFixture {
  std::optional<ResponseStream> stream;
  bool stream_closed = false;

  StreamingFixture() {
    handler = [this](HttpRequest request, const PeerInfo&, const Responder& responder) {
      requests.push_back(std::move(request));
      HttpResponse head;
      head.headers = {{"Content-Type", "text/event-stream"}};
      stream = responder.start(head);
      stream->on_closed([this] { stream_closed = true; });
    };
  }

  void get(const std::string& version = "1.1", const std::string& method = "GET") {
    serve();
    dial();
    say(method + " / HTTP/" + version + "\r\nHost: h\r\n\r\n");
    REQUIRE(loop.run_until([this] { return stream.has_value(); }, 5s));
  }
  bool closed_soon() {
    return loop.run_until([this] { return stream_closed; }, 5s);
  }
};

}  // namespace

TEST_CASE_METHOD(StreamingFixture, "each piece of a streamed response leaves at once, as a chunk") {
  get();
  REQUIRE(hear("Transfer-Encoding: chunked\r\n\r\n"));
  CHECK(received.find("Content-Length") == std::string::npos);

  CHECK(stream->try_write("data: 1\n\n"));
  REQUIRE(hear("\r\n\r\n9\r\ndata: 1\n\n\r\n"));
  CHECK(stream->try_write(Bytes(26, 'x')));
  REQUIRE(hear("1a\r\nxxx"));
  CHECK(!stream_closed);
  stream->end();

  REQUIRE(hear("x\r\n0\r\n\r\n"));
  REQUIRE(closed_soon());
  CHECK(!stream->try_write("late"));
}

TEST_CASE_METHOD(StreamingFixture, "after a streamed response its connection serves on") {
  get();
  CHECK(stream->try_write("one"));
  stream->end();
  REQUIRE(hear("0\r\n\r\n"));
  stream.reset();
  received.clear();

  say("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(loop.run_until([this] { return stream.has_value(); }, 5s));
  CHECK(stream->try_write("two"));
  stream->end();

  REQUIRE(hear("3\r\ntwo\r\n0\r\n\r\n"));
}

TEST_CASE_METHOD(StreamingFixture, "over HTTP/1.0 the connection's end is the body's end") {
  get("1.0");
  CHECK(stream->try_write("all of it"));
  stream->end();

  REQUIRE(end());
  CHECK(received.find("chunked") == std::string::npos);
  CHECK(received.find("Connection: close\r\n") != std::string::npos);
  CHECK(received.ends_with("\r\n\r\nall of it"));
}

TEST_CASE_METHOD(StreamingFixture, "HEAD gets the head alone, and its stream is gone") {
  get("1.1", "HEAD");

  REQUIRE(closed_soon());
  CHECK(stream->gone());
  CHECK(!stream->try_write("nobody asked"));
  REQUIRE(hear("\r\n\r\n"));
  CHECK(received.ends_with("\r\n\r\n"));
  stream.reset();
  say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(loop.run_until([this] { return stream.has_value(); }, 5s));
}

TEST_CASE_METHOD(StreamingFixture, "a streamed response that is given up is cut, so that the client can tell") {
  get();
  CHECK(stream->try_write("half of it"));
  REQUIRE(hear("half of it"));

  stream.reset();

  REQUIRE(end());
  CHECK(received.find("0\r\n\r\n") == std::string::npos);
  CHECK(stream_closed);
}

TEST_CASE_METHOD(StreamingFixture, "what a client does not take is bounded, and a thread that writes waits for room") {
  options.listener.stream.pending_bytes_max = 64_KiB;
  serve();
  dial();
  client->pause();
  say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(loop.run_until([this] { return stream.has_value(); }, 5s));
  constexpr size_t pieces = 1000;
  std::atomic<bool> all_written = false;
  std::atomic<uint64_t> unsent_most = 0;
  std::thread writer([&] {
    for (size_t i = 0; i < pieces; ++i) {
      CHECK(stream->write(Bytes(64_KiB, 'x')).ok());
      unsent_most = std::max<uint64_t>(unsent_most, stream->unsent_bytes());
    }
    stream->end();
    all_written = true;
  });

  CHECK(!loop.run_until([&] { return all_written.load(); }, 100ms));
  client->resume();
  REQUIRE(loop.run_until([&] { return all_written.load(); }, 30s));
  writer.join();
  REQUIRE(hear("\r\n0\r\n\r\n"));

  CHECK(received.size() > pieces * 64_KiB);
  CHECK(unsent_most < ResponseStream::unsent_bytes_max + 64_KiB);
}

TEST_CASE_METHOD(StreamingFixture, "a client that takes nothing is cut and counted, and its writer is told") {
  options.stall_timeout = 100ms;
  serve();
  dial();
  client->pause();
  say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(loop.run_until([this] { return stream.has_value(); }, 5s));
  std::optional<Status> outcome;
  std::thread writer([&] {
    Status written;
    while (written.ok()) written = stream->write(Bytes(256_KiB, 'x'));
    loop.post([&, written] { outcome = written; });
  });

  REQUIRE(loop.run_until([&] { return outcome.has_value(); }, 20s));
  writer.join();

  CHECK(outcome->error().code() == Code::cancelled);
  CHECK(stream->gone());
  CHECK(stream_closed);
  CHECK(server->stats().stalled_total == 1);
}

TEST_CASE_METHOD(HttpFixture, "a client that does not read a plain answer is cut and counted") {
  options.stall_timeout = 100ms;
  handler = [](HttpRequest, const PeerInfo&, const Responder& responder) {
    HttpResponse response;
    response.body = Bytes(32_MiB, 'x');
    responder.respond(std::move(response));
  };
  serve();
  dial();
  client->pause();
  say("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");

  REQUIRE(loop.run_until([this] { return server->stats().stalled_total == 1; }, 20s));
  CHECK(loop.run_until([this] { return server->stats().listener.connections == 0; }, 5s));
}

TEST_CASE_METHOD(HttpFixture, "a client that reads slowly but steadily gets all of a last answer") {
  options.stall_timeout = 300ms;
  handler = [](HttpRequest, const PeerInfo&, const Responder& responder) {
    HttpResponse response;
    response.body = Bytes(16_MiB, 'x');
    responder.respond(std::move(response));
  };
  serve();
  dial();
  say("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  bool reading = true;
  const TimerId slowly = loop.every(10ms, [&] {
    reading = !reading;
    reading ? client->resume() : client->pause();
  });

  REQUIRE(loop.run_until([this] { return closed; }, 60s));
  loop.cancel(slowly);

  CHECK(received.size() > 16_MiB);
  CHECK(server->stats().stalled_total == 0);
}

TEST_CASE_METHOD(StreamingFixture, "a client that leaves is noticed by its stream") {
  get();
  CHECK(!stream->gone());

  client->abort(Error(Code::cancelled, "gone"));

  REQUIRE(closed_soon());
  CHECK(stream->gone());
}

TEST_CASE_METHOD(StreamingFixture, "a server that is destroyed wakes the threads that write") {
  get();
  client->pause();
  std::thread writer([&] {
    Status written;
    while (written.ok()) written = stream->write(Bytes(256_KiB, 'x'));
    CHECK(written.error().code() == Code::cancelled);
  });
  CHECK(!loop.run_until([] { return false; }, 20ms));

  server.reset();

  writer.join();
}

TEST_CASE_METHOD(StreamingFixture, "only the first answer counts, streamed or not") {
  std::optional<ResponseStream> second;
  handler = [&](HttpRequest, const PeerInfo&, const Responder& responder) {
    HttpResponse response;
    response.body = "first";
    responder.respond(response);
    second = responder.start({});
  };
  serve();
  dial();
  say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");

  REQUIRE(hear("first"));
  CHECK(second->gone());
  CHECK(!second->try_write("second"));
}

// -- WebSockets that a handler accepts -------------------------------------------------------------------------------

TEST_CASE_METHOD(WebSocketFixture, "a handler on another thread accepts an upgrade, and text goes both ways") {
  options.websocket.text = call.websocket.text = true;
  std::thread worker;
  http = must(HttpServer::open(loop, options, [&](HttpRequest request, const PeerInfo&, Responder responder) {
    CHECK(request.wants_websocket);
    worker = std::thread([this, to = std::move(responder)]() mutable {
      to.upgrade(options.websocket, [this](std::unique_ptr<WebSocket> socket) { server = std::move(socket); });
      const Responder gone = std::move(to);
    });
  }));
  open();
  worker.join();
  REQUIRE(client != nullptr);
  std::vector<Bytes> texts;
  server->start({.on_text = [&](BytesView text) { CHECK(server->send_text("heard " + Bytes(text))); }});
  client->start({.on_text = [&](BytesView text) { texts.emplace_back(text); }});

  CHECK(client->send_text("grüezi"));

  REQUIRE(loop.run_until([&] { return texts.size() == 1; }, 5s));
  CHECK(texts[0] == "heard grüezi");
}

TEST_CASE_METHOD(WebSocketFixture, "a handler refuses an upgrade with an ordinary response") {
  http = must(HttpServer::open(loop, options, [&](HttpRequest, const PeerInfo&, const Responder& responder) {
    responder.respond(make_problem(403, "not with this key"));
  }));

  open();

  REQUIRE(refused);
  CHECK(refused->code() == Code::denied);
  CHECK(refused->text().find("not with this key") != std::string::npos);
}

TEST_CASE_METHOD(HttpFixture, "a request that asks for no WebSocket cannot become one") {
  handler = [](HttpRequest, const PeerInfo&, const Responder& responder) {
    responder.upgrade({}, [](std::unique_ptr<WebSocket>) { FAIL("nobody asked for it"); });
  };
  serve();

  CHECK(must(call({})).status == 400);
}

TEST_CASE_METHOD(WebSocketFixture, "text closes with 1003 where it is not allowed") {
  serve_and_open();

  CHECK(client->send_text("text"));

  REQUIRE(both_closed());
  CHECK(client_closed->code == 1003);
}

TEST_CASE_METHOD(WebSocketFixture, "bytes that are no text leave as replacement characters") {
  call.websocket.text = true;
  serve();
  open();
  std::vector<Bytes> texts;
  server->start({});
  client->start({.on_text = [&](BytesView text) { texts.emplace_back(text); }});

  CHECK(server->send_text("a\xff"));

  REQUIRE(loop.run_until([&] { return texts.size() == 1; }, 5s));
  CHECK(texts[0] == "a\xef\xbf\xbd");
}
