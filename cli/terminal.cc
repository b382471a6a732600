// Signals write a byte into a pipe; whoever waits polls it.
#include "cli/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>

#include "cli/harmless.h"

namespace reeve::cli {

namespace {

constexpr size_t columns_default = 80;

int stop_pipe[2] = {-1, -1};

void on_stop(int) {
  const int saved = errno;
  const char byte = 1;
  // A full pipe already says stop.
  [[maybe_unused]] const ssize_t written = ::write(stop_pipe[1], &byte, 1);
  errno = saved;
}

// True once the pipe is readable, after at most `timeout_ms`.
bool stops_within(int timeout_ms) {
  pollfd waiting{.fd = stop_pipe[0], .events = POLLIN, .revents = 0};
  return ::poll(&waiting, 1, timeout_ms) > 0;
}

Status write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EPIPE) return Error(Code::cancelled, "nobody reads standard output any more");
    if (written < 0) return errno_error(errno, "write to standard output");
    text.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

class RealScreen : public Screen {
 public:
  RealScreen() {
    is_terminal_ = ::isatty(STDOUT_FILENO) == 1;
    const char* kind = std::getenv("TERM");
    has_colour_ = is_terminal_ && !is_set("NO_COLOR") && (kind == nullptr || std::string_view(kind) != "dumb");
  }

  Status print(std::string_view text) override { return write_all(STDOUT_FILENO, text); }

  void say(std::string_view sentence) override {
    // Where even standard error is gone there is nobody left to tell; the exit code still does.
    (void)write_all(STDERR_FILENO, "reeve: " + harmless_line(sentence) + "\n");
  }

  bool has_colour() const override { return has_colour_; }

  size_t columns() const override {
    winsize size{};
    if (is_terminal_ && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return columns_default;
  }

 private:
  bool is_terminal_ = false;
  bool has_colour_ = false;
};

}  // namespace

StopSignal::StopSignal() {
  check(stop_pipe[0] < 0, "one StopSignal lives in a process");
  check(::pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK) == 0, "a process has two descriptors to spare");
  struct sigaction action {};
  action.sa_handler = on_stop;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);

  // A reader that goes away is an ordinary end, told by write().
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

StopSignal::~StopSignal() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  for (int& end : stop_pipe) {
    ::close(end);
    end = -1;
  }
}

bool StopSignal::wait(Duration duration) {
  SystemClock clock;
  const Instant end = clock.now() + duration;
  while (true) {
    const Duration left = end - clock.now();
    if (left <= Duration{}) return !has_ended();
    // A signal interrupts poll(); its byte is then in the pipe.
    if (stops_within(static_cast<int>(left / 1ms) + 1)) return false;
  }
}

bool StopSignal::has_ended() const {
  return stops_within(0);
}

int StopSignal::descriptor() const {
  return stop_pipe[0];
}

std::unique_ptr<Screen> make_screen() {
  return std::make_unique<RealScreen>();
}

}  // namespace reeve::cli
