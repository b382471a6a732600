// HTTP/1.1: the request and response parsers, which must find the same wherever the input is cut; and a connection.
#include "common/sys/http1.h"

#include <algorithm>

#include "common/base/check.h"
#include "tests/fuzz/connection.h"
#include "tests/fuzz/fuzz.h"

using namespace reeve;
using namespace reeve::sys;

namespace {

constexpr HttpLimits limits = {.header_bytes_max = 4_KiB, .headers_max = 20, .body_bytes_max = 64_KiB};

// All that came out, as one text to compare.
Bytes read_requests(BytesView bytes, size_t cut) {
  RequestParser parser(limits);
  Bytes out;
  while (!bytes.empty()) {
    BytesView piece = bytes.substr(0, cut);
    bytes.remove_prefix(piece.size());
    while (!piece.empty()) {
      piece.remove_prefix(parser.feed(piece));
      if (parser.progress() == HttpProgress::failed) {
        return out + "failed " + std::to_string(parser.error().status);
      }
      if (parser.progress() != HttpProgress::complete) continue;
      const HttpRequest request = parser.take();
      out += request.method + " " + request.target + " " + request.path + "?" + request.query + "\n";
      for (const HttpHeader& header : request.headers) out += header.name + ":" + header.value + "\n";
      out += request.body + "\n";
      check(request.body.size() <= limits.body_bytes_max, "a body stays below its limit");
    }
  }
  return out + (parser.is_fresh() ? "fresh" : "begun");
}

Bytes read_responses(BytesView bytes, size_t cut, ResponseParser::Answers to) {
  ResponseParser parser(limits, to);
  Bytes out;
  while (!bytes.empty()) {
    BytesView piece = bytes.substr(0, cut);
    bytes.remove_prefix(piece.size());
    while (!piece.empty()) {
      const size_t used = parser.feed(piece);
      piece.remove_prefix(used);
      if (parser.progress() == HttpProgress::failed) return out + "failed";
      if (parser.progress() != HttpProgress::complete) continue;
      const HttpResponse response = parser.take();
      out += std::to_string(response.status) + "\n";
      for (const HttpHeader& header : response.headers) out += header.name + ":" + header.value + "\n";
      out += response.body + "\n";
    }
  }
  return out;
}

}  // namespace

FUZZ_TARGET(http1, bytes) {
  if (bytes.empty()) return;
  const size_t cut = 1 + static_cast<unsigned char>(bytes.front()) % 32;
  bytes.remove_prefix(1);
  check(read_requests(bytes, SIZE_MAX) == read_requests(bytes, cut), "a request reads the same wherever it is cut");
  const auto to = cut % 3 == 0   ? ResponseParser::Answers::head
                  : cut % 3 == 1 ? ResponseParser::Answers::connect
                                 : ResponseParser::Answers::other;
  check(read_responses(bytes, SIZE_MAX, to) == read_responses(bytes, cut, to),
        "a response reads the same wherever it is cut");
  (void)parse_query(bytes);
  serve_fuzzed(bytes);
}
