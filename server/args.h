// The command line of reeve-server, as data.
#pragma once

#include <string>
#include <variant>

#include "server/init.h"

namespace reeve::server {

struct RunCommand {
  std::string config_path;
};
struct CheckCommand {
  std::string config_path;
  bool print_url = false;
};
struct InitCommand {
  InitOptions options;
};
// Nothing is left to do but to end: help was printed, or a complaint.
struct EndCommand {
  int status = 0;
};
using Command = std::variant<RunCommand, CheckCommand, InitCommand, EndCommand>;

Command parse_args(int argc, char** argv);

}  // namespace reeve::server
