// See lock_file.h. flock(2), not fcntl(2): closing another descriptor of the same file must not give the lock back.
#include "common/sys/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "common/base/bytes.h"

namespace reeve::sys {

Result<LockFile> LockFile::take(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return errno_error(errno, "open " + path);
  LockFile lock(descriptor);

  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return errno_error(errno, "lock " + path);
    std::array<char, 32> holder{};
    const ssize_t count = read(descriptor, holder.data(), holder.size());
    const std::string pid(holder.data(), count > 0 ? static_cast<size_t>(count) : 0);
    return Error(Code::unavailable,
                 path + " is held by another process (pid " + printable(pid.substr(0, pid.find('\n'))) + ")");
  }

  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(descriptor, 0) != 0) return errno_error(errno, "truncate " + path);
  if (pwrite(descriptor, pid.data(), pid.size(), 0) < 0) return errno_error(errno, "write " + path);
  return lock;
}

LockFile::~LockFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace reeve::sys
