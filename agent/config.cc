// See config.h.
#include "agent/config.h"

#include <array>

#include "agent/config_inputs.h"
#include "agent/config_lines.h"
#include "common/sys/disk.h"
#include "common/sys/yaml.h"

namespace reeve::agent {

namespace {

using sys::YamlMap;

constexpr uint64_t spool_bytes_min = 16_MiB;
constexpr uint64_t spool_bytes_max = 1024_GiB;
constexpr uint64_t segment_bytes_min = 1_MiB;
constexpr uint64_t segment_bytes_max = 64_MiB;
constexpr uint64_t line_bytes_min = 256;
constexpr uint64_t line_bytes_max = 1_MiB;
constexpr uint64_t first_bytes_max = 1024_GiB;
constexpr size_t socket_path_bytes_max = 107;  // sun_path
constexpr YamlMap::TextLimits name_limits{.empty_allowed = false, .bytes_max = 128};

void read_line_bytes_max(YamlMap& input, uint32_t& value) {
  uint64_t bytes = value;
  input.read_size("line_bytes_max", bytes, {.min = line_bytes_min, .max = line_bytes_max});
  value = static_cast<uint32_t>(bytes);
}

collect::FileConfig read_file_input(YamlMap& input, std::vector<LineRules>& line_rules) {
  collect::FileConfig config;
  if (!input.has("include")) input.complain("include", "is missing; allowed: a list of paths and globs");
  input.read("include", config.include);
  if (input.has("include") && config.include.empty()) input.complain("include", "names no file");
  input.read("exclude", config.exclude);
  for (const auto* patterns : {&config.include, &config.exclude}) {
    for (const std::string& pattern : *patterns) {
      if (pattern.starts_with('/')) continue;
      input.complain(patterns == &config.include ? "include" : "exclude",
                     "has \"" + printable(pattern) + "\"; allowed: absolute paths and globs");
    }
  }
  std::string start = "head";
  input.read_choice("start", start, {"head", "end"});
  config.start = start == "end" ? collect::FileConfig::Start::end : collect::FileConfig::Start::head;
  input.read_size("head_bytes_max", config.head_bytes_max, {.min = 0, .max = first_bytes_max});
  read_line_bytes_max(input, config.line_bytes_max);
  input.read("service", config.service, name_limits);
  config.line_rules = read_line_rules(input, line_rules);
  return config;
}

collect::JournalConfig read_journal_input(YamlMap& input) {
  collect::JournalConfig config;
  std::string start = "boot";
  input.read_choice("start", start, {"boot", "end"});
  config.start = start == "end" ? collect::JournalConfig::Start::end : collect::JournalConfig::Start::boot;
  input.read_size("first_bytes_max", config.first_bytes_max, {.min = 0, .max = first_bytes_max});
  read_line_bytes_max(input, config.line_bytes_max);
  input.read("service", config.service, name_limits);
  return config;
}

collect::HostConfig read_host_input(YamlMap& input) {
  collect::HostConfig config;
  input.read_duration("interval", config.interval, {.min = 1s, .max = 1h});
  return config;
}

void read_input(YamlMap& input, AgentConfig& config) {
  collect::CollectorConfigs& inputs = config.inputs;
  if (!input.has("type")) {
    return input.complain("type", "is missing; allowed: file, journal, host, scrape, syslog, plugin");
  }
  std::string type;
  input.read_choice("type", type, {"file", "journal", "host", "scrape", "syslog", "plugin"});
  if (type == "file") {
    inputs.file.push_back(read_file_input(input, config.line_rules));
  } else if (type == "journal") {
    inputs.journal.push_back(read_journal_input(input));
    if (inputs.journal.size() > 1) input.complain("type", "is \"journal\" a second time; the host has one journal");
  } else if (type == "host") {
    inputs.host.push_back(read_host_input(input));
    if (inputs.host.size() > 1) input.complain("type", "is \"host\" a second time; one is enough for all its metrics");
  } else if (type == "scrape") {
    inputs.scrape.push_back(read_scrape_input(input));
  } else if (type == "syslog") {
    inputs.syslog.push_back(read_syslog_input(input, config.line_rules));
  } else if (type == "plugin") {
    config.plugins.push_back(read_plugin_input(input));
  }
}

LogLevel level_of(const std::string& name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "warn") return LogLevel::warn;
  return name == "error" ? LogLevel::error : LogLevel::info;
}

}  // namespace

Result<AgentConfig> parse_agent_config(const std::string& path, std::string_view text) {
  AgentConfig config;
  sys::YamlReader reader = TRY(sys::YamlReader::parse(path, text));
  YamlMap root = reader.root();

  root.read("data_dir", config.data_dir);
  if (!config.data_dir.starts_with('/')) config.data_dir = sys::parent_directory(path) + "/" + config.data_dir;
  root.read("host", config.host, {.empty_allowed = false, .bytes_max = 255});
  if (root.has("server")) root.read("server", config.server.emplace());

  std::string output = "server";
  root.read_choice("output", output, {"server", "blackhole"});
  config.output = find_output(output).value_or(Output::server);
  std::string zone = "local";
  root.read_choice("time_zone", zone, {"local", "UTC"});
  config.local_time = zone == "local";
  if (root.has("listen")) {
    root.read("listen", config.listen.emplace());
    if (!config.listen->host.empty() && !config.listen->is_loopback()) {
      root.complain("listen", "is not on loopback; what it shows is for this host alone");
    }
  }
  std::string level = "info";
  root.read_choice("log_level", level, {"debug", "info", "warn", "error"});
  config.log_level = level_of(level);

  root.read("runner", config.runner, {.empty_allowed = false, .bytes_max = socket_path_bytes_max});
  if (!config.runner.starts_with('/')) root.complain("runner", "is not absolute; it is the whole path of a socket");

  if (auto link = root.map("link")) {
    link->read_duration("retry_max", config.link.retry_max, {.min = 1s, .max = 1h});
    if (link->has("proxy")) link->read("proxy", config.link.proxy.emplace());
  }
  if (auto spool = root.map("spool")) {
    spool->read_size("bytes_max", config.spool.bytes_max, {.min = spool_bytes_min, .max = spool_bytes_max});
    spool->read_size("segment_bytes_max", config.spool.segment_bytes_max,
                     {.min = segment_bytes_min, .max = segment_bytes_max});
    if (config.spool.segment_bytes_max > config.spool.bytes_max / 2) {
      spool->complain("segment_bytes_max", "is more than half of spool.bytes_max");
    }
  }
  root.read("parsers", config.parser_folders);
  for (std::string& folder : config.parser_folders) {
    if (!folder.starts_with('/')) folder.insert(0, sys::parent_directory(path) + "/");
  }
  read_redact(root, config.redact);
  for (YamlMap& input : root.maps("inputs")) read_input(input, config);

  TRY(reader.finish());
  return config;
}

}  // namespace reeve::agent
