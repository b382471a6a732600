#include "common/base/endpoint.h"

#include <catch2/catch.hpp>

namespace reeve {

TEST_CASE("an endpoint is a host and a port") {
  CHECK(parse_endpoint("web-1:7420") == Endpoint{"web-1", 7420});
  CHECK(parse_endpoint("192.0.2.1:0") == Endpoint{"192.0.2.1", 0});
  CHECK(parse_endpoint("[2001:db8::1]:65535") == Endpoint{"2001:db8::1", 65535});
  CHECK(to_string(Endpoint{"2001:db8::1", 80}) == "[2001:db8::1]:80");
  CHECK(to_string(Endpoint{"web-1", 80}) == "web-1:80");
}

TEST_CASE("what is no endpoint gives nothing") {
  for (const char* text : {"", "web-1", ":80", "web-1:", "web-1:65536", "web-1:-1", "web-1:8x", "::1:80", "a b:1",
                           "https://a:1", "[]:1", "user@a:1"}) {
    INFO(text);
    CHECK_FALSE(parse_endpoint(text).has_value());
  }
}

TEST_CASE("loopback is what never leaves the host") {
  CHECK(Endpoint{"localhost", 1}.is_loopback());
  CHECK(Endpoint{"127.0.0.2", 1}.is_loopback());
  CHECK(Endpoint{"::1", 1}.is_loopback());
  CHECK_FALSE(Endpoint{"192.0.2.1", 1}.is_loopback());
}

}  // namespace reeve
