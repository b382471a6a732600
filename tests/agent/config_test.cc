#include "agent/config.h"

#include <catch2/catch.hpp>

namespace reeve::agent {

namespace {

std::string complaint(std::string_view text) {
  const auto config = parse_agent_config("/etc/reeve/agent.yaml", text);
  return config.ok() ? "" : config.error().text();
}

}  // namespace

TEST_CASE("an empty configuration is all defaults") {
  const auto config = parse_agent_config("/etc/reeve/agent.yaml", "");

  REQUIRE(config.ok());
  CHECK(config->data_dir == "/var/lib/reeve-agent");
  CHECK(config->output == Output::server);
  CHECK(config->spool.bytes_max == 1_GiB);
  CHECK(config->local_time);
  CHECK_FALSE(config->server.has_value());
  CHECK_FALSE(config->listen.has_value());
}

TEST_CASE("every key is read") {
  const auto config = parse_agent_config("/etc/reeve/agent.yaml", R"(
data_dir: data
host: web-1
server: watch.example:7701
output: blackhole
time_zone: UTC
listen: 127.0.0.1:7710
log_level: debug
link: {retry_max: 1m, proxy: "proxy.example:3128"}
spool: {bytes_max: 64MiB, segment_bytes_max: 4MiB}
inputs:
  - type: file
    include: [/var/log/**/*.log]
    exclude: [/var/log/private/**]
    start: end
    head_bytes_max: 64MiB
    line_bytes_max: 16KiB
    service: shop
  - type: journal
    start: end
    first_bytes_max: 1MiB
  - type: host
    interval: 30s
)");

  if (!config.ok()) FAIL(config.error().text());
  CHECK(config->data_dir == "/etc/reeve/data");
  CHECK(config->spool_dir() == "/etc/reeve/data/spool");
  CHECK(config->host == "web-1");
  CHECK(config->server == Endpoint{"watch.example", 7701});
  CHECK(config->output == Output::blackhole);
  CHECK_FALSE(config->local_time);
  CHECK(config->listen == Endpoint{"127.0.0.1", 7710});
  CHECK(config->log_level == LogLevel::debug);
  CHECK(config->link.retry_max == 1min);
  CHECK(config->link.proxy == Endpoint{"proxy.example", 3128});
  CHECK(config->spool.bytes_max == 64_MiB);
  CHECK(config->spool.segment_bytes_max == 4_MiB);
  REQUIRE(config->inputs.file.size() == 1);
  const collect::FileConfig& file = config->inputs.file[0];
  CHECK(file.include == std::vector<std::string>{"/var/log/**/*.log"});
  CHECK(file.exclude == std::vector<std::string>{"/var/log/private/**"});
  CHECK(file.start == collect::FileConfig::Start::end);
  CHECK(file.head_bytes_max == 64_MiB);
  CHECK(file.line_bytes_max == 16_KiB);
  CHECK(file.service == "shop");
  CHECK(config->inputs.journal.at(0).start == collect::JournalConfig::Start::end);
  CHECK(config->inputs.host.at(0).interval == 30s);
}

TEST_CASE("what is wrong is told with its place, what was found and what is allowed") {
  CHECK(complaint("spool:\n  bytes_max: 5x\n") ==
        "/etc/reeve/agent.yaml:2:14: spool.bytes_max is \"5x\"; allowed: a size from 16MiB to 1TiB");
  CHECK(complaint("spool:\n  bytes_max: 15MiB\n") ==
        "/etc/reeve/agent.yaml:2:14: spool.bytes_max is \"15MiB\"; allowed: a size from 16MiB to 1TiB");
  CHECK(complaint("spoool: {}\n") ==
        "/etc/reeve/agent.yaml:1:1: spoool is no known key; allowed: data_dir, host, server, output, time_zone, "
        "listen, log_level, runner, link, spool, parsers, redact, inputs");
  CHECK(complaint("output: void\n") == "/etc/reeve/agent.yaml:1:9: output is \"void\"; allowed: server, blackhole");
  CHECK(complaint("server: watch.example\n") ==
        "/etc/reeve/agent.yaml:1:9: server is \"watch.example\"; allowed: host:port, as in \"127.0.0.1:7420\" or "
        "\"[::1]:7420\"");
  CHECK(complaint("listen: 0.0.0.0:7710\n") ==
        "/etc/reeve/agent.yaml:1:9: listen is not on loopback; what it shows is for this host alone");
  CHECK(complaint("spool: {bytes_max: 16MiB, segment_bytes_max: 9MiB}\n") ==
        "/etc/reeve/agent.yaml:1:46: spool.segment_bytes_max is more than half of spool.bytes_max");
}

TEST_CASE("wrong inputs are told by their number") {
  CHECK(complaint("inputs:\n- type: files\n") ==
        "/etc/reeve/agent.yaml:2:9: inputs[0].type is \"files\"; allowed: file, journal, host, scrape, syslog, plugin");
  CHECK(complaint("inputs:\n- include: [/a]\n") ==
        "/etc/reeve/agent.yaml:2:3: inputs[0].include is no known key; allowed: type\n"
        "/etc/reeve/agent.yaml:2:3: inputs[0].type is missing; allowed: file, journal, host, scrape, syslog, plugin");
  CHECK(complaint("inputs:\n- type: file\n") ==
        "/etc/reeve/agent.yaml:2:3: inputs[0].include is missing; allowed: a list of paths and globs");
  CHECK(complaint("inputs:\n- type: file\n  include: [log/a]\n") ==
        "/etc/reeve/agent.yaml:3:12: inputs[0].include has \"log/a\"; allowed: absolute paths and globs");
  CHECK(complaint("inputs:\n- type: host\n  interval: 10ms\n") ==
        "/etc/reeve/agent.yaml:3:13: inputs[0].interval is \"10ms\"; allowed: a duration from 1s to 1h");
  CHECK(complaint("inputs:\n- type: host\n- type: host\n") ==
        "/etc/reeve/agent.yaml:3:9: inputs[1].type is \"host\" a second time; one is enough for all its metrics");
}

TEST_CASE("the runner's socket is an absolute path that a socket can have") {
  CHECK(parse_agent_config("/etc/reeve/agent.yaml", "")->runner == "/run/reeve-runner/runner.sock");
  CHECK(parse_agent_config("/etc/reeve/agent.yaml", "runner: /tmp/r.sock\n")->runner == "/tmp/r.sock");
  CHECK(parse_agent_config("/etc/reeve/agent.yaml", "runner: /" + std::string(106, 'r') + "\n").ok());
  CHECK_FALSE(parse_agent_config("/etc/reeve/agent.yaml", "runner: /" + std::string(107, 'r') + "\n").ok());
  CHECK_FALSE(parse_agent_config("/etc/reeve/agent.yaml", "runner: run/r.sock\n").ok());
}

}  // namespace reeve::agent
