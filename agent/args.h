// The command line of reeve-agent, as data.
#pragma once

#include <string>
#include <variant>
#include <vector>

namespace reeve::agent {

struct RunCommand {
  std::string config_path;
  std::string identity_dir;  // empty: below the data folder
  bool until_eof = false;
};
struct CheckCommand {
  std::string config_path;
};
struct EnrollCommand {
  std::string config_path;
  std::string identity_dir;
  std::string server;
  std::string token;
  std::string token_file;
  std::string ca_fingerprint;
  bool replace = false;
};
struct StatusCommand {
  std::string config_path;
  std::string identity_dir;
};
// What this agent has pinned of its org's audit.
struct WitnessCommand {
  std::string config_path;
  bool reset = false;
};
struct ListCommand {
  std::string config_path;  // whose parser folders are looked at, where it is there
};
// Parsers against their golden files.
struct TestCommand {
  std::string directory;
  bool update = false;
};
struct NewParserCommand {
  std::string name;
  std::string directory;
};
// Whether a plugin keeps the ABI's rules.
struct PluginTestCommand {
  std::string path;
  std::vector<std::string> settings;  // key=value
};
// Nothing is left to do but to end: help was printed, or a complaint.
struct EndCommand {
  int status = 0;
};
using Command = std::variant<RunCommand, CheckCommand, EnrollCommand, StatusCommand, WitnessCommand, ListCommand,
                             TestCommand, NewParserCommand, PluginTestCommand, EndCommand>;

Command parse_args(int argc, char** argv);

}  // namespace reeve::agent
