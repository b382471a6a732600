// See runner_bridge.h.
#include "agent/runner_bridge.h"

#include <optional>
#include <utility>

#include "common/base/log.h"
#include "common/sys/local_stream.h"
#include "common/wire/frames.h"

namespace reeve::agent {

namespace {

constexpr size_t length_bytes = 4;

}  // namespace

struct RunnerBridge::Impl : std::enable_shared_from_this<Impl> {
  World world;
  Options options;
  Backoff backoff;
  std::unique_ptr<sys::LocalStream> stream;
  bool link_open = false;
  bool open = false;
  bool held_up = false;  // the link takes no more: what was read waits, and no more is read
  Bytes unread;          // of the runner, not yet handed on: less than a frame, or what the link did not take
  std::string last_reason;
  sys::TimerId retry_timer;

  Impl(World the_world, Options the_options)
      : world(std::move(the_world)), options(std::move(the_options)), backoff(options.retry) {}

  void connect();
  void on_closed(const Error& reason);
  void leave();
  void call_again(const std::string& reason);
  void hand_on();
};

void RunnerBridge::Impl::connect() {
  std::weak_ptr<Impl> weak = weak_from_this();
  stream = sys::LocalStream::connect(world.loop, options.path,
                                     {.on_open =
                                          [weak] {
                                            const auto self = weak.lock();
                                            if (!self) return;
                                            self->open = true;
                                            self->backoff.reset();
                                            self->last_reason.clear();
                                            log_info("the runner is connected", {{"socket", self->options.path}});
                                          },
                                      .on_data =
                                          [weak](BytesView bytes) {
                                            const auto self = weak.lock();
                                            if (!self) return;
                                            self->unread.append(bytes);
                                            self->hand_on();
                                          },
                                      .on_closed =
                                          [weak](const Error& reason) {
                                            if (const auto self = weak.lock()) self->on_closed(reason);
                                          }});
}

void RunnerBridge::Impl::leave() {
  stream.reset();
  open = false;
  held_up = false;
  unread.clear();
}

void RunnerBridge::Impl::call_again(const std::string& reason) {
  leave();
  // Most hosts have no runner, and need not hear of it all the time.
  if (reason != last_reason) log_debug("there is no runner", {{"reason", reason}});
  last_reason = reason;
  if (retry_timer || !link_open) return;
  retry_timer = world.loop.after(
      backoff.take_next(world.random),
      [this] {
        retry_timer = {};
        if (link_open && !stream) connect();
      },
      "runner");
}

void RunnerBridge::Impl::on_closed(const Error& reason) {
  if (open) log_info("the runner is gone", {{"socket", options.path}, {"reason", reason.text()}});
  call_again(reason.text());
}

// Each whole frame, until the link takes no more.
void RunnerBridge::Impl::hand_on() {
  size_t at = 0;
  held_up = false;
  while (unread.size() - at >= length_bytes) {
    const auto length = load_le<uint32_t>(unread.data() + at);
    if (length == 0 || length > wire::runner_message_bytes_max) {
      log_warn("the runner sends a frame that is none", {{"bytes", uint64_t{length}}});
      return call_again("it sends frames that are none");
    }
    if (unread.size() - at - length_bytes < length) break;
    held_up = !world.try_send(BytesView(unread).substr(at + length_bytes, length));
    if (held_up || !stream) break;
    at += length_bytes + length;
  }
  if (!stream) return;
  unread.erase(0, at);
  held_up ? stream->pause() : stream->resume();
}

RunnerBridge::RunnerBridge(World world, Options options)
    : impl_(std::make_shared<Impl>(std::move(world), std::move(options))) {}

RunnerBridge::~RunnerBridge() {
  impl_->world.loop.cancel(impl_->retry_timer);
  impl_->leave();
}

void RunnerBridge::on_link(bool open) {
  if (open == impl_->link_open) return;
  impl_->link_open = open;
  impl_->world.loop.cancel(impl_->retry_timer);
  impl_->retry_timer = {};
  if (open) return impl_->connect();
  impl_->leave();
}

void RunnerBridge::on_link_room() {
  if (impl_->held_up) impl_->hand_on();
}

void RunnerBridge::on_link_message(BytesView message) {
  if (!impl_->open || message.empty() || message.size() > wire::runner_message_bytes_max) return;
  if (impl_->stream->pending_bytes() > impl_->options.unread_bytes_max) {
    log_warn("the runner does not read what it is told", {{"socket", impl_->options.path}});
    return impl_->call_again("it does not read");
  }
  Bytes frame;
  frame.reserve(length_bytes + message.size());
  append_le<uint32_t>(frame, static_cast<uint32_t>(message.size()));
  frame.append(message);
  impl_->stream->write(std::move(frame));
}

bool RunnerBridge::connected() const {
  return impl_->open;
}

}  // namespace reeve::agent
