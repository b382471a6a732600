// A state folder and a fork launcher whose keeper is a program of its own, and launches of programs that misbehave.
#pragma once

#include <poll.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <catch2/catch.hpp>
#include "agent/runner/fork_launcher.h"

namespace reeve::runner {

struct Fixture {
  std::string folder = make_folder();
  std::unique_ptr<ForkLauncher> launcher = make_launcher();
  int launches = 0;

  ~Fixture() { std::filesystem::remove_all(folder); }

  static std::string make_folder() {
    char name[] = "/tmp/reeve-launch-XXXXXX";
    const std::string made = mkdtemp(name);
    chmod(name, 0711);
    std::filesystem::create_directory(made + "/marks");
    chmod((made + "/marks").c_str(), 01777);
    return made;
  }
  std::unique_ptr<ForkLauncher> make_launcher() {
    ForkLauncher::Options options;
    options.state_directory = folder;
    options.executable = REEVE_KEEP;
    auto made = ForkLauncher::make(std::move(options));
    REQUIRE(made.ok());
    return std::move(made).value();
  }

  Launch launch(std::vector<std::string> arguments, uint32_t timeout_ms = 20'000) {
    Launch made;
    made.id = "test-" + std::to_string(launches++);
    made.what = Program{REEVE_HOSTILE, {}, std::move(arguments), {}, {}};
    made.timeout_ms = timeout_ms;
    made.grace_ms = 50;
    made.output_bytes_max = 8192;
    return made;
  }
  Launch built_in(const std::string& name, std::vector<std::pair<std::string, std::string>> arguments) {
    Launch made = launch({});
    made.what = BuiltIn{name, std::move(arguments)};
    return made;
  }

  std::unique_ptr<Running> prepare(const Launch& launch) {
    auto prepared = launcher->prepare(launch);
    INFO((prepared.ok() ? "" : prepared.error().text()));
    REQUIRE(prepared.ok());
    return std::move(prepared).value();
  }
  static Exit wait(Running& running) {
    while (true) {
      if (auto exit = running.take_news()) return *exit;
      pollfd news{running.descriptor(), POLLIN, 0};
      REQUIRE(poll(&news, 1, 30'000) == 1);
    }
  }
  Exit run(const Launch& launch) {
    const auto running = prepare(launch);
    REQUIRE(running->open_gate().ok());
    return wait(*running);
  }

  std::string mark(const Launch& launch) const { return folder + "/marks/" + launch.id; }
};

// How many processes have this file open.
inline size_t holders_of(const std::string& path) {
  size_t count = 0;
  std::error_code none;
  for (const auto& process : std::filesystem::directory_iterator("/proc", none))
    for (const auto& file : std::filesystem::directory_iterator(process.path() / "fd", none))
      if (std::filesystem::read_symlink(file.path(), none) == path) {
        ++count;
        break;
      }
  return count;
}

}  // namespace reeve::runner
