// See args.h. The only file that sees CLI11.
#include "agent/args.h"

#include <CLI/CLI.hpp>

#include "agent/version.h"

namespace reeve::agent {

namespace {

constexpr int usage_error = 2;
constexpr const char* default_config = "/etc/reeve/agent.yaml";

void add_config(CLI::App& app, std::string& path) {
  path = default_config;
  app.add_option("--config", path, "the configuration")->type_name("FILE")->capture_default_str();
}

void add_identity(CLI::App& app, std::string& directory) {
  app.add_option("--identity", directory, "key and certificate (default: identity, below data_dir)")->type_name("DIR");
}

}  // namespace

Command parse_args(int argc, char** argv) {
  CLI::App app{"reeve-agent: reads this host's logs and metrics, and ships them to a reeve-server."};
  app.set_version_flag("--version", std::string(agent_version));
  bool list = false;
  app.add_flag("--list", list, "print the collectors, parsers and outputs there are");
  app.require_subcommand(0, 1);
  app.footer(
      "Examples:\n"
      "  reeve-agent check --config /etc/reeve/agent.yaml\n"
      "  reeve-agent enroll --server https://watch.example:7700 --token ... --ca-fingerprint sha256:...\n"
      "  reeve-agent run --config /etc/reeve/agent.yaml\n"
      "  reeve-agent run --until-eof --config once.yaml   read everything, ship it, end\n"
      "  reeve-agent status\n"
      "  reeve-agent new parser shop /etc/reeve/parsers   a parser in Lua, with an example that passes\n"
      "  reeve-agent test /etc/reeve/parsers              all parsers there against their golden files\n"
      "  reeve-agent plugin-test ./mine.so --set address=127.0.0.1:6379\n\n"
      "The token and the whole enroll command come from `reeve agents token`.\n"
      "Exit status: 0 done, 1 failed, 2 wrong arguments or configuration.");

  RunCommand run;
  CLI::App* run_app = app.add_subcommand("run", "Read and ship until SIGTERM.");
  add_config(*run_app, run.config_path);
  add_identity(*run_app, run.identity_dir);
  run_app->add_flag("--until-eof", run.until_eof, "end when all that is there is read, shipped and acknowledged");

  CheckCommand check_command;
  CLI::App* check_app = app.add_subcommand("check", "Read the configuration and say what is wrong with it.");
  add_config(*check_app, check_command.config_path);

  EnrollCommand enroll;
  CLI::App* enroll_app = app.add_subcommand("enroll", "Make this host one of an org's agents.");
  add_config(*enroll_app, enroll.config_path);
  add_identity(*enroll_app, enroll.identity_dir);
  enroll_app->add_option("--server", enroll.server, "the server's API, https://host:port")
      ->required()
      ->type_name("URL");
  auto* token = enroll_app->add_option("--token", enroll.token, "the one-time token")->type_name("TOKEN");
  auto* token_file =
      enroll_app->add_option("--token-file", enroll.token_file, "a file that holds it")->type_name("FILE");
  token->excludes(token_file);
  enroll_app->add_option("--ca-fingerprint", enroll.ca_fingerprint, "of the org's CA, from the same command")
      ->required()
      ->type_name("sha256:HEX");
  enroll_app->add_flag("--replace", enroll.replace, "give up the identity that is there");

  StatusCommand status;
  CLI::App* status_app = app.add_subcommand("status", "Say how the agent of this host is doing.");
  add_config(*status_app, status.config_path);
  add_identity(*status_app, status.identity_dir);

  WitnessCommand witness;
  CLI::App* witness_app = app.add_subcommand("witness", "Show what is pinned of the org's audit, and its alarm.");
  add_config(*witness_app, witness.config_path);
  witness_app->add_flag("--reset", witness.reset,
                        "forget pin, key and alarm: what is shown next is believed; the agent must be stopped");

  TestCommand test;
  test.directory = ".";
  CLI::App* test_app = app.add_subcommand("test", "Run parsers written in Lua against their golden files.");
  test_app->add_option("dir", test.directory, "the folder that holds them")->type_name("DIR")->capture_default_str();
  test_app->add_flag("--update", test.update, "write what is made now as what is expected");

  NewParserCommand new_parser;
  new_parser.directory = ".";
  CLI::App* new_app = app.add_subcommand("new", "Write the beginnings of something.");
  new_app->require_subcommand(1);
  CLI::App* new_parser_app = new_app->add_subcommand("parser", "A parser in Lua with an example and its golden file.");
  new_parser_app->add_option("name", new_parser.name, "what it is called in `parse: [NAME]`")
      ->required()
      ->type_name("NAME");
  new_parser_app->add_option("dir", new_parser.directory, "where its folder goes")
      ->type_name("DIR")
      ->capture_default_str();

  PluginTestCommand plugin_test;
  CLI::App* plugin_app = app.add_subcommand("plugin-test", "Check a plugin against the rules of the ABI.");
  plugin_app->add_option("path", plugin_test.path, "the shared object")->required()->type_name("FILE");
  plugin_app->add_option("--set", plugin_test.settings, "of a configuration that is good; repeatable")
      ->type_name("KEY=VALUE");

  try {
    app.parse(argc, argv);
    if (enroll_app->parsed() && enroll.token.empty() && enroll.token_file.empty()) {
      throw CLI::RequiredError("--token or --token-file");
    }
    if (!list && app.get_subcommands().empty()) throw CLI::RequiredError("A subcommand");
  } catch (const CLI::ParseError& error) {
    return EndCommand{app.exit(error) == 0 ? 0 : usage_error};
  }
  if (list) return ListCommand{default_config};
  if (run_app->parsed()) return run;
  if (check_app->parsed()) return check_command;
  if (enroll_app->parsed()) return enroll;
  if (witness_app->parsed()) return witness;
  if (test_app->parsed()) return test;
  if (new_app->parsed()) return new_parser;
  if (plugin_app->parsed()) return plugin_test;
  return status;
}

}  // namespace reeve::agent
