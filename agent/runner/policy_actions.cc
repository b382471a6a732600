// See policy_actions.h. One row of the table for each action; one function for each kind of target.
#include "agent/runner/policy_actions.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "agent/runner/lint.h"
#include "agent/runner/policy_paths.h"
#include "common/base/time.h"

namespace reeve::runner {

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// An action whose arguments are there and of their kinds.
struct Asked {
  const Rules& rules;
  const warrant::Action& action;

  const std::string& text(std::string_view name) const { return std::get<std::string>(value(name)); }
  int64_t number(std::string_view name) const { return std::get<int64_t>(value(name)); }

 private:
  const warrant::Action::Value& value(std::string_view name) const {
    const auto& all = action.arguments;
    return std::find_if(all.begin(), all.end(), [name](const auto& argument) { return argument.first == name; })
        ->second;
  }
};

struct Argument {
  std::string_view name{};
  bool number = false;
};

struct Kind {
  std::string_view name;
  std::array<Argument, 3> arguments;  // sorted by name, as a step has them
  ActionLimits limits;
  bool network;
  Status (*resolve)(const Asked& asked, Launch& launch);
};

std::string listed(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + text;
  return list.empty() ? "none" : list;
}

Error denied(std::string_view what, std::string_view found, const std::string& allowed) {
  return Error(Code::denied, std::string(what) + " is \"" + printable(found) + "\"; allowed: " + allowed);
}

Status among(std::string_view what, std::string_view found, const std::vector<std::string>& allowed) {
  if (std::find(allowed.begin(), allowed.end(), found) != allowed.end()) return {};
  return denied(what, found, listed(allowed));
}

template <typename Target>
Result<const Target*> declared(const std::map<std::string, Target>& targets, std::string_view what,
                               const std::string& name) {
  if (const auto found = targets.find(name); found != targets.end()) return &found->second;
  std::vector<std::string> names;
  for (const auto& [known, target] : targets) names.push_back(known);
  return denied(what, name, listed(names));
}

Status built_in(const Asked& asked, Launch& launch, Pairs arguments) {
  launch.what = BuiltIn{asked.action.name, std::move(arguments)};
  return {};
}

bool is_digest(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// -- Units ----------------------------------------------------------------------------------------------------------

// A unit's own name, or one with a "*" for its whole instance.
bool covers(std::string_view declared_unit, std::string_view unit) {
  const size_t star = declared_unit.find('*');
  if (star == std::string_view::npos) return unit == declared_unit;
  const std::string_view before = declared_unit.substr(0, star);
  const std::string_view behind = declared_unit.substr(star + 1);
  if (unit.size() <= before.size() + behind.size() || !unit.starts_with(before) || !unit.ends_with(behind))
    return false;
  const std::string_view instance = unit.substr(before.size(), unit.size() - before.size() - behind.size());
  return instance.find_first_of("@*") == std::string_view::npos && unit.find('*') == std::string_view::npos &&
         refuse_unit(unit).empty();
}

Status declared_unit(const Asked& asked, std::vector<std::string> units) {
  const std::string& unit = asked.text("unit");
  const bool covered = std::any_of(units.begin(), units.end(), [&unit](const auto& u) { return covers(u, unit); });
  return covered ? Status() : denied("unit", unit, listed(units));
}

Status change_unit(const Asked& asked, Launch& launch) {
  TRY(declared_unit(asked, asked.rules.units));
  const std::string verb = asked.action.name.substr(asked.action.name.find('.') + 1);
  launch.what = Program{.path = "/usr/bin/systemctl",
                        .sha256 = {},
                        .arguments = {verb, "--no-ask-password", "--", asked.text("unit")},
                        .environment = {},
                        .working_directory = {}};
  return {};
}

Status unit_state(const Asked& asked, Launch& launch) {
  std::vector<std::string> units = asked.rules.units;
  units.insert(units.end(), asked.rules.probes.units.begin(), asked.rules.probes.units.end());
  TRY(declared_unit(asked, std::move(units)));
  TRY(among("state", asked.text("state"), {"active", "inactive", "failed", "activating", "deactivating", "reloading"}));
  return built_in(asked, launch, {{"unit", asked.text("unit")}, {"state", asked.text("state")}});
}

// -- Processes ------------------------------------------------------------------------------------------------------

Status change_process(const Asked& asked, Launch& launch) {
  const std::string& name = asked.text("process");
  const auto* process = TRY(declared(asked.rules.processes, "process", name));
  if (asked.action.name == "process.restart" && process->control.empty()) {
    return denied("process", name, "to restart: a process with a control socket of its supervisor");
  }
  return built_in(asked, launch,
                  {{"process", name},
                   {"pid_file", process->pid_file},
                   {"executable", process->executable},
                   {"control", process->control}});
}

Status set_workers(const Asked& asked, Launch& launch) {
  const std::string& name = asked.text("process");
  const std::string count = std::to_string(asked.number("count"));
  const auto* process = TRY(declared(asked.rules.processes, "process", name));
  if (process->workers_max == 0 || process->control.empty()) {
    return denied("process", name, "a process with workers and a control socket");
  }
  if (asked.number("count") < process->workers_min || asked.number("count") > process->workers_max) {
    return denied("count", count, std::to_string(process->workers_min) + " to " + std::to_string(process->workers_max));
  }
  return built_in(asked, launch, {{"process", name}, {"control", process->control}, {"count", count}});
}

Status send_signal(const Asked& asked, Launch& launch) {
  const auto* process = TRY(declared(asked.rules.processes, "process", asked.text("process")));
  TRY(among("signal", asked.text("signal"), process->signals));
  return built_in(
      asked, launch,
      {{"pid_file", process->pid_file}, {"executable", process->executable}, {"signal", asked.text("signal")}});
}

Status process_running(const Asked& asked, Launch& launch) {
  const auto* process = TRY(declared(asked.rules.processes, "process", asked.text("process")));
  return built_in(asked, launch, {{"pid_file", process->pid_file}, {"executable", process->executable}});
}

// -- Files and disks ------------------------------------------------------------------------------------------------

Status switch_release(const Asked& asked, Launch& launch) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";
  const std::string& release = asked.text("release");
  const auto* target = TRY(declared(asked.rules.releases, "app", asked.text("app")));
  const bool plain = !release.empty() && release.size() <= 128 && release.find_first_not_of(allowed) == release.npos &&
                     release.front() != '.' && release.front() != '-';
  if (!plain) return denied("release", release, "the name of a folder in " + target->folder);
  TRY(resolve_below(target->folder, target->folder + "/" + release, Below::folder));
  launch.write_paths = {target->link.substr(0, target->link.rfind('/'))};
  return built_in(asked, launch, {{"link", target->link}, {"folder", target->folder}, {"release", release}});
}

Status free_disk(const Asked& asked, Launch& launch) {
  const auto* area = TRY(declared(asked.rules.disk_areas, "area", asked.text("area")));
  std::string suffixes;
  for (const std::string& suffix : area->suffixes) suffixes += (suffixes.empty() ? "" : ",") + suffix;
  launch.write_paths = {area->folder};
  return built_in(asked, launch,
                  {{"folder", area->folder},
                   {"suffixes", suffixes},
                   {"older_than_ms", std::to_string(area->older_than_ms)},
                   {"bytes_max", std::to_string(area->bytes_per_run_max)}});
}

Status restore_file(const Asked& asked, Launch& launch) {
  const std::string& version = asked.text("version");
  const auto* file = TRY(declared(asked.rules.files, "file", asked.text("file")));
  if (!is_digest(version))
    return denied("version", version, "the SHA-256 of its content: 64 hex digits, in lower case");
  launch.write_paths = {file->path.substr(0, file->path.rfind('/'))};
  return built_in(asked, launch, {{"path", file->path}, {"versions", file->versions}, {"version", version}});
}

Status disk_below(const Asked& asked, Launch& launch) {
  std::vector<std::string> paths = asked.rules.probes.disks;
  for (const auto& [name, area] : asked.rules.disk_areas) paths.push_back(area.folder);
  TRY(among("path", asked.text("path"), paths));
  const std::string percent = std::to_string(asked.number("percent"));
  if (asked.number("percent") < 1 || asked.number("percent") > 100) return denied("percent", percent, "1 to 100");
  return built_in(asked, launch, {{"path", asked.text("path")}, {"percent", percent}});
}

Status file_hash(const Asked& asked, Launch& launch) {
  std::vector<std::string> paths = asked.rules.probes.files;
  for (const auto& [name, file] : asked.rules.files) paths.push_back(file.path);
  TRY(among("path", asked.text("path"), paths));
  if (!is_digest(asked.text("sha256"))) return denied("sha256", asked.text("sha256"), "64 hex digits, in lower case");
  return built_in(asked, launch, {{"path", asked.text("path")}, {"sha256", asked.text("sha256")}});
}

// -- Network --------------------------------------------------------------------------------------------------------

Status port_open(const Asked& asked, Launch& launch) {
  TRY(among("address", asked.text("address"), asked.rules.probes.ports));
  return built_in(asked, launch, {{"address", asked.text("address")}});
}

Status http_get(const Asked& asked, Launch& launch) {
  TRY(among("url", asked.text("url"), asked.rules.probes.http));
  const std::string status = std::to_string(asked.number("status"));
  if (asked.number("status") < 100 || asked.number("status") > 599) return denied("status", status, "100 to 599");
  return built_in(asked, launch, {{"url", asked.text("url")}, {"status", status}});
}

// The session is ended only where pid and start agree: a pid alone may belong to somebody else by now. What comes into
// the SQL is a number, and a time that has been parsed and written anew.
Status terminate_session(const Asked& asked, Launch& launch) {
  const auto* database = TRY(declared(asked.rules.postgres, "database", asked.text("database")));
  const int64_t pid = asked.number("pid");
  if (pid < 2 || pid > INT32_MAX) return denied("pid", std::to_string(pid), "2 to 2147483647");
  const auto start = parse_rfc3339(asked.text("backend_start"));
  if (!start) return denied("backend_start", asked.text("backend_start"), "a time as in 2026-11-21T02:54:00.123456Z");
  const std::string sql =
      "DO $$DECLARE ended boolean; BEGIN SELECT pg_terminate_backend(pid) INTO ended FROM pg_stat_activity WHERE pid "
      "= " +
      std::to_string(pid) + " AND backend_start = TIMESTAMPTZ '" + format_rfc3339(*start) +
      "'; IF ended IS NOT TRUE THEN RAISE EXCEPTION 'no such session'; END IF; END$$";
  if (launch.user.empty()) launch.user = database->user;
  launch.what =
      Program{.path = database->psql,
              .sha256 = {},
              .arguments = {"-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", database->socket, "-p",
                            std::to_string(database->port), "-U", database->user, "-d", database->database, "-c", sql},
              .environment = {},
              .working_directory = {}};
  return {};
}

constexpr Argument no_argument{};
constexpr ActionLimits probe{.read_only = true, .risk_min = 0};
constexpr ActionLimits light{.read_only = false, .risk_min = 1};
constexpr ActionLimits heavy{.read_only = false, .risk_min = 2};

constexpr Kind kinds[] = {
    {"disk.below", {{{"path"}, {"percent", true}, no_argument}}, probe, false, disk_below},
    {"disk.free", {{{"area"}, no_argument, no_argument}}, heavy, false, free_disk},
    {"file.hash", {{{"path"}, {"sha256"}, no_argument}}, probe, false, file_hash},
    {"file.restore", {{{"file"}, {"version"}, no_argument}}, heavy, false, restore_file},
    {"http.get", {{{"status", true}, {"url"}, no_argument}}, probe, true, http_get},
    {"port.open", {{{"address"}, no_argument, no_argument}}, probe, true, port_open},
    {"postgres.terminate", {{{"backend_start"}, {"database"}, {"pid", true}}}, heavy, false, terminate_session},
    {"process.reload", {{{"process"}, no_argument, no_argument}}, light, false, change_process},
    {"process.restart", {{{"process"}, no_argument, no_argument}}, heavy, false, change_process},
    {"process.running", {{{"process"}, no_argument, no_argument}}, probe, false, process_running},
    {"process.stop", {{{"process"}, no_argument, no_argument}}, heavy, false, change_process},
    {"release.switch", {{{"app"}, {"release"}, no_argument}}, heavy, false, switch_release},
    {"signal.send", {{{"process"}, {"signal"}, no_argument}}, heavy, false, send_signal},
    {"unit.reload", {{{"unit"}, no_argument, no_argument}}, light, false, change_unit},
    {"unit.restart", {{{"unit"}, no_argument, no_argument}}, heavy, false, change_unit},
    {"unit.state", {{{"state"}, {"unit"}, no_argument}}, probe, false, unit_state},
    {"unit.stop", {{{"unit"}, no_argument, no_argument}}, heavy, false, change_unit},
    {"workers.set", {{{"count", true}, {"process"}, no_argument}}, light, false, set_workers},
};

const Kind* find_kind(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kinds), std::end(kinds), [name](const Kind& k) { return k.name == name; });
  return found == std::end(kinds) ? nullptr : found;
}

