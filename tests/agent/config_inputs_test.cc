#include "agent/config_inputs.h"

#include <catch2/catch.hpp>

#include "agent/config.h"

using namespace reeve;
using namespace reeve::agent;

namespace {

const std::string hash = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08";

AgentConfig config_of(const std::string& inputs) {
  const auto config = parse_agent_config("/etc/reeve/agent.yaml", "inputs:\n" + inputs);
  if (!config.ok()) FAIL(config.error().text());
  return *config;
}

// Whether an input, given as a flow map, draws this complaint.
bool complains(const std::string& input, const std::string& about) {
  const auto config = parse_agent_config("a.yaml", "inputs: [" + input + "]\n");
  const std::string text = config.ok() ? "no complaint" : config.error().text();
  INFO(text);
  return text.find(about) != std::string::npos;
}

}  // namespace

TEST_CASE("every key of a scrape input is read") {
  const AgentConfig config = config_of(R"(
  - type: scrape
    targets: ["https://a:9100", "https://b/x"]
    interval: 30s
    timeout: 5s
    job: node
    labels: {zone: z, room: a1}
    bearer_token_file: /run/token
    tls: {ca: /etc/ca.pem, cert: /etc/c.pem, key: /etc/k.pem, server_name: inner}
    page_bytes_max: 1MiB
    series_max: 1000
)");
  REQUIRE(config.inputs.scrape.size() == 1);
  const collect::ScrapeConfig& scrape = config.inputs.scrape.front();
  REQUIRE(scrape.targets.size() == 2);
  CHECK(scrape.targets[1].path == "/x");
  CHECK(scrape.interval == 30s);
  CHECK(scrape.timeout == 5s);
  CHECK(scrape.job == "node");
  CHECK(scrape.labels == std::vector<std::pair<std::string, std::string>>{{"room", "a1"}, {"zone", "z"}});
  CHECK(scrape.bearer_token_file == "/run/token");
  CHECK(scrape.tls.ca_file == "/etc/ca.pem");
  CHECK(scrape.tls.certificate_file == "/etc/c.pem");
  CHECK(scrape.tls.key_file == "/etc/k.pem");
  CHECK(scrape.tls.server_name == "inner");
  CHECK(scrape.page_bytes_max == 1_MiB);
  CHECK(scrape.samples_max == 1000);
}

TEST_CASE("a scrape's time-out is never longer than its interval") {
  CHECK(config_of("  - {type: scrape, targets: ['http://a'], interval: 2s}\n").inputs.scrape[0].timeout == 2s);
  CHECK(complains("{type: scrape, targets: ['http://a'], interval: 2s, timeout: 3s}", "timeout is \"3s\""));
}

TEST_CASE("a wrong scrape input is named") {
  CHECK(complains("{type: scrape}", "inputs[0].targets is missing"));
  CHECK(complains("{type: scrape, targets: []}", "names no target"));
  CHECK(complains("{type: scrape, targets: ['https://a']}", "inputs[0].tls is missing"));
  CHECK(complains("{type: scrape, targets: ['https://a'], tls: {}}", "either ca or ca_fingerprint"));
  CHECK(complains("{type: scrape, targets: ['https://a'], tls: {ca_fingerprint: 'sha256:12'}}", "is no SHA-256"));
  CHECK(complains("{type: scrape, targets: ['https://a'], tls: {ca: /a, cert: /b}}", "has one of cert and key"));
  CHECK(complains("{type: scrape, targets: ['http://a'], labels: {instance: x}}", "labels has \"instance\""));
  CHECK(complains("{type: scrape, targets: ['http://a'], labels: {'a-b': x}}", "labels has \"a-b\""));
  CHECK(complains("{type: scrape, targets: ['http://a'], bearer_token_file: /t}", "in the clear"));
  CHECK(complains("{type: scrape, targets: ['http://a'], bearer_token_file: t}", "is no absolute path"));
  CHECK(complains("{type: scrape, targets: ['http://127.0.0.1'], bearer_token_file: /t}", "no complaint"));
  CHECK(complains("{type: scrape, targets: ['http://a'], labels: {a: x, a: y}}", "stands here a second time"));
}

