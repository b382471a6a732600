#include "agent/runner/builtin.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include <algorithm>
#include <charconv>

#include "agent/runner/builtin_impl.h"

namespace reeve::runner {
namespace {

constexpr int status_error = 2;
constexpr size_t name_bytes_max = 256;

struct Row {
  std::string_view name;
  Result<Answer> (*action)(const BuiltIn&);
  bool only_looks;  // at files and processes
};
constexpr Row table[] = {
    {"process.restart", restart_process, false},
    {"process.reload", reload_process, false},
    {"process.stop", stop_process, false},
    {"workers.set", set_workers, false},
    {"signal.send", send_signal, false},
    {"release.switch", switch_release, false},
    {"disk.free", free_disk, false},
    {"file.restore", restore_file, false},
    {"unit.state", unit_state, false},
    {"port.open", port_open, false},
    {"http.get", http_get, false},
    {"disk.below", disk_below, true},
    {"file.hash", file_hash, true},
    {"process.running", process_running, true},
};

const Row* find(const std::string& name) {
  const Row* row = std::find_if(std::begin(table), std::end(table), [&name](const Row& r) { return r.name == name; });
  return row == std::end(table) ? nullptr : row;
}

}  // namespace

int perform(const BuiltIn& action) {
  const Row* row = find(action.name);
  const Result<Answer> answer = row ? row->action(action) : Error(Code::not_found, "there is no such built-in action");
  if (answer.ok()) {
    write_all(1, answer->said + "\n");
    return answer->holds ? 0 : 1;
  }
  write_all(2, action.name + ": " + answer.error().text() + "\n");
  return status_error;
}

std::optional<Exit> run_probe(const BuiltIn& action) {
  const Row* row = find(action.name);
  if (!row || !row->only_looks) return std::nullopt;
  const Result<Answer> answer = row->action(action);
  Exit exit;
  exit.executed = true;
  exit.exit_status = !answer.ok() ? status_error : answer->holds ? 0 : 1;
  exit.output = answer.ok() ? answer->said : answer.error().text();
  exit.output_bytes = exit.output.size();
  return exit;
}

Result<uint64_t> number_of(const BuiltIn& action, const char* argument, uint64_t max) {
  const std::string text = action.argument(argument);
  uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failed != std::errc() || end != text.data() + text.size() || value > max)
    return Error(Code::invalid,
                 std::string(argument) + " is \"" + printable(text) + "\"; allowed: 0 to " + std::to_string(max));
  return value;
}

Result<std::string> name_of(const BuiltIn& action, const char* argument) {
  std::string text = action.argument(argument);
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_.:@-").find(c) < 5;
  });
  if (text.empty() || text.size() > name_bytes_max || !plain || text[0] == '-' || text[0] == '.')
    return Error(Code::invalid, std::string(argument) + " is \"" + printable(text) + "\", which is no name");
  return text;
}

Result<Descriptor> open_folder(const std::string& path) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS;
  Descriptor folder(static_cast<int>(syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how)));
  if (!folder) return errno_error(errno, "open the folder " + path);
  return folder;
}

}  // namespace reeve::runner
