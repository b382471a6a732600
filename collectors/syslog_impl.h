// What a syslog collector's two halves share. Inside of this folder only.
#pragma once

#include <array>
#include <atomic>

#include "collectors/row_queue.h"
#include "collectors/syslog.h"

namespace reeve::sys {
class Loop;
}

namespace reeve::collect {

// Any thread.
struct SyslogCollector::Shared {
  enum Transport : size_t { udp, tcp, tls };
  static constexpr size_t transports = 3;

  Shared(SyslogConfig the_config, const std::function<void()>& wake);

  const SyslogConfig config;
  std::array<RowQueue, transports> queues;
  std::atomic<uint64_t> udp_full_bytes{0};
  std::atomic<uint64_t> udp_kernel_drops{0};

  // The worker has made room; set by the loop's side before anything is received.
  std::function<void()> on_room;
};

// Receives on its own from now on; ends when destroyed, on the loop thread.
std::shared_ptr<void> open_syslog(sys::Loop& loop, std::shared_ptr<SyslogCollector::Shared> shared);

}  // namespace reeve::collect
