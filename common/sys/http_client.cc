// Connects, writes the request, reads one answer, and lets the connection go; one timer covers it all.
#include "common/sys/http_client.h"

#include "common/base/check.h"

namespace reeve::sys {

struct HttpExchange::Impl final : std::enable_shared_from_this<HttpExchange::Impl> {
  Impl(Loop& the_loop, HttpCall the_call, OnResponse callback)
      : loop(the_loop),
        call(std::move(the_call)),
        on_response(std::move(callback)),
        where(call.method + " " + call.target + " at " + call.connect.host + " port " +
              std::to_string(call.connect.port)),
        parser({.body_bytes_max = call.response_bytes_max},
               call.method == "HEAD" ? ResponseParser::Answers::head : ResponseParser::Answers::other) {}

  void begin() {
    deadline = loop.after(
        call.timeout, [this] { finish(Error(Code::unavailable, where + ": no answer in time")); }, "http request");
    connecting = connect(loop, call.connect, [this](Result<std::unique_ptr<Stream>> made) {
      if (!made) return finish(made.error());
      on_connected(std::move(made).value());
    });
  }

  void on_connected(std::unique_ptr<Stream> connected) {
    stream = std::move(connected);
    stream->start({.on_data = [this](BytesView bytes) { on_data(bytes); },
                   .on_drained = {},
                   .on_closed =
                       [this](const Status& reason) {
                         finish(reason ? Error(Code::unavailable, where + ": the server closed before its answer ended")
                                       : reason.error().during(where));
                       }});

    HttpRequest request;
    request.method = call.method;
    request.target = call.target;
    const bool is_v6 = call.connect.host.find(':') != std::string::npos;
    request.headers = {
        {"Host", (is_v6 ? "[" + call.connect.host + "]" : call.connect.host) + ":" + std::to_string(call.connect.port)},
        {"Connection", "close"}};
    request.headers.insert(request.headers.end(), call.headers.begin(), call.headers.end());
    request.body = call.body;
    if (!stream->write_owned(serialize(request))) finish(Error(Code::unavailable, where + ": the connection ended"));
  }

  void on_data(BytesView bytes) {
    (void)parser.feed(bytes);  // what follows the one answer is of no interest
    if (parser.progress() == HttpProgress::failed) {
      return finish(Error(Code::unavailable, where + ": the server's answer: " + parser.error().detail));
    }
    if (parser.progress() == HttpProgress::complete) finish(parser.take());
  }

  void finish(Result<HttpResponse> outcome) {
    if (done) return;
    const auto hold = shared_from_this();
    OnResponse callback = std::move(on_response);
    give_up();
    callback(std::move(outcome));
  }

  void give_up() {
    done = true;
    on_response = nullptr;
    loop.cancel(deadline);
    connecting.reset();
    stream.reset();
  }

  Loop& loop;
  const HttpCall call;
  OnResponse on_response;
  const std::string where;
  bool done = false;
  TimerId deadline;
  std::unique_ptr<Connecting> connecting;
  std::unique_ptr<Stream> stream;
  ResponseParser parser;
};

HttpExchange::HttpExchange(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpExchange::~HttpExchange() {
  impl_->give_up();
}

std::unique_ptr<HttpExchange> send_request(Loop& loop, HttpCall call, OnResponse on_response) {
  auto impl = std::make_shared<HttpExchange::Impl>(loop, std::move(call), std::move(on_response));
  auto exchange = std::make_unique<HttpExchange>(impl);
  impl->begin();
  return exchange;
}

}  // namespace reeve::sys