TEST_CASE("every key of a syslog input is read, and its lines are parsed as syslog unless it says otherwise") {
  const AgentConfig config = config_of(R"(
  - type: syslog
    listen:
      udp: 0.0.0.0:514
      tcp: "[::]:601"
      tls: {address: "0.0.0.0:6514", cert: /etc/c.pem, key: /etc/k.pem, client_ca: /etc/ca.pem}
    line_bytes_max: 8KiB
    connections_max: 10
    idle_max: 1m
    queue_bytes_max: 1MiB
    receive_buffer_bytes: 2MiB
    service: network
  - type: syslog
    listen: {udp: "127.0.0.1:5514"}
    parse: [json]
)");
  REQUIRE(config.inputs.syslog.size() == 2);
  const collect::SyslogConfig& syslog = config.inputs.syslog.front();
  CHECK(syslog.udp == Endpoint{"0.0.0.0", 514});
  CHECK(syslog.tcp == Endpoint{"::", 601});
  REQUIRE(syslog.tls.has_value());
  CHECK(syslog.tls->address == Endpoint{"0.0.0.0", 6514});
  CHECK(syslog.tls->certificate_file == "/etc/c.pem");
  CHECK(syslog.tls->key_file == "/etc/k.pem");
  CHECK(syslog.tls->client_ca_file == "/etc/ca.pem");
  CHECK(syslog.line_bytes_max == 8_KiB);
  CHECK(syslog.connections_max == 10);
  CHECK(syslog.idle_max == 1min);
  CHECK(syslog.queue_bytes_max == 1_MiB);
  CHECK(syslog.receive_buffer_bytes == 2_MiB);
  CHECK(syslog.service == "network");
  CHECK(config.line_rules.at(syslog.line_rules).parse == std::vector<std::string>{"syslog"});
  CHECK(config.line_rules.at(config.inputs.syslog[1].line_rules).parse == std::vector<std::string>{"json"});
}

TEST_CASE("a wrong syslog input is named") {
  CHECK(complains("{type: syslog}", "inputs[0].listen is missing"));
  CHECK(complains("{type: syslog, listen: {}}", "names nothing"));
  CHECK(complains("{type: syslog, listen: {udp: everywhere}}", "listen.udp is \"everywhere\""));
  CHECK(complains("{type: syslog, listen: {tls: {address: 'a:1'}}}", "cert is missing"));
  CHECK(complains("{type: syslog, listen: {udp: 'a:1'}, line_bytes_max: 2MiB}", "line_bytes_max"));
  CHECK(complains("{type: syslog, listen: {udp: 'a:1'}, connections_max: 0}", "connections_max"));
  CHECK(complains("{type: syslog, listen: {udp: 'a:1', sctp: 'a:1'}}", "is no known key"));
}

TEST_CASE("every key of a plugin input is read, with a configuration of its own") {
  const AgentConfig config = config_of("  - {type: plugin, path: /usr/lib/p.so, sha256: '" + hash +
                                       "', interval: 3s, config: {b: '2', a: ''}}\n");
  REQUIRE(config.plugins.size() == 1);
  const PluginConfig& plugin = config.plugins.front();
  CHECK(plugin.path == "/usr/lib/p.so");
  CHECK(plugin.sha256 == "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
  CHECK(plugin.interval == 3s);
  CHECK(plugin.config == std::vector<std::pair<std::string, std::string>>{{"a", ""}, {"b", "2"}});
}

TEST_CASE("a wrong plugin input is named") {
  CHECK(complains("{type: plugin}", "inputs[0].path is missing"));
  CHECK(complains("{type: plugin, path: p.so}", "is no absolute path"));
  CHECK(complains("{type: plugin, path: /p.so}", "inputs[0].sha256 is missing"));
  CHECK(complains("{type: plugin, path: /p.so, sha256: 12}", "is no SHA-256"));
  CHECK(complains("{type: plugin, path: /p.so, sha256: '" + hash + "', config: [a]}", "allowed: a map"));
}
