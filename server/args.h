// The command line of reeve-server, as data.
#pragma once

#include <string>
#include <variant>

#include "server/init.h"
#include "server/user_command.h"

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
struct OrgCommand {
  std::string config_path;
  std::string add;  // empty: list them
};
struct UserCommand {
  enum class Verb { list, add, passwd };
  Verb verb = Verb::list;
  std::string config_path;
  UserChangeOffline user;
};
// Nothing is left to do but to end: help was printed, or a complaint.
struct EndCommand {
  int status = 0;
};
using Command = std::variant<RunCommand, CheckCommand, InitCommand, OrgCommand, UserCommand, EndCommand>;

Command parse_args(int argc, char** argv);

}  // namespace reeve::server
