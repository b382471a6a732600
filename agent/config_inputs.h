// Reads the inputs that hear from the network and from plugins:
//
//     - type: scrape
//       targets: [http://127.0.0.1:9100/metrics, https://web-1:9443/metrics]
//       interval: 15s
//       timeout: 10s                   # at most the interval
//       job: node                      # the label job; absent: scrape
//       labels: {room: a1}             # of every series
//       bearer_token_file: /etc/reeve/token
//       tls: {ca: /etc/reeve/ca.pem, cert: ..., key: ..., server_name: ...}   # or ca_fingerprint instead of ca
//       page_bytes_max: 16MiB
//       series_max: 50000              # of one page
//     - type: syslog
//       listen:
//         udp: 0.0.0.0:514
//         tcp: 0.0.0.0:601
//         tls: {address: 0.0.0.0:6514, cert: ..., key: ..., client_ca: ...}
//       parse: [syslog]                # as for files; this is what stands there where nothing does
//       line_bytes_max: 64KiB
//       connections_max: 256
//       idle_max: 10m
//       queue_bytes_max: 8MiB
//       receive_buffer_bytes: 4MiB
//       service: network
//     - type: plugin
//       path: /usr/lib/reeve/plugins/redis.so
//       sha256: <64 hex digits>        # of the file; `reeve-agent plugin-test` prints it
//       interval: 10s
//       config: {address: 127.0.0.1:6379}
#pragma once

#include "agent/parse/line_rules.h"
#include "agent/plugin_config.h"
#include "collectors/scrape.h"
#include "collectors/syslog.h"
#include "common/sys/yaml.h"

namespace reeve::agent {

collect::ScrapeConfig read_scrape_input(sys::YamlMap& input);
collect::SyslogConfig read_syslog_input(sys::YamlMap& input, std::vector<LineRules>& line_rules);
PluginConfig read_plugin_input(sys::YamlMap& input);

}  // namespace reeve::agent