Status fits(const Kind& kind, const warrant::Action& action) {
  std::string allowed;
  size_t count = 0;
  bool same = true;
  for (const Argument& argument : kind.arguments) {
    if (argument.name.empty()) break;
    allowed +=
        (allowed.empty() ? "" : ", ") + std::string(argument.name) + (argument.number ? " (a number)" : " (a text)");
    same = same && count < action.arguments.size() && action.arguments[count].first == argument.name &&
           std::holds_alternative<int64_t>(action.arguments[count].second) == argument.number;
    count++;
  }
  if (same && count == action.arguments.size()) return {};
  return Error(Code::denied, "its arguments are not what it takes: " + allowed);
}

}  // namespace

const ActionLimits* find_action(std::string_view name) {
  const Kind* kind = find_kind(name);
  return kind == nullptr ? nullptr : &kind->limits;
}

std::vector<std::string_view> action_names() {
  std::vector<std::string_view> names;
  for (const Kind& kind : kinds) names.push_back(kind.name);
  return names;
}

Status resolve_action(const Rules& rules, const warrant::Action& action, Launch& launch) {
  const Kind* kind = find_kind(action.name);
  if (kind == nullptr) return Error(Code::denied, "there is no such action");
  TRY(fits(*kind, action));
  launch.network = kind->network;
  TRY(kind->resolve({rules, action}, launch));
  if (launch.user.empty()) launch.user = "root";
  return {};
}

}  // namespace reeve::runner
