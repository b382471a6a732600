// Starts steps as children: where there is no systemd, in containers and in the lab.
//
// The keeper and its confined child are all there is here: no folder is read-only to the program, and its memory is
// limited by process, not as a whole, unless we may make cgroups. Where the runner is root, the program gives up all
// capabilities, as under systemd. See launcher.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/runner/keeper_link.h"
#include "agent/runner/launcher.h"

namespace reeve::runner {

// Leaves the host's network behind for this process and gives it back as a descriptor, for programs that may use it.
// Code::denied without CAP_SYS_ADMIN: then programs are kept from the network by their system call filter alone.
Result<Descriptor> isolate_network();

class ForkLauncher : public Launcher {
 public:
  struct Options {
    std::string state_directory{};
    std::string executable = "/usr/bin/reeve-keeper";  // run as `EXECUTABLE keep`
    Descriptor host_network{};                         // from isolate_network; none: we are in it ourselves
  };
  static Result<std::unique_ptr<ForkLauncher>> make(Options options);

  Result<std::unique_ptr<Running>> prepare(const Launch& launch) override;
  Result<Remains> find(const std::string& launch_id) override { return files_.find(launch_id); }
  void stop_remains(const std::string& launch_id) override;
  void forget(const std::string& launch_id) override;

 private:
  explicit ForkLauncher(Options options);
  void reap();

  Options options_;
  StatusFiles files_;
  std::vector<pid_t> keepers_{};  // our children; those that ended are reaped at the next launch
};

}  // namespace reeve::runner
