#include "common/sys/host_info.h"

#include <unistd.h>

#include <algorithm>

namespace reeve::sys {
namespace {

uint32_t ask(int name, uint32_t fallback) {
  const long answer = ::sysconf(name);
  return answer > 0 ? static_cast<uint32_t>(answer) : fallback;
}

}  // namespace

HostInfo host_info() {
  HostInfo info;
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) == 0) info.hostname = name;
  info.cpu_count = ask(_SC_NPROCESSORS_ONLN, info.cpu_count);
  info.page_bytes = ask(_SC_PAGESIZE, info.page_bytes);
  info.ticks_per_second = ask(_SC_CLK_TCK, info.ticks_per_second);
  return info;
}

}  // namespace reeve::sys
