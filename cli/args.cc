// CLI11 splits the words; what they mean is decided in plain functions, whose errors speak our language.
#include "cli/args.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <charconv>

#include "cli/command_rows.h"
#include "cli/fix_args.h"
#include "cli/harmless.h"
#include "cli/help.h"
#include "cli/keys_args.h"
#include "cli/server_url.h"

namespace reeve::cli {

namespace {

constexpr size_t column_width = 24;

// What was typed, before it is looked at.
struct Typed {
  LoginOptions login;
  std::string login_fingerprint;

  bool json = false;
  std::string valid_for;
  std::string agent;

  LogFilter logs;
  std::string since;
  std::string limit;
  bool follow = false;
  bool histogram = false;
  bool templates = false;
  bool local = false;

  SeriesFilter series;
  std::vector<std::string> labels;
  std::string step;
  std::string agg;

  AuditListOptions audit;
  AuditExportOptions audit_export;
  AuditVerifyOptions audit_verify;
};

Error bad(const std::string& place, const std::string& found, const std::string& allowed) {
  return Error(Code::invalid, place + " is \"" + harmless_line(found) + "\"; allowed is " + allowed);
}

void add_window(CLI::App& app, Typed& typed) {
  app.add_option("--since", typed.since, "from this long ago until now: 15m, 2h, 7d")->type_name("AGO");
}

void add_json(CLI::App& app, Typed& typed) {
  app.add_flag("--json", typed.json, "one JSON object per line");
}

void add_login(CLI::App& app, Typed& typed) {
  CLI::App& login = *app.add_subcommand("login", "remember a server, once it and the key are proven");
  login.footer(help::login);
  login.add_option("URL", typed.login.url, "https://HOST:PORT")->required()->type_name("");
  login.add_option("--key-file", typed.login.key_file, "the file with the API key")->required()->type_name("FILE");
  login.add_option("--ca-file", typed.login.ca_file, "the CA certificate to trust, as PEM")->type_name("FILE");
  login.add_option("--ca-fingerprint", typed.login_fingerprint, "the CA to trust, by its fingerprint")
      ->type_name("sha256:HEX");
}

void add_agents(CLI::App& app, Typed& typed) {
  CLI::App& agents = *app.add_subcommand("agents", "the fleet: list, token, revoke");
  agents.footer(help::agents);
  agents.require_subcommand(0, 1);
  add_json(agents, typed);

  CLI::App& list = *agents.add_subcommand("list", "every agent, how it is and what it owes");
  list.footer(help::agents_list);
  add_json(list, typed);

  CLI::App& token = *agents.add_subcommand("token", "the command that enrols one more host");
  token.footer(help::agents_token);
  token.add_option("--valid-for", typed.valid_for, "how long it can be used; default and most: 1h")
      ->type_name("LENGTH");
  add_json(token, typed);

  CLI::App& revoke = *agents.add_subcommand("revoke", "cut an agent off");
  revoke.footer(help::agents_revoke);
  revoke.add_option("AGENT", typed.agent, "its id, or its host's name")->required()->type_name("");
}

void add_logs(CLI::App& app, Typed& typed) {
  CLI::App& logs = *app.add_subcommand("logs", "search the logs, or follow them");
  logs.footer(help::logs);
  logs.add_option("TEXT", typed.logs.texts, "lines that contain this")->type_name("");
  logs.add_option("--regex", typed.logs.regexes, "lines that match this RE2 pattern")
      ->type_name("PATTERN")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  logs.add_flag("-i,--ignore-case", typed.logs.ignore_case, "TEXT and PATTERN in any case");
  logs.add_flag("-f,--follow", typed.follow, "show new lines as they come, until Ctrl-C");
  logs.add_flag("--histogram", typed.histogram, "how many lines when, instead of the lines");
  logs.add_flag("--templates", typed.templates, "what was said how often, instead of the lines");
  add_window(logs, typed);
  logs.add_option("--from", typed.logs.from, "not before; default an hour ago")->type_name("TIME");
  logs.add_option("--to", typed.logs.to, "before; default now")->type_name("TIME");
  logs.add_option("--level", typed.logs.level, "and above: trace debug info warn error fatal")->type_name("LEVEL");
  logs.add_option("--service", typed.logs.service, "of this service")->type_name("NAME");
  logs.add_option("--host", typed.logs.host, "of this host")->type_name("NAME");
  logs.add_option("--source", typed.logs.source, "from this file or other source")->type_name("NAME");
  logs.add_option("--template", typed.logs.shape, "of this shape, as --json shows it")->type_name("HEX");
  logs.add_option("-n,--limit", typed.limit, "at most so many lines; default 100")->type_name("N");
  logs.add_flag("--local", typed.local, "times in the local zone instead of UTC");
  add_json(logs, typed);
}

void add_metrics(CLI::App& app, Typed& typed) {
  CLI::App& metrics = *app.add_subcommand("metrics", "what is measured, and how it went");
  metrics.footer(help::metrics);
  metrics.add_option("NAME", typed.series.name, "draw the series of this name")->type_name("");
  metrics.add_option("--match", typed.series.match, "list the series whose name contains this")->type_name("TEXT");
  metrics.add_option("--label", typed.labels, "only series with this label; repeatable")
      ->type_name("KEY:VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_window(metrics, typed);
  metrics.add_option("--from", typed.series.from, "not before; default 15 minutes ago")->type_name("TIME");
  metrics.add_option("--to", typed.series.to, "before; default now")->type_name("TIME");
  metrics.add_option("--step", typed.step, "one point per 10s, 5m, ...; default about 60")->type_name("LENGTH");
  metrics.add_option("--agg", typed.agg, "avg (default) min max sum last count rate")->type_name("HOW");
  metrics.add_flag("--local", typed.local, "times in the local zone instead of UTC");
  add_json(metrics, typed);
}

void add_audit(CLI::App& app, Typed& typed) {
  CLI::App& audit = *app.add_subcommand("audit", "who did what: list, export, verify");
  audit.footer(help::audit);
  audit.require_subcommand(1);

  CLI::App& list = *audit.add_subcommand("list", "the entries, the newest at the bottom");
  list.footer(help::audit_list);
  add_window(list, typed);
  list.add_option("--from", typed.audit.from, "not before")->type_name("TIME");
  list.add_option("--to", typed.audit.to, "before; default now")->type_name("TIME");
  list.add_option("--action", typed.audit.action, "this action alone, such as user.create")->type_name("ACTION");
  list.add_option("-n,--limit", typed.limit, "at most so many entries; default 100")->type_name("N");
  list.add_flag("--local", typed.local, "times in the local zone instead of UTC");
  add_json(list, typed);

  CLI::App& written = *audit.add_subcommand("export", "all of it in a file that can be verified");
  written.footer(help::audit_export);
  written.add_option("FILE", typed.audit_export.file, "where to write it")->required()->type_name("");

  CLI::App& verify = *audit.add_subcommand("verify", "whether an export is what was written; offline");
  verify.footer(help::audit_verify);
  verify.add_option("FILE", typed.audit_verify.file, "an export")->required()->type_name("");
  verify.add_option("--key", typed.audit_verify.key, "the audit's public key")->type_name("HEX");
  verify.add_option("--trust", typed.audit_verify.trust_file, "the org's trust file, which names it")
      ->type_name("FILE");
  verify.add_option("--against", typed.audit_verify.against, "an earlier export, to find what was rewritten since")
      ->type_name("FILE");
}

using Row = CommandRow<Command>;

CLI::App& at_path(CLI::App& app, const std::vector<const char*>& path) {
  CLI::App* at = &app;
  for (const char* word : path) {
    const std::vector<CLI::App*> there =
        at->get_subcommands([word](const CLI::App* one) { return one->get_name() == word; });
    at = there.empty() ? at->add_subcommand(word) : there.front();
  }
  return *at;
}

void add_option_row(CLI::App& command, const OptionRow& row) {
  if (bool* const* flag = std::get_if<bool*>(&row.value)) {
    command.add_flag(row.names, **flag, row.summary);
    return;
  }
  CLI::Option* option = nullptr;
  if (std::string* const* text = std::get_if<std::string*>(&row.value)) {
    option = command.add_option(row.names, **text, row.summary);
  } else {
    option = command.add_option(row.names, *std::get<std::vector<std::string>*>(row.value), row.summary);
    if (*row.names == '-') option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  option->type_name(row.type)->required(row.required);
}

void add_rows(CLI::App& app, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CLI::App& command = at_path(app, row.path);
    command.description(row.summary);
    if (row.footer != nullptr) command.footer(row.footer);
    if (!row.read) command.require_subcommand(0, 1);
    for (const OptionRow& option : row.options) add_option_row(command, option);
  }
}

// The command of the row whose words were typed, the longest of them; nothing where it is no row's.
std::optional<Result<Command>> read_rows(const CLI::App& app, const std::vector<Row>& rows) {
  const Row* found = nullptr;
  for (const Row& row : rows) {
    const CLI::App* at = &app;
    for (const char* word : row.path)
      at = at != nullptr && at->got_subcommand(word) ? at->get_subcommand(word) : nullptr;
    if (at == nullptr || (found != nullptr && found->path.size() >= row.path.size())) continue;
    found = &row;
  }
  if (found == nullptr) return std::nullopt;
  return found->read ? found->read() : Result<Command>(Command(Answer{app.help()}));
}

// CLI11 would call them subcommands.
void name_groups(CLI::App& app) {
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    command->group("Commands");
    name_groups(*command);
  }
}

Status check_one_of(const std::string& place, const std::string& value, std::initializer_list<const char*> allowed) {
  if (value.empty() || std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return {};
  std::string list;
  for (const char* one : allowed) list += (list.empty() ? "" : ", ") + std::string(one);
  return bad(place, value, "one of " + list);
}

Status check_length(const std::string& place, const std::string& value, Duration min, Duration max) {
  if (value.empty()) return {};
  const std::optional<Duration> length = parse_duration(value);
  if (!length || *length < min || *length > max)
    return bad(
        place, value,
        "a length of time from " + format_duration(min) + " to " + format_duration(max) + ", such as 30s, 15m or 2h");
  return {};
}

Result<uint64_t> read_count(const std::string& place, const std::string& value, uint64_t min, uint64_t max) {
  uint64_t count = 0;
  const char* end = value.data() + value.size();
  const auto [stopped, error] = std::from_chars(value.data(), end, count);
  if (error != std::errc{} || stopped != end || count < min || count > max)
    return bad(place, value, "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  return count;
}

Result<std::string> read_when(const std::string& place, const std::string& value, Zone zone, WallTime now) {
  Result<std::string> when = parse_when(value, zone, now);
  if (!when) return bad(place, value, when.error().text());
  return when;
}

// --since, --from and --to, of logs and metrics alike.
Status read_window(const std::string& command, const Typed& typed, WallTime now, std::string& from, std::string& to) {
  const Zone zone = typed.local ? Zone::local : Zone::utc;
  if (!typed.since.empty() && !from.empty())
    return Error(Code::invalid, command + ": --since and --from both say where to begin; give one of them");
  if (!typed.since.empty()) {
    if (!parse_duration(typed.since))
      return bad(command + ": --since", typed.since, "a length of time such as 15m, 2h or 7d");
    from = typed.since;
  }
  if (!from.empty()) from = TRY(read_when(command + ": --from", from, zone, now));
  if (!to.empty()) to = TRY(read_when(command + ": --to", to, zone, now));
  return {};
}

Result<Command> read_login(const Typed& typed) {
  LoginOptions options = typed.login;
  if (!options.ca_file.empty() && !typed.login_fingerprint.empty())
    return Error(Code::invalid, "login: --ca-file and --ca-fingerprint both say which CA to trust; give one of them");
  const ServerUrl url = TRY_DURING(parse_server_url(options.url), "login");
  options.url = url.text;
  if (typed.login_fingerprint.empty()) return Command(std::move(options));

  std::string_view hex = typed.login_fingerprint;
  if (hex.starts_with("sha256:")) hex.remove_prefix(7);
  std::string digits(hex);
  std::erase(digits, ':');  // openssl prints them in pairs
  const std::optional<Bytes> digest = from_hex(digits);
  if (!digest || digest->size() != 32 || hex.size() == typed.login_fingerprint.size())
    return bad("login: --ca-fingerprint", typed.login_fingerprint, "sha256: and 64 hex digits");
  options.ca_fingerprint = to_hex(*digest);
  return Command(std::move(options));
}

Result<Command> read_logs(const Typed& typed, WallTime now) {
  LogsOptions options{.filter = typed.logs,
                      .rows_max = typed.follow ? follow_rows_default : search_rows_default,
                      .zone = typed.local ? Zone::local : Zone::utc,
                      .follow = typed.follow,
                      .histogram = typed.histogram,
                      .templates = typed.templates,
                      .json = typed.json};
  if (typed.follow + typed.histogram + typed.templates > 1)
    return Error(Code::invalid, "logs: --follow, --histogram and --templates are three answers; ask for one of them");
  if (typed.templates && (!typed.logs.texts.empty() || !typed.logs.regexes.empty()))
    return Error(Code::invalid, "logs: --templates groups whole lines; it takes no TEXT and no --regex");
  if (typed.follow && !options.filter.to.empty())
    return Error(Code::invalid, "logs: --to cannot stand beside --follow, which has no end");
  TRY(read_window("logs", typed, now, options.filter.from, options.filter.to));
  TRY(check_one_of("logs: --level", options.filter.level, {"trace", "debug", "info", "warn", "error", "fatal"}));
  options.is_limit_chosen = !typed.limit.empty();
  if (options.is_limit_chosen)
    options.rows_max = TRY(read_count("logs: --limit", typed.limit, typed.follow ? 0 : 1, search_rows_max));

  std::string& shape = options.filter.shape;
  if (!shape.empty()) {
    const std::optional<Bytes> key = from_hex(shape);
    if (!key || key->size() != 16) return bad("logs: --template", shape, "32 hex digits");
    shape = to_hex(*key);
  }
  return Command(std::move(options));
}

Result<Command> read_metrics(const Typed& typed, WallTime now) {
  SeriesFilter filter = typed.series;
  TRY(read_window("metrics", typed, now, filter.from, filter.to));
  for (const std::string& label : typed.labels) {
    const size_t colon = label.find(':');
    if (colon == std::string::npos || colon == 0)
      return bad("metrics: --label", label, "KEY:VALUE, such as host:web-1");
    filter.labels.emplace_back(label.substr(0, colon), label.substr(colon + 1));
  }
  TRY(check_length("metrics: --step", typed.step, 1s, std::chrono::days(30)));
  TRY(check_one_of("metrics: --agg", typed.agg, {"avg", "min", "max", "sum", "last", "count", "rate"}));

  if (filter.name.empty()) {
    if (!typed.step.empty() || !typed.agg.empty())
      return Error(Code::invalid, "metrics: --step and --agg shape a curve, which needs the NAME of a metric");
    return Command(MetricsListOptions{.filter = std::move(filter), .json = typed.json});
  }
  if (!filter.match.empty())
    return Error(Code::invalid, "metrics: --match lists what there is and cannot stand beside a NAME");
  return Command(MetricsQueryOptions{.filter = std::move(filter),
                                     .step = typed.step,
                                     .agg = typed.agg,
                                     .zone = typed.local ? Zone::local : Zone::utc,
                                     .json = typed.json});
}

Result<Command> read_agents(const CLI::App& agents, const Typed& typed) {
  if (agents.got_subcommand("token")) {
    TRY(check_length("agents token: --valid-for", typed.valid_for, 1s, 1h));
    return Command(AgentsTokenOptions{.valid_for = typed.valid_for, .json = typed.json});
  }
  if (agents.got_subcommand("revoke")) return Command(AgentsRevokeOptions{.agent = typed.agent});
  return Command(AgentsListOptions{.json = typed.json});
}

Result<Command> read_audit(const CLI::App& audit, const Typed& typed, WallTime now) {
  if (audit.got_subcommand("export")) return Command(typed.audit_export);
  if (audit.got_subcommand("list")) {
    AuditListOptions options = typed.audit;
    options.zone = typed.local ? Zone::local : Zone::utc;
    options.json = typed.json;
    TRY(read_window("audit list", typed, now, options.from, options.to));
    if (!typed.limit.empty())
      options.entries_max = TRY(read_count("audit list: --limit", typed.limit, 1, audit_entries_listed_max));
    return Command(std::move(options));
  }
  const AuditVerifyOptions& options = typed.audit_verify;
  if (!options.key.empty() && !options.trust_file.empty())
    return Error(Code::invalid, "audit verify: --key and --trust both say whose signature counts; give one of them");
  const std::optional<Bytes> key = from_hex(options.key);
  if (!options.key.empty() && (!key || key->size() != 32))
    return bad("audit verify: --key", options.key, "64 hex digits");
  return Command(options);
}

Result<Command> read_command(const CLI::App& app, const Typed& typed, WallTime now) {
  if (app.got_subcommand("login")) return read_login(typed);
  if (app.got_subcommand("status")) return Command(StatusOptions{.json = typed.json});
  if (app.got_subcommand("agents")) return read_agents(*app.get_subcommand("agents"), typed);
  if (app.got_subcommand("logs")) return read_logs(typed, now);
  if (app.got_subcommand("metrics")) return read_metrics(typed, now);
  if (app.got_subcommand("audit")) return read_audit(*app.get_subcommand("audit"), typed, now);
  return Command(Answer{app.help()});
}

// "agents token": how far the words were understood.
std::string understood(const CLI::App& app) {
  std::string text;
  for (const CLI::App* command : app.get_subcommands()) {
    const std::string inner = understood(*command);
    text += command->get_name() + (inner.empty() ? "" : " ") + inner;
  }
  return text;
}

const CLI::App& innermost(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  return chosen.empty() ? app : innermost(*chosen.front());
}

std::string commands_of(const CLI::App& app) {
  std::string list;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    list += (list.empty() ? "" : ", ") + command->get_name();
  return list;
}

// CLI11's reason in a sentence of ours; its texts begin with the option, or end with the words it could not place.
std::string reason(const CLI::App& app, const CLI::ParseError& error) {
  std::string text = harmless_line(error.what());
  const size_t colon = text.find(": ");
  const std::string before = text.substr(0, colon);
  const std::string after = colon == std::string::npos ? "" : text.substr(colon + 2);

  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    if (after.starts_with('-')) return "there is no option " + after;
    const std::string commands = commands_of(app);
    if (!commands.empty()) return "there is no command \"" + after + "\"; there are " + commands;
    return "\"" + after + "\" is one word too many";
  }
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    const size_t end = text.find(" is required");
    return text.substr(0, end) + " is missing";
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    const bool is_missing = after.ends_with("missing");
    return before + (is_missing ? " wants a value" : " stands more than once");
  }
  // All values are read as text first, so only a flag can refuse one.
  if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr)
    return after.substr(0, after.find(' ')) + " takes no value";
  return text;
}

Error explain(const CLI::App& app, const CLI::ParseError& error) {
  const std::string place = understood(app);
  return Error(Code::invalid, (place.empty() ? "" : place + ": ") + reason(innermost(app), error) + "; see: reeve " +
                                  place + (place.empty() ? "" : " ") + "--help");
}

}  // namespace

