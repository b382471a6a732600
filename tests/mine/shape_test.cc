#include "common/mine/shape.h"

#include <catch2/catch.hpp>

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
