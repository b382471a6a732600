// HTTP/2's header fields as ours, and back. Inside common/sys only.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/sys/http1.h"

namespace reeve::sys {

// The fields of one request as they come out of HPACK, counted as RFC 9113 counts them (32 bytes for each besides).
class RequestFields {
 public:
  // False where so much has come beyond the limits that reading on is of no use.
  bool add(std::string_view name, std::string_view value, const HttpLimits& limits);
  // Once the head is complete: fills `request`, but for its body; or says what is wrong with it.
  std::optional<HttpError> take(HttpRequest& request, const HttpLimits& limits);

 private:
  std::string method_;
  std::string path_;
  std::string authority_;
  std::string cookie_;  // HTTP/2 may send it in pieces
  HttpHeaders headers_;
  uint64_t bytes_ = 0;
  size_t count_ = 0;
};

using Fields = std::vector<std::pair<std::string, std::string>>;

// In lower case, ":status" first, without those that belong to one connection of HTTP/1.
Fields response_fields(const HttpResponse& response, std::optional<uint64_t> content_length);

// nghttp2 has refused a length that is no number; nothing where there is none.
std::optional<uint64_t> content_length(const HttpRequest& request);

}  // namespace reeve::sys
