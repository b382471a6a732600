// reeve-agent. Order only: arguments, configuration, then the command's own work.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "agent/args.h"
#include "agent/config.h"
#include "agent/enroll.h"
#include "agent/lua/list_command.h"
#include "agent/lua/new_command.h"
#include "agent/lua/test_command.h"
#include "agent/parse/table.h"
#include "agent/plugin_test.h"
#include "agent/run.h"
#include "agent/status.h"
#include "agent/witness.h"
#include "collectors/table.h"
#include "common/secrets/redact.h"
#include "common/sys/disk.h"
#include "common/sys/host_info.h"
#include "common/sys/lock_file.h"
#include "common/sys/privileges.h"
#include "common/sys/yaml.h"

namespace reeve::agent {
namespace {

constexpr uint64_t token_bytes_max = 4_KiB;
constexpr int done = 0;
constexpr int failed = 1;
constexpr int wrong_input = 2;

int complain(const Error& error, int status) {
  std::fprintf(stderr, "reeve-agent: %s\n", error.text().c_str());
  return status;
}

int complain(const Error& error) {
  return complain(error, error.code() == Code::invalid ? wrong_input : failed);
}

Result<AgentConfig> read_config(const std::string& path) {
  const Bytes text = TRY(sys::read_file(sys::real_disk(), path, sys::YamlReader::text_bytes_max));
  return parse_agent_config(path, text);
}

std::string identity_dir_of(const AgentConfig& config, const std::string& given) {
  return given.empty() ? config.identity_dir() : given;
}

int perform(const RunCommand& command) {
  const Result<AgentConfig> config = read_config(command.config_path);
  if (!config.ok()) return complain(config.error(), wrong_input);
  const Status ran = run_agent({*config, identity_dir_of(*config, command.identity_dir), command.until_eof});
  return ran.ok() ? done : complain(ran.error(), failed);
}

int perform(const CheckCommand& command) {
  const Result<AgentConfig> config = read_config(command.config_path);
  if (!config.ok()) return complain(config.error(), wrong_input);
  std::printf("%s is fine\n", command.config_path.c_str());
  return done;
}

int perform(const EnrollCommand& command) {
  const Result<AgentConfig> config = read_config(command.config_path);
  if (!config.ok()) return complain(config.error(), wrong_input);
  std::string token = command.token;
  if (!command.token_file.empty()) {
    const auto text = sys::read_file(sys::real_disk(), command.token_file, token_bytes_max);
    if (!text.ok()) return complain(text.error(), failed);
    token = text->substr(0, text->find_last_not_of(" \r\n\t") + 1);
  }
  if (const Status became = sys::become_owner_of(config->data_dir); !became.ok()) return complain(became.error());
  const auto identity =
      enroll(sys::real_disk(), {.server = command.server,
                                .token = token,
                                .ca_fingerprint = command.ca_fingerprint,
                                .host = config->host.empty() ? sys::host_info().hostname : config->host,
                                .identity_dir = identity_dir_of(*config, command.identity_dir),
                                .proxy = config->link.proxy,
                                .replace = command.replace});
  if (!identity.ok()) return complain(identity.error());
  // What was pinned belongs to the identity that was given up.
  const Status forgotten = sys::real_disk().remove(config->witness_file());
  if (!forgotten.ok() && forgotten.error().code() != Code::not_found) return complain(forgotten.error(), failed);
  std::printf("this host is agent %s of org %s now\n", to_string(identity->agent).c_str(), identity->org.c_str());
  std::printf("start it with: reeve-agent run --config %s\n", command.config_path.c_str());
  return done;
}

int perform(const StatusCommand& command) {
  const Result<AgentConfig> config = read_config(command.config_path);
  if (!config.ok()) return complain(config.error(), wrong_input);
  const auto answer =
      read_status(sys::real_disk(), *config, identity_dir_of(*config, command.identity_dir), SystemClock().wall());
  if (!answer.ok()) return complain(answer.error(), failed);
  std::fputs(answer->text.c_str(), stdout);
  return answer->running ? done : failed;
}

int perform(const WitnessCommand& command) {
  const Result<AgentConfig> config = read_config(command.config_path);
  if (!config.ok()) return complain(config.error(), wrong_input);
  const WallTime now = SystemClock().wall();
  if (command.reset) {
    if (const Status became = sys::become_owner_of(config->data_dir); !became.ok()) return complain(became.error());
    const auto lock = sys::LockFile::take(config->lock_file());
    if (!lock.ok()) return complain(lock.error().during("stop the agent first"), failed);
    const Status saved = save_witness(sys::real_disk(), config->witness_file(), {});
    if (!saved.ok()) return complain(saved.error(), failed);
  }
  const std::optional<WitnessPin> pin = load_witness(sys::real_disk(), config->witness_file(), now);
  std::fputs(describe(pin).c_str(), stdout);
  return pin && !pin->alarm.empty() ? failed : done;
}

int perform(const ListCommand& command) {
  std::puts("collectors");
  for (const collect::CollectorKind& kind : collect::collector_kinds()) {
    std::printf("  %-10.*s %.*s\n", static_cast<int>(kind.name.size()), kind.name.data(),
                static_cast<int>(kind.summary.size()), kind.summary.data());
  }
  std::printf("  %-10s %s\n", "plugin", "Loads a shared object by somebody else; see plugins/README.md.");
  std::puts("parsers");
  for (const ParserKind& kind : parser_kinds()) {
    std::printf("  %-10.*s %.*s\n", static_cast<int>(kind.name.size()), kind.name.data(),
                static_cast<int>(kind.summary.size()), kind.summary.data());
  }
  const Result<AgentConfig> config = read_config(command.config_path);
  std::fputs(
      lua::list_parsers(sys::real_disk(), config.ok() ? config->parser_folders : AgentConfig().parser_folders).c_str(),
      stdout);
  std::puts("redact rules");
  for (const secrets::RedactRule& rule : secrets::redact_rules()) {
    std::printf("  %-13.*s %.*s%s\n", static_cast<int>(rule.name.size()), rule.name.data(),
                static_cast<int>(rule.summary.size()), rule.summary.data(), rule.by_default ? "" : " Off by default.");
  }
  std::puts("outputs");
  for (const OutputRow& row : outputs) {
    std::printf("  %-10.*s %.*s\n", static_cast<int>(row.name.size()), row.name.data(),
                static_cast<int>(row.summary.size()), row.summary.data());
  }
  return done;
}

int perform(const TestCommand& command) {
  const bool coloured = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  const lua::TestAnswer answer = lua::test_parsers(
      sys::real_disk(), {.directory = command.directory, .update = command.update, .coloured = coloured});
  std::fputs(answer.text.c_str(), stdout);
  return answer.failures == 0 ? done : failed;
}

int perform(const NewParserCommand& command) {
  const Result<std::string> folder = lua::write_new_parser(sys::real_disk(), command.name, command.directory);
  if (!folder.ok()) return complain(folder.error());
  std::printf("%s holds a parser that works; change it, and try it with: reeve-agent test %s\n", folder->c_str(),
              folder->c_str());
  std::printf("an input uses it with: parse: [%s]\n", command.name.c_str());
  return done;
}

int perform(const PluginTestCommand& command) {
  PluginTestOptions options;
  // An author's folders may be links; the agent itself follows none.
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(command.path.c_str(), nullptr), &std::free);
  options.path = real == nullptr ? command.path : std::string(real.get());
  for (const std::string& setting : command.settings) {
    const size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) {
      return complain(Error(Code::invalid, "--set is \"" + printable(setting) + "\"; allowed: key=value"), wrong_input);
    }
    options.config.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
  }
  return test_plugin(options, [](const std::string& line) { std::puts(line.c_str()); }) ? done : failed;
}

int perform(const EndCommand& command) {
  return command.status;
}

}  // namespace
}  // namespace reeve::agent

int main(int argc, char** argv) {
  using namespace reeve::agent;
  const Command command = parse_args(argc, argv);
  return std::visit([](const auto& each) { return perform(each); }, command);
}
