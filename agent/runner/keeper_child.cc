#include "agent/runner/keeper_child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "agent/runner/builtin.h"
#include "agent/runner/confine.h"
#include "agent/runner/descriptor.h"
#include "common/crypto/digest.h"

namespace reeve::runner {
namespace {

constexpr int report_at = 3;
constexpr int program_at = 4;
constexpr int status_not_reached = 127;
constexpr size_t program_bytes_max = 512_MiB;

// Opens the program once; what is checked and hashed here is what will be executed, wherever its name points by then.
Result<Descriptor> open_program(const Program& program, uid_t runner) {
  Descriptor file(open(program.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file && errno == EACCES) file = Descriptor(open(program.path.c_str(), O_PATH | O_CLOEXEC));
  if (!file) return errno_error(errno, "open " + program.path);
  struct stat found {};
  if (fstat(file.get(), &found) != 0) return errno_error(errno, "look at " + program.path);
  const auto refused = [&program](const char* why) { return Error(Code::denied, program.path + " " + why); };
  if (!S_ISREG(found.st_mode)) return refused("is not a regular file");
  if (found.st_uid != 0 && found.st_uid != runner) return refused("belongs neither to root nor to the runner");
  if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0) return refused("may be written by others than its owner");
  if ((found.st_mode & (S_ISUID | S_ISGID)) != 0) return refused("is setuid or setgid");
  if (!program.sha256.empty()) {
    Bytes content;
    if (static_cast<uint64_t>(found.st_size) > program_bytes_max) return refused("is too large to be hashed");
    if (!read_all(file.get(), program_bytes_max, content)) return errno_error(errno, "read " + program.path);
    if (crypto::sha256(content) != program.sha256)
      return refused("has another SHA-256 than the one that was asked for");
  }
  return file;
}

// A script's interpreter opens it by the number of its descriptor, which must stay open for that.
bool is_script(int file) {
  char first[2];
  return pread(file, first, sizeof first, 0) == 2 && first[0] == '#' && first[1] == '!';
}

Status place(int from, int at, int flags) {
  if (dup3(from, at, flags) != at) return errno_error(errno, "place a descriptor");
  return {};
}

// Nothing of the keeper is left but what stands at 0 to 4.
Status arrange(const ChildEnds& ends, const Descriptor& program) {
  const Descriptor nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Descriptor report(fcntl(ends.report, F_DUPFD_CLOEXEC, program_at + 1));
  const Descriptor file(program ? fcntl(program.get(), F_DUPFD_CLOEXEC, program_at + 1) : -1);
  const Descriptor output(fcntl(ends.output, F_DUPFD_CLOEXEC, program_at + 1));
  if (!nothing || !report || !output) return errno_error(errno, "arrange descriptors");
  TRY(place(nothing.get(), 0, 0));
  TRY(place(output.get(), 1, 0));
  TRY(place(output.get(), 2, 0));
  TRY(place(report.get(), report_at, O_CLOEXEC));
  if (file) TRY(place(file.get(), program_at, is_script(file.get()) ? 0 : O_CLOEXEC));
  return {};
}

Status reset_signals() {
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  if (sigprocmask(SIG_SETMASK, &none, nullptr) != 0) return errno_error(errno, "unblock signals");
  return {};
}

Status execute(const Program& program, uint64_t memory_bytes_max) {
  if (chdir(program.working_directory.empty() ? "/" : program.working_directory.c_str()) != 0)
    return errno_error(errno, "go to " + program.working_directory);
  std::vector<std::string> variables;
  for (const auto& [name, value] : program.environment) variables.push_back(name + "=" + value);
  std::vector<char*> arguments{const_cast<char*>(program.path.c_str())};
  for (const std::string& argument : program.arguments) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  std::vector<char*> environment;
  for (std::string& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);
  if (memory_bytes_max != 0) TRY(limit_memory(memory_bytes_max));
  syscall(SYS_execveat, program_at, "", arguments.data(), environment.data(), AT_EMPTY_PATH);
  return errno_error(errno, "execute " + program.path);
}

Status run(const Launch& launch, Tree& tree, const ChildEnds& ends) {
  const Program* program = std::get_if<Program>(&launch.what);
  Descriptor file;
  if (program) file = TRY(open_program(*program, ends.runner));
  if (setsid() < 0) return errno_error(errno, "begin a session");
  if (!tree.enter()) return errno_error(errno, "enter the cgroup");
  {
    // Where memory runs out, the program goes before its keeper does.
    const Descriptor score(open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
    if (score) write_all(score.get(), "1000");
  }
  setpriority(PRIO_PROCESS, 0, 0);
  umask(077);
  TRY(arrange(ends, file));
  file = Descriptor();
  if (syscall(SYS_close_range, program ? program_at + 1 : program_at, ~0U, 0) != 0)
    return errno_error(errno, "close descriptors");
  TRY(reset_signals());
  TRY(confine(launch, ends.keeper));
  if (program) return execute(*program, launch.memory_bytes_max);
  if (chdir("/") != 0) return errno_error(errno, "go to /");
  close(report_at);
  _exit(perform(std::get<BuiltIn>(launch.what)));
}

}  // namespace

void run_child(const Launch& launch, Tree& tree, const ChildEnds& ends) {
  const Status failed = run(launch, tree, ends);
  if (!write_all(report_at, failed.error().text())) write_all(ends.report, failed.error().text());
  _exit(status_not_reached);
}

}  // namespace reeve::runner
