// See local_stream.h. A pipe of libuv; it holds itself until libuv has let go of the handle.
#include "common/sys/local_stream.h"

#include <sys/un.h>
#include <uv.h>

#include <array>
#include <utility>

#include "common/base/check.h"
#include "common/sys/address.h"
#include "common/sys/loop_handle.h"

namespace reeve::sys {
namespace {

constexpr size_t read_bytes = 64_KiB;
constexpr size_t path_bytes_max = sizeof(sockaddr_un::sun_path) - 1;

}  // namespace

struct LocalStream::Impl final : LoopHandle, std::enable_shared_from_this<LocalStream::Impl> {
  Impl(Loop& the_loop, std::string the_path, LocalStreamHandlers the_handlers)
      : loop(the_loop), path(std::move(the_path)), handlers(std::move(the_handlers)) {}

  static Impl* from(void* data) { return static_cast<Impl*>(static_cast<LoopHandle*>(data)); }
  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&pipe); }

  void begin() {
    if (path.empty() || path.size() > path_bytes_max) {
      return fail_later(Error(Code::invalid, "the socket's path \"" + printable(path) + "\" has not 1 to " +
                                                 std::to_string(path_bytes_max) + " bytes"));
    }
    check(uv_pipe_init(loop.uv(), &pipe, 0) == 0, "a pipe's handle can be made");
    pipe.data = static_cast<LoopHandle*>(this);
    self = shared_from_this();
    connecting.data = static_cast<LoopHandle*>(this);
    uv_pipe_connect(&connecting, &pipe, path.c_str(), [](uv_connect_t* request, int status) {
      if (status != UV_ECANCELED) from(request->data)->on_connected(status);
    });
  }

  void fail_later(const Error& reason) {
    loop.post(
        [hold = shared_from_this(), reason] {
          if (!hold->detached && hold->handlers.on_closed) hold->handlers.on_closed(reason);
        },
        "local stream");
  }

  void on_connected(int status) {
    const auto hold = shared_from_this();
    if (closing) return;
    Loop::Stage stage(loop, "local stream");
    if (status != 0) return fail(uv_error(status, "connect to " + path));
    open = true;
    update_reading();
    if (!detached && handlers.on_open) handlers.on_open();
  }

  void update_reading() {
    const bool wanted = open && !paused && !closing;
    if (wanted == reading) return;
    reading = wanted;
    if (!wanted) {
      uv_read_stop(stream());
      return;
    }
    uv_read_start(
        stream(),
        [](uv_handle_t* handle, size_t, uv_buf_t* buffer) {
          auto& into = from(handle->data)->room;
          *buffer = uv_buf_init(into.data(), into.size());
        },
        [](uv_stream_t* handle, ssize_t count, const uv_buf_t* buffer) {
          if (count != 0) from(handle->data)->on_read(count, buffer->base);
        });
  }

  void on_read(ssize_t count, const char* bytes) {
    const auto hold = shared_from_this();
    if (closing) return;
    Loop::Stage stage(loop, "local stream");
    if (count < 0) {
      return fail(count == UV_EOF ? Error(Code::unavailable, path + ": closed by its owner")
                                  : uv_error(static_cast<int>(count), "read from " + path));
    }
    if (!detached && handlers.on_data) handlers.on_data({bytes, static_cast<size_t>(count)});
  }

  void write(Bytes bytes) {
    check(open, "only an open stream is written to");
    if (closing || bytes.empty()) return;
    struct Request {
      uv_write_t uv{};
      Bytes bytes;
      std::shared_ptr<Impl> owner;
    };
    auto* request = new Request;  // freed in its callback, which libuv calls even for a handle that is closed
    request->bytes = std::move(bytes);
    request->owner = shared_from_this();
    request->uv.data = request;
    pending += request->bytes.size();
    uv_buf_t buffer = uv_buf_init(request->bytes.data(), static_cast<unsigned>(request->bytes.size()));
    const int error = uv_write(&request->uv, stream(), &buffer, 1, [](uv_write_t* uv, int status) {
      const std::unique_ptr<Request> ended(static_cast<Request*>(uv->data));
      ended->owner->on_written(ended->bytes.size(), status);
    });
    if (error == 0) return;
    pending -= request->bytes.size();
    delete request;
    // Not from inside of the caller's call.
    loop.post([hold = shared_from_this(), error] { hold->fail(uv_error(error, "write to " + hold->path)); },
              "local stream");
  }

  void on_written(size_t bytes, int status) {
    pending -= bytes;
    if (status != 0 && status != UV_ECANCELED) fail(uv_error(status, "write to " + path));
  }

  void fail(const Error& reason) {
    if (closing) return;
    const auto hold = shared_from_this();
    close_with_loop();
    if (!detached && handlers.on_closed) handlers.on_closed(reason);
  }

  void close_with_loop() override {
    if (closing) return;
    closing = true;
    uv_close(reinterpret_cast<uv_handle_t*>(&pipe),
             [](uv_handle_t* handle) { const auto last = std::move(from(handle->data)->self); });
  }

  Loop& loop;
  const std::string path;
  const LocalStreamHandlers handlers;
  std::shared_ptr<Impl> self;  // while libuv has the handle
  uv_pipe_t pipe{};
  uv_connect_t connecting{};
  std::array<char, read_bytes> room{};
  uint64_t pending = 0;
  bool open = false;
  bool reading = false;
  bool paused = false;
  bool closing = false;
  bool detached = false;  // its owner is gone
};

LocalStream::LocalStream(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

LocalStream::~LocalStream() {
  impl_->detached = true;
  if (impl_->self) impl_->close_with_loop();
}

std::unique_ptr<LocalStream> LocalStream::connect(Loop& loop, const std::string& path, LocalStreamHandlers handlers) {
  auto impl = std::make_shared<Impl>(loop, path, std::move(handlers));
  std::unique_ptr<LocalStream> stream(new LocalStream(impl));
  impl->begin();
  return stream;
}

void LocalStream::write(Bytes bytes) {
  impl_->write(std::move(bytes));
}

uint64_t LocalStream::pending_bytes() const {
  return impl_->pending;
}

void LocalStream::pause() {
  impl_->paused = true;
  impl_->update_reading();
}

void LocalStream::resume() {
  impl_->paused = false;
  impl_->update_reading();
}

}  // namespace reeve::sys
