// HTTP's content codings: gzip and deflate by zlib, zstd. Decoding goes step by step with a bound on what comes out, so
// that a small body cannot become a large one by surprise.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace reeve::sys {

enum class ContentCoding { identity, gzip, deflate, zstd };

// The value of a Content-Encoding header: one coding, whatever its case; empty is identity. Nothing where we know no
// such coding, or there are several.
std::optional<ContentCoding> parse_content_coding(std::string_view value);

// Any thread, one at a time.
class ContentDecoder {
 public:
  static std::unique_ptr<ContentDecoder> make(ContentCoding coding);
  virtual ~ContentDecoder() = default;

  // Takes from the front of `coded` and appends to `plain`, until `coded` is empty or `plain` has grown by
  // `plain_bytes_max`. Code::invalid where the bytes are no such coding.
  virtual Status decode(BytesView& coded, Bytes& plain, size_t plain_bytes_max) = 0;
  // Everything taken so far is whole; a body that ends elsewhere is cut.
  virtual bool at_end() const = 0;
};

// Code::exhausted where more than `plain_bytes_max` would come out.
Result<Bytes> decode_content(ContentCoding coding, BytesView coded, uint64_t plain_bytes_max);

// Levels as zlib's: 1 is fast, 9 is small.
Bytes gzip(BytesView plain, int level);

// Whether an Accept-Encoding header lets us answer with gzip: named, or "*", and not with q=0.
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace reeve::sys
