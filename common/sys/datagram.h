// UDP: receives datagrams on the loop, many with one system call, and knows what the kernel had to drop.
//
// Loop thread throughout.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/sys/loop.h"

namespace reeve::sys {

struct DatagramOptions {
  std::string host = "127.0.0.1";         // an address of this machine, "0.0.0.0" or "::" for all
  uint16_t port = 0;                      // 0: the kernel chooses
  uint64_t receive_buffer_bytes = 4_MiB;  // asked of the kernel, which may give less (net.core.rmem_max)
};

struct DatagramStats {
  uint64_t received = 0;
  uint64_t dropped_by_kernel = 0;     // datagrams that found the receive buffer full, as told with a later one
  uint64_t receive_buffer_bytes = 0;  // as the kernel granted
};

class DatagramSocket {
 public:
  // Borrowed for the call, which does not destroy the socket.
  using OnDatagram = std::function<void(BytesView bytes)>;

  static Result<std::unique_ptr<DatagramSocket>> open(Loop& loop, const DatagramOptions& options,
                                                      OnDatagram on_datagram);
  ~DatagramSocket();  // no callback follows
  DatagramSocket(const DatagramSocket&) = delete;
  DatagramSocket& operator=(const DatagramSocket&) = delete;

  uint16_t port() const;
  DatagramStats stats() const;

  struct Impl;

 private:
  explicit DatagramSocket(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace reeve::sys
