// The keeper alone, and launchers by hand, for tests:
//
//     reeve-keep keep
//     reeve-keep (unit|fork) STATE_DIRECTORY USER NETWORK TIMEOUT_MS WRITE_PATH|- PROGRAM [ARGUMENT]...
//     reeve-keep (unit|fork) STATE_DIRECTORY find|stop ID
//
// The second form prints how the program ended, then its output.
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "agent/runner/fork_launcher.h"
#include "agent/runner/keeper.h"
#include "agent/runner/unit_launcher.h"

using namespace reeve;
using namespace reeve::runner;

namespace {

template <typename Made>
std::unique_ptr<Launcher> made(Made result) {
  if (result.ok()) return std::move(result).value();
  std::fprintf(stderr, "%s\n", result.error().text().c_str());
  std::exit(3);
}

void show(const char* state, const Exit& exit) {
  std::printf("%s executed %d status %d signal %u timed_out %d stopped %d lost %d bytes %lu detail %s\n", state,
              exit.executed, exit.exit_status, exit.signal, exit.timed_out, exit.stopped, exit.lost, exit.output_bytes,
              exit.detail.c_str());
  std::fwrite(exit.output.data(), 1, exit.output.size(), stdout);
}

int run(Launcher& launcher, const std::vector<std::string>& words) {
  Launch launch;
  launch.id = "by-hand-" + std::to_string(getpid());
  launch.user = words[0];
  launch.network = words[1] == "network";
  launch.timeout_ms = static_cast<uint32_t>(std::stoul(words[2]));
  launch.grace_ms = 500;
  launch.output_bytes_max = 16384;
  if (words[3] != "-") launch.write_paths = {words[3]};
  launch.what = Program{words[4], {}, {words.begin() + 5, words.end()}, {{"PATH", "/usr/bin:/bin"}}, {}};
  std::fprintf(stderr, "%s\n", launch.id.c_str());
  const auto running = launcher.prepare(launch);
  const Status opened = running.ok() ? (*running)->open_gate() : Status(running.error());
  if (!opened.ok()) {
    std::fprintf(stderr, "%s\n", opened.error().text().c_str());
    return 3;
  }
  while (true) {
    if (const auto exit = (*running)->take_news()) {
      show("ended", *exit);
      return 0;
    }
    pollfd news{(*running)->descriptor(), POLLIN, 0};
    poll(&news, 1, -1);
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  if (words.size() == 1 && words[0] == "keep") return keep(0, 1, 2);
  if (words.size() < 4) return 2;
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  const auto launcher =
      words[0] == "unit" ? made(UnitLauncher::make({words[1], self})) : made(ForkLauncher::make({words[1], self, {}}));
  if (words.size() > 6) return run(*launcher, {words.begin() + 2, words.end()});
  if (words[2] == "stop") launcher->stop_remains(words[3]);
  const auto found = launcher->find(words[3]);
  if (!found.ok()) return 3;
  static const char* names[] = {"running", "ended", "unknown"};
  show(names[static_cast<int>(found->state)], found->exit);
  return 0;
}