Result<Command> parse_args(const std::vector<std::string>& arguments, WallTime now) {
  Typed typed;
  CLI::App app("Reeve watches a fleet of hosts; this asks its server.", "reeve");
  app.footer(help::reeve);
  app.set_help_flag("-h,--help", "this text");
  app.set_version_flag("--version", "reeve " REEVE_VERSION, "the version");
  app.require_subcommand(0, 1);
  app.get_formatter()->column_width(column_width);
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");

  add_login(app, typed);
  CLI::App& status = *app.add_subcommand("status", "is all well: server, agents, lag, gaps");
  status.footer(help::status);
  add_json(status, typed);
  add_agents(app, typed);
  add_logs(app, typed);
  add_metrics(app, typed);
  add_audit(app, typed);
  KeysTyped keys;
  FixTyped fix;
  std::vector<Row> rows = keys_rows(keys);
  for (Row& row : fix_rows(fix)) rows.push_back(std::move(row));
  add_rows(app, rows);
  name_groups(app);

  try {
    // CLI11 takes its vector from the back.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    if (std::optional<Result<Command>> command = read_rows(app, rows)) return *std::move(command);
    return read_command(app, typed, now);
  } catch (const CLI::CallForHelp&) {
    return Command(Answer{app.help()});
  } catch (const CLI::CallForVersion&) {
    return Command(Answer{"reeve " REEVE_VERSION "\n"});
  } catch (const CLI::ParseError& error) {
    return explain(app, error);
  }
}

}  // namespace reeve::cli
