#include "common/sys/file_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "common/base/check.h"
#include "common/base/log.h"

namespace reeve::sys {
namespace {

constexpr uint32_t interesting =
    IN_CREATE | IN_MODIFY | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

// Rounded up, so that a wait never ends just before its time and spins.
int to_poll_ms(Duration duration) {
  const int64_t ms = (std::max<int64_t>(duration.count(), 0) + 999'999) / 1'000'000;
  return static_cast<int>(std::min<int64_t>(ms, 3'600'000));
}

}  // namespace

FileWatch::FileWatch() : FileWatch(Options{}) {}

FileWatch::FileWatch(Options options) : options_(options), last_change_{INT64_MIN / 2} {
  event_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  check(event_ >= 0, "the kernel gives a process its first event descriptor");
  inotify_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (inotify_ < 0) log_warn("file changes cannot be watched, looking at intervals instead", {{"errno", errno}});
}

FileWatch::~FileWatch() {
  if (inotify_ >= 0) ::close(inotify_);
  ::close(event_);
}

size_t FileWatch::set_directories(const std::vector<std::string>& directories) {
  if (inotify_ < 0) return 0;

  const std::set<std::string> wanted(directories.begin(), directories.end());
  for (auto it = watched_.begin(); it != watched_.end();) {
    if (wanted.contains(it->first)) {
      ++it;
    } else {
      // Two names of one directory share a watch: it goes with the last of them.
      const int watch = it->second;
      it = watched_.erase(it);
      const bool shared =
          std::any_of(watched_.begin(), watched_.end(), [&](const auto& w) { return w.second == watch; });
      if (!shared) ::inotify_rm_watch(inotify_, watch);
    }
  }

  for (const std::string& directory : wanted) {
    if (watched_.size() >= options_.directories_max) break;
    if (watched_.contains(directory)) continue;
    const int watch = ::inotify_add_watch(inotify_, directory.c_str(), interesting | IN_ONLYDIR);
    if (watch >= 0) watched_.emplace(directory, watch);
  }
  return watched_.size();
}

FileWatch::Woken FileWatch::wait(Duration timeout) {
  SystemClock clock;
  const Instant end = clock.now() + timeout;

  // Within the pause after a change only wake() counts; changes gather in the kernel's queue meanwhile.
  const Instant quiet_until = last_change_ + options_.pause_min;
  for (;;) {
    if (take_wake()) return Woken::wake;
    const Instant now = clock.now();
    const bool quiet = now < quiet_until;
    if (!quiet && take_changes()) {
      last_change_ = now;
      return Woken::change;
    }
    if (now >= end) return Woken::time_out;

    pollfd waiting[2] = {{.fd = event_, .events = POLLIN, .revents = 0},
                         {.fd = quiet ? -1 : inotify_, .events = POLLIN, .revents = 0}};
    const int ready = ::poll(waiting, 2, to_poll_ms((quiet ? std::min(quiet_until, end) : end) - now));
    check(ready >= 0 || errno == EINTR, "poll on two descriptors of our own fails only for a signal");
  }
}

void FileWatch::wake() {
  const uint64_t one = 1;
  // It fails only when the counter is full, and then the other side is woken anyway.
  [[maybe_unused]] const ssize_t written = ::write(event_, &one, sizeof one);
}

bool FileWatch::take_wake() {
  uint64_t count;
  return ::read(event_, &count, sizeof count) == ssize_t{sizeof count};
}

bool FileWatch::take_changes() {
  if (inotify_ < 0) return false;
  bool any = false;
  alignas(inotify_event) char buffer[16 * 1024];
  for (;;) {
    const ssize_t got = ::read(inotify_, buffer, sizeof buffer);
    if (got <= 0) return any;
    any = true;

    for (ssize_t at = 0; at < got;) {
      inotify_event event;
      std::memcpy(&event, buffer + at, sizeof event);
      at += ssize_t{sizeof event} + event.len;
      // A removed directory's watch is gone with it; one made again under the same name needs a new one.
      if (event.mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF)) {
        const int gone = event.wd;
        std::erase_if(watched_, [gone](const auto& watch) { return watch.second == gone; });
      }
      if ((event.mask & IN_MOVE_SELF) && event.wd >= 0) ::inotify_rm_watch(inotify_, event.wd);
    }
  }
}

}  // namespace reeve::sys
