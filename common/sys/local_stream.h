// A byte stream to a program on this host, by way of a UNIX socket: we call, it listens.
//
// Loop thread throughout. No callback is called from inside a call of ours; each may destroy the stream. Writes are
// never refused; pending_bytes() is there to be bounded by.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/sys/loop.h"

namespace reeve::sys {

struct LocalStreamHandlers {
  std::function<void()> on_open{};
  std::function<void(BytesView bytes)> on_data{};  // borrowed for the call
  // The last callback, exactly once: why there is no connection, or none any more.
  std::function<void(const Error& reason)> on_closed{};
};

class LocalStream {
 public:
  // Begins to connect; on_open or on_closed tells how it went.
  static std::unique_ptr<LocalStream> connect(Loop& loop, const std::string& path, LocalStreamHandlers handlers);
  ~LocalStream();  // closes; no callback follows
  LocalStream(const LocalStream&) = delete;
  LocalStream& operator=(const LocalStream&) = delete;

  void write(Bytes bytes);         // once it is open
  uint64_t pending_bytes() const;  // written and not yet with the kernel
  void pause();                    // stops reading
  void resume();

  struct Impl;

 private:
  explicit LocalStream(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace reeve::sys
