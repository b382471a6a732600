// The command line of reeve-runner. Written by hand, because what a runner links is counted.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace reeve::runner {

struct Args {
  std::string command{};  // "run", "enroll", "check", "lock", "unlock", "log", "help", "version"
  std::string state = "/var/lib/reeve-runner";
  std::string policy = "/etc/reeve/policy.d";
  std::string socket = "/run/reeve-runner/runner.sock";
  std::string launcher = "auto";  // or unit, fork
  std::string org{};
  std::string name{};
  std::string root{};
  bool replace = false;
  std::vector<std::string> rest{};  // a reason to lock, files to check
};

// Code::invalid with what is wrong and what is allowed.
Result<Args> parse_args(const std::vector<std::string>& words);

extern const char* const usage;

}  // namespace reeve::runner
