// A plan file, read strictly: every key known, every value in its range, complaints with file and line. JSON is read by
// the same reader, because it is YAML too. What only the server can know (hosts, actions) it says itself.
#include <charconv>

#include "cli/plan.h"
#include "common/sys/yaml.h"
#include "common/warrant/step.h"

namespace reeve::cli {

namespace {

using sys::YamlMap;

constexpr YamlMap::TextLimits name_limits{.empty_allowed = false, .bytes_max = warrant::name_bytes_max};
constexpr YamlMap::TextLimits text_limits{.empty_allowed = true, .bytes_max = warrant::text_bytes_max};
constexpr YamlMap::TextLimits path_limits{.empty_allowed = false, .bytes_max = warrant::text_bytes_max};

// Sets `member` to the text below the key of that name, where there is one.
void copy_text(YamlMap& map, Json& to, const char* key, YamlMap::TextLimits limits) {
  if (!map.has(key)) return;
  std::string text;
  map.read(key, text, limits);
  to.set(key, text);
}

void copy_duration(YamlMap& map, Json& to, const char* key, YamlMap::DurationRange range) {
  if (!map.has(key)) return;
  Duration duration = range.min;
  map.read_duration(key, duration, range);
  to.set(key, format_duration(duration));
}

void copy_number(YamlMap& map, Json& to, const char* key, YamlMap::IntRange range) {
  if (!map.has(key)) return;
  int64_t number = range.min;
  map.read(key, number, range);
  to.set(key, number);
}

void copy_choice(YamlMap& map, Json& to, const char* key, std::initializer_list<std::string_view> choices) {
  if (!map.has(key)) return;
  std::string choice;
  map.read_choice(key, choice, choices);
  to.set(key, choice);
}

void require(YamlMap& map, const char* key) {
  if (!map.has(key)) map.complain(std::string("lacks ") + key);
}

// A value in quotes is text; a bare whole number is a number.
void copy_arguments(YamlMap& map, Json& to) {
  std::optional<YamlMap> arguments = map.map("arguments");
  if (!arguments) return;
  Json::Object members;
  for (const std::string& name : arguments->keys()) {
    std::string text;
    arguments->read(name, text, text_limits);
    int64_t number = 0;
    const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = error == std::errc{} && stopped == text.data() + text.size() && !text.empty();
    members.emplace_back(name, is_number && !arguments->is_quoted(name) ? Json(number) : Json(text));
  }
  to.set("arguments", std::move(members));
}

Json read_argv(YamlMap map) {
  Json argv{Json::Object{}};
  require(map, "path");
  require(map, "user");
  std::string path;
  map.read("path", path, path_limits);
  if (!path.empty() && path.front() != '/') map.complain("path", "is not absolute; it is a program's whole path");
  argv.set("path", path);
  copy_text(map, argv, "sha256", name_limits);
  std::vector<std::string> arguments;
  map.read("arguments", arguments, text_limits);
  if (arguments.size() > warrant::arguments_max)
    map.complain("arguments", "are more than " + std::to_string(warrant::arguments_max));
  Json::Array list;
  for (std::string& argument : arguments) list.emplace_back(std::move(argument));
  argv.set("arguments", std::move(list));
  if (std::optional<YamlMap> environment = map.map("environment")) {
    Json::Object members;
    for (const std::string& name : environment->keys()) {
      std::string value;
      environment->read(name, value, text_limits);
      members.emplace_back(name, value);
    }
    if (members.size() > warrant::environment_max)
      map.complain("environment", "has more than " + std::to_string(warrant::environment_max) + " variables");
    argv.set("environment", std::move(members));
  }
  copy_text(map, argv, "working_directory", path_limits);
  copy_text(map, argv, "user", name_limits);
  return argv;
}

Json read_exec(YamlMap map) {
  Json exec{Json::Object{}};
  std::optional<YamlMap> argv = map.map("argv");
  if (argv.has_value() == map.has("action")) map.complain("is one of argv and action");
  if (argv) {
    exec.set("argv", read_argv(*argv));
  } else {
    copy_text(map, exec, "action", name_limits);
    copy_arguments(map, exec);
  }
  require(map, "timeout");
  copy_duration(map, exec, "timeout", {1ms, std::chrono::milliseconds(warrant::timeout_ms_max)});
  copy_number(map, exec, "output_bytes", {0, warrant::output_bytes_max});
  return exec;
}

void copy_exec(YamlMap& map, Json& to, const char* key) {
  if (std::optional<YamlMap> exec = map.map(key)) to.set(key, read_exec(*exec));
}

// Everything of a step but its host.
Json read_step(YamlMap& map) {
  Json step{Json::Object{}};
  require(map, "exec");
  copy_exec(map, step, "exec");
  copy_exec(map, step, "probe");
  copy_exec(map, step, "rollback");
  if (map.has("rollback_on_failure")) {
    bool value = false;
    map.read("rollback_on_failure", value);
    step.set("rollback_on_failure", value);
  }
  copy_duration(map, step, "keep_within", {1ms, std::chrono::milliseconds(warrant::keep_within_ms_max)});
  for (const char* key : {"rollback_on_failure", "keep_within"}) {
    if (map.has(key) && !map.has("rollback")) map.complain(key, "needs a rollback");
  }
  require(map, "effect");
  copy_choice(map, step, "effect", {"read_only", "idempotent", "once"});
  require(map, "risk");
  copy_number(map, step, "risk", {0, warrant::risk_highest});
  copy_number(map, step, "approvals", {1, 16});
  if (map.has("preconditions")) {
    Json::Array list;
    for (YamlMap& one : map.maps("preconditions")) {
      Json action{Json::Object{}};
      require(one, "action");
      copy_text(one, action, "action", name_limits);
      copy_arguments(one, action);
      list.push_back(std::move(action));
    }
    if (list.size() > warrant::preconditions_max)
      map.complain("preconditions", "are more than " + std::to_string(warrant::preconditions_max));
    step.set("preconditions", std::move(list));
  }
  return step;
}

std::vector<std::string> read_hosts(YamlMap& map) {
  std::vector<std::string> hosts;
  if (map.has("host") == map.has("hosts")) map.complain("has one of host and hosts");
  map.read("hosts", hosts, name_limits);
  if (map.has("host")) {
    std::string host;
    map.read("host", host, name_limits);
    hosts.push_back(std::move(host));
  }
  return hosts;
}

}  // namespace

Result<Json> parse_plan_file(const std::string& name, std::string_view text) {
  sys::YamlReader reader = TRY(sys::YamlReader::parse(name, text));
  YamlMap root = reader.root();
  Json plan{Json::Object{}};
  require(root, "title");
  copy_text(root, plan, "title", name_limits);
  require(root, "valid_for");
  copy_duration(root, plan, "valid_for", {1s, 24h});
  copy_text(root, plan, "requester", name_limits);
  Json::Array steps;
  for (YamlMap& map : root.maps("steps")) {
    const std::vector<std::string> hosts = read_hosts(map);
    const Json step = read_step(map);
    for (const std::string& host : hosts) {
      Json one{Json::Object{}};
      one.set("host", host);
      for (const auto& [key, value] : *step.as_object()) one.set(key, value);
      steps.push_back(std::move(one));
    }
  }
  if (steps.empty()) root.complain("lacks steps");
  if (steps.size() > warrant::steps_max)
    root.complain("steps", "are more than " + std::to_string(warrant::steps_max) + " on all hosts together");
  plan.set("steps", std::move(steps));
  TRY(reader.finish());
  return plan;
}

}  // namespace reeve::cli
