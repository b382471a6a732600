// Wakes a worker when something changes in the directories it looks after; what changed, it finds out by itself.
//
// Built on inotify, as a hint and nothing more: a full queue, a network file system or a directory that cannot be
// watched cost latency and never a line, because every wait also ends at its time-out. So a simulation needs no second
// implementation: it polls.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/base/time.h"

namespace reeve::sys {

// One thread, but for wake().
class FileWatch {
 public:
  struct Options {
    // A file written to without a pause wakes its worker at most this often.
    Duration pause_min = 20ms;
    // Further directories are left to the time-out.
    size_t directories_max = 4096;
  };
  FileWatch();
  explicit FileWatch(Options options);
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  // From now on exactly these. Cheap where nothing changes. A directory that cannot be watched (absent, denied, or the
  // host's limit is reached) is tried again at the next call. Gives how many are watched.
  size_t set_directories(const std::vector<std::string>& directories);

  enum class Woken { time_out, change, wake };
  // Returns when a watched directory or a file in it changed, when wake() was called (also before the wait), or after
  // `timeout`.
  Woken wait(Duration timeout);

  // Ends the wait of the other thread, or its next one. Any thread; also from a signal handler.
  void wake();

 private:
  bool take_changes();
  bool take_wake();

  const Options options_;
  int inotify_ = -1;  // -1: the host gives us none, and only wake() and the time-out end a wait
  int event_ = -1;
  std::map<std::string, int> watched_;
  Instant last_change_;
};

}  // namespace reeve::sys
