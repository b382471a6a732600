// reeve-server. Order only: arguments, configuration, then the command's own work.
#include <cstdio>
#include <string>

#include "common/sys/disk.h"
#include "common/sys/privileges.h"
#include "server/args.h"
#include "server/orgs.h"
#include "server/serve.h"

namespace reeve::server {
namespace {

constexpr uint64_t config_bytes_max = 1_MiB;
constexpr int done = 0;
constexpr int failed = 1;
constexpr int wrong_input = 2;

int complain(const Error& error, int status) {
  std::fprintf(stderr, "reeve-server: %s\n", error.text().c_str());
  return status;
}

Result<ServerConfig> read_config(const std::string& path) {
  const Bytes text = TRY(sys::read_file(sys::real_disk(), path, config_bytes_max));
  return parse_server_config(path, text);
}

int perform(const RunCommand& command) {
  const Result<ServerConfig> config = read_config(command.config_path);
  if (!config.ok()) return complain(config.error(), wrong_input);
  const Status served = serve(*config);
  return served.ok() ? done : complain(served.error(), failed);
}

int perform(const CheckCommand& command) {
  const Result<ServerConfig> config = read_config(command.config_path);
  if (!config.ok()) return complain(config.error(), wrong_input);
  std::printf("%s\n", command.print_url ? api_url(*config).c_str() : (command.config_path + " is fine").c_str());
  return done;
}

int perform(const InitCommand& command) {
  if (const Status became = sys::become_owner_of(command.options.data_dir); !became.ok()) {
    return complain(became.error(), failed);
  }
  SystemClock clock;
  SystemRandom random;
  const Result<std::vector<std::string>> said = init_org(sys::real_disk(), clock, random, command.options);
  if (!said.ok()) return complain(said.error(), said.error().code() == Code::invalid ? wrong_input : failed);
  for (const std::string& sentence : *said) std::printf("%s\n", sentence.c_str());
  std::printf("start it with: reeve-server run --config %s/server.yaml\n", command.options.data_dir.c_str());
  return done;
}

int perform(const OrgCommand& command) {
  const Result<ServerConfig> config = read_config(command.config_path);
  if (!config.ok()) return complain(config.error(), wrong_input);
  if (const Status became = sys::become_owner_of(config->data_dir); !became.ok()) {
    return complain(became.error(), failed);
  }
  SystemClock clock;
  SystemRandom random;
  const Result<std::vector<std::string>> said = command.add.empty()
                                                    ? list_orgs(sys::real_disk(), *config)
                                                    : add_org(sys::real_disk(), clock, random, *config, command.add);
  if (!said.ok()) return complain(said.error(), said.error().code() == Code::invalid ? wrong_input : failed);
  for (const std::string& sentence : *said) std::printf("%s\n", sentence.c_str());
  return done;
}

int perform(const UserCommand& command) {
  const Result<ServerConfig> config = read_config(command.config_path);
  if (!config.ok()) return complain(config.error(), wrong_input);
  if (const Status became = sys::become_owner_of(config->data_dir); !became.ok()) {
    return complain(became.error(), failed);
  }
  SystemClock clock;
  SystemRandom random;
  sys::Disk& disk = sys::real_disk();
  const Result<std::vector<std::string>> said =
      command.verb == UserCommand::Verb::list  ? list_users_offline(disk, *config, command.user.org)
      : command.verb == UserCommand::Verb::add ? add_user_offline(disk, clock, random, *config, command.user)
                                               : set_password_offline(disk, clock, *config, command.user);
  if (!said.ok()) return complain(said.error(), said.error().code() == Code::invalid ? wrong_input : failed);
  for (const std::string& sentence : *said) std::printf("%s\n", sentence.c_str());
  return done;
}

int perform(const EndCommand& command) {
  return command.status;
}

}  // namespace
}  // namespace reeve::server

int main(int argc, char** argv) {
  using namespace reeve::server;
  const Command command = parse_args(argc, argv);
  return std::visit([](const auto& each) { return perform(each); }, command);
}
