// The server's configuration, and what init makes of a folder.
#include "server/config.h"

#include "common/crypto/digest.h"
#include "common/sys/crypto.h"
#include "common/sys/disk.h"
#include "server/init.h"
#include "server/org_files.h"
#include "server/store/sqlite_store.h"
#include "tests/pch.h"
#include "tests/server/api_harness.h"

namespace reeve::server {
namespace {

std::string complaint(const std::string& text) {
  const Result<ServerConfig> config = parse_server_config("/etc/reeve/server.yaml", text);
  return config.ok() ? "" : config.error().text();
}

Bytes content(const std::string& path) {
  return *sys::read_file(sys::real_disk(), path, 1_MiB);
}

struct Made {
  SystemClock clock;
  SystemRandom random;
  Result<std::vector<std::string>> init(const InitOptions& options) {
    return init_org(sys::real_disk(), clock, random, options);
  }
};

}  // namespace

TEST_CASE("an empty configuration is the defaults") {
  const Result<ServerConfig> config = parse_server_config("/etc/reeve/server.yaml", "org: default\n");
  REQUIRE(config.ok());
  CHECK(config->data_dir == "/etc/reeve");
  CHECK(config->listen.api == Endpoint{.host = "127.0.0.1", .port = 7700});
  CHECK(config->retention == 24h * 30);
}

TEST_CASE("a written configuration is read back as it was") {
  ServerConfig config;
  config.org = "home";
  config.listen.agents = {.host = "::", .port = 1234};
  config.listen.api_tls = false;
  config.advertise.link = {.host = "watch.example.net", .port = 443};
  config.retention = 24h * 7;
  config.audit_checkpoint_interval = 5s;
  config.log_level = LogLevel::warn;

  const Result<ServerConfig> read = parse_server_config("/srv/server.yaml", format_server_config(config));

  REQUIRE(read.ok());
  CHECK(read->org == "home");
  CHECK(read->data_dir == "/srv");
  CHECK(read->listen.agents == config.listen.agents);
  CHECK_FALSE(read->listen.api_tls);
  CHECK(read->advertise.link == config.advertise.link);
  CHECK(read->names == config.names);
  CHECK(read->retention == config.retention);
  CHECK(read->audit_checkpoint_interval == 5s);
  CHECK(read->log_level == LogLevel::warn);
}

TEST_CASE("the audit's checkpoints come every second at most and every minute at least") {
  for (const char* interval : {"1s", "60s", "1m"}) {
    CHECK(complaint("audit:\n  checkpoint_interval: " + std::string(interval) + "\n").empty());
  }
  for (const char* interval : {"0s", "999ms", "61s", "soon"}) {
    CHECK_THAT(complaint("audit:\n  checkpoint_interval: " + std::string(interval) + "\n"),
               Catch::Contains("audit.checkpoint_interval"));
  }
}

TEST_CASE("a wrong key or value is a complaint with file, line and column") {
  CHECK_THAT(complaint("org: default\ncolour: red\n"), Catch::StartsWith("/etc/reeve/server.yaml:2:1: "));
  CHECK_THAT(complaint("listen:\n  api: nowhere\n"), Catch::StartsWith("/etc/reeve/server.yaml:2:8: listen.api"));
  CHECK_THAT(complaint("retention: 1h\n"), Catch::Contains("retention"));
  CHECK_THAT(complaint("org: \"../evil\"\n"), Catch::Contains("a-z, 0-9"));
  CHECK_THAT(complaint("log_level: loud\n"), Catch::Contains("log_level"));
  CHECK_THAT(complaint("names: []\n"), Catch::Contains("1 to 64"));
}

TEST_CASE("an API without TLS is allowed on loopback alone") {
  CHECK(complaint("listen:\n  api: 127.0.0.1:7700\n  api_tls: false\n").empty());
  CHECK_THAT(complaint("listen:\n  api: 0.0.0.0:7700\n  api_tls: false\n"), Catch::Contains("loopback"));
}

TEST_CASE("agents are told an address that can be reached") {
  ServerConfig config;
  config.names = {"watch.example.net", "127.0.0.1"};
  CHECK(to_string(link_address(config)) == "watch.example.net:7701");
  config.listen.agents.host = "192.0.2.7";
  CHECK(to_string(link_address(config)) == "192.0.2.7:7701");
  config.advertise.link = {.host = "gate.example.net", .port = 443};
  CHECK(to_string(link_address(config)) == "gate.example.net:443");
}

TEST_CASE("init makes an org that can be served, and doing it again changes nothing") {
  TempFolder folder;
  const OrgFiles files{folder.path() + "/data"};
  Made made;
  const InitOptions options{.data_dir = files.directory, .org = "home", .plain_api = true};

  REQUIRE(made.init(options).ok());
  const Bytes key = content(files.api_key());
  const Bytes ca = content(files.ca_certificate());
  const Bytes certificate = content(files.server_certificate());
  CHECK(sys::certificate_info(ca)->organization == "home");
  CHECK(*sys::key_matches(content(files.server_key()), certificate));
  CHECK(parse_server_config(files.config(), content(files.config())).ok());
  {
    const auto store = open_sqlite_store({.directory = files.store(), .disk = sys::real_disk(), .vfs = {}});
    REQUIRE(store.ok());
    const auto known = (*store)->find_api_key(crypto::sha256(key.substr(0, key.size() - 1)));
    REQUIRE(known.ok());
    CHECK(known->role == "admin");
    CHECK(key.starts_with(known->prefix));
  }

  const auto again = made.init(options);
  REQUIRE(again.ok());
  for (const std::string& sentence : *again) CHECK_THAT(sentence, Catch::Contains("(kept)"));
  CHECK(content(files.api_key()) == key);
  CHECK(content(files.ca_certificate()) == ca);
  CHECK(content(files.server_certificate()) == certificate);
}

TEST_CASE("init refuses to turn one org's folder into another's") {
  TempFolder folder;
  Made made;
  REQUIRE(made.init({.data_dir = folder.path(), .org = "home"}).ok());

  const auto other = made.init({.data_dir = folder.path(), .org = "office"});

  REQUIRE_FALSE(other.ok());
  CHECK_THAT(other.error().text(), Catch::Contains("belongs to org \"home\""));
}

TEST_CASE("init refuses a name that is no org's and an API without TLS beyond loopback") {
  TempFolder folder;
  Made made;
  CHECK_FALSE(made.init({.data_dir = folder.path() + "/a", .org = "Not An Org"}).ok());
  const auto plain = made.init(
      {.data_dir = folder.path() + "/b", .api = Endpoint{.host = "0.0.0.0", .port = 7700}, .plain_api = true});
  REQUIRE_FALSE(plain.ok());
  CHECK_THAT(plain.error().text(), Catch::Contains("loopback"));
}

TEST_CASE("the server's certificate is made anew when it ends soon or does not fit its names") {
  TempFolder folder;
  Made made;
  REQUIRE(made.init({.data_dir = folder.path()}).ok());
  const OrgFiles files{folder.path()};
  ServerConfig config = *parse_server_config(files.config(), content(files.config()));
  const Bytes first = content(files.server_certificate());

  REQUIRE(renew_server_certificate_if_due(sys::real_disk(), made.clock.wall() + 24h * 100, config).ok());
  CHECK(content(files.server_certificate()) == first);
  REQUIRE(renew_server_certificate_if_due(sys::real_disk(), made.clock.wall() + 24h * 380, config).ok());
  const Bytes second = content(files.server_certificate());
  CHECK(second != first);

  config.names.push_back("watch.example.net");
  REQUIRE(renew_server_certificate_if_due(sys::real_disk(), made.clock.wall(), config).ok());
  CHECK(content(files.server_certificate()) != second);
}

}  // namespace reeve::server
