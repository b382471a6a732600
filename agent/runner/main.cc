// reeve-runner: reads its command line, puts the parts together, and serves.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>

#include "agent/runner/args.h"
#include "agent/runner/descriptor.h"
#include "agent/runner/fork_launcher.h"
#include "agent/runner/runner.h"
#include "agent/runner/serve.h"
#include "agent/runner/unit_launcher.h"
#include "agent/version.h"
#include "common/base/log.h"

namespace reeve::runner {
namespace {

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

// Elapsed time that also counts while the host sleeps, and that nobody can set.
class BootClock : public Clock {
 public:
  Instant now() override { return {read(CLOCK_BOOTTIME)}; }
  WallTime wall() override { return {read(CLOCK_REALTIME)}; }

 private:
  static int64_t read(clockid_t clock) {
    timespec time{};
    check(::clock_gettime(clock, &time) == 0, "the host has its clocks");
    return time.tv_sec * 1'000'000'000 + time.tv_nsec;
  }
};

std::string host_name() {
  std::array<char, 257> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "";
  return name.data();
}

std::string boot_id() {
  const Result<Bytes> text = sys::read_file(sys::real_disk(), "/proc/sys/kernel/random/boot_id", 64);
  return text.ok() ? text->substr(0, text->find('\n')) : "";
}

int fail(const Error& error) {
  std::fprintf(stderr, "reeve-runner: %s\n", error.text().c_str());
  return error.code() == Code::invalid ? exit_usage : exit_failed;
}
int ended(const Status& status) {
  return status.ok() ? 0 : fail(status.error());
}

// Two runners on one folder would both be right, and run a step twice.
Result<Descriptor> take_folder(const std::string& path) {
  Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return errno_error(errno, "open " + path);
  if (::flock(folder.get(), LOCK_EX | LOCK_NB) != 0) return errno_error(errno, path + " is used by another runner");
  return folder;
}

// Beside ourselves, wherever that is.
Result<std::string> keeper_program() {
  std::array<char, 4096> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  if (size <= 0 || static_cast<size_t>(size) == path.size()) return errno_error(errno, "read /proc/self/exe");
  return sys::parent_directory({path.data(), static_cast<size_t>(size)}) + "/reeve-keeper";
}

Result<std::unique_ptr<Launcher>> make_launcher(const Args& args) {
  const std::string keeper = TRY(keeper_program());
  if (args.launcher == "unit" || (args.launcher == "auto" && systemd_is_there())) {
    std::unique_ptr<UnitLauncher> units =
        TRY(UnitLauncher::make({.state_directory = args.state, .executable = keeper}));
    return std::unique_ptr<Launcher>(std::move(units));
  }
  Result<Descriptor> network = isolate_network();
  if (!network.ok()) log_warn("the runner keeps its network", {{"reason", network.error().text()}});
  std::unique_ptr<ForkLauncher> forks =
      TRY(ForkLauncher::make({.state_directory = args.state,
                              .executable = keeper,
                              .host_network = network.ok() ? std::move(*network) : Descriptor()}));
  return std::unique_ptr<Launcher>(std::move(forks));
}

Status run(const Args& args) {
  BootClock clock;
  StateFolder state(sys::real_disk(), args.state);
  const Descriptor folder = TRY(take_folder(args.state));
  Identity identity = TRY_DURING(state.load(), "who this host is (`reeve-runner enroll`)");
  warrant::TrustState trust = TRY(state.load_trust(identity));
  Result<std::unique_ptr<Journal>> journal = state.open_journal();
  std::string why_not;
  if (!journal.ok()) {
    why_not = "the journal is lost: " + journal.error().text() + "; `reeve-runner enroll --replace` begins anew";
    log_error("nothing will run", {{"reason", why_not}});
  }
  const std::unique_ptr<Launcher> launcher = TRY(make_launcher(args));
  const auto read_policy = [&args] {
    Result<Policy> policy = Policy::load(args.policy, ::geteuid());
    if (policy.ok()) return PolicyNow{.policy = std::move(*policy)};
    return PolicyNow{.policy = Policy::deny_all(), .why_not = policy.error().text()};
  };
  if (const PolicyNow now = read_policy(); !now.policy.execution()) {
    log_warn("execution is off", {{"reason", now.why_not.empty() ? "the policy says so" : now.why_not}});
  }
  Runner runner({.clock = clock,
                 .launcher = *launcher,
                 .state = state,
                 .read_policy = read_policy,
                 .boot = boot_id(),
                 .version = std::string(agent::agent_version)},
                std::move(identity), std::move(trust), journal.ok() ? std::move(*journal) : nullptr, why_not);
  return serve(runner, {.socket_path = args.socket});
}

Status enrol(const Args& args) {
  const warrant::RootFingerprint root = TRY(warrant::parse_root_fingerprint(args.root));
  const std::string name = args.name.empty() ? host_name() : args.name;
  if (name.empty() || name.find_first_of(" \n") != std::string::npos) {
    return Error(Code::invalid, "the host's name is \"" + printable(name) + "\"; --name gives one without blanks");
  }
  StateFolder state(sys::real_disk(), args.state);
  const Identity made =
      TRY(state.enrol({.org = args.org, .host_name = name, .root = root, .replace = args.replace}, BootClock().wall()));
  std::printf("enrolled %s of org %s, epoch %llu\nhost %s\nNothing runs here before a policy in %s allows it.\n",
              made.host_name.c_str(), made.org.c_str(), static_cast<unsigned long long>(made.epoch),
              to_hex(made.host()).c_str(), args.policy.c_str());
  return {};
}

Status check_policy(const Args& args) {
  const std::vector<std::string> paths = args.rest.empty() ? std::vector{args.policy} : args.rest;
  for (const std::string& path : paths) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) return errno_error(errno, path);
    if (S_ISDIR(found.st_mode)) {
      const Policy policy = TRY(Policy::load(path, ::geteuid()));
      std::printf("%s is right; execution is %s\n", path.c_str(), policy.execution() ? "on" : "off");
    } else {
      const Bytes text = TRY(sys::read_file(sys::real_disk(), path, 1_MiB));
      const Policy policy = TRY(Policy::parse(path, text));
      std::printf("%s is right; execution is %s\n", path.c_str(), policy.execution() ? "on" : "off");
    }
  }
  return {};
}

