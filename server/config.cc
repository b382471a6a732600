// See config.h.
#include "server/config.h"

#include <algorithm>
#include <array>

#include "common/sys/disk.h"
#include "common/sys/yaml.h"

namespace reeve::server {
namespace {

constexpr Duration retention_min = 24h;
constexpr Duration retention_max = 24h * 3650;
constexpr Duration checkpoint_interval_min = 1s;
constexpr Duration checkpoint_interval_max = 60s;
constexpr size_t names_max = 64;
constexpr int64_t requests_max = 1'000'000'000;
constexpr size_t org_chars_max = 63;

constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warn", "error"};

bool is_every_address(const std::string& host) {
  return host == "0.0.0.0" || host == "::";
}

Endpoint reachable(const Endpoint& advertised, const Endpoint& listened, const std::vector<std::string>& names) {
  if (!advertised.host.empty()) return advertised;
  return {.host = is_every_address(listened.host) ? names.front() : listened.host, .port = listened.port};
}

std::string yaml_list(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) out += (out.size() > 1 ? ", \"" : "\"") + item + "\"";
  return out + "]";
}

}  // namespace

Result<ServerConfig> parse_server_config(const std::string& path, std::string_view text) {
  ServerConfig config;
  sys::YamlReader reader = TRY(sys::YamlReader::parse(path, text));
  sys::YamlMap root = reader.root();

  root.read("org", config.org);
  if (const Status org = check_org_name(config.org); !org.ok()) root.complain("org", org.error().text());
  root.read("data_dir", config.data_dir);
  if (config.data_dir == ".") {
    config.data_dir = sys::parent_directory(path);
  } else if (!config.data_dir.starts_with('/')) {
    config.data_dir = sys::parent_directory(path) + "/" + config.data_dir;
  }

  if (auto listen = root.map("listen")) {
    listen->read("agents", config.listen.agents);
    listen->read("api", config.listen.api);
    listen->read("api_tls", config.listen.api_tls);
    if (!config.listen.api_tls && !config.listen.api.is_loopback()) {
      listen->complain("api_tls",
                       "is false; allowed only where listen.api is a loopback address, because keys would "
                       "travel in the clear");
    }
    const bool same_port = config.listen.agents.port == config.listen.api.port && config.listen.api.port != 0;
    if (same_port && config.listen.agents.host == config.listen.api.host) {
      listen->complain("api", "is the address of listen.agents too; the two listeners need one each");
    }
  }

  root.read("names", config.names, {.empty_allowed = false, .bytes_max = 253});
  if (config.names.empty() || config.names.size() > names_max) {
    root.complain(
        "names", "has " + std::to_string(config.names.size()) + " entries; allowed: 1 to " + std::to_string(names_max));
  }
  if (auto advertise = root.map("advertise")) {
    advertise->read("link", config.advertise.link);
    advertise->read("api", config.advertise.api);
  }

  root.read_duration("retention", config.retention, {.min = retention_min, .max = retention_max});
  root.read_size("disk_free_min", config.disk_free_min, {.min = 0, .max = 1024_GiB});
  if (auto limits = root.map("limits")) {
    limits->read("credential_requests", config.limits.per_credential, {.min = 1, .max = requests_max});
    limits->read("org_requests", config.limits.per_org, {.min = 1, .max = requests_max});
  }
  if (auto audit = root.map("audit")) {
    audit->read_duration("checkpoint_interval", config.audit_checkpoint_interval,
                         {.min = checkpoint_interval_min, .max = checkpoint_interval_max});
  }
  std::string level = "info";
  root.read_choice("log_level", level, {"debug", "info", "warn", "error"});
  const auto* found = std::find(level_names.begin(), level_names.end(), level);
  if (found != level_names.end()) config.log_level = static_cast<LogLevel>(found - level_names.begin());

  TRY(reader.finish());
  return config;
}

std::string format_server_config(const ServerConfig& config) {
  std::string out =
      "# The configuration of reeve-server. `reeve-server check --config FILE` says what is wrong with it.\n";
  out += "org: " + config.org + "\n";
  out += "data_dir: \"" + config.data_dir + "\"  # relative to this file\n";
  out += "\nlisten:\n";
  out += "  agents: \"" + to_string(config.listen.agents) + "\"  # a client certificate is required\n";
  out += "  api: \"" + to_string(config.listen.api) + "\"\n";
  out += std::string("  api_tls: ") + (config.listen.api_tls ? "true" : "false") + "  # false only on loopback\n";
  out += "\n# In the server's certificate; after a change run `reeve-server init` again.\n";
  out += "names: " + yaml_list(config.names) + "\n";
  if (!config.advertise.link.host.empty() || !config.advertise.api.host.empty()) {
    out += "\n# What agents and people are told to connect to.\nadvertise:\n";
    if (!config.advertise.link.host.empty()) out += "  link: \"" + to_string(config.advertise.link) + "\"\n";
    if (!config.advertise.api.host.empty()) out += "  api: \"" + to_string(config.advertise.api) + "\"\n";
  }
  out += "\nretention: " + std::to_string(config.retention / 24h) + "d\n";
  out += "disk_free_min: " + sys::format_size(config.disk_free_min) + "  # with less, ingest pauses\n";
  out += "\nlimits:  # requests within a minute; more are answered with 429\n";
  out += "  credential_requests: " + std::to_string(config.limits.per_credential) + "  # of an API key or a user\n";
  out += "  org_requests: " + std::to_string(config.limits.per_org) + "\n\n";
  out += "audit:\n";
  out += "  checkpoint_interval: " + format_duration(config.audit_checkpoint_interval) + "\n\n";
  out += "log_level: " + std::string(level_names[static_cast<size_t>(config.log_level)]) + "\n";
  return out;
}

Endpoint link_address(const ServerConfig& config) {
  return reachable(config.advertise.link, config.listen.agents, config.names);
}

Endpoint api_address(const ServerConfig& config) {
  return reachable(config.advertise.api, config.listen.api, config.names);
}

std::string api_url(const ServerConfig& config) {
  return (config.listen.api_tls ? "https://" : "http://") + to_string(api_address(config));
}

Status check_org_name(std::string_view org) {
  const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const bool chars_ok = std::all_of(org.begin(), org.end(), [&](char c) { return is_plain(c) || c == '-'; });
  if (!org.empty() && org.size() <= org_chars_max && chars_ok && is_plain(org.front())) return {};
  return Error(Code::invalid, "is \"" + printable(org, 80) + "\"; allowed: 1 to " + std::to_string(org_chars_max) +
                                  " of a-z, 0-9 and -, beginning with a letter or digit");
}

}  // namespace reeve::server
