// The body gathered, and sent whole at end().
#include <mutex>

#include "common/sys/http_server.h"

namespace reeve::sys {

struct ResponseStream::State {
  Responder responder;
  std::mutex mutex;
  HttpResponse response;
  std::function<void()> closed;
};

ResponseStream Responder::start(HttpResponse head) const {
  head.body.clear();
  return ResponseStream(std::shared_ptr<ResponseStream::State>(
      new ResponseStream::State{.responder = *this, .mutex = {}, .response = std::move(head), .closed = {}}));
}

bool ResponseStream::try_write(Bytes bytes) const {
  const std::lock_guard lock(state_->mutex);
  state_->response.body += bytes;
  return true;
}

Status ResponseStream::write(Bytes bytes) const {
  (void)try_write(std::move(bytes));  // it never says no
  return {};
}

uint64_t ResponseStream::unsent_bytes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->response.body.size();
}

bool ResponseStream::gone() const {
  return false;
}

void ResponseStream::end() const {
  const std::lock_guard lock(state_->mutex);
  state_->responder.respond(std::move(state_->response));
  if (state_->closed) state_->closed();
}

void ResponseStream::on_closed(std::function<void()> closed) const {
  const std::lock_guard lock(state_->mutex);
  state_->closed = std::move(closed);
}

}  // namespace reeve::sys
