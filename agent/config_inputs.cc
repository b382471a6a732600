// See config_inputs.h.
#include "agent/config_inputs.h"

#include <algorithm>

#include "agent/config_lines.h"
#include "common/sys/disk.h"

namespace reeve::agent {

namespace {

using sys::YamlMap;

constexpr size_t labels_max = 32;
constexpr size_t plugin_keys_max = 64;
constexpr YamlMap::TextLimits name_limits{.empty_allowed = false, .bytes_max = 128};
constexpr YamlMap::TextLimits label_limits{.empty_allowed = false, .bytes_max = 1024};

// A map of the user's own keys, sorted.
std::vector<std::pair<std::string, std::string>> read_texts(YamlMap& input, const char* name, size_t keys_max,
                                                            YamlMap::TextLimits limits) {
  std::vector<std::pair<std::string, std::string>> texts;
  auto map = input.map(name);
  if (!map) return texts;
  std::vector<std::string> keys = map->keys();
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  if (keys.size() > keys_max) map->complain("has more than " + std::to_string(keys_max) + " keys");
  for (const std::string& key : keys) map->read(key, texts.emplace_back(key, "").second, limits);
  return texts;
}

void read_path(YamlMap& map, const char* key, std::string& path) {
  map.read(key, path);
  if (!path.empty() && !path.starts_with('/')) map.complain(key, "is no absolute path");
}

bool is_label_name(const std::string& name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return name.size() <= 128 && !name.empty() && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

void read_scrape_tls(YamlMap& input, collect::ScrapeConfig& config) {
  const bool any_tls = std::any_of(config.targets.begin(), config.targets.end(),
                                   [](const collect::ScrapeTarget& target) { return target.tls; });
  auto tls = input.map("tls");
  if (!tls) {
    if (any_tls) input.complain("tls", "is missing, and a target is https; allowed: a map with ca or ca_fingerprint");
    return;
  }
  read_path(*tls, "ca", config.tls.ca_file);
  tls->read("ca_fingerprint", config.tls.ca_fingerprint, name_limits);
  read_path(*tls, "cert", config.tls.certificate_file);
  read_path(*tls, "key", config.tls.key_file);
  tls->read("server_name", config.tls.server_name, {.empty_allowed = false, .bytes_max = 255});
  if (config.tls.ca_fingerprint.starts_with("sha256:")) config.tls.ca_fingerprint.erase(0, 7);
  const auto fingerprint = from_hex(config.tls.ca_fingerprint);
  if (!config.tls.ca_fingerprint.empty() && (!fingerprint || fingerprint->size() != 32)) {
    tls->complain("ca_fingerprint", "is no SHA-256; allowed: sha256: and 64 hex digits");
  }
  if (config.tls.ca_file.empty() == config.tls.ca_fingerprint.empty()) {
    tls->complain("trusts nobody, or two; allowed: either ca or ca_fingerprint");
  }
  if (config.tls.certificate_file.empty() != config.tls.key_file.empty()) {
    tls->complain("has one of cert and key; allowed: both or none");
  }
}

}  // namespace

collect::ScrapeConfig read_scrape_input(YamlMap& input) {
  collect::ScrapeConfig config;
  std::vector<std::string> urls;
  if (!input.has("targets")) input.complain("targets", "is missing; allowed: a list of http and https addresses");
  input.read("targets", urls);
  if (input.has("targets") && urls.empty()) input.complain("targets", "names no target");
  for (const std::string& url : urls) {
    const auto target = collect::parse_scrape_target(url);
    if (target.ok()) {
      config.targets.push_back(*target);
    } else {
      input.complain("targets", "has " + target.error().text());
    }
  }
  input.read_duration("interval", config.interval, {.min = 1s, .max = 1h});
  config.timeout = std::min(config.timeout, config.interval);
  input.read_duration("timeout", config.timeout, {.min = 100ms, .max = config.interval});
  input.read("job", config.job, name_limits);
  config.labels = read_texts(input, "labels", labels_max, label_limits);
  for (const auto& [name, value] : config.labels) {
    if (is_label_name(name) && name != "job" && name != "instance" && name != "host") continue;
    input.complain("labels",
                   "has \"" + printable(name) + "\"; allowed: letters, digits and _, and not job, instance or host");
  }
  read_path(input, "bearer_token_file", config.bearer_token_file);
  for (const collect::ScrapeTarget& target : config.targets) {
    if (config.bearer_token_file.empty() || target.tls || Endpoint{target.host, target.port}.is_loopback()) continue;
    input.complain("bearer_token_file", "would go to " + target.url + " in the clear; allowed: https and loopback");
  }
  read_scrape_tls(input, config);
  input.read_size("page_bytes_max", config.page_bytes_max, {.min = 64_KiB, .max = 256_MiB});
  int64_t series_max = static_cast<int64_t>(config.samples_max);
  input.read("series_max", series_max, {.min = 1, .max = 1'000'000});
  config.samples_max = static_cast<size_t>(series_max);
  return config;
}

collect::SyslogConfig read_syslog_input(YamlMap& input, std::vector<LineRules>& line_rules) {
  collect::SyslogConfig config;
  if (auto listen = input.map("listen")) {
    if (listen->has("udp")) listen->read("udp", config.udp.emplace());
    if (listen->has("tcp")) listen->read("tcp", config.tcp.emplace());
    if (auto tls = listen->map("tls")) {
      auto& secure = config.tls.emplace();
      for (const char* const key : {"address", "cert", "key"}) {
        if (!tls->has(key)) tls->complain(std::string(key) + " is missing");
      }
      tls->read("address", secure.address);
      read_path(*tls, "cert", secure.certificate_file);
      read_path(*tls, "key", secure.key_file);
      read_path(*tls, "client_ca", secure.client_ca_file);
    }
    if (!config.udp && !config.tcp && !config.tls) listen->complain("names nothing; allowed: udp, tcp, tls");
  } else {
    input.complain("listen", "is missing; allowed: a map with udp, tcp or tls");
  }
  uint64_t line_bytes_max = config.line_bytes_max;
  input.read_size("line_bytes_max", line_bytes_max, {.min = 1_KiB, .max = 1_MiB});
  config.line_bytes_max = static_cast<uint32_t>(line_bytes_max);
  int64_t connections_max = config.connections_max;
  input.read("connections_max", connections_max, {.min = 1, .max = 10'000});
  config.connections_max = static_cast<uint32_t>(connections_max);
  input.read_duration("idle_max", config.idle_max, {.min = 1s, .max = 24h * 7});
  input.read_size("queue_bytes_max", config.queue_bytes_max, {.min = 64_KiB, .max = 1_GiB});
  input.read_size("receive_buffer_bytes", config.receive_buffer_bytes, {.min = 64_KiB, .max = 256_MiB});
  input.read("service", config.service, name_limits);
  config.line_rules = read_line_rules(input, line_rules);
  if (!input.has("parse")) {
    if (config.line_rules == 0) {
      config.line_rules = static_cast<uint32_t>(line_rules.size());
      line_rules.emplace_back();
    }
    line_rules[config.line_rules].parse = {"syslog"};
  }
  return config;
}

PluginConfig read_plugin_input(YamlMap& input) {
  PluginConfig config;
  if (!input.has("path")) input.complain("path", "is missing; allowed: the absolute path of a plugin's file");
  read_path(input, "path", config.path);
  if (!input.has("sha256")) {
    input.complain("sha256", "is missing; allowed: 64 hex digits, as `reeve-agent plugin-test` prints them");
  }
  input.read("sha256", config.sha256, name_limits);
  const auto hash = from_hex(config.sha256);
  if (!config.sha256.empty() && (!hash || hash->size() != 32)) {
    input.complain("sha256", "is no SHA-256; allowed: 64 hex digits");
  }
  if (hash) config.sha256 = to_hex(*hash);
  input.read_duration("interval", config.interval, {.min = 100ms, .max = 24h});
  config.config = read_texts(input, "config", plugin_keys_max, {.empty_allowed = true, .bytes_max = 4096});
  return config;
}

}  // namespace reeve::agent
