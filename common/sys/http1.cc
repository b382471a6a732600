// A head is gathered whole, looked at as bytes (folds, bare line ends), and only then given to Beast: so it makes no
// difference where the input was cut. A body with a length goes straight through; of a chunked one we keep an
// unfinished size line or trailer, and show it to Beast again only when another line of it is complete.
//
// Beast's assertions are turned into errors: bytes from outside must never end the program.
#define BOOST_ENABLE_ASSERT_HANDLER
#include "common/sys/http1.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <exception>

#include "common/base/check.h"
#include "common/sys/http_text.h"

namespace reeve::sys {
namespace {

struct ParserAssertion : std::exception {};

}  // namespace
}  // namespace reeve::sys

namespace boost {
void assertion_failed(const char*, const char*, const char*, long) {
  throw reeve::sys::ParserAssertion();
}
void assertion_failed_msg(const char*, const char*, const char*, const char*, long) {
  throw reeve::sys::ParserAssertion();
}
}  // namespace boost

namespace reeve::sys {
namespace {

namespace beast = boost::beast;
using BeastView = beast::string_view;
using BeastError = beast::error_code;

constexpr int empty_lines_max = 4;  // before a request line; some clients send one after a body

std::string to_string(BeastView view) {
  return std::string(view.data(), view.size());
}

// What Beast found; its callbacks fill it in.
struct Message {
  std::string method;
  std::string target;
  int status = 0;
  int version_minor = 1;
  HttpHeaders headers;
  Bytes body;
};

template <bool is_request>
class BeastParser final : public beast::http::basic_parser<is_request> {
 public:
  using HeadCheck = std::function<std::optional<HttpError>(const BeastParser& parser, uint64_t& body_bytes_max)>;

  BeastParser(Message& message, const HttpLimits& limits, HeadCheck check_head)
      : message_(message), limits_(limits), check_head_(std::move(check_head)) {
    this->header_limit(static_cast<uint32_t>(limits.header_bytes_max + 1));
    this->body_limit(UINT64_MAX);  // checked here, where the limit may depend on the head; none would refuse all
    this->eager(true);
  }

  const std::optional<HttpError>& error() const { return error_; }
  bool between_chunks() const { return between_chunks_; }  // a chunk's bytes are over, and its line end is due

 private:
  void refuse(int status, std::string detail, BeastError& ec) {
    error_ = HttpError{status, std::move(detail)};
    ec = beast::http::error::bad_field;
  }

  void on_request_impl(beast::http::verb, BeastView method, BeastView target, int version, BeastError&) override {
    message_.method = to_string(method);
    message_.target = to_string(target);
    message_.version_minor = version % 10;
  }

  void on_response_impl(int status, BeastView, int version, BeastError&) override {
    message_.status = status;
    message_.version_minor = version % 10;
  }

  void on_field_impl(beast::http::field, BeastView name, BeastView value, BeastError& ec) override {
    if (head_done_) return;  // a trailer
    if (message_.headers.size() >= limits_.headers_max) {
      return refuse(431, "more than " + std::to_string(limits_.headers_max) + " header fields", ec);
    }
    message_.headers.push_back({to_string(name), to_string(value)});
  }

  void on_header_impl(BeastError& ec) override {
    head_done_ = true;
    body_bytes_max_ = limits_.body_bytes_max;
    if (std::optional<HttpError> bad = check_head_(*this, body_bytes_max_)) {
      return refuse(bad->status, std::move(bad->detail), ec);
    }
    const auto length = this->content_length();
    if (length && *length > body_bytes_max_ && !this->is_done()) refuse_body(*length, ec);
  }

  void refuse_body(uint64_t bytes, BeastError& ec) {
    refuse(413,
           "the body has " + std::to_string(bytes) + " bytes or more; at most " + std::to_string(body_bytes_max_) +
               " are allowed here",
           ec);
  }

  void on_body_init_impl(const boost::optional<uint64_t>&, BeastError&) override {}

  size_t on_body_impl(BeastView body, BeastError&) override {
    message_.body.append(body.data(), body.size());
    return body.size();
  }

  void on_chunk_header_impl(uint64_t size, BeastView, BeastError& ec) override {
    if (size > body_bytes_max_ || chunked_bytes_ > body_bytes_max_ - size) {
      return refuse_body(std::max(size, chunked_bytes_), ec);
    }
    chunked_bytes_ += size;
    between_chunks_ = false;
  }

