// Built-in actions on processes, by way of their supervisor or by signal. A process is who its pid file names, as long
// as it runs the executable that policy declares.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <charconv>
#include <filesystem>

#include "agent/runner/builtin_impl.h"

namespace reeve::runner {
namespace {

constexpr size_t answer_bytes_max = 1024;
constexpr uint64_t workers_max = 10'000;
constexpr int look_again_ms = 50;

struct Process {
  pid_t pid = 0;
  Descriptor held{};  // a pidfd; none: it does not run
};

// Held before its executable is looked at, so that it cannot be another one by the time of the signal.
Result<Process> find_process(const BuiltIn& action) {
  const std::string path = action.argument("pid_file");
  const std::string executable = action.argument("executable");
  if (path.empty() || executable.empty()) return Error(Code::invalid, "pid_file and executable are needed");
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file && errno == ENOENT) return Process{};
  Bytes text;
  if (!file || !read_all(file.get(), 32, text)) return errno_error(errno, "read " + path);
  Process found;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), found.pid);
  if (parsed.ec != std::errc() || found.pid <= 1 ||
      text.find_first_not_of(" \n", static_cast<size_t>(parsed.ptr - text.data())) != Bytes::npos)
    return Error(Code::invalid, path + " does not hold the number of a process");
  found.held = Descriptor(static_cast<int>(syscall(SYS_pidfd_open, found.pid, 0)));
  if (!found.held && errno == ESRCH) return Process{};
  if (!found.held) return errno_error(errno, "hold the process of " + path);
  std::error_code failed;
  const std::string runs = std::filesystem::read_symlink("/proc/" + std::to_string(found.pid) + "/exe", failed);
  if (failed.value() == ENOENT || failed.value() == ESRCH) return Process{};
  if (failed) return errno_error(failed.value(), "look at the process of " + path);
  if (runs != executable)
    return Error(Code::denied, "process " + std::to_string(found.pid) + " of " + path + " runs " + printable(runs) +
                                   "; allowed: " + executable);
  return found;
}

Status signal_process(const Process& process, int number) {
  if (!process.held) return Error(Code::not_found, "it does not run");
  if (syscall(SYS_pidfd_send_signal, process.held.get(), number, nullptr, 0) != 0)
    return errno_error(errno, "signal process " + std::to_string(process.pid));
  return {};
}

Status end_process(const Process& process) {
  TRY(signal_process(process, SIGTERM));
  pollfd ended{process.held.get(), POLLIN, 0};
  while (poll(&ended, 1, -1) < 0 && errno == EINTR) {
  }
  return {};
}

// One line to a supervisor, and its answer.
Result<Answer> tell(const BuiltIn& action, const std::string& verb, const std::string& more = "") {
  const std::string name = TRY(name_of(action, "process"));
  const std::string line = verb + " " + name + more + "\n";
  const std::string path = action.argument("control");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Error(Code::invalid, "control is too long for a socket's path");
  path.copy(address.sun_path, path.size());
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Bytes answer;
  if (!socket || connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size()))
    return errno_error(errno, "ask " + path);
  for (char c = 0; answer.size() < answer_bytes_max && read_some(socket.get(), &c, 1) == 1 && c != '\n';) answer += c;
  if (answer == "ok") return Answer{true, "ok"};
  return Error(Code::unavailable, path + " says: " + (answer.empty() ? "nothing" : printable(answer)));
}

}  // namespace

Result<Answer> restart_process(const BuiltIn& action) {
  if (!action.argument("control").empty()) return tell(action, "restart");
  const Process old = TRY(find_process(action));
  TRY(end_process(old));
  // Its supervisor starts it anew; done is when that has happened.
  while (true) {
    const Result<Process> now = find_process(action);  // while it comes up, the file may be empty or name the old one
    if (now.ok() && now->held)
      return Answer{true, "process " + std::to_string(old.pid) + " is now " + std::to_string(now->pid)};
    poll(nullptr, 0, look_again_ms);
  }
}

Result<Answer> reload_process(const BuiltIn& action) {
  if (!action.argument("control").empty()) return tell(action, "reload");
  const Process process = TRY(find_process(action));
  TRY(signal_process(process, SIGHUP));
  return Answer{true, "sent HUP"};
}

Result<Answer> stop_process(const BuiltIn& action) {
  if (!action.argument("control").empty()) return tell(action, "stop");
  const Process process = TRY(find_process(action));
  if (!process.held) return Answer{true, "it does not run"};
  TRY(end_process(process));
  return Answer{true, "process " + std::to_string(process.pid) + " has ended"};
}

Result<Answer> set_workers(const BuiltIn& action) {
  const uint64_t count = TRY(number_of(action, "count", workers_max));
  return tell(action, "workers", " " + std::to_string(count));
}

Result<Answer> send_signal(const BuiltIn& action) {
  static constexpr std::pair<std::string_view, int> signals[] = {
      {"HUP", SIGHUP},   {"INT", SIGINT},   {"QUIT", SIGQUIT},   {"USR1", SIGUSR1}, {"USR2", SIGUSR2},
      {"TERM", SIGTERM}, {"CONT", SIGCONT}, {"WINCH", SIGWINCH}, {"KILL", SIGKILL}};
  const std::string wanted = action.argument("signal");
  for (const auto& [name, number] : signals) {
    if (name != wanted) continue;
    const Process process = TRY(find_process(action));
    TRY(signal_process(process, number));
    return Answer{true, "sent " + wanted + " to process " + std::to_string(process.pid)};
  }
  return Error(Code::invalid, "signal is \"" + printable(wanted) + "\", which is none that may be sent");
}

Result<Answer> process_running(const BuiltIn& action) {
  const Process process = TRY(find_process(action));
  if (!process.held) return Answer{false, "it does not run"};
  return Answer{true, "process " + std::to_string(process.pid)};
}

}  // namespace reeve::runner
