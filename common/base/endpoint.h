// "host:port" as it stands in configurations, on command lines and in the API.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reeve {

struct Endpoint {
  std::string host;  // a name or an address, without brackets
  uint16_t port = 0;

  bool operator==(const Endpoint&) const = default;
  // 127.0.0.0/8, ::1 and "localhost": what never leaves this host.
  bool is_loopback() const;
};

// "web-1:7420", "192.0.2.1:7420", "[::1]:7420"; the port is 0 to 65535. Nothing where it is not one.
std::optional<Endpoint> parse_endpoint(std::string_view text);
std::string to_string(const Endpoint& endpoint);

}  // namespace reeve
