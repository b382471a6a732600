// The server's configuration: one struct, its defaults here, read from YAML.
//
//     # server.yaml
//     org: default
//     data_dir: .                     # relative to this file
//     listen:
//       agents: 0.0.0.0:7701          # agents link here; a client certificate is required
//       api: 127.0.0.1:7700           # people, programs and enrolment
//       api_tls: true                 # false only where api is a loopback address
//     names: [localhost, 127.0.0.1]   # DNS names and addresses in the server's certificate
//     advertise:
//       link: web-1.example:7701      # what agents are told to link to; absent: where we listen
//       api: web-1.example:7700
//     retention: 30d
//     disk_free_min: 256MiB           # or a twentieth of the disk; with less, ingest pauses and queries go on
//     limits:                         # requests within a minute; more are answered with 429
//       credential_requests: 6000     # of an API key or a user
//       org_requests: 60000
//     audit:
//       checkpoint_interval: 60s      # 1s to 60s; witnesses see within it what was rewritten
//     log_level: info
//
// An unknown or repeated key, a wrong kind and a value out of range are complaints with file, line and column. Checking
// opens nothing but the file itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/endpoint.h"
#include "common/base/log.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace reeve::server {

// Within a minute.
struct RequestLimits {
  int64_t per_credential = 6'000;
  int64_t per_org = 60'000;
};

struct ServerConfig {
  std::string org = "default";
  std::string data_dir = ".";  // once read: never relative to anything but the process
  struct Listen {
    Endpoint agents{.host = "0.0.0.0", .port = 7701};
    Endpoint api{.host = "127.0.0.1", .port = 7700};
    bool api_tls = true;
  } listen;
  std::vector<std::string> names{"localhost", "127.0.0.1"};
  struct Advertise {
    Endpoint link;  // no host: the address listened on, or the first of `names` where that is every address
    Endpoint api;
  } advertise;
  Duration retention = 24h * 30;
  uint64_t disk_free_min = 256_MiB;
  RequestLimits limits;
  Duration audit_checkpoint_interval = 60s;
  LogLevel log_level = LogLevel::info;
};

// `path` names the file in complaints, and is what `data_dir` is relative to.
Result<ServerConfig> parse_server_config(const std::string& path, std::string_view text);

// A file that parses to `config`, with a word on each key.
std::string format_server_config(const ServerConfig& config);

// Where agents and people reach us from elsewhere, as configured or as follows from what is listened on.
Endpoint link_address(const ServerConfig& config);
Endpoint api_address(const ServerConfig& config);
std::string api_url(const ServerConfig& config);  // "https://host:port"

// An org's name is part of paths and certificates: 1 to 63 of a-z, 0-9 and '-', beginning with a letter or digit.
Status check_org_name(std::string_view org);

}  // namespace reeve::server
