#include "common/base/bytes.h"

#include <catch2/catch.hpp>

#include "common/base/crc32c.h"
#include "common/base/random.h"

using namespace reeve;

TEST_CASE("crc32c gives the check value of its definition, and continues") {
  CHECK(crc32c("123456789") == 0xe3069283u);
  CHECK(crc32c("6789", crc32c("12345")) == 0xe3069283u);
  CHECK(crc32c("") == 0);
}

TEST_CASE("varints round trip and refuse what is cut or too long") {
  for (const uint64_t value : {uint64_t{0}, uint64_t{127}, uint64_t{128}, uint64_t{1} << 63, UINT64_MAX}) {
    Bytes bytes;
    append_varint(bytes, value);
    for (size_t cut = 0; cut < bytes.size(); ++cut) {
      BytesView part = BytesView(bytes).substr(0, cut);
      CHECK(!take_varint(part));
    }
    BytesView whole = bytes;
    CHECK(take_varint(whole) == value);
    CHECK(whole.empty());
  }
  BytesView endless = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f";
  CHECK(!take_varint(endless));
}

TEST_CASE("zigzag keeps small magnitudes small") {
  for (const int64_t value : {int64_t{0}, int64_t{-1}, int64_t{1}, INT64_MIN, INT64_MAX}) {
    CHECK(unzigzag(zigzag(value)) == value);
  }
  CHECK(zigzag(-1) == 1);
}

TEST_CASE("hex and base64url round trip every length") {
  SeededRandom random(1);
  for (size_t length = 0; length < 40; ++length) {
    const Bytes bytes = random.bytes(length);
    CHECK(from_hex(to_hex(bytes)) == bytes);
    CHECK(from_base64url(to_base64url(bytes)) == bytes);
  }
}

TEST_CASE("hex and base64url refuse what is not theirs") {
  CHECK(!from_hex("abc"));
  CHECK(!from_hex("0g"));
  CHECK(!from_base64url("a"));
  CHECK(!from_base64url("ab+d"));
  CHECK(!from_base64url("ab=="));
  CHECK(!from_base64url("AB"));  // its last bits are not zero: a second text for the same byte
}

TEST_CASE("printable text keeps letters and disarms control bytes") {
  CHECK(printable("caf\xc3\xa9 au lait") == "caf\xc3\xa9 au lait");
  CHECK(printable("\x1b[31mred\n") == "\\x1b[31mred\\x0a");
  CHECK(printable("\xc2\x9b") == "\\xc2\\x9b");  // C1 control: some terminals obey it
  CHECK(printable("\xff") == "\\xff");
  CHECK(printable("abcdef", 3) == "abc...");
}

TEST_CASE("utf-8 is judged as RFC 3629 says") {
  CHECK(is_utf8("\xf0\x9f\x90\x93"));
  CHECK(!is_utf8("\xc0\xaf"));          // overlong
  CHECK(!is_utf8("\xed\xa0\x80"));      // surrogate
  CHECK(!is_utf8("\xf4\x90\x80\x80"));  // beyond U+10FFFF
  CHECK(to_utf8("a\xff"
                "b") ==
        "a\xef\xbf\xbd"
        "b");
}

TEST_CASE("secrets compare by content") {
  CHECK(equal_constant_time("abc", "abc"));
  CHECK(!equal_constant_time("abc", "abd"));
  CHECK(!equal_constant_time("abc", "ab"));
}
