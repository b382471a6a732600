// See service.h.
#include "common/sys/service.h"

#include <systemd/sd-daemon.h>

#include "common/base/log.h"

namespace reeve::sys {
namespace {

void tell(const std::string& words) {
  const int told = sd_notify(0, words.c_str());
  if (told < 0) log_warn("service manager not told", {{"what", words}, {"errno", -told}});
}

}  // namespace

void Service::ready(const std::string& status) {
  is_ready_ = true;
  tell("READY=1\nSTATUS=" + status);
  uint64_t allowed_us = 0;
  if (sd_watchdog_enabled(0, &allowed_us) <= 0) return;
  watchdog_ = loop_.every(
      std::chrono::microseconds(allowed_us / 2), [] { tell("WATCHDOG=1"); }, "watchdog");
}

void Service::stopping() {
  if (!is_ready_) return;
  is_ready_ = false;
  loop_.cancel(watchdog_);
  tell("STOPPING=1\nSTATUS=stopping");
}

}  // namespace reeve::sys
