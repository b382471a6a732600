#include "common/sys/content_coding.h"

#include <zlib.h>
#include <zstd.h>

#include "tests/sys/coded.h"

using namespace reeve;
using namespace reeve::sys;

TEST_CASE("each coding decodes to what was coded, however the input is cut") {
  Bytes plain;
  for (int i = 0; i < 20'000; ++i) plain += "line " + std::to_string(i) + "\n";
  const auto coding = GENERATE(ContentCoding::gzip, ContentCoding::deflate, ContentCoding::zstd);
  const Bytes coded = encode(coding, plain);
  const size_t cut = GENERATE(1, 7, 1000, 1'000'000);

  const auto decoder = ContentDecoder::make(coding);
  Bytes got;
  for (size_t at = 0; at < coded.size(); at += cut) {
    CHECK(!decoder->at_end());
    BytesView piece = BytesView(coded).substr(at, cut);
    while (true) {
      const size_t before = got.size();
      REQUIRE(decoder->decode(piece, got, 5000).ok());
      if (piece.empty() && got.size() < before + 5000) break;
    }
  }

  CHECK(got == plain);
  CHECK(decoder->at_end());
}

TEST_CASE("a bomb stops at its limit, a byte below is too much and the exact size is not") {
  const Bytes plain(10_MiB, '\0');
  const auto coding = GENERATE(ContentCoding::gzip, ContentCoding::deflate, ContentCoding::zstd);
  const Bytes coded = encode(coding, plain);
  CHECK(coded.size() < 20'000);

  CHECK(decode_content(coding, coded, 10_MiB).ok());
  CHECK(decode_content(coding, coded, 10_MiB - 1).error().code() == Code::exhausted);
  CHECK(decode_content(coding, coded, 0).error().code() == Code::exhausted);
}

TEST_CASE("what is cut, damaged or followed by more is refused") {
  const auto coding = GENERATE(ContentCoding::gzip, ContentCoding::deflate, ContentCoding::zstd);
  const Bytes coded = encode(coding, "hello, hello, hello");

  CHECK(decode_content(coding, coded.substr(0, coded.size() - 1), 100).error().code() == Code::invalid);
  CHECK(decode_content(coding, "no such coding", 100).error().code() == Code::invalid);
  CHECK(decode_content(coding, coded + "junk", 100).error().code() == Code::invalid);
}

TEST_CASE("gzip in several parts is one body") {
  CHECK(decode_content(ContentCoding::gzip, gzip("one", 6) + gzip("two", 6), 100).value() == "onetwo");
}

TEST_CASE("a zstd frame that wants more memory than 8 MiB of window is refused") {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 27);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  const Bytes plain(1_MiB, 'x');
  Bytes coded(ZSTD_compressBound(plain.size()), '\0');
  ZSTD_inBuffer in{plain.data(), plain.size(), 0};
  ZSTD_outBuffer out{coded.data(), coded.size(), 0};
  while (ZSTD_compressStream2(context, &out, &in, ZSTD_e_flush) != 0) {
  }
  ZSTD_compressStream2(context, &out, &in, ZSTD_e_end);
  coded.resize(out.pos);
  ZSTD_freeCCtx(context);

  CHECK(decode_content(ContentCoding::zstd, coded, 2_MiB).error().code() == Code::invalid);
}

TEST_CASE("codings are known by name, and several at once are not") {
  CHECK(parse_content_coding("") == ContentCoding::identity);
  CHECK(parse_content_coding("GZip") == ContentCoding::gzip);
  CHECK(parse_content_coding("x-gzip") == ContentCoding::gzip);
  CHECK(parse_content_coding("deflate") == ContentCoding::deflate);
  CHECK(parse_content_coding("zstd") == ContentCoding::zstd);
  CHECK(!parse_content_coding("br"));
  CHECK(!parse_content_coding("gzip, gzip"));
}

TEST_CASE("a client accepts gzip where it says so, and does not where its weight is nothing") {
  CHECK(accepts_gzip("gzip"));
  CHECK(accepts_gzip("br, GZIP;q=0.5, *;q=0"));
  CHECK(accepts_gzip("*"));
  CHECK(!accepts_gzip(""));
  CHECK(!accepts_gzip("br, zstd"));
  CHECK(!accepts_gzip("gzip;q=0"));
  CHECK(!accepts_gzip("gzip; q=0.000, *"));
  CHECK(!accepts_gzip("*;q=0"));
}
