#include "agent/runner/fork_launcher.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent/runner/keeper_tree.h"

namespace reeve::runner {
namespace {

// In the child: becomes the keeper, in a session of its own, so that what ends the runner does not end the step.
[[noreturn]] void become_keeper(const char* executable, const Gate& gate, int network) {
  char name[] = "reeve-runner";
  char word[] = "keep";
  char* arguments[] = {name, word, nullptr};
  char* environment[] = {nullptr};
  const Descriptor order(fcntl(gate.order.get(), F_DUPFD_CLOEXEC, 3));
  const Descriptor news(fcntl(gate.news.get(), F_DUPFD_CLOEXEC, 3));
  const Descriptor status(fcntl(gate.status.get(), F_DUPFD_CLOEXEC, 3));
  if (setsid() > 0 && (network < 0 || setns(network, CLONE_NEWNET) == 0) && dup2(order.get(), 0) == 0 &&
      dup2(news.get(), 1) == 1 && dup2(status.get(), 2) == 2)
    execve(executable, arguments, environment);
  _exit(1);
}

}  // namespace

Result<Descriptor> isolate_network() {
  Descriptor host(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!host || unshare(CLONE_NEWNET) != 0) return errno_error(errno, "leave the host's network");
  return host;
}

Result<std::unique_ptr<ForkLauncher>> ForkLauncher::make(Options options) {
  const std::string steps = options.state_directory + "/steps";
  if (mkdir(steps.c_str(), 0700) != 0 && errno != EEXIST) return errno_error(errno, "make " + steps);
  signal(SIGPIPE, SIG_IGN);  // a keeper may die while we write to it
  return std::unique_ptr<ForkLauncher>(new ForkLauncher(std::move(options)));
}

ForkLauncher::ForkLauncher(Options options)
    : options_(std::move(options)), files_(options_.state_directory + "/steps") {}

Result<std::unique_ptr<Running>> ForkLauncher::prepare(const Launch& launch) {
  reap();
  Gate gate = TRY(make_gate(files_, launch, [id = launch.id] { end_orphans(id); }));
  const pid_t keeper = fork();
  if (keeper < 0) return errno_error(errno, "start a process");
  if (keeper == 0) become_keeper(options_.executable.c_str(), gate, launch.network ? options_.host_network.get() : -1);
  keepers_.push_back(keeper);
  gate.order.close();
  gate.news.close();
  gate.status.close();
  TRY(gate.ours->await());
  return std::unique_ptr<Running>(std::move(gate.ours));
}

void ForkLauncher::stop_remains(const std::string& launch_id) {
  files_.signal_keeper(launch_id, SIGTERM);
}

void ForkLauncher::forget(const std::string& launch_id) {
  end_orphans(launch_id);
  files_.forget(launch_id);
}

void ForkLauncher::reap() {
  std::erase_if(keepers_, [](pid_t keeper) { return waitpid(keeper, nullptr, WNOHANG) != 0; });
}

}  // namespace reeve::runner