Status show_log(const Args& args) {
  const StateFolder state(sys::real_disk(), args.state);
  const std::unique_ptr<Journal> journal = TRY(state.open_journal());
  for (const JournalEntry* each : journal->entries()) {
    const int64_t at_ms = each->ended ? each->ended_ms : each->started_ms;
    const std::string at = at_ms > 0 ? format_rfc3339(WallTime{at_ms * 1'000'000}) : "-";
    const std::string how(each->ended ? to_string(each->state) : "under way");
    std::printf("%-24s  %-8s  %-11s  %s\n", at.c_str(), std::string(to_string(each->phase)).c_str(), how.c_str(),
                to_hex(each->step_id).c_str());
  }
  return {};
}

int dispatch(const Args& args) {
  const StateFolder state(sys::real_disk(), args.state);
  if (args.command == "run") return ended(run(args));
  if (args.command == "enroll") return ended(enrol(args));
  if (args.command == "check") return ended(check_policy(args));
  if (args.command == "lock") {
    std::string reason;
    for (const std::string& each : args.rest) reason += (reason.empty() ? "" : " ") + each;
    return ended(state.lock(reason.empty() ? "by `reeve-runner lock`" : reason));
  }
  if (args.command == "unlock") return ended(state.unlock());
  if (args.command == "log") return ended(show_log(args));
  if (args.command == "version") return std::printf("reeve-runner %s\n", std::string(agent::agent_version).c_str()) < 0;
  return std::fputs(usage, stdout) < 0;
}

}  // namespace
}  // namespace reeve::runner

int main(int argc, char** argv) {
  const auto args = reeve::runner::parse_args({argv + 1, argv + argc});
  return args.ok() ? reeve::runner::dispatch(*args) : reeve::runner::fail(args.error());
}