  size_t on_chunk_body_impl(uint64_t remain, BeastView body, BeastError& ec) override {
    between_chunks_ = remain == body.size();
    return on_body_impl(body, ec);
  }
  void on_finish_impl(BeastError&) override {}

  Message& message_;
  const HttpLimits& limits_;
  const HeadCheck check_head_;
  uint64_t body_bytes_max_ = 0;
  uint64_t chunked_bytes_ = 0;
  bool head_done_ = false;
  bool between_chunks_ = false;
  std::optional<HttpError> error_;
};

// The part both directions share.
template <bool is_request>
class MessageReader {
 public:
  using Parser = BeastParser<is_request>;

  MessageReader(HttpLimits limits, typename Parser::HeadCheck check_head)
      : limits_(limits), check_head_(std::move(check_head)) {
    begin();
  }

  void begin() {
    message_ = Message();
    head_.clear();
    carried_.clear();
    empty_lines_ = 0;
    progress_ = HttpProgress::head;
    parser_.emplace(message_, limits_, check_head_);
  }

  size_t feed(BytesView bytes) {
    size_t used = 0;
    while (used < bytes.size() && (progress_ == HttpProgress::head || progress_ == HttpProgress::body)) {
      const BytesView rest = bytes.substr(used);
      used += progress_ == HttpProgress::head ? feed_head(rest) : feed_body(rest);
    }
    return used;
  }

  void skip_body() { parser_->skip(true); }
  HttpProgress progress() const { return progress_; }
  bool is_fresh() const { return progress_ == HttpProgress::head && head_.empty(); }
  const HttpError& error() const { return error_; }
  Message& message() { return message_; }
  const Message& message() const { return message_; }
  Parser& parser() { return *parser_; }

 private:
  size_t feed_head(BytesView bytes) {
    // Line by line, so that what follows the head is never taken.
    const size_t line_end = bytes.find('\n');
    const size_t count = line_end == BytesView::npos ? bytes.size() : line_end + 1;
    if (head_.size() + count > limits_.header_bytes_max) {
      fail(431, "the head is longer than " + std::to_string(limits_.header_bytes_max) + " bytes");
      return count;
    }
    const size_t line_begin = head_.rfind('\n') + 1;  // npos + 1 is 0
    head_.append(bytes.substr(0, count));
    if (line_end == BytesView::npos) return count;

    const BytesView line = BytesView(head_).substr(line_begin);
    if (line.size() < 2 || line[line.size() - 2] != '\r' || line.find('\r') != line.size() - 2) {
      fail(400, "a line of the head does not end in CR LF, or holds a CR");
    } else if (line == "\r\n" && line_begin == 0) {
      head_.clear();
      if (++empty_lines_ > empty_lines_max) fail(400, "only empty lines where a message should begin");
    } else if (line_begin > 0 && (line.front() == ' ' || line.front() == '\t')) {
      fail(400, "a header field is continued on the next line (obs-fold)");
    } else if (line == "\r\n") {
      parse_head();
    }
    return count;
  }

  void parse_head() {
    progress_ = HttpProgress::body;
    const size_t used = put(head_);
    if (progress_ == HttpProgress::body && used != head_.size()) fail(400, "the head cannot be read");
    head_.clear();
  }

  size_t feed_body(BytesView bytes) {
    if (!parser_->chunked()) return put(bytes);
    if (carried_.empty()) {
      const size_t used = put(bytes);
      if (progress_ != HttpProgress::body || used == bytes.size()) return used;
      carried_ = bytes.substr(used);
      check_carried();
      return bytes.size();
    }
    const size_t line_end = bytes.find('\n');
    const size_t count = line_end == BytesView::npos ? bytes.size() : line_end + 1;
    carried_.append(bytes.substr(0, count));
    check_carried();
    if (line_end == BytesView::npos || progress_ != HttpProgress::body) return count;
    const size_t used = put(carried_);
    carried_.erase(0, used);
    return count;
  }

  // It holds whole lines and the beginning of one; Beast would wait for ever for the end of a bare line feed's line.
  void check_carried() {
    // Beast notices this only when it sees a whole line.
    if (parser_->between_chunks() && carried_.substr(0, 2) != BytesView("\r\n").substr(0, carried_.size())) {
      return fail(400, "a chunk is longer than it says");
    }
    for (size_t at = carried_.find_first_of("\r\n"); at < carried_.size();
         at = carried_.find_first_of("\r\n", at + 2)) {
      const bool whole = carried_[at] == '\r' && (at + 1 == carried_.size() || carried_[at + 1] == '\n');
      if (!whole) return fail(400, "a line between chunks does not end in CR LF");
    }
    if (carried_.size() > limits_.header_bytes_max) {
      fail(431, "a chunk's size line, or the trailers, are longer than " + std::to_string(limits_.header_bytes_max) +
                    " bytes");
    }
  }

