#include "common/sys/content_coding.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>

#include "common/base/check.h"
#include "common/sys/http_text.h"

namespace reeve::sys {
namespace {

constexpr size_t step_bytes = 64_KiB;
constexpr int window_log_max = 23;       // zstd, 8 MiB: what RFC 8878 asks every decoder to allow, and no more
constexpr int gzip_or_zlib_window = 15;  // bits; zlib's largest
constexpr int gzip_window = 15 + 16;     // the same, in gzip's wrapping
constexpr int zlib_memory_level = 8;

const unsigned char* data_of(BytesView bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

// Grows `plain` by at most `bytes`, lets `fill` write into the new part, and keeps what it says it wrote.
template <typename Fill>
void append_step(Bytes& plain, size_t bytes, Fill fill) {
  const size_t before = plain.size();
  plain.resize(before + bytes);
  plain.resize(before + fill(plain.data() + before, bytes));
}

class ZlibDecoder final : public ContentDecoder {
 public:
  explicit ZlibDecoder(bool is_gzip) : is_gzip_(is_gzip) {
    check(inflateInit2(&stream_, is_gzip ? gzip_window : gzip_or_zlib_window) == Z_OK, "zlib has memory for a decoder");
  }
  ~ZlibDecoder() override { inflateEnd(&stream_); }
  ZlibDecoder(const ZlibDecoder&) = delete;
  ZlibDecoder& operator=(const ZlibDecoder&) = delete;

  Status decode(BytesView& coded, Bytes& plain, size_t plain_bytes_max) override {
    const size_t end = plain.size() + plain_bytes_max;
    bool filled = true;  // zlib may hold more than it had room for
    while ((!coded.empty() || filled) && plain.size() < end) {
      if (ended_) {
        if (coded.empty()) return {};
        // gzip's files may be several, one behind the other.
        if (!is_gzip_) return Error(Code::invalid, "the body goes on behind its deflate stream");
        check(inflateReset(&stream_) == Z_OK, "a decoder can begin again");
        ended_ = false;
      }
      int result = Z_OK;
      stream_.next_in = const_cast<unsigned char*>(data_of(coded));
      const auto given = static_cast<unsigned>(std::min<size_t>(coded.size(), std::numeric_limits<unsigned>::max()));
      stream_.avail_in = given;
      append_step(plain, std::min(step_bytes, end - plain.size()), [&](char* out, size_t room) {
        stream_.next_out = reinterpret_cast<unsigned char*>(out);
        stream_.avail_out = static_cast<unsigned>(room);
        result = inflate(&stream_, Z_NO_FLUSH);
        filled = stream_.avail_out == 0;
        return room - stream_.avail_out;
      });
      coded.remove_prefix(given - stream_.avail_in);
      if (result == Z_STREAM_END) {
        ended_ = true;
      } else if (result == Z_BUF_ERROR) {
        return {};  // it can do nothing without more bytes
      } else if (result != Z_OK) {
        return Error(Code::invalid, std::string("the body is no ") + (is_gzip_ ? "gzip" : "deflate (zlib)") + ": " +
                                        (stream_.msg != nullptr ? stream_.msg : "damaged"));
      }
    }
    return {};
  }

  bool at_end() const override { return ended_; }

 private:
  const bool is_gzip_;
  z_stream stream_{};
  bool ended_ = false;
};

class ZstdDecoder final : public ContentDecoder {
 public:
  ZstdDecoder() : context_(ZSTD_createDCtx()) {
    check(context_ != nullptr, "zstd has memory for a decoder");
    ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, window_log_max);
  }
  ~ZstdDecoder() override { ZSTD_freeDCtx(context_); }
  ZstdDecoder(const ZstdDecoder&) = delete;
  ZstdDecoder& operator=(const ZstdDecoder&) = delete;

  Status decode(BytesView& coded, Bytes& plain, size_t plain_bytes_max) override {
    const size_t end = plain.size() + plain_bytes_max;
    while ((!coded.empty() || filled_) && plain.size() < end) {
      size_t result = 0;
      ZSTD_inBuffer in{coded.data(), coded.size(), 0};
      append_step(plain, std::min(step_bytes, end - plain.size()), [&](char* out, size_t room) {
        ZSTD_outBuffer buffer{out, room, 0};
        result = ZSTD_decompressStream(context_, &buffer, &in);
        filled_ = buffer.pos == room;
        return buffer.pos;
      });
      coded.remove_prefix(in.pos);
      if (ZSTD_isError(result) != 0) {
        return Error(Code::invalid, std::string("the body is no zstd: ") + ZSTD_getErrorName(result));
      }
      at_end_ = result == 0;
      if (at_end_) filled_ = false;
    }
    return {};
  }

  bool at_end() const override { return at_end_; }

 private:
  ZSTD_DCtx* const context_;
  bool filled_ = false;  // it had no room left, and may hold more
  bool at_end_ = false;
};

class IdentityDecoder final : public ContentDecoder {
 public:
  Status decode(BytesView& coded, Bytes& plain, size_t plain_bytes_max) override {
    const BytesView taken = coded.substr(0, plain_bytes_max);
    plain += taken;
    coded.remove_prefix(taken.size());
    return {};
  }
  bool at_end() const override { return true; }
};

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<ContentCoding> parse_content_coding(std::string_view value) {
  if (value.empty() || equal_ignoring_case(value, "identity")) return ContentCoding::identity;
  if (equal_ignoring_case(value, "gzip") || equal_ignoring_case(value, "x-gzip")) return ContentCoding::gzip;
  if (equal_ignoring_case(value, "deflate")) return ContentCoding::deflate;
  if (equal_ignoring_case(value, "zstd")) return ContentCoding::zstd;
  return std::nullopt;
}

std::unique_ptr<ContentDecoder> ContentDecoder::make(ContentCoding coding) {
  switch (coding) {
    case ContentCoding::gzip:
      return std::make_unique<ZlibDecoder>(true);
    case ContentCoding::deflate:
      return std::make_unique<ZlibDecoder>(false);
    case ContentCoding::zstd:
      return std::make_unique<ZstdDecoder>();
    case ContentCoding::identity:
      break;
  }
  return std::make_unique<IdentityDecoder>();
}

Result<Bytes> decode_content(ContentCoding coding, BytesView coded, uint64_t plain_bytes_max) {
  const auto decoder = ContentDecoder::make(coding);
  Bytes plain;
  while (true) {
    const size_t before = plain.size();
    const size_t left = coded.size();
    TRY(decoder->decode(coded, plain, std::min<uint64_t>(plain_bytes_max + 1 - plain.size(), 1_MiB)));
    if (plain.size() > plain_bytes_max) {
      return Error(Code::exhausted, "decoded, the body has more than " + std::to_string(plain_bytes_max) + " bytes");
    }
    if (plain.size() == before && coded.size() == left) break;
  }
  if (!coded.empty() || !decoder->at_end()) return Error(Code::invalid, "the body ends before its coding does");
  return plain;
}

Bytes gzip(BytesView plain, int level) {
  check(plain.size() <= std::numeric_limits<unsigned>::max(), "what is compressed at once is below 4 GiB");
  z_stream stream{};
  check(deflateInit2(&stream, level, Z_DEFLATED, gzip_window, zlib_memory_level, Z_DEFAULT_STRATEGY) == Z_OK,
        "zlib has memory for an encoder");
  Bytes coded(deflateBound(&stream, plain.size()), '\0');
  stream.next_in = const_cast<unsigned char*>(data_of(plain));
  stream.avail_in = static_cast<unsigned>(plain.size());
  stream.next_out = reinterpret_cast<unsigned char*>(coded.data());
  stream.avail_out = static_cast<unsigned>(coded.size());
  check(deflate(&stream, Z_FINISH) == Z_STREAM_END, "the bound on gzip's output holds");
  coded.resize(coded.size() - stream.avail_out);
  deflateEnd(&stream);
  return coded;
}

bool accepts_gzip(std::string_view accept_encoding) {
  bool any = false;
  while (!accept_encoding.empty()) {
    const size_t comma = std::min(accept_encoding.find(','), accept_encoding.size());
    std::string_view item = accept_encoding.substr(0, comma);
    accept_encoding.remove_prefix(std::min(comma + 1, accept_encoding.size()));

    const size_t semicolon = std::min(item.find(';'), item.size());
    const std::string_view name = trim(item.substr(0, semicolon));
    item.remove_prefix(std::min(semicolon + 1, item.size()));
    const std::string_view weight = trim(item);
    // "q=0", "q=0.0": not wanted.
    const bool refused = weight.starts_with("q=0") && weight.find_first_not_of("0.", 2) == std::string_view::npos;
    if (equal_ignoring_case(name, "gzip") || equal_ignoring_case(name, "x-gzip")) return !refused;
    if (name == "*") any = !refused;
  }
  return any;
}

}  // namespace reeve::sys
