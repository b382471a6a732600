// An open file descriptor, closed with its owner; and whole reads and writes on one. Any thread.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/base/bytes.h"

namespace reeve::runner {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    other.close();
    return *this;
  }
  ~Descriptor() { close(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

// One read, repeated where a signal came between; as read(2) otherwise.
inline ssize_t read_some(int fd, char* into, size_t count) {
  ssize_t got = 0;
  do got = ::read(fd, into, count);
  while (got < 0 && errno == EINTR);
  return got;
}

// All of it; false with errno where that fails.
inline bool write_all(int fd, BytesView bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

// Up to `bytes_max` of what is left to read; false with errno where that fails.
inline bool read_all(int fd, size_t bytes_max, Bytes& out) {
  char buffer[16 << 10];
  while (out.size() < bytes_max) {
    const ssize_t got = read_some(fd, buffer, std::min(sizeof buffer, bytes_max - out.size()));
    if (got <= 0) return got == 0;
    out.append(buffer, static_cast<size_t>(got));
  }
  return true;
}

}  // namespace reeve::runner
