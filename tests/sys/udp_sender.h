// Sends datagrams to a port of the loopback.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/bytes.h"

namespace reeve::sys {

class UdpSender {
 public:
  explicit UdpSender(uint16_t port) : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    to_.sin_family = AF_INET;
    to_.sin_port = htons(port);
    to_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  ~UdpSender() { ::close(socket_); }
  UdpSender(const UdpSender&) = delete;
  UdpSender& operator=(const UdpSender&) = delete;

  // Whether the kernel took all of it.
  bool send(BytesView bytes) const {
    const auto* const address = reinterpret_cast<const sockaddr*>(&to_);
    return ::sendto(socket_, bytes.data(), bytes.size(), 0, address, sizeof to_) == static_cast<ssize_t>(bytes.size());
  }

 private:
  int socket_;
  sockaddr_in to_{};
};

}  // namespace reeve::sys