  size_t put(BytesView bytes) {
    if (parser_->is_done()) {
      progress_ = HttpProgress::complete;
      return 0;
    }
    BeastError ec;
    size_t used = 0;
    try {
      used = parser_->put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
    } catch (const std::exception&) {
      fail(400, "the message cannot be read");
      return bytes.size();
    }
    if (ec && ec != beast::http::error::need_more) {
      if (parser_->error()) {
        error_ = *parser_->error();
        progress_ = HttpProgress::failed;
      } else {
        fail(ec == beast::http::error::body_limit ? 413 : 400, "the message cannot be read: " + ec.message());
      }
      return used;
    }
    if (parser_->is_done()) progress_ = HttpProgress::complete;
    return used;
  }

  void fail(int status, std::string detail) {
    progress_ = HttpProgress::failed;
    error_ = HttpError{status, std::move(detail)};
  }

  const HttpLimits limits_;
  const typename Parser::HeadCheck check_head_;
  Message message_;
  Bytes head_;
  Bytes carried_;  // of a chunked body, what Beast wants to see again
  int empty_lines_ = 0;
  HttpProgress progress_ = HttpProgress::head;
  HttpError error_;
  std::optional<Parser> parser_;
};

size_t count_headers(const HttpHeaders& headers, std::string_view name) {
  return static_cast<size_t>(std::count_if(headers.begin(), headers.end(), [name](const HttpHeader& header) {
    return equal_ignoring_case(header.name, name);
  }));
}

// How long a message is must be beyond doubt, or two programs on its way will disagree and one request becomes two.
std::optional<HttpError> check_framing(const Message& message) {
  const size_t encodings = count_headers(message.headers, "Transfer-Encoding");
  const size_t lengths = count_headers(message.headers, "Content-Length");
  if (lengths > 1) return HttpError{400, "Content-Length is repeated"};
  if (lengths == 1) {
    const std::string& length = *find_header(message.headers, "Content-Length");
    if (length.empty() || !std::all_of(length.begin(), length.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      return HttpError{400, "Content-Length is not a number"};
    }
  }
  if (encodings == 0) return std::nullopt;
  if (lengths > 0) return HttpError{400, "Content-Length beside Transfer-Encoding"};
  if (message.version_minor == 0) return HttpError{400, "Transfer-Encoding on HTTP/1.0"};
  if (encodings > 1) return HttpError{400, "Transfer-Encoding is repeated"};
  const std::string& encoding = *find_header(message.headers, "Transfer-Encoding");
  if (!equal_ignoring_case(encoding, "chunked")) {
    return HttpError{501, "Transfer-Encoding '" + printable(encoding) + "'; only chunked is known"};
  }
  return std::nullopt;
}

std::optional<HttpError> check_host(const Message& message) {
  const size_t hosts = count_headers(message.headers, "Host");
  if (hosts > 1) return HttpError{400, "Host is repeated"};
  if (hosts == 0) {
    if (message.version_minor == 0) return std::nullopt;
    return HttpError{400, "Host is missing"};
  }
  const std::string& host = *find_header(message.headers, "Host");
  if (!is_host(host)) return HttpError{400, "Host is no host name"};
  return std::nullopt;
}

}  // namespace

// -- Requests --------------------------------------------------------------------------------------------------------

struct RequestParser::Impl {
  explicit Impl(HttpLimits limits)
      : reader(limits, [this](const BeastParser<true>& parser, uint64_t& body_bytes_max) {
          return check_head(parser, body_bytes_max);
        }) {}

