// What systemd is told of a program that it started with Type=notify: that we serve, what we do, that we stop, and, as
// long as the loop turns, that we live. Where nobody asked ($NOTIFY_SOCKET is absent) nothing happens.
//
// Loop thread. The loop outlives it.
#pragma once

#include <string>

#include "common/sys/loop.h"

namespace reeve::sys {

class Service {
 public:
  explicit Service(Loop& loop) : loop_(loop) {}
  ~Service() { stopping(); }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Open for business. From now on the watchdog hears of us twice in the time it allows.
  void ready(const std::string& status);
  // On the way out. The time to stop is then bounded by the unit.
  void stopping();

 private:
  Loop& loop_;
  TimerId watchdog_;
  bool is_ready_ = false;
};

}  // namespace reeve::sys
