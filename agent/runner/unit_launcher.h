// Starts steps as transient units of systemd: `reeve-step-ID.service`, whose main process is the keeper.
//
// The runner has no capability; PID 1 makes the step's user, its namespaces, limits and read-only folders, because the
// runner is uid 0. The keeper runs as the step's user within all of that. Should it die, PID 1 kills what is left.
// Orders go to /run/systemd/private, so no message bus is needed. See launcher.h.
#pragma once

#include <memory>
#include <string>

#include "agent/runner/keeper_link.h"
#include "agent/runner/launcher.h"

namespace reeve::runner {

// Whether systemd is this host's PID 1.
bool systemd_is_there();

class UnitLauncher : public Launcher {
 public:
  struct Options {
    std::string state_directory{};
    std::string executable = "/usr/bin/reeve-keeper";  // run as `EXECUTABLE keep`
  };
  static Result<std::unique_ptr<UnitLauncher>> make(Options options);

  Result<std::unique_ptr<Running>> prepare(const Launch& launch) override;
  Result<Remains> find(const std::string& launch_id) override { return files_.find(launch_id); }
  void stop_remains(const std::string& launch_id) override;
  void forget(const std::string& launch_id) override { files_.forget(launch_id); }

 private:
  explicit UnitLauncher(Options options);

  Options options_;
  StatusFiles files_;
};

}  // namespace reeve::runner
