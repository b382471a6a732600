// What every libuv handle's `data` points to, so that a loop that ends can close whatever is still open on it.
// Inside common/sys only.
#pragma once

namespace reeve::sys {

class LoopHandle {
 public:
  // The loop is being destroyed: uv_close the handle. Called at most once, and not for a handle that is closing.
  virtual void close_with_loop() = 0;

 protected:
  ~LoopHandle() = default;
};

}  // namespace reeve::sys
