// What a host says of itself that does not change while it is up.
#pragma once

#include <cstdint>
#include <string>

namespace reeve::sys {

struct HostInfo {
  std::string hostname;
  uint32_t cpu_count = 1;
  uint32_t page_bytes = 4096;
  uint32_t ticks_per_second = 100;  // the unit of times in /proc/stat
};

HostInfo host_info();

}  // namespace reeve::sys
