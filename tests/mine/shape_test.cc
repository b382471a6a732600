#include "common/mine/shape.h"

#include <catch2/catch.hpp>

#include "common/base/random.h"

using namespace reeve;
using namespace reeve::mine;

TEST_CASE("variables are masked by their form, and what is stable stays") {
  const auto [line, masked] = GENERATE(table<std::string, std::string>({
      {"", ""},
      {"no digits at all", "no digits at all"},
      {"took 12 ms", "took <*> ms"},
      {"took 12.5ms", "took <*>ms"},
      {"temperature -7 or +3.5", "temperature <*> or <*>"},
      {"list 1,2,3 and 4, 5", "list <*> and <*>, <*>"},
      {"10.0.0.7:5432 refused", "<*> refused"},
      {"at 0x7fffdead", "at <*>"},
      {"commit deadbee1f and deadbeef", "commit <*> and deadbeef"},
      {"id 123e4567-e89b-12d3-a456-426614174000.", "id <*>."},
      {"id 12345678-abcd-abcd-abcd-abcdefabcdef", "id <*>"},
      {"mac 00:1a:2b:ab:cd:ef up", "mac <*> up"},
      {"mac ab:cd:ef:00:1a:2b up", "mac <*> up"},
      {"from fe80::1ff:fe23:4567:890a%eth0", "from <*>%eth<*>"},
      {"2026-03-01T12:34:56.123Z start", "<*> start"},
      {"2026-03-01 12:34:56,123 start", "<*> <*> start"},
      {"[01/Mar/2026:12:34:56 +0000]", "[<*> <*>]"},
      {"Mar  1 12:34:56 combo sshd[42]: x", "<*> <*> combo sshd[<*>]: x"},
      {"Mar 11 12:34:56 combo sshd[42]: x", "<*> <*> combo sshd[<*>]: x"},
      {"[Sun Dec 04 04:47:44 2005] [notice]", "[<*> <*> <*>] [notice]"},
      {"blk_-1608999687919862906", "blk_<*>"},
      {"blk_1608999687919862906", "blk_<*>"},
      {"user42 on sda1", "user<*> on sda<*>"},
      {"/a/b/123/c", "/a/b/<*>/c"},
      {"Base64Decoder", "Base<*>Decoder"},
      {"key aZ9x3Kq81b", "key <*>"},
      {"HTTP/1.1\" 200 1234", "HTTP/<*>\" <*> <*>"},
      {R"({"pid":123,"p99":4.5,"name":"bob","id":"u-7"})", R"({"pid":<*>,"p99":<*>,"name":"bob","id":"u-<*>"})"},
      {R"({"42":1})", R"({"<*>":<*>})"},
      {"padded     5 of   10", "padded <*> of <*>"},
      {"1", "<*>"},
      {"x1", "x<*>"},
      {"1x", "<*>x"},
  }));

  CHECK(shape_text(line) == masked);
}

namespace {

// A line that is made of the kinds of words that our rules speak of, so that masks stand in every neighbourhood.
std::string some_line(SeededRandom& random) {
  static const std::vector<std::string> pieces = {
      "GET",  "user", "42",   "7",     "-5",    "0x1f", "deadbee1", "abcd", "a1",   "1a",   "x9y",  "10.0.0.7",
      "Mar",  "Sun",  "2026", "12:34", "T",     "Z",    "ab:cd",    "::",   "fe80", "\"",   "\":",  "{",
      "}",    " ",    "  ",   ".",     ":",     "-",    "/",        ",",    "+",    "_",    "=",    "\xc3\xa9",
      "\xff", "<*>",  "%",    "(",     "blk_-", "k8s",  "12345678", "1-2",  "3,4",  "Jan ", "Dec/",
  };
  std::string line;
  for (uint64_t n = random.below(30); n > 0; --n) line += pieces[random.below(pieces.size())];
  return line;
}

}  // namespace

TEST_CASE("equal texts have equal hashes, and different ones different") {
  SeededRandom random(11);
  std::map<std::string, ShapeHash> by_text;
  std::map<ShapeHash, std::string> by_hash;
  size_t contradictions = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::string line = some_line(random);
    const std::string text = shape_text(line, 100'000);
    const ShapeHash hash = shape_hash(line);
    contradictions += by_text.emplace(text, hash).first->second != hash;
    contradictions += by_hash.emplace(hash, text).first->second != text;
  }
  CHECK(contradictions == 0);
  CHECK(by_text.size() > 10'000);
}

TEST_CASE("a number's value does not change the shape") {
  SeededRandom random(12);
  for (int i = 0; i < 2'000; ++i) {
    const std::string before = some_line(random);
    const std::string after = some_line(random);
    const auto with = [&before, &after, &random] {
      return shape_hash(before + " " + std::to_string(1000 + random.below(9000)) + " " + after);
    };
    CHECK(with() == with());
  }
}

TEST_CASE("any bytes have a shape, at any length and any alignment") {
  SeededRandom random(13);
  for (size_t size = 0; size < 400; ++size) {
    // Of exactly this size on the heap, so that a read beyond it is seen.
    const std::unique_ptr<char[]> exact(new char[size + 1]);
    const std::string bytes = random.bytes(size);
    std::copy(bytes.begin(), bytes.end(), exact.get() + 1);
    CHECK(shape_hash({exact.get() + 1, size}) == shape_hash(bytes));
  }
}

TEST_CASE("the longest masks fit") {
  for (const char* piece :
       {"1 ", "1a ", "a1 ", "1", "a", " ", "1:", "a:", "::", "1 Mar ", "-1 ", "0x", "f", "Sun Mar 1"}) {
    std::string line;
    while (line.size() < 5'000) line += piece;
    CHECK(shape_text(line, 100'000).size() <= 3 * 4096);
    CHECK(shape_hash(line) == shape_hash(line));
  }
}

TEST_CASE("only the first 4 KiB count") {
  const std::string line(4096, 'x');

  CHECK(shape_hash(line + "abc") == shape_hash(line + "def"));
  CHECK(shape_hash(line.substr(1) + "abc") != shape_hash(line.substr(1) + "def"));
}

TEST_CASE("a text is cut at its bound") {
  CHECK(shape_text("took 12 ms", 7) == "took <*");
  CHECK(shape_text("took 12 ms", 0).empty());
}

TEST_CASE("keys are the same as ever: they lie in stored blocks") {
  CHECK(shape_version == 1);
  const ShapeHash hash = shape_hash("Mar  1 12:34:56 web-1 sshd[42]: Failed password for root from 10.0.0.7 port 4711");
  CHECK(hash.high == 0xfa380bb97f15fac7);
  CHECK(hash.low == 0x3dcc86ad9c3a831a);
}
