#include "common/sys/http2_fields.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "common/base/check.h"
#include "common/sys/http_text.h"

namespace reeve::sys {
namespace {

constexpr uint64_t field_overhead_bytes = 32;  // RFC 9113 section 6.5.2
constexpr uint64_t hopeless_factor = 4;

constexpr std::array<std::string_view, 6> connection_fields = {"connection",        "keep-alive", "proxy-connection",
                                                               "transfer-encoding", "upgrade",    "content-length"};

}  // namespace

bool RequestFields::add(std::string_view name, std::string_view value, const HttpLimits& limits) {
  bytes_ += name.size() + value.size() + field_overhead_bytes;
  ++count_;
  if (bytes_ > limits.header_bytes_max || count_ > limits.headers_max) {
    return bytes_ <= hopeless_factor * limits.header_bytes_max && count_ <= hopeless_factor * limits.headers_max;
  }
  if (name == ":method") {
    method_ = value;
  } else if (name == ":path") {
    path_ = value;
  } else if (name == ":authority") {
    authority_ = value;
  } else if (name == "cookie") {
    if (!cookie_.empty()) cookie_ += "; ";
    cookie_ += value;
  } else if (!name.starts_with(':')) {
    headers_.push_back({std::string(name), std::string(value)});
  }
  return true;
}

std::optional<HttpError> RequestFields::take(HttpRequest& request, const HttpLimits& limits) {
  if (bytes_ > limits.header_bytes_max) {
    return HttpError{431, "the head is longer than " + std::to_string(limits.header_bytes_max) + " bytes"};
  }
  if (count_ > limits.headers_max) {
    return HttpError{431, "more than " + std::to_string(limits.headers_max) + " header fields"};
  }
  request.version = 2;
  request.version_minor = 0;
  request.method = std::move(method_);
  request.target = std::move(path_);
  if (!split_target(request.target, request.path, request.query)) {
    return HttpError{400, "the request's target is neither a path nor a URL"};
  }
  const std::string* host = find_header(headers_, "host");
  if (host != nullptr && !authority_.empty() && *host != authority_) {
    return HttpError{400, "Host and :authority name different hosts"};
  }
  if (host == nullptr) {
    if (authority_.empty()) return HttpError{400, "Host is missing"};
    headers_.insert(headers_.begin(), {"host", std::move(authority_)});
  }
  if (!is_host(*find_header(headers_, "host"))) return HttpError{400, "Host is no host name"};
  if (!cookie_.empty()) headers_.push_back({"cookie", std::move(cookie_)});
  request.headers = std::move(headers_);

  const std::string_view expectation = request.header("expect");
  if (!expectation.empty() && !equal_ignoring_case(expectation, "100-continue")) {
    return HttpError{417, "Expect '" + printable(expectation) + "'; only 100-continue is known"};
  }
  return std::nullopt;
}

Fields response_fields(const HttpResponse& response, std::optional<uint64_t> content_length) {
  Fields fields;
  fields.emplace_back(":status", std::to_string(response.status));
  for (const HttpHeader& header : response.headers) {
    check(is_token(header.name), "a header's name is a token");
    std::string name = header.name;
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (std::find(connection_fields.begin(), connection_fields.end(), name) != connection_fields.end()) continue;
    fields.emplace_back(std::move(name), without_breaks(header.value));
  }
  if (content_length) fields.emplace_back("content-length", std::to_string(*content_length));
  return fields;
}

std::optional<uint64_t> content_length(const HttpRequest& request) {
  const std::string_view text = request.header("content-length");
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace reeve::sys