  std::optional<HttpError> check_head(const BeastParser<true>& parser, uint64_t& body_bytes_max) {
    const Message& message = reader.message();
    if (std::optional<HttpError> bad = check_framing(message)) return bad;
    if (std::optional<HttpError> bad = check_host(message)) return bad;

    request = HttpRequest();
    if (!split_target(message.target, request.path, request.query)) {
      return HttpError{400, "the request's target is neither a path nor a URL"};
    }
    request.method = message.method;
    request.target = message.target;
    request.version_minor = message.version_minor;
    request.headers = message.headers;
    request.keep_alive = parser.keep_alive();
    request.wants_websocket = message.method == "GET" && message.version_minor == 1 && parser.upgrade() &&
                              has_token(request.header("Upgrade"), "websocket");

    const std::string_view expectation = request.header("Expect");
    if (!expectation.empty() && !equal_ignoring_case(expectation, "100-continue")) {
      return HttpError{417, "Expect '" + printable(expectation) + "'; only 100-continue is known"};
    }
    wants_continue = !expectation.empty() && message.version_minor == 1;
    if (body_limit) body_bytes_max = body_limit(request);
    return std::nullopt;
  }

  MessageReader<true> reader;
  HttpRequest request;
  bool wants_continue = false;
  std::function<uint64_t(const HttpRequest& head)> body_limit;
};

RequestParser::RequestParser(HttpLimits limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestParser::~RequestParser() = default;
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;

size_t RequestParser::feed(BytesView bytes) {
  return impl_->reader.feed(bytes);
}
HttpProgress RequestParser::progress() const {
  return impl_->reader.progress();
}
bool RequestParser::is_fresh() const {
  return impl_->reader.is_fresh();
}
bool RequestParser::wants_continue() const {
  return progress() == HttpProgress::body && impl_->wants_continue;
}
const HttpError& RequestParser::error() const {
  return impl_->reader.error();
}

HttpRequest RequestParser::take() {
  check(progress() == HttpProgress::complete, "only a complete request is taken");
  HttpRequest taken = std::move(impl_->request);
  taken.body = std::move(impl_->reader.message().body);
  impl_->wants_continue = false;
  impl_->reader.begin();
  return taken;
}

HttpRequest& RequestParser::head() {
  check(progress() == HttpProgress::body || progress() == HttpProgress::complete, "the head has been read");
  return impl_->request;
}

Bytes RequestParser::take_body() {
  return std::exchange(impl_->reader.message().body, Bytes());
}

uint64_t RequestParser::body_bytes() const {
  return impl_->reader.message().body.size();
}

void RequestParser::set_body_limit(std::function<uint64_t(const HttpRequest& head)> limit) {
  impl_->body_limit = std::move(limit);
}

// -- Responses -------------------------------------------------------------------------------------------------------

struct ResponseParser::Impl {
  Impl(HttpLimits limits, Answers to)
      : answers(to),
        reader(limits, [this](const BeastParser<false>& parser, uint64_t&) { return check_head(parser); }) {
    if (answers != Answers::other) reader.skip_body();
  }

  std::optional<HttpError> check_head(const BeastParser<false>& parser) const {
    if (answers == Answers::connect) return std::nullopt;  // its length means nothing
    if (std::optional<HttpError> bad = check_framing(reader.message())) return bad;
    if (parser.need_eof() && !parser.is_done()) {
      return HttpError{502, "the response has no length, so its end could not be told from a cut"};
    }
    return std::nullopt;
  }

  // "100 Continue" and the like announce the real answer.
  bool is_interim() const {
    const int status = reader.message().status;
    return status / 100 == 1 && status != 101;
  }

  const Answers answers;
  MessageReader<false> reader;
};

ResponseParser::ResponseParser(HttpLimits limits, Answers to) : impl_(std::make_unique<Impl>(limits, to)) {}
ResponseParser::~ResponseParser() = default;
ResponseParser::ResponseParser(ResponseParser&&) noexcept = default;
ResponseParser& ResponseParser::operator=(ResponseParser&&) noexcept = default;

size_t ResponseParser::feed(BytesView bytes) {
  size_t used = impl_->reader.feed(bytes);
  while (progress() == HttpProgress::complete && impl_->is_interim()) {
    impl_->reader.begin();
    if (impl_->answers != Answers::other) impl_->reader.skip_body();
    used += impl_->reader.feed(bytes.substr(used));
  }
  return used;
}

HttpProgress ResponseParser::progress() const {
  return impl_->reader.progress();
}
const HttpError& ResponseParser::error() const {
  return impl_->reader.error();
}

HttpResponse ResponseParser::take() {
  check(progress() == HttpProgress::complete, "only a complete response is taken");
  HttpResponse response;
  response.status = impl_->reader.message().status;
  response.headers = std::move(impl_->reader.message().headers);
  response.body = std::move(impl_->reader.message().body);
  response.keep_alive = impl_->reader.parser().keep_alive();
  impl_->reader.begin();
  return response;
}

}  // namespace reeve::sys
