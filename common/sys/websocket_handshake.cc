// How a stream becomes a WebSocket: RFC 6455 section 4, on both sides.
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>
#include <optional>

#include "common/base/check.h"
#include "common/crypto/digest.h"
#include "common/sys/crypto.h"
#include "common/sys/http_text.h"
#include "common/sys/websocket.h"
#include "common/sys/websocket_impl.h"

namespace reeve::sys {
namespace {

constexpr std::string_view accept_suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 section 1.3
constexpr size_t key_bytes = 16;
constexpr HttpLimits answer_limits = {.header_bytes_max = 16_KiB, .headers_max = 100, .body_bytes_max = 16_KiB};

const unsigned char* data_of(BytesView bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

std::string to_base64(BytesView bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // OpenSSL ends it with a NUL
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), data_of(bytes), static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(length));
  return text;
}

std::string accept_of(std::string_view key) {
  const std::string text = std::string(key) + std::string(accept_suffix);
  Bytes digest(SHA_DIGEST_LENGTH, '\0');
  SHA1(data_of(text), text.size(), reinterpret_cast<unsigned char*>(digest.data()));
  return to_base64(digest);
}

// 16 bytes in base64: 22 characters and "==".
bool is_key(std::string_view key) {
  return key.size() == 24 && key.ends_with("==") && key.find('=') == 22 &&
         key.substr(0, 22).find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") ==
             std::string_view::npos;
}

}  // namespace

// -- Server ----------------------------------------------------------------------------------------------------------

Result<HttpResponse> make_websocket_answer(const HttpRequest& request) {
  if (!request.wants_websocket) return Error(Code::invalid, "the request asks for no WebSocket");
  if (!request.body.empty()) return Error(Code::invalid, "a WebSocket's request has no body");
  if (request.header("Sec-WebSocket-Version") != "13") {
    return Error(Code::invalid, "Sec-WebSocket-Version is '" + printable(request.header("Sec-WebSocket-Version")) +
                                    "'; only 13 is known");
  }
  if (!is_key(request.header("Sec-WebSocket-Key"))) {
    return Error(Code::invalid, "Sec-WebSocket-Key is not 16 bytes in base64");
  }
  HttpResponse answer;
  answer.status = 101;
  answer.headers = {{"Upgrade", "websocket"},
                    {"Connection", "Upgrade"},
                    {"Sec-WebSocket-Accept", accept_of(request.header("Sec-WebSocket-Key"))}};
  return answer;
}

std::unique_ptr<WebSocket> make_server_websocket(std::unique_ptr<Stream> stream, Bytes received,
                                                 WebSocketOptions options) {
  return make_websocket(WebSocketRole::server, std::move(stream), std::move(received), options);
}

// -- Client ----------------------------------------------------------------------------------------------------------

struct WebSocketConnecting::Impl final : std::enable_shared_from_this<WebSocketConnecting::Impl> {
  Impl(Loop& the_loop, WebSocketCall the_call, OnWebSocket callback)
      : loop(the_loop),
        call(std::move(the_call)),
        on_socket(std::move(callback)),
        key(to_base64(crypto::random_secret(key_bytes))) {}

  void begin() {
    where = "open a WebSocket at " + call.connect.host + " port " + std::to_string(call.connect.port);
    connecting = connect(loop, call.connect, [this](Result<std::unique_ptr<Stream>> made) {
      if (!made) return finish(made.error());
      on_connected(std::move(made).value());
    });
  }

  void on_connected(std::unique_ptr<Stream> connected) {
    stream = std::move(connected);
    deadline = loop.after(
        call.connect.timeout, [this] { finish(Error(Code::unavailable, where + ": no answer in time")); },
        "websocket handshake");
    stream->start({.on_data = [this](BytesView bytes) { on_data(bytes); },
                   .on_drained = {},
                   .on_closed =
                       [this](const Status& reason) {
                         finish(reason ? Error(Code::unavailable, where + ": the server closed without an answer")
                                       : reason.error().during(where));
                       }});

    HttpRequest request;
    request.method = "GET";
    request.target = call.target;
    const bool is_v6 = call.connect.host.find(':') != std::string::npos;
    request.headers = {
        {"Host", (is_v6 ? "[" + call.connect.host + "]" : call.connect.host) + ":" + std::to_string(call.connect.port)},
        {"Upgrade", "websocket"},
        {"Connection", "Upgrade"},
        {"Sec-WebSocket-Key", key},
        {"Sec-WebSocket-Version", "13"}};
    request.headers.insert(request.headers.end(), call.headers.begin(), call.headers.end());
    if (!stream->write(serialize(request))) finish(Error(Code::unavailable, where + ": the connection ended"));
  }

  void on_data(BytesView bytes) {
    const auto hold = shared_from_this();
    const size_t used = parser.feed(bytes);
    if (parser.progress() == HttpProgress::failed) {
      return finish(Error(Code::unavailable, where + ": the server's answer: " + parser.error().detail));
    }
    if (parser.progress() != HttpProgress::complete) return;

    const HttpResponse answer = parser.take();
    if (answer.status != 101) {
      const bool denied = answer.status == 401 || answer.status == 403;
      return finish(Error(denied ? Code::denied : Code::unavailable, where + ": the server answered with status " +
                                                                         std::to_string(answer.status) + ": " +
                                                                         printable(answer.body)));
    }
    if (!has_token(answer.header("Upgrade"), "websocket") || !has_token(answer.header("Connection"), "upgrade") ||
        answer.header("Sec-WebSocket-Accept") != accept_of(key)) {
      return finish(Error(Code::unavailable, where + ": the answer is not that of a WebSocket server"));
    }
    finish(make_websocket(WebSocketRole::client, std::move(stream), Bytes(bytes.substr(used)), call.websocket));
  }

  void finish(Result<std::unique_ptr<WebSocket>> outcome) {
    if (done) return;
    const auto hold = shared_from_this();
    OnWebSocket callback = std::move(on_socket);
    give_up();
    callback(std::move(outcome));
  }

  void give_up() {
    done = true;
    on_socket = nullptr;
    loop.cancel(deadline);
    connecting.reset();
    stream.reset();
  }

  Loop& loop;
  const WebSocketCall call;
  OnWebSocket on_socket;
  const std::string key;
  std::string where;
  bool done = false;
  TimerId deadline;
  std::unique_ptr<Connecting> connecting;
  std::unique_ptr<Stream> stream;
  ResponseParser parser{answer_limits};
};

WebSocketConnecting::WebSocketConnecting(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
WebSocketConnecting::~WebSocketConnecting() {
  impl_->give_up();
}

std::unique_ptr<WebSocketConnecting> connect_websocket(Loop& loop, WebSocketCall call, OnWebSocket on_socket) {
  auto impl = std::make_shared<WebSocketConnecting::Impl>(loop, std::move(call), std::move(on_socket));
  auto connecting = std::make_unique<WebSocketConnecting>(impl);
  impl->begin();
  return connecting;
}

}  // namespace reeve::sys
