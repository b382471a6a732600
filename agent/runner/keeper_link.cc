#include "agent/runner/keeper_link.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include <algorithm>

#include "agent/runner/keeper.h"
#include "agent/runner/keeper_note.h"

namespace reeve::runner {
namespace {

constexpr size_t message_bytes_max = 4 + note_bytes + kept_output_bytes_max;

struct Pipe {
  Descriptor read{};
  Descriptor write{};
};

Result<Pipe> make_pipe(size_t bytes) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno_error(errno, "make a pipe");
  Pipe made{Descriptor(ends[0]), Descriptor(ends[1])};
  if (fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(bytes)) < 0) return errno_error(errno, "widen a pipe");
  return made;
}

bool locked(int file) {
  return flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

}  // namespace

Result<Descriptor> StatusFiles::make(const std::string& launch_id) {
  const std::string doing = "make " + path(launch_id);
  Descriptor file(open(path(launch_id).c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return errno_error(errno, doing);
  const Descriptor folder(open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!write_all(file.get(), Bytes(status_bytes, '\0')) || fdatasync(file.get()) != 0 || !folder ||
      fsync(folder.get()) != 0 || flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    unlink(path(launch_id).c_str());
    return errno_error(error, doing);
  }
  return file;
}

Result<Remains> StatusFiles::find(const std::string& launch_id) const {
  const Descriptor file(open(path(launch_id).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file && errno == ENOENT) return Remains{};
  if (!file) return errno_error(errno, "open " + path(launch_id));
  // The lock first: a keeper that ends between the two looks has written its note by then.
  const bool held = locked(file.get());
  Bytes bytes;
  if (!read_all(file.get(), status_bytes, bytes)) return errno_error(errno, "read " + path(launch_id));
  const std::optional<Exit> exit = decode_note(BytesView(bytes).substr(std::min(note_offset, bytes.size())));
  if (exit) return Remains{Remains::State::ended, *exit};
  return Remains{held ? Remains::State::running : Remains::State::unknown, {}};
}

bool StatusFiles::signal_keeper(const std::string& launch_id, int number) const {
  const Descriptor file(open(path(launch_id).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  Bytes bytes;
  if (!file || !read_all(file.get(), status_bytes, bytes) || bytes.size() != status_bytes) return false;
  const auto pid = load_le<int32_t>(bytes.data());
  if (pid <= 1) return false;
  // While the lock is held the keeper lives, so a descriptor that was opened before is the keeper's.
  const Descriptor keeper(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  return keeper && locked(file.get()) && syscall(SYS_pidfd_send_signal, keeper.get(), number, nullptr, 0) == 0;
}

void StatusFiles::forget(const std::string& launch_id) {
  unlink(path(launch_id).c_str());
}

Status KeptProcess::await() {
  pollfd waiting{news_.get(), POLLIN, 0};
  if (poll(&waiting, 1, keeper_ready_ms_max) <= 0)
    return Error(Code::unavailable, "start a process: it does not wait at the gate after 10 s");
  char said = 0;
  if (read_some(news_.get(), &said, 1) == 1 && said == word_ready) return {};
  return Error(Code::unavailable, "start a process: it ended before it came to the gate");
}

Status KeptProcess::open_gate() {
  if (!write_all(order_.get(), {&word_go, 1})) return errno_error(errno, "open the gate");
  return {};
}

void KeptProcess::stop() {
  write_all(order_.get(), {&word_stop, 1});  // in vain where it has ended, and that is well
}

std::optional<Exit> KeptProcess::take_news() {
  if (ended_) return std::nullopt;
  const bool more = !read_all(news_.get(), message_bytes_max, received_) && errno == EAGAIN;
  std::optional<Exit> exit;
  if (received_.size() >= 4 + note_bytes && load_le<uint32_t>(received_.data()) == received_.size() - 4)
    exit = decode_note(BytesView(received_).substr(4, note_bytes));
  if (!exit && more) return std::nullopt;
  ended_ = true;
  if (!exit) return on_lost_();
  exit->output = received_.substr(4 + note_bytes);
  return exit;
}

Result<Gate> make_gate(StatusFiles& files, const Launch& launch, const std::function<void()>& on_lost) {
  const Bytes encoded = encode(launch);
  if (encoded.size() > launch_bytes_max) return Error(Code::invalid, "start a process: its launch is too long");
  Gate gate;
  Pipe order = TRY(make_pipe(2 * launch_bytes_max));
  Pipe news = TRY(make_pipe(2 * kept_output_bytes_max));
  Bytes message;
  append_le<uint32_t>(message, static_cast<uint32_t>(encoded.size()));
  message += encoded;
  if (fcntl(news.read.get(), F_SETFL, O_NONBLOCK) != 0 || !write_all(order.write.get(), message))
    return errno_error(errno, "send a launch");
  gate.status = TRY(files.make(launch.id));
  gate.order = std::move(order.read);
  gate.news = std::move(news.write);
  const auto lost = [&files, id = launch.id, on_lost] {
    on_lost();
    const Result<Remains> remains = files.find(id);
    if (remains.ok() && remains->state == Remains::State::ended) return std::optional(remains->exit);
    Exit exit;
    exit.lost = true;
    exit.detail = "its keeper died";
    return std::optional(exit);
  };
  gate.ours = std::make_unique<KeptProcess>(std::move(order.write), std::move(news.read), lost);
  return gate;
}

}  // namespace reeve::runner
