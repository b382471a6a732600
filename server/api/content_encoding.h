// Undoes a request's Content-Encoding: what the HTTP server's own decoder knows (gzip, deflate, zstd), and snappy's
// block form, which Prometheus sends.
//
// The API does this on its pool, behind the gate, and not in the HTTP server while the body comes: unpacking 20 MiB on
// the loop would hold up everybody, nobody unpacks for a stranger, and a protocol that has words of its own for errors
// gets these errors in them, too. The bound is known before the first byte is unpacked.
//
// Any thread.
#pragma once

#include <string>
#include <string_view>

#include "common/base/bytes.h"

namespace reeve::server {

struct DecodedContent {
  int status = 200;  // 400: damaged, 413: more than `bytes_max`, 415: a coding that is not known
  Bytes body = {};
  std::string detail = {};  // where the status is not 200
};

// `encoding` is the header's value; empty or "identity" leaves the body as it is.
DecodedContent decode_content(std::string_view encoding, BytesView body, uint64_t bytes_max);

}  // namespace reeve::server
