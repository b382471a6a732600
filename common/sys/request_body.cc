#include "common/sys/request_body.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/sys/http_text.h"

namespace reeve::sys {
namespace {

int status_of(Code code) {
  switch (code) {
    case Code::exhausted:
      return 413;
    case Code::denied:
      return 403;
    case Code::unavailable:
      return 503;
    default:
      return 400;
  }
}

}  // namespace

std::optional<HttpError> RequestBody::make(const HttpServerOptions& options, Loop& loop, HttpRequest& head,
                                           std::function<void()> resume, std::unique_ptr<RequestBody>& made) {
  std::unique_ptr<RequestBody> body(new RequestBody(loop));
  if (options.decode_bodies) {
    const std::string_view named = head.header("Content-Encoding");
    const std::optional<ContentCoding> coding = parse_content_coding(named);
    if (!coding) {
      return HttpError{415, "Content-Encoding '" + printable(named) + "'; gzip, deflate and zstd are known"};
    }
    if (*coding != ContentCoding::identity) {
      body->decoder_ = ContentDecoder::make(*coding);
      std::erase_if(head.headers, [](const HttpHeader& header) {
        return equal_ignoring_case(header.name, "Content-Encoding") ||
               equal_ignoring_case(header.name, "Content-Length");
      });
    }
  }
  body->plain_bytes_max_ = options.body_limit ? options.body_limit(head) : options.limits.body_bytes_max;
  body->resume_ = std::move(resume);
  if (options.body_sink) body->sink_ = options.body_sink(head, BodyFlow(loop, body->resume_));
  if (body->decoder_ != nullptr || body->sink_ != nullptr) made = std::move(body);
  return std::nullopt;
}

std::optional<HttpError> RequestBody::put(BytesView piece) {
  any_ = any_ || !piece.empty();
  paused_ = sink_ != nullptr && !sink_->ready();
  if (decoder_ == nullptr) {
    coded_ += piece;
    if (paused_ || coded_.empty()) return std::nullopt;
    const Bytes plain = std::move(coded_);
    coded_.clear();
    return hand_on(plain);
  }

  coded_ += piece;
  if (paused_) return std::nullopt;
  BytesView left = coded_;
  Bytes plain;
  if (const Status decoded = decoder_->decode(left, plain, step_bytes); !decoded) {
    return HttpError{400, decoded.error().text()};
  }
  const bool more = !left.empty() || plain.size() == step_bytes;
  coded_ = left;
  if (std::optional<HttpError> bad = hand_on(plain)) return bad;
  if (more && !paused_) {
    paused_ = true;
    loop_.post(resume_, "http body");
  }
  return std::nullopt;
}

std::optional<HttpError> RequestBody::hand_on(BytesView plain) {
  plain_bytes_ += plain.size();
  if (plain_bytes_ > plain_bytes_max_) {
    return HttpError{413, "decoded, the body has more than the " + std::to_string(plain_bytes_max_) +
                              " bytes that are allowed here"};
  }
  if (sink_ == nullptr) {
    plain_ += plain;
    return std::nullopt;
  }
  if (plain.empty()) return std::nullopt;
  if (const Status taken = sink_->take(plain); !taken) {
    return HttpError{status_of(taken.error().code()), taken.error().text()};
  }
  paused_ = !sink_->ready();
  return std::nullopt;
}

std::optional<HttpError> RequestBody::finish(HttpRequest& request) {
  check(!paused_, "a paused body is not finished");
  if (decoder_ != nullptr && any_ && !decoder_->at_end()) {
    return HttpError{400, "the body ends before its Content-Encoding does"};
  }
  request.body = std::move(plain_);
  request.sink = std::move(sink_);
  return std::nullopt;
}

}  // namespace reeve::sys
