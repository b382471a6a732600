// See content_encoding.h.
#include "server/api/content_encoding.h"

#include <snappy.h>

#include <optional>
#include <utility>

#include "common/sys/content_coding.h"

namespace reeve::server {
namespace {

DecodedContent too_large(uint64_t bytes_max) {
  return {.status = 413, .detail = "the unpacked body has more than " + std::to_string(bytes_max) + " bytes"};
}

DecodedContent unpack_snappy(BytesView packed, uint64_t bytes_max) {
  size_t bytes = 0;
  if (!snappy::GetUncompressedLength(packed.data(), packed.size(), &bytes)) {
    return {.status = 400, .detail = "the body is no snappy: it does not begin with its length"};
  }
  if (bytes > bytes_max) return too_large(bytes_max);
  DecodedContent out;
  if (!snappy::Uncompress(packed.data(), packed.size(), &out.body)) {
    return {.status = 400, .detail = "the body is no snappy: its bytes are wrong"};
  }
  return out;
}

}  // namespace

DecodedContent decode_content(std::string_view encoding, BytesView body, uint64_t bytes_max) {
  if (encoding == "snappy") return unpack_snappy(body, bytes_max);
  const std::optional<sys::ContentCoding> coding = sys::parse_content_coding(encoding);
  if (!coding) {
    return {.status = 415,
            .detail = "the Content-Encoding is \"" + printable(encoding, 60) +
                      "\"; allowed are gzip, deflate, zstd and snappy, one of them"};
  }
  if (*coding == sys::ContentCoding::identity) {
    return body.size() > bytes_max ? too_large(bytes_max) : DecodedContent{.body = Bytes(body)};
  }
  Result<Bytes> plain = sys::decode_content(*coding, body, bytes_max);
  if (plain.ok()) return {.body = std::move(*plain)};
  if (plain.error().code() == Code::exhausted) return too_large(bytes_max);
  return {.status = 400, .detail = plain.error().text()};
}

}  // namespace reeve::server
