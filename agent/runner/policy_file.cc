// See policy_file.h. The only place that knows yaml-cpp: a small reader that takes keys by name, and below it what each
// key means.
#include "agent/runner/policy_file.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <functional>
#include <set>

#include "agent/runner/lint.h"
#include "agent/runner/policy_actions.h"
#include "agent/runner/policy_paths.h"
#include "agent/runner/policy_windows.h"
#include "common/base/endpoint.h"
#include "common/base/time.h"
#include "common/crypto/digest.h"

namespace reeve::runner {

namespace {

constexpr size_t items_max = 256;  // of one list or map
constexpr size_t complaints_max = 20;
constexpr size_t text_bytes_max = 1024;
constexpr int64_t approvals_max = 16;
constexpr int64_t rate_max = 600;
constexpr int64_t workers_max = 4096;

// A node, and where it stands.
struct Value {
  YAML::Node node;
  std::string key;  // "commands[0].path"
  int line = 0;
};
using Take = std::function<void(const Value&)>;
using Accept = std::function<bool(const std::string&)>;

struct Field {
  std::string_view name;
  Take take;
  bool needed = false;
};

std::string found(const YAML::Node& node) {
  if (node.IsScalar()) return "is \"" + printable(node.Scalar(), 80) + "\"";
  return node.IsSequence() ? "is a list" : node.IsMap() ? "is a map" : "is empty";
}

std::optional<int64_t> try_number(const std::string& text) {
  int64_t number = 0;
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || stopped != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

// "4096", "64MiB", "10GiB".
std::optional<uint64_t> try_size(const std::string& text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = try_number(text.substr(0, digits));
  constexpr std::pair<std::string_view, int> units[] = {{"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};
  for (const auto& [unit, shift] : units) {
    if (number && text.substr(digits) == unit && *number <= (INT64_MAX >> shift)) {
      return static_cast<uint64_t>(*number) << shift;
    }
  }
  return std::nullopt;
}

bool is_text(const std::string& text) {
  return !text.empty() && text.size() <= text_bytes_max &&
         std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

bool is_name(const std::string& text, std::string_view also = "-_.") {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [also](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || also.find(c) != also.npos;
  }) && also.find(text.front()) == also.npos;
}

// Reads files one after the other; complaints gather.
class Reader {
 public:
  explicit Reader(Rules& rules) : rules_(rules) {}

  void read(const PolicyFile& file);
  void finish();
  Status status() const;

 private:
  // -- The reading of YAML --------------------------------------------------------------------------------------------

  void complain(const Value& at, const std::string& what) {
    complaints_.push_back(file_ + ":" + std::to_string(at.line) + ": " + (at.key.empty() ? "the policy" : at.key) +
                          " " + what);
  }
  void refuse(const Value& at, const std::string& allowed) { complain(at, found(at.node) + "; allowed: " + allowed); }

  void each_entry(const Value& at, const std::function<void(const std::string&, const Value&)>& take) {
    if (!at.node.IsMap() || at.node.size() > items_max) return refuse(at, "a map of at most 256 keys");
    std::set<std::string> seen;
    for (const auto& entry : at.node) {
      Value value{entry.second, at.key, entry.first.Mark().line + 1};
      if (!entry.first.IsScalar()) {
        complain(value, "has a key that is no word");
        continue;
      }
      const std::string name = entry.first.Scalar();
      value.key += (at.key.empty() ? "" : ".") + printable(name, 80);
      if (!seen.insert(name).second) {
        complain(value, "stands here a second time");
      } else {
        take(name, value);
      }
    }
  }

  void fields(const Value& at, const std::vector<Field>& known) {
    std::string names;
    for (const Field& field : known) names += (names.empty() ? "" : ", ") + std::string(field.name);
    std::set<std::string> seen;
    each_entry(at, [&](const std::string& name, const Value& value) {
      seen.insert(name);
      const auto field = std::find_if(known.begin(), known.end(), [&](const Field& f) { return f.name == name; });
      if (field == known.end()) return complain(value, "is no known key; allowed: " + names);
      field->take(value);
    });
    for (const Field& field : known) {
      if (field.needed && !seen.contains(std::string(field.name))) complain(at, "has no " + std::string(field.name));
    }
  }

  void items(const Value& at, const Take& take) {
    if (!at.node.IsSequence() || at.node.size() > items_max) return refuse(at, "a list of at most 256");
    size_t index = 0;
    for (const YAML::Node& item : at.node) {
      take({item, at.key + "[" + std::to_string(index++) + "]", std::max(item.Mark().line + 1, at.line)});
    }
  }

  // A map whose keys are the user's names.
  template <typename Target>
  Take named(std::map<std::string, Target>& targets, const std::function<std::vector<Field>(Target&)>& known) {
    return [this, &targets, known](const Value& at) {
      each_entry(at, [&](const std::string& name, const Value& value) {
        if (!is_name(name)) return complain(value, "is no name; allowed: letters, digits, \"-\", \"_\", \".\"");
        if (targets.contains(name)) return complain(value, "stands in another file");
        fields(value, known(targets[name]));
      });
    };
  }

  Take text(std::string& into, const std::string& allowed, const Accept& accept) {
    return [this, &into, allowed, accept](const Value& at) {
      if (!at.node.IsScalar() || !accept(at.node.Scalar())) return refuse(at, allowed);
      into = at.node.Scalar();
    };
  }
  Take texts(std::vector<std::string>& into, const std::string& allowed, const Accept& accept) {
    return [this, &into, allowed, accept](const Value& at) {
      items(at, [&](const Value& item) { text(into.emplace_back(), allowed, accept)(item); });
    };
  }
  // Where `why` is empty, all is well.
  Take judged(std::string& into, const std::function<std::string(std::string_view)>& why) {
    return [this, &into, why](const Value& at) {
      if (!at.node.IsScalar() || !is_text(at.node.Scalar())) return refuse(at, "a text");
      if (const std::string what = why(at.node.Scalar()); !what.empty()) return complain(at, what);
      into = at.node.Scalar();
    };
  }
  Take all_judged(std::vector<std::string>& into, const std::function<std::string(std::string_view)>& why) {
    return [this, &into, why](const Value& at) {
      items(at, [&](const Value& item) { judged(into.emplace_back(), why)(item); });
    };
  }
  Take path(std::string& into) { return text(into, "an absolute path without \"..\"", is_plain_path); }
  Take name(std::string& into) {
    return text(into, "a name", [](const std::string& t) { return is_name(t); });
  }
  Take flag(bool& into, const std::string& yes = "true", const std::string& no = "false") {
    return [this, &into, yes, no](const Value& at) {
      const std::string text = at.node.IsScalar() ? at.node.Scalar() : "";
      if (text != yes && text != no) return refuse(at, yes + " or " + no);
      into = text == yes;
    };
  }
  template <typename Number>
  Take number(Number& into, int64_t min, int64_t max) {
    return [this, &into, min, max](const Value& at) {
      const auto value = at.node.IsScalar() ? try_number(at.node.Scalar()) : std::nullopt;
      if (!value || *value < min || *value > max) {
        return refuse(at, "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
      }
      into = static_cast<Number>(*value);
    };
  }
  template <typename Number>
  Take duration(Number& into_ms, Duration min, Duration max) {
    return [this, &into_ms, min, max](const Value& at) {
      const auto value = at.node.IsScalar() ? parse_duration(at.node.Scalar()) : std::nullopt;
      if (!value || *value < min || *value > max) {
        return refuse(at, "a duration from " + format_duration(min) + " to " + format_duration(max));
      }
      into_ms = static_cast<Number>(std::chrono::duration_cast<std::chrono::milliseconds>(*value).count());
    };
  }
  Take timeout(uint32_t& into_ms) { return duration(into_ms, 1ms, std::chrono::milliseconds(warrant::timeout_ms_max)); }
  Take range(int64_t& min, int64_t& max, int64_t from, int64_t to) {
    return [this, &min, &max, from, to](const Value& at) {
      if (!at.node.IsSequence() || at.node.size() != 2) return refuse(at, "[from, to]");
      int64_t* ends[] = {&min, &max};
      size_t index = 0;
      items(at, [&](const Value& item) { number(*ends[index++], from, to)(item); });
      if (min > max) complain(at, "is upside down; allowed: [from, to]");
    };
  }
  // No number: "00" would be root by another name.
  Take user(std::string& into) {
    return text(into, "a user's name", [](const std::string& t) {
      return t.size() <= 32 && is_name("x" + t) && t.find_first_not_of("0123456789-.") == 0;
    });
  }

  // What may stand in one file only.
  Take once(const Take& take) {
    return [this, take](const Value& at) {
      if (!stood_.insert(at.key).second) return complain(at, "stands in another file");
      take(at);
    };
  }

  // -- What the keys mean ---------------------------------------------------------------------------------------------

  void argument(const Value& at, ArgumentRule& rule);
  void environment(const Value& at, CommandRule& rule);
  void command(const Value& at);
  void approvals(const Value& at);
  void window(const Value& at);
  void action(const std::string& name, const Value& at);
  std::vector<Field> target_fields();

  Rules& rules_;
  std::string file_{};
  std::vector<std::string> complaints_{};
  std::set<std::string> stood_{};
  std::vector<std::pair<Value, std::string>> dry_runs_{};  // and the file each stands in
};

void Reader::argument(const Value& at, ArgumentRule& rule) {
  using Kind = ArgumentRule::Kind;
  if (at.node.IsScalar()) return text(rule.texts.emplace_back(), "a text without control characters", is_text)(at);
  if (at.node.IsMap() && at.node.size() != 1) return refuse(at, "one of literal, enum, integer, pattern, path_below");
  const auto kind = [&rule](Kind wanted, const Take& take) {
    return [&rule, wanted, take](const Value& value) {
      rule.kind = wanted;
      take(value);
    };
  };
  std::string& first = rule.texts.emplace_back();
  std::vector<std::string> listed;
  fields(at, {{"literal", kind(Kind::literal, text(first, "a text without control characters", is_text))},
              {"enum", kind(Kind::one_of, texts(listed, "a text without control characters", is_text))},
              {"integer", kind(Kind::integer, range(rule.min, rule.max, INT64_MIN, INT64_MAX))},
              {"pattern", kind(Kind::pattern, text(first, "a regular expression", is_text))},
              {"path_below", kind(Kind::path_below, path(first))}});
  if (rule.kind == Kind::one_of) rule.texts = listed;
  if (rule.kind == Kind::pattern && !first.empty()) {
    if (const Status compiled = compile(rule); !compiled.ok()) complain(at, "is no RE2: " + compiled.error().text());
  }
}

void Reader::environment(const Value& at, CommandRule& rule) {
  each_entry(at, [&](const std::string& variable, const Value& value) {
    auto& values = rule.environment.emplace_back(variable, std::vector<ArgumentRule>()).second;
    items(value, [&](const Value& item) { argument(item, values.emplace_back()); });
  });
}

void Reader::command(const Value& at) {
  CommandRule rule;
  bool risk_given = false;
  const size_t before = complaints_.size();
  std::string digest;
  const auto is_digest = [](const std::string& t) { return t.size() == 2 * crypto::digest_bytes && from_hex(t); };
  fields(at, {{"name", name(rule.name), true},
              {"path", path(rule.path), true},
              {"sha256", text(digest, "64 hex digits", is_digest)},
              {"arguments",
               [&](const Value& list) {
                 items(list, [&](const Value& item) { argument(item, rule.arguments.emplace_back()); });
                 if (rule.arguments.size() > warrant::arguments_max) complain(list, "is longer than 64");
               }},
              {"user", user(rule.user)},
              {"environment", [&](const Value& map) { environment(map, rule); }},
              {"working_directory", path(rule.working_directory)},
              {"timeout_max", timeout(rule.timeout_ms_max)},
              {"risk_min",
               [&](const Value& value) {
                 risk_given = true;
                 number(rule.risk_min, 0, warrant::risk_highest)(value);
               }},
              {"network", flag(rule.network)},
              {"read_only", flag(rule.read_only)},
              {"write", texts(rule.write, "an absolute path without \"..\"", is_plain_path)}});
  rule.sha256 = from_hex(digest).value_or("");
  if (!risk_given && rule.read_only) rule.risk_min = 0;
  const bool taken = std::any_of(rules_.commands.begin(), rules_.commands.end(),
                                 [&rule](const CommandRule& other) { return other.name == rule.name; });
  if (taken) complain(at, "has the name \"" + rule.name + "\" of another command");
  if (complaints_.size() == before) {
    for (const std::string& what : lint(rule)) complain(at, "(" + rule.name + "): " + what);
  }
  rules_.commands.push_back(std::move(rule));
}

void Reader::approvals(const Value& at) {
  each_entry(at, [&](const std::string& name, const Value& value) {
    const auto risk = try_number(name);
    if (!risk || *risk < 0 || *risk > warrant::risk_highest) return complain(value, "is no risk; allowed: 0 to 4");
    uint32_t& needed = rules_.approvals_min[static_cast<size_t>(*risk)];
    if (value.node.IsScalar() && value.node.Scalar() == "never") {
      needed = 0;
    } else {
      const size_t before = complaints_.size();
      number(needed, 1, approvals_max)(value);
      if (complaints_.size() != before) complaints_.back() += ", or never";
    }
  });
}

void Reader::window(const Value& at) {
  const bool fits =
      at.node.IsScalar() && add_window(at.node.Scalar(), rules_.windows.emplace(rules_.windows.value_or(0)));
  if (!fits) refuse(at, "days and hours in UTC, as in \"Mon-Fri 06:00-22:00\" or \"Sat,Sun 22:00-04:00\"");
}

void Reader::action(const std::string& name, const Value& at) {
  if (find_action(name) == nullptr) {
    std::string names;
    for (const std::string_view known : action_names()) names += (names.empty() ? "" : ", ") + std::string(known);
    return complain(at, "is no action; allowed: " + names);
  }
  if (rules_.actions.contains(name)) return complain(at, "stands in another file");
  ActionRule& rule = rules_.actions[name];
  if (at.node.IsScalar() && at.node.Scalar() == "off") {
    rule.off = true;
    return;
  }
  fields(at, {{"risk_min", number(rule.risk_min.emplace(find_action(name)->risk_min), 0, warrant::risk_highest)},
              {"timeout_max", timeout(rule.timeout_ms_max)},
              {"user", user(rule.user)}});
}

std::vector<Field> Reader::target_fields() {
  const auto is_port = [](const std::string& t) {
    const auto endpoint = parse_endpoint(t);
    return endpoint && endpoint->port != 0 && !endpoint->host.empty();
  };
  const auto is_url = [](const std::string& t) {
    return t.starts_with("http://") && t.size() > 8 && is_text(t) && t.find_first_of(" @\\#\"") == t.npos;
  };
  const auto is_signal = [](const std::string& t) {
    constexpr std::string_view known[] = {"HUP",  "INT",  "QUIT",  "USR1", "USR2",
                                          "TERM", "KILL", "WINCH", "CONT", "STOP"};
    return std::find(std::begin(known), std::end(known), t) != std::end(known);
  };
  const auto is_suffix = [](const std::string& t) {
    return t.size() > 1 && t.front() == '.' && is_name(t.substr(1), "-_.") && t.find("..") == t.npos;
  };
  const auto is_role = [](const std::string& t) { return t.size() < 64 && is_name(t, "-_"); };
  const auto is_psql = [](const std::string& t) {
    const bool versioned = t.starts_with("/usr/lib/postgresql/") && t.ends_with("/bin/psql") && is_plain_path(t);
    return t == "/usr/bin/psql" || versioned;
  };
  const auto is_disk = [](const std::string& t) { return t == "/" || is_plain_path(t); };
  using Fields = std::vector<Field>;
  const auto process = [this, is_signal](ProcessTarget& t) -> Fields {
    return {{"pid_file", path(t.pid_file), true},
            {"executable", path(t.executable), true},
            {"control", path(t.control)},
            {"signals", texts(t.signals, "HUP, INT, QUIT, USR1, USR2, TERM, KILL, WINCH, CONT or STOP", is_signal)},
            {"workers", range(t.workers_min, t.workers_max, 1, workers_max)}};
  };
  const auto release = [this](ReleaseTarget& t) -> Fields {
    return {{"link", judged(t.link, refuse_folder), true}, {"folder", judged(t.folder, refuse_folder), true}};
  };
  const auto area = [this, is_suffix](DiskArea& t) -> Fields {
    const auto size = [this, &t](const Value& at) {
      const auto bytes = at.node.IsScalar() ? try_size(at.node.Scalar()) : std::nullopt;
      if (!bytes || *bytes == 0) return refuse(at, "a size, as in \"10GiB\"");
      t.bytes_per_run_max = *bytes;
    };
    return {{"folder", judged(t.folder, refuse_folder), true},
            {"suffixes", texts(t.suffixes, "an ending, as in \".gz\"", is_suffix), true},
            {"older_than", duration(t.older_than_ms, 1min, std::chrono::hours(24 * 365)), true},
            {"bytes_per_run_max", size, true}};
  };
  const auto file = [this](FileTarget& t) -> Fields {
    return {{"path", judged(t.path, refuse_folder), true}, {"versions", judged(t.versions, refuse_folder), true}};
  };
  const auto database = [this, is_role, is_psql](DatabaseTarget& t) -> Fields {
    return {{"socket", path(t.socket), true},
            {"port", number(t.port, 1, 65535)},
            {"user", text(t.user, "a role's name", is_role)},
            {"database", text(t.database, "a database's name", is_role)},
            {"psql", text(t.psql, "/usr/bin/psql or that of one version", is_psql)}};
  };
  const auto probes = [this, is_port, is_url, is_disk](const Value& at) {
    ProbeTargets& t = rules_.probes;
    fields(at, {{"units", all_judged(t.units, refuse_unit)},
                {"ports", texts(t.ports, "host:port", is_port)},
                {"http", texts(t.http, "a URL that begins with http://", is_url)},
                {"disks", texts(t.disks, "an absolute path or /", is_disk)},
                {"files", texts(t.files, "an absolute path", is_plain_path)}});
  };
  return {{"units", all_judged(rules_.units, refuse_unit)},
          {"processes", named<ProcessTarget>(rules_.processes, process)},
          {"releases", named<ReleaseTarget>(rules_.releases, release)},
          {"disk_areas", named<DiskArea>(rules_.disk_areas, area)},
          {"files", named<FileTarget>(rules_.files, file)},
          {"postgres", named<DatabaseTarget>(rules_.postgres, database)},
          {"probes", probes}};
}

void Reader::read(const PolicyFile& file) {
  file_ = file.name;
  const Value top{YAML::Node(), "", 1};
  if (file.text.size() > policy_bytes_max) return complain(top, "has more than 256 KiB");
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(file.text);
    if (documents.size() != 1) return complain(top, "is not one document of YAML");
    int64_t version = 0;
    std::vector<Field> known = target_fields();
    known.insert(known.end(),
                 {{"version", number(version, 1, 1), true},
                  {"execution", once(flag(rules_.execution, "on", "off"))},
                  {"approvals_min", once([this](const Value& at) { approvals(at); })},
                  {"rate_per_hour", once(number(rules_.rate_per_hour, 0, rate_max))},
                  {"windows", [this](const Value& at) { items(at, [this](const Value& item) { window(item); }); }},
                  {"commands", [this](const Value& at) { items(at, [this](const Value& item) { command(item); }); }},
                  {"unapproved_read_only",
                   [this](const Value& at) {
                     items(at, [this](const Value& item) {
                       name(rules_.unapproved_read_only.emplace_back())(item);
                       dry_runs_.push_back({item, file_});
                     });
                   }},
                  {"actions", [this](const Value& at) {
                     each_entry(at, [this](const std::string& n, const Value& v) { action(n, v); });
                   }}});
    fields({documents.front(), "", 1}, known);
  } catch (const YAML::Exception& error) {
    complain({YAML::Node(), "", error.mark.line + 1}, "is not YAML: " + error.msg);
  }
}

// What only all files together can show.
void Reader::finish() {
  for (const auto& [at, file] : dry_runs_) {
    const std::string name = at.node.IsScalar() ? at.node.Scalar() : "";
    const bool fits = std::any_of(rules_.commands.begin(), rules_.commands.end(),
                                  [&name](const CommandRule& rule) { return rule.name == name && rule.read_only; });
    file_ = file;
    if (!fits) refuse(at, "the name of a command with read_only: true");
  }
}

Status Reader::status() const {
  if (complaints_.empty()) return {};
  std::string text;
  for (size_t i = 0; i < std::min(complaints_.size(), complaints_max); i++)
    text += (i == 0 ? "" : "\n") + complaints_[i];
  if (complaints_.size() > complaints_max) text += "\n" + std::to_string(complaints_.size() - complaints_max) + " more";
  return Error(Code::invalid, text);
}

}  // namespace

Result<Rules> parse_rules(const std::vector<PolicyFile>& files) {
  Rules rules;
  Reader reader(rules);
  for (const PolicyFile& file : files) reader.read(file);
  reader.finish();
  TRY(reader.status());
  return rules;
}

}  // namespace reeve::runner
