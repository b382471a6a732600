// One process at a time: a lock on a file, which the kernel gives back however the process ends.
#pragma once

#include <string>

#include "common/base/result.h"

namespace reeve::sys {

// Held while it lives. One thread.
class LockFile {
 public:
  // Makes the file (mode 0600) where it is absent and writes our process id into it, for people. Code::unavailable when
  // another process holds it; the text names that process.
  static Result<LockFile> take(const std::string& path);

  LockFile(LockFile&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  LockFile& operator=(LockFile&&) = delete;
  ~LockFile();  // the file stays: removing it would let two processes lock two files of one name

 private:
  explicit LockFile(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace reeve::sys
