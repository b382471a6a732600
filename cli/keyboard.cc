// Asks and reads on /dev/tty alone, so that a pipe into the program can neither answer for the person nor see a secret.
#include "cli/keyboard.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

#include "cli/harmless.h"

namespace reeve::cli {

namespace {

constexpr size_t line_bytes_max = 1024;

class Terminal {
 public:
  explicit Terminal(bool hidden) : descriptor_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {
    if (!is_open() || !hidden || ::tcgetattr(descriptor_, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    is_silent_ = ::tcsetattr(descriptor_, TCSAFLUSH, &silent) == 0;
  }
  ~Terminal() {
    if (is_silent_) ::tcsetattr(descriptor_, TCSAFLUSH, &before_);
    if (is_open()) ::close(descriptor_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  bool is_open() const { return descriptor_ >= 0; }
  bool is_silent() const { return is_silent_; }

  bool write(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t written = ::write(descriptor_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      text.remove_prefix(static_cast<size_t>(written));
    }
    return true;
  }

  Result<std::string> read_line(int stop_descriptor) const {
    char buffer[line_bytes_max];
    while (true) {
      pollfd waiting[2] = {{.fd = descriptor_, .events = POLLIN, .revents = 0},
                           {.fd = stop_descriptor, .events = POLLIN, .revents = 0}};
      if (::poll(waiting, 2, -1) < 0 && errno != EINTR) return errno_error(errno, "wait for the terminal");
      if (waiting[1].revents != 0) return Error(Code::cancelled, "interrupted");
      if (waiting[0].revents == 0) continue;
      const ssize_t count = ::read(descriptor_, buffer, sizeof buffer);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return errno_error(errno, "read from the terminal");
      if (count == 0) return Error(Code::invalid, "the terminal's input has ended");
      std::string line(buffer, static_cast<size_t>(count));
      ::explicit_bzero(buffer, sizeof buffer);
      if (!line.ends_with('\n'))
        return Error(Code::invalid,
                     "a line on the terminal has at most " + std::to_string(line_bytes_max - 1) + " bytes");
      line.pop_back();
      return line;
    }
  }

 private:
  int descriptor_ = -1;
  termios before_{};
  bool is_silent_ = false;
};

class RealKeyboard : public Keyboard {
 public:
  explicit RealKeyboard(int stop_descriptor) : stop_descriptor_(stop_descriptor) {}

  Result<std::string> ask(const std::string& prompt) override { return ask_on(Terminal(false), prompt); }

  Result<std::string> ask_hidden(const std::string& prompt) override {
    const Terminal terminal(true);
    if (terminal.is_open() && !terminal.is_silent())
      return Error(Code::unavailable, "the terminal cannot hide what is typed");
    return ask_on(terminal, prompt);
  }

 private:
  Result<std::string> ask_on(const Terminal& terminal, const std::string& prompt) {
    if (!terminal.is_open() || !terminal.write(harmless_line(prompt)))
      return Error(Code::unavailable, "there is no terminal to ask on");
    Result<std::string> line = terminal.read_line(stop_descriptor_);
    if (terminal.is_silent() || !line) terminal.write("\n");  // the person's own line end was not shown
    return line;
  }

  int stop_descriptor_;
};

}  // namespace

std::unique_ptr<Keyboard> make_keyboard(int stop_descriptor) {
  return std::make_unique<RealKeyboard>(stop_descriptor);
}

}  // namespace reeve::cli
