// Packed bodies: what comes out, what is refused, and that the bound holds before the memory is spent.
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include "server/api/content_encoding.h"
#include "tests/pch.h"

namespace reeve::server {
namespace {

Bytes deflate_as(BytesView text, int window_bits) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  Bytes packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

Bytes pack(const std::string& encoding, BytesView text) {
  if (encoding == "gzip") return deflate_as(text, 15 + 16);
  if (encoding == "deflate") return deflate_as(text, 15);
  Bytes packed;
  if (encoding == "snappy") {
    snappy::Compress(text.data(), text.size(), &packed);
  } else {
    packed.resize(ZSTD_compressBound(text.size()));
    packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 1));
  }
  return packed;
}

}  // namespace

TEST_CASE("each encoding gives back what was packed, to the last byte of the bound") {
  const std::string encoding = GENERATE("gzip", "deflate", "zstd", "snappy");
  INFO(encoding);
  const Bytes text = GENERATE(Bytes(), Bytes("{}"), Bytes(300'000, 'x'));

  const DecodedContent decoded = decode_content(encoding, pack(encoding, text), text.size());

  INFO(decoded.detail);
  CHECK(decoded.status == 200);
  CHECK(decoded.body == text);
}

TEST_CASE("one byte more than the bound is 413") {
  const std::string encoding = GENERATE("gzip", "deflate", "zstd", "snappy", "identity", "");
  INFO(encoding);
  const Bytes text(300'000, 'x');
  const Bytes packed = encoding.empty() || encoding == "identity" ? text : pack(encoding, text);

  CHECK(decode_content(encoding, packed, text.size() - 1).status == 413);
}

TEST_CASE("a bomb is put down at the bound") {
  const Bytes bomb = pack("gzip", Bytes(200'000'000, '\0'));

  const DecodedContent decoded = decode_content("gzip", bomb, 1_MiB);

  CHECK(decoded.status == 413);
  CHECK(decoded.body.empty());
}

TEST_CASE("every cut of a packed body is refused") {
  const std::string encoding = GENERATE("gzip", "deflate", "zstd", "snappy");
  INFO(encoding);
  const Bytes packed = pack(encoding, "a body that is cut somewhere");

  for (size_t length = 0; length < packed.size(); ++length) {
    INFO("cut to " << length);
    CHECK(decode_content(encoding, packed.substr(0, length), 1_MiB).status == 400);
  }
}

TEST_CASE("an unknown encoding, or two of them, is 415 with those that are known") {
  for (const char* encoding : {"br", "gzip, gzip"}) {
    const DecodedContent decoded = decode_content(encoding, "x", 1_MiB);
    CHECK(decoded.status == 415);
    CHECK(decoded.detail.find("gzip, deflate, zstd and snappy") != std::string::npos);
  }
}

}  // namespace reeve::server
