// HTTP/1.1 messages, without I/O: parsers that are fed bytes, and a serialiser.
//
// Boost.Beast's basic_parser reads the syntax. On top of it we refuse what it lets pass and what smuggles requests past
// proxies: an unknown Transfer-Encoding, Transfer-Encoding on HTTP/1.0, obs-fold, a missing or repeated Host,
// Content-Length beside Transfer-Encoding, a repeated Content-Length, a bare line feed. Trailers are read and dropped:
// a field that arrives after the body can change nothing. Cutting the input anywhere changes nothing either.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace reeve::sys {

struct HttpHeader {
  std::string name{};
  std::string value{};
};
using HttpHeaders = std::vector<HttpHeader>;

// The first header of that name, whatever its case; nullptr where there is none.
const std::string* find_header(const HttpHeaders& headers, std::string_view name);

class BodySink;  // http_server.h

struct HttpRequest {
  std::string method{};
  std::string target{};  // as sent
  std::string path{};    // of the target, still percent-encoded; "/" at least
  std::string query{};   // after '?', without it
  int version = 1;       // 1 or 2
  int version_minor = 1;
  HttpHeaders headers{};
  Bytes body{};
  std::shared_ptr<BodySink> sink{};  // took the body instead, where the server's options gave it one
  bool keep_alive = true;
  bool wants_websocket = false;  // Upgrade: websocket, Connection: upgrade

  std::string_view header(std::string_view name) const;  // empty where absent
};

struct HttpResponse {
  // Whether the server may gzip the body for a client that accepts it: by_type does so for text and JSON.
  enum class Compress { by_type, always, never };

  int status = 200;
  HttpHeaders headers{};
  Bytes body{};
  Compress compress = Compress::by_type;
  bool keep_alive = true;

  std::string_view header(std::string_view name) const;
};

// The status a server should answer a bad request with, and what was wrong.
struct HttpError {
  int status = 400;
  std::string detail{};
};

struct HttpLimits {
  uint64_t header_bytes_max = 16_KiB;
  size_t headers_max = 100;
  uint64_t body_bytes_max = 1_MiB;
};

enum class HttpProgress { head, body, complete, failed };

// One message after another; after `complete`, take() gives the message and begins the next.
class RequestParser {
 public:
  explicit RequestParser(HttpLimits limits);
  ~RequestParser();
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;

  // How many of `bytes` it used; fewer than given only when complete or failed. The rest belongs to the next message.
  size_t feed(BytesView bytes);
  HttpProgress progress() const;
  bool is_fresh() const;           // nothing of the next message has arrived
  bool wants_continue() const;     // the head said Expect: 100-continue, and the body is still to come
  const HttpError& error() const;  // once failed
  HttpRequest take();              // once complete

  // For a body that is worked on as it comes: the head, once it is complete, and what of the body was read since.
  HttpRequest& head();
  Bytes take_body();
  uint64_t body_bytes() const;  // gathered, and not yet taken

  // Asked once, when the head is complete and before the body is read: the body's limit for this request.
  void set_body_limit(std::function<uint64_t(const HttpRequest& head)> limit);

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

// The client's side. A response without a length that ends with the connection is refused: it cannot be told from a cut
// one.
class ResponseParser {
 public:
  // Answers to HEAD have no body whatever their length says; nor have successful ones to CONNECT.
  enum class Answers { other, head, connect };
  explicit ResponseParser(HttpLimits limits, Answers to = Answers::other);
  ~ResponseParser();
  ResponseParser(ResponseParser&&) noexcept;
  ResponseParser& operator=(ResponseParser&&) noexcept;

  size_t feed(BytesView bytes);
  HttpProgress progress() const;
  const HttpError& error() const;
  HttpResponse take();

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

// Adds Content-Length and, where the response says so, Connection: close. Header values never carry a line break out:
// control bytes in them become blanks. `head_only` answers HEAD: the length without the body.
Bytes serialize(const HttpResponse& response, bool head_only = false);
// The head of a response whose body follows piece by piece; not chunked, it ends with the connection.
Bytes serialize_stream_head(const HttpResponse& head, bool chunked);
// The same for a request; Host and whatever else it needs is in its headers.
Bytes serialize(const HttpRequest& request);

std::string_view reason_phrase(int status);

// RFC 9457: application/problem+json with title, status and detail.
HttpResponse make_problem(int status, std::string_view detail);

// "%2F" and the like; nothing where an escape is not two hex digits. '+' is a blank only in queries.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_blank = false);
std::string percent_encode(std::string_view text);  // all but RFC 3986's unreserved characters

// "a=1&b=x%20y" as decoded pairs in order; Code::invalid names the pair that cannot be decoded.
Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query);

}  // namespace reeve::sys
