// See args.h.
#include "agent/runner/args.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace reeve::runner {

const char* const usage =
    "reeve-runner carries out signed steps on this host, if its own policy allows them.\n"
    "\n"
    "  reeve-runner run                        wait for warrants (the service does this)\n"
    "  reeve-runner enroll --org ORG --root sha256:HEX@VERSION [--name HOST] [--replace]\n"
    "                                          make this host's key; `reeve agents token` prints the command\n"
    "  reeve-runner check [FILE|FOLDER ...]    read the policy and say what is wrong with it, or what it allows\n"
    "  reeve-runner lock [REASON]              nothing runs until unlock; what is under way goes on\n"
    "  reeve-runner unlock\n"
    "  reeve-runner log                        what has run here, oldest first\n"
    "  reeve-runner --version\n"
    "\n"
    "  --state FOLDER     /var/lib/reeve-runner       identity, journal\n"
    "  --policy FOLDER    /etc/reeve/policy.d         run, check\n"
    "  --socket PATH      /run/reeve-runner/runner.sock   run: where the agent connects\n"
    "  --launcher HOW     auto                        run: unit (systemd), fork, or auto: as the host boots\n";

namespace {

struct Option {
  std::string_view name;
  std::string Args::*value;
  std::string_view commands;  // that take it
};

constexpr std::array<Option, 7> options{{
    {"--state", &Args::state, "run enroll lock unlock log"},
    {"--policy", &Args::policy, "run check"},
    {"--socket", &Args::socket, "run"},
    {"--launcher", &Args::launcher, "run"},
    {"--org", &Args::org, "enroll"},
    {"--name", &Args::name, "enroll"},
    {"--root", &Args::root, "enroll"},
}};
constexpr std::array<std::string_view, 8> commands = {"run",    "enroll", "check", "lock",
                                                      "unlock", "log",    "help",  "version"};

bool lists(std::string_view words, std::string_view word) {
  return (" " + std::string(words) + " ").find(" " + std::string(word) + " ") != std::string::npos;
}

Error bad(const std::string& what) {
  return Error(Code::invalid, what + "; `reeve-runner --help` shows what is allowed");
}

}  // namespace

Result<Args> parse_args(const std::vector<std::string>& words) {
  Args args;
  if (words.empty()) return bad("a command is missing");
  args.command = words.front() == "--help" || words.front() == "-h" ? "help"
                 : words.front() == "--version"                     ? "version"
                                                                    : words.front();
  if (std::find(commands.begin(), commands.end(), args.command) == commands.end()) {
    return bad("\"" + words.front() + "\" is no command");
  }
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--help" || word == "-h") {
      args.command = "help";
      return args;
    }
    if (word == "--replace" && args.command == "enroll") {
      args.replace = true;
    } else if (word.starts_with("--")) {
      const size_t equals = word.find('=');
      const std::string name = word.substr(0, equals);
      const auto option = std::find_if(options.begin(), options.end(), [&](const Option& o) { return o.name == name; });
      if (option == options.end()) return bad("\"" + name + "\" is no option");
      if (!lists(option->commands, args.command)) return bad("\"" + name + "\" is no option of " + args.command);
      if (equals == std::string::npos && i + 1 == words.size()) return bad("\"" + name + "\" needs a value");
      args.*(option->value) = equals == std::string::npos ? words[++i] : word.substr(equals + 1);
    } else if (args.command == "check" || args.command == "lock") {
      args.rest.push_back(word);
    } else {
      return bad(args.command + " takes no \"" + word + "\"");
    }
  }
  if (args.command == "enroll" && (args.org.empty() || args.root.empty())) return bad("enroll needs --org and --root");
  if (args.launcher != "auto" && args.launcher != "unit" && args.launcher != "fork") {
    return bad("--launcher is \"" + args.launcher + "\"; allowed: auto, unit, fork");
  }
  return args;
}

}  // namespace reeve::runner
