// The agent's configuration: one struct, its defaults here, read from YAML.
//
//     # agent.yaml
//     data_dir: /var/lib/reeve-agent   # spool and identity; relative paths start at this file
//     host: web-1                      # what rows are said to come from; absent: the host's own name
//     server: watch.example:7701       # absent: where enrolment said
//     output: server                   # or blackhole
//     time_zone: local                 # of times in lines that name none; or UTC
//     listen: 127.0.0.1:7710           # own metrics for Prometheus, on loopback alone; absent: none
//     log_level: info
//     link:
//       retry_max: 10s                 # the longest pause between two tries to connect
//       proxy: proxy.example:3128      # asked to CONNECT, for the link and for enrolment; absent: none
//     spool:
//       bytes_max: 1GiB                # when full, files wait
//       segment_bytes_max: 8MiB
//     parsers: [/etc/reeve/parsers]    # folders with parsers in Lua, before those that are shipped
//     redact:                          # secrets; see config_lines.h
//       rules: [card, email]           # in addition to those that are on by themselves
//     inputs:
//       - type: file
//         include: [/var/log/**/*.log]
//         exclude: [/var/log/private/**]
//         start: head                  # of files that lie there at the first start; or end
//         head_bytes_max: 64MiB        # of a longer one only the last so many bytes; 0B: all
//         line_bytes_max: 64KiB
//         service: shop                # absent: after the path
//         parse: [json]                # and multiline, keep_original: see config_lines.h
//       - type: journal
//         start: boot                  # or end
//         first_bytes_max: 64MiB
//         service: system              # absent: after the entry
//       - type: host
//         interval: 10s
//       - type: scrape                 # and syslog, plugin: see config_inputs.h
//
// An unknown or repeated key, a wrong kind and a value out of range are complaints with file, line and column. Checking
// opens nothing but the file itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/outputs.h"
#include "agent/parse/line_rules.h"
#include "agent/plugin_config.h"
#include "collectors/table.h"
#include "common/base/bytes.h"
#include "common/base/endpoint.h"
#include "common/base/log.h"
#include "common/base/result.h"
#include "common/secrets/redact.h"

namespace reeve::agent {

struct AgentConfig {
  std::string data_dir = "/var/lib/reeve-agent";
  std::string host;  // empty: the host's own name
  std::optional<Endpoint> server;
  Output output = Output::server;
  bool local_time = true;
  std::optional<Endpoint> listen;
  LogLevel log_level = LogLevel::info;
  struct Link {
    Duration retry_max = 10s;
    std::optional<Endpoint> proxy;
  } link;
  struct Spool {
    uint64_t bytes_max = 1_GiB;
    uint64_t segment_bytes_max = 8_MiB;
  } spool;
  collect::CollectorConfigs inputs;
  std::vector<PluginConfig> plugins;
  std::vector<std::string> parser_folders = {"/etc/reeve/parsers"};  // of parsers in Lua; the shipped ones come behind
  secrets::RedactConfig redact;
  std::vector<LineRules> line_rules{1};  // what inputs refer to; the first means nothing special

  std::string spool_dir() const { return data_dir + "/spool"; }
  std::string identity_dir() const { return data_dir + "/identity"; }
  std::string lock_file() const { return data_dir + "/agent.lock"; }
  std::string witness_file() const { return data_dir + "/witness.json"; }
  std::string status_file() const { return data_dir + "/status.json"; }
};

// `path` names the file in complaints, and is what a relative `data_dir` starts at.
Result<AgentConfig> parse_agent_config(const std::string& path, std::string_view text);

}  // namespace reeve::agent
