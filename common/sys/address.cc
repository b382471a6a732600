// libuv's spelling of addresses and errors, in one place.
#include "common/sys/address.h"

#include <uv.h>

#include <array>

namespace reeve::sys {

std::string to_string(const sockaddr_storage& address) {
  std::array<char, 64> text{};
  if (address.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address);
    uv_ip6_name(v6, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(v6->sin6_port));
  }
  const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address);
  uv_ip4_name(v4, text.data(), text.size());
  return std::string(text.data()) + ":" + std::to_string(ntohs(v4->sin_port));
}

std::optional<sockaddr_storage> parse_address(const std::string& host, uint16_t port) {
  sockaddr_storage address{};
  if (uv_ip4_addr(host.c_str(), port, reinterpret_cast<sockaddr_in*>(&address)) == 0) return address;
  if (uv_ip6_addr(host.c_str(), port, reinterpret_cast<sockaddr_in6*>(&address)) == 0) return address;
  return std::nullopt;
}

Error uv_error(int error, std::string_view doing) {
  if (error == UV_EOF) return Error(Code::unavailable, std::string(doing) + ": the peer closed the connection");
  // libuv's own errors, those of name resolution among them, lie beyond the system's.
  if (error <= UV_EAI_ADDRFAMILY) return Error(Code::unavailable, std::string(doing) + ": " + uv_strerror(error));
  return errno_error(-error, doing);
}

}  // namespace reeve::sys
