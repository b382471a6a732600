#include "collectors/loop_thread.h"

namespace reeve::collect {

LoopThread::LoopThread(Open open)
    : thread_([this, make = std::move(open)] {
        const std::shared_ptr<void> lives = make(loop_);
        loop_.run();
      }) {}

LoopThread::~LoopThread() {
  stop();
}

void LoopThread::stop() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
}

}  // namespace reeve::collect
