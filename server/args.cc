// See args.h. The only file that sees CLI11.
#include "server/args.h"

#include <CLI/CLI.hpp>

#include "server/version.h"

namespace reeve::server {
namespace {

constexpr int usage_error = 2;

// An option that holds host:port.
CLI::Option* add_endpoint(CLI::App& app, const std::string& name, std::optional<Endpoint>& value,
                          const std::string& description) {
  return app
      .add_option_function<std::string>(
          name,
          [&value, name](const std::string& text) {
            value = parse_endpoint(text);
            if (!value) throw CLI::ValidationError(name, "\"" + text + "\" is not host:port");
          },
          description)
      ->type_name("HOST:PORT");
}

}  // namespace

Command parse_args(int argc, char** argv) {
  CLI::App app{"reeve-server: takes in what agents send, keeps it, and answers questions about it."};
  app.set_version_flag("--version", std::string(server_version));
  app.require_subcommand(0, 1);  // a missing one is our own complaint: CLI11's would hide a wrong flag
  app.footer(
      "Examples:\n"
      "  reeve-server init --data /var/lib/reeve-server --name watch.example.net\n"
      "  reeve-server check --config /var/lib/reeve-server/server.yaml\n"
      "  reeve-server run --config /var/lib/reeve-server/server.yaml\n\n"
      "Exit status: 0 done, 1 failed, 2 wrong arguments or configuration.");

  RunCommand run;
  CLI::App* run_app = app.add_subcommand("run", "Serve until SIGTERM.");
  run_app->add_option("--config", run.config_path, "the configuration")->required()->type_name("FILE");

  CheckCommand check_command;
  CLI::App* check_app = app.add_subcommand("check", "Read the configuration and say what is wrong with it.");
  check_app->add_option("--config", check_command.config_path, "the configuration")->required()->type_name("FILE");
  check_app->add_flag("--print-url", check_command.print_url, "print where the API will be");

  InitCommand init;
  CLI::App* init_app = app.add_subcommand(
      "init", "Make an org: certificate authority, server certificate, API key, configuration. Harmless to repeat.");
  init_app->add_option("--data", init.options.data_dir, "the data folder")->required()->type_name("DIR");
  init_app
      ->add_option_function<std::string>(
          "--org", [&](const std::string& org) { init.options.org = org; }, "the org's name (default: default)")
      ->type_name("NAME");
  init_app->add_option("--name", init.options.names, "a DNS name or address for the server's certificate; repeatable")
      ->type_name("NAME");
  add_endpoint(*init_app, "--agents", init.options.agents, "where agents link to (default: 0.0.0.0:7701)");
  add_endpoint(*init_app, "--api", init.options.api, "where the API listens (default: 127.0.0.1:7700)");
  add_endpoint(*init_app, "--advertise-link", init.options.advertise_link, "what agents are told to link to");
  add_endpoint(*init_app, "--advertise-api", init.options.advertise_api, "what people are told to connect to");
  init_app->add_flag("--plain-api", init.options.plain_api, "the API without TLS; on a loopback address alone");

  OrgCommand org;
  CLI::App* org_app =
      app.add_subcommand("org", "Further orgs of this server, each with data, users and keys of its own.");
  org_app->require_subcommand(1);
  CLI::App* org_add = org_app->add_subcommand("add", "Make an org; the server must be stopped. Harmless to repeat.");
  org_add->add_option("name", org.add, "its name")->required()->type_name("NAME");
  org_add->add_option("--config", org.config_path, "the configuration")->required()->type_name("FILE");
  CLI::App* org_list = org_app->add_subcommand("list", "Name them, the default one first.");
  org_list->add_option("--config", org.config_path, "the configuration")->required()->type_name("FILE");

  UserCommand user;
  CLI::App* user_app = app.add_subcommand("user", "Who may sign in, while the server is stopped.");
  user_app->require_subcommand(1);
  const auto add_user_verb = [&](const char* name, const char* description, UserCommand::Verb verb) {
    CLI::App* verb_app = user_app->add_subcommand(name, description);
    verb_app->callback([&user, verb] { user.verb = verb; });
    verb_app->add_option("--config", user.config_path, "the configuration")->required()->type_name("FILE");
    verb_app->add_option("--org", user.user.org, "of this org (default: the default one)")->type_name("NAME");
    if (verb != UserCommand::Verb::list) {
      verb_app->add_option("email", user.user.email, "their e-mail")->required()->type_name("EMAIL");
    }
    return verb_app;
  };
  add_user_verb("list", "Name them.", UserCommand::Verb::list);
  add_user_verb("add", "Add one, and say the password that was made.", UserCommand::Verb::add)
      ->add_option("--role", user.user.role, "viewer (default), engineer, manager, approver or admin")
      ->type_name("ROLE");
  add_user_verb("passwd", "Give one a new password and say it; their sessions end.", UserCommand::Verb::passwd);

  try {
    app.parse(argc, argv);
    if (app.get_subcommands().empty()) throw CLI::RequiredError("one of run, check, init, org, user");
  } catch (const CLI::ParseError& error) {
    return EndCommand{app.exit(error) == 0 ? 0 : usage_error};
  }
  if (run_app->parsed()) return run;
  if (check_app->parsed()) return check_command;
  if (org_app->parsed()) return org;
  if (user_app->parsed()) return user;
  return init;
}

}  // namespace reeve::server
