#include "agent/runner/policy.h"

#include <sys/stat.h>
#include <unistd.h>
#include <filesystem>

#include <catch2/catch.hpp>
#include <fstream>

#include "common/crypto/digest.h"
#include "tests/runner/owned_folder.h"

namespace reeve::runner {

namespace {

using warrant::Action;
using warrant::Argv;
using warrant::Exec;

constexpr std::string_view commands = R"(
version: 1
execution: on
commands:
  - name: sleep
    path: /bin/sleep
    arguments: [{integer: [1, 30]}]
    user: nobody
    environment: {LC_ALL: [C, C.UTF-8], DAYS: [{integer: [1, 7]}]}
    timeout_max: 10s
    working_directory: /usr/share
    write: [/var/log/shop]
  - name: uptime
    path: /usr/bin/uptime
    user: nobody
    read_only: true
  - name: uptime-pretty
    path: /usr/bin/uptime
    arguments: [-p]
    user: nobody
    read_only: true
    risk_min: 1
    network: true
  - name: gone
    path: /opt/no-such-folder/gone
    user: nobody
  - name: list
    path: /usr/bin/ls
    arguments: [{path_below: /var/lib/dpkg-example}]
unapproved_read_only: [uptime]
)";

constexpr std::string_view targets = R"(
version: 1
execution: on
units: [nginx.service, "app@*.service"]
processes:
  api: {pid_file: /run/shop/api.pid, executable: /srv/shop/api, control: /run/shop/s.sock, signals: [HUP], workers: [1, 8]}
  bare: {pid_file: /run/shop/bare.pid, executable: /srv/shop/bare}
disk_areas: {logs: {folder: /var/log/shop, suffixes: [.gz, .1], older_than: 1h, bytes_per_run_max: 10GiB}}
files: {config: {path: /etc/shop/shop.yaml, versions: /var/lib/shop/versions}}
postgres: {main: {socket: /run/postgresql, port: 5433, user: admin, database: shop}}
probes:
  units: [redis.service]
  ports: ["127.0.0.1:8080"]
  http: ["http://127.0.0.1:8080/health"]
  disks: [/]
  files: [/etc/nginx/nginx.conf]
actions:
  unit.stop: off
  unit.restart: {risk_min: 3, timeout_max: 90s, user: ops}
)";

Policy parse(std::string_view text) {
  auto policy = Policy::parse("a.yaml", text);
  INFO((policy.ok() ? "" : policy.error().text()));
  REQUIRE(policy.ok());
  return std::move(policy).value();
}

Exec exec_of(std::variant<Argv, Action> what, uint32_t timeout_ms = 5000) {
  Exec exec;
  exec.what = std::move(what);
  exec.timeout_ms = timeout_ms;
  exec.output_bytes_max = 4096;
  return exec;
}

Argv argv_of(std::string path, std::vector<std::string> arguments, std::string user = "nobody") {
  Argv argv;
  argv.path = std::move(path);
  argv.arguments = std::move(arguments);
  argv.user = std::move(user);
  return argv;
}

Exec action_of(std::string name, std::vector<std::pair<std::string, Action::Value>> arguments) {
  Action action;
  action.name = std::move(name);
  action.arguments = std::move(arguments);
  return exec_of(action);
}

// The refusal's text; empty where it is permitted.
std::string refusal(const Policy& policy, const Exec& exec, Purpose purpose = Purpose::exec, uint32_t risk = 4) {
  const auto launch = policy.permit(exec, purpose, risk, "a-1");
  if (launch.ok()) return "";
  CHECK(launch.error().code() == Code::denied);
  return launch.error().text();
}

bool says(const std::string& text, std::string_view part) {
  INFO(text);
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs given(const Policy& policy, const Exec& exec, uint32_t risk = 4) {
  const auto launch = policy.permit(exec, Purpose::exec, risk, "a-1");
  INFO((launch.ok() ? "" : launch.error().text()));
  REQUIRE(launch.ok());
  CHECK(launch->user == "root");
  REQUIRE(std::holds_alternative<BuiltIn>(launch->what));
  return std::get<BuiltIn>(launch->what).arguments;
}

WallTime at(std::string_view text) {
  return *parse_rfc3339(text);
}

}  // namespace

TEST_CASE("a command that a rule allows becomes a launch with what the rule declares") {
  const Policy policy = parse(commands);
  Argv argv = argv_of("/bin/sleep", {"30"});
  argv.environment = {{"DAYS", "7"}, {"LC_ALL", "C"}};
  argv.sha256 = Bytes(32, 's');
  argv.working_directory = "/usr/share";
  const auto launch = policy.permit(exec_of(argv), Purpose::exec, 1, "p-1");
  INFO((launch.ok() ? "" : launch.error().text()));
  REQUIRE(launch.ok());
  const auto& program = std::get<Program>(launch->what);
  CHECK(program.path == "/bin/sleep");
  CHECK(program.arguments == std::vector<std::string>{"30"});
  CHECK(program.environment == argv.environment);
  CHECK(program.sha256 == argv.sha256);
  CHECK(program.working_directory == "/usr/share");
  CHECK(launch->id == "p-1");
  CHECK(launch->user == "nobody");
  CHECK(launch->timeout_ms == 5000);
  CHECK(launch->output_bytes_max == 4096);
  CHECK_FALSE(launch->network);
  CHECK(launch->write_paths == std::vector<std::string>{"/var/log/shop"});
}

TEST_CASE("what a command's rule does not name is denied, and the denial says what is allowed") {
  const Policy policy = parse(commands);
  says(refusal(policy, exec_of(argv_of("/bin/cat", {"30"}))), "no command has the path /bin/cat; allowed: /bin/sleep");
  says(refusal(policy, exec_of(argv_of("/usr/bin/sleep", {"30"}))), "no command has the path /usr/bin/sleep");
  says(refusal(policy, exec_of(argv_of("/bin/sleep", {}))),
       "command sleep: its number is \"0 arguments\"; allowed: \"1 argument\"");
  says(refusal(policy, exec_of(argv_of("/bin/sleep", {"1", "2"}))), "\"2 arguments\"");
  says(refusal(policy, exec_of(argv_of("/bin/sleep", {"31"}))),
       "arguments[0] is \"31\"; allowed: a whole number from 1 to 30");
  says(refusal(policy, exec_of(argv_of("/bin/sleep", {"1"}, "root"))), "user is \"root\"; allowed: \"nobody\"");
  says(refusal(policy, exec_of(argv_of("/bin/sleep", {"1"}, ""))), "user is \"\"");
  says(refusal(policy, exec_of(argv_of("/bin/sleep", {"1"}), 10'001)), "10001 ms; allowed: 1 to 10000");
  says(refusal(policy, exec_of(argv_of("/bin/sleep", {"1"}), 0)), "0 ms");
  CHECK(refusal(policy, exec_of(argv_of("/bin/sleep", {"1"}), 10'000)).empty());
  says(refusal(policy, exec_of(argv_of("/bin/sleep", {"1"})), Purpose::exec, 0), "claims risk 0; allowed: 1 and above");
  CHECK(refusal(policy, exec_of(argv_of("/bin/sleep", {"1"})), Purpose::exec, 1).empty());
  says(refusal(policy, exec_of(argv_of("/opt/no-such-folder/gone", {}))), "command gone: the program is");
}

TEST_CASE("a command's environment and working folder are only what its rule allows") {
  const Policy policy = parse(commands);
  const auto with = [&policy](const std::string& name, const std::string& value) {
    Argv argv = argv_of("/bin/sleep", {"1"});
    argv.environment = {{name, value}};
    return refusal(policy, exec_of(argv));
  };
  CHECK(with("LC_ALL", "C.UTF-8").empty());
  says(with("LC_ALL", "de"), "environment.LC_ALL is \"de\"; allowed: \"C\", or \"C.UTF-8\"");
  says(with("DAYS", "8"), "a whole number from 1 to 7");
  says(with("LD_PRELOAD", "/x.so"), "environment.LD_PRELOAD is \"/x.so\"; allowed: not to be set");
  const auto in = [&policy](const std::string& folder) {
    Argv argv = argv_of("/bin/sleep", {"1"});
    argv.working_directory = folder;
    return refusal(policy, exec_of(argv));
  };
  CHECK(in("/usr/share/doc").empty());
  for (const char* folder :
       {"/", "/usr", "/usr/share/../bin", "/usr/shared", "/usr/share/absent", "doc", "/usr/share/doc/"}) {
    says(in(folder), "working_directory is");
  }
  Argv argv = argv_of("/usr/bin/uptime", {});
  argv.working_directory = "/usr/share";
  says(refusal(policy, exec_of(argv)), "working_directory is \"/usr/share\"; allowed: none");
}

TEST_CASE("of several rules for a program the one that fits is taken, and else the closest explains") {
  const Policy policy = parse(commands);
  const auto pretty = policy.permit(exec_of(argv_of("/usr/bin/uptime", {"-p"})), Purpose::exec, 1, "a");
  REQUIRE(pretty.ok());
  CHECK(pretty->network);
  const auto plain = policy.permit(exec_of(argv_of("/usr/bin/uptime", {})), Purpose::exec, 0, "a");
  REQUIRE(plain.ok());
  CHECK_FALSE(plain->network);
  says(refusal(policy, exec_of(argv_of("/usr/bin/uptime", {"-s"}))), "command uptime-pretty: arguments[0] is \"-s\"");
}

TEST_CASE("a program's digest in the step may not be another than policy's") {
  const std::string digest(64, 'a');
  const Policy policy =
      parse("version: 1\ncommands: [{name: s, path: /bin/sleep, user: nobody, sha256: " + digest + "}]\n");
  Argv argv = argv_of("/bin/sleep", {});
  const auto launch = policy.permit(exec_of(argv), Purpose::exec, 4, "a");
  REQUIRE(launch.ok());
  CHECK(std::get<Program>(launch->what).sha256 == *from_hex(digest));
  argv.sha256 = *from_hex(digest);
  CHECK(refusal(policy, exec_of(argv)).empty());
  argv.sha256 = Bytes(32, 'b');
  says(refusal(policy, exec_of(argv)), "sha256 is another than policy's");
}

TEST_CASE("a probe is read-only, and a dry run is listed besides") {
  const Policy policy = parse(commands);
  for (const Purpose purpose : {Purpose::probe, Purpose::precondition, Purpose::dry_run}) {
    CHECK_FALSE(refusal(policy, exec_of(argv_of("/bin/sleep", {"1"})), purpose).empty());
    CHECK(refusal(policy, exec_of(argv_of("/usr/bin/uptime", {})), purpose).empty());
  }
  says(refusal(policy, exec_of(argv_of("/bin/sleep", {"1"})), Purpose::probe), "not marked read_only");
  CHECK(refusal(policy, exec_of(argv_of("/bin/sleep", {"1"})), Purpose::rollback).empty());
  CHECK(refusal(policy, exec_of(argv_of("/usr/bin/uptime", {"-p"})), Purpose::probe).empty());
  says(refusal(policy, exec_of(argv_of("/usr/bin/uptime", {"-p"})), Purpose::dry_run), "unapproved_read_only");
}

TEST_CASE("a unit's action becomes systemctl, for declared units alone") {
  const Policy policy = parse(targets);
  const auto unit = [](const std::string& verb, const std::string& name) {
    return action_of("unit." + verb, {{"unit", name}});
  };
  const auto launch = policy.permit(unit("restart", "nginx.service"), Purpose::exec, 3, "a");
  INFO((launch.ok() ? "" : launch.error().text()));
  REQUIRE(launch.ok());
  const auto& program = std::get<Program>(launch->what);
  CHECK(program.path == "/usr/bin/systemctl");
  CHECK(program.arguments == std::vector<std::string>{"restart", "--no-ask-password", "--", "nginx.service"});
  CHECK(launch->user == "ops");
  CHECK(refusal(policy, unit("reload", "app@blue.service")).empty());
  for (const char* name : {"ssh.service", "app@.service", "app@a@b.service", "app@*.service", "app@a b.service",
                           "app@a/b.service", "--now", "", "nginx", "app@x.service.service\n", "app@x.timer"}) {
    INFO(name);
    says(refusal(policy, unit("restart", name)), "; allowed: nginx.service, app@*.service");
  }
  says(refusal(policy, unit("stop", "nginx.service")), "action unit.stop: policy has it off");
  says(refusal(policy, unit("restart", "nginx.service"), Purpose::exec, 2), "claims risk 2; allowed: 3 and above");
  says(refusal(policy, unit("restart", "redis.service")), "unit is \"redis.service\"");
  CHECK(refusal(policy, action_of("unit.state", {{"state", "active"}, {"unit", "redis.service"}}), Purpose::probe, 0)
            .empty());
}

TEST_CASE("an action's arguments are the ones it takes, of their kinds") {
  const Policy policy = parse(targets);
  says(refusal(policy, action_of("unit.restart", {})), "its arguments are not what it takes: unit (a text)");
  says(refusal(policy, action_of("unit.restart", {{"unit", int64_t{1}}})), "not what it takes");
  says(refusal(policy, action_of("unit.restart", {{"mode", "x"}, {"unit", "nginx.service"}})), "not what it takes");
  says(refusal(policy, action_of("unit.restart", {{"unit", "nginx.service"}, {"x", "y"}})), "not what it takes");
  says(refusal(policy, action_of("workers.set", {{"count", "2"}, {"process", "api"}})),
       "count (a number), process (a text)");
  says(refusal(policy, action_of("shell.run", {})), "action shell.run: there is no such action");
}

TEST_CASE("a built-in is given what policy declares") {
  const Policy policy = parse(targets);
  const Pairs api = {{"process", "api"},
                     {"pid_file", "/run/shop/api.pid"},
                     {"executable", "/srv/shop/api"},
                     {"control", "/run/shop/s.sock"}};
  for (const char* name : {"process.restart", "process.reload", "process.stop"}) {
    CHECK(given(policy, action_of(name, {{"process", "api"}})) == api);
  }
  CHECK(given(policy, action_of("workers.set", {{"count", int64_t{8}}, {"process", "api"}})) ==
        Pairs{{"process", "api"}, {"control", "/run/shop/s.sock"}, {"count", "8"}});
  CHECK(given(policy, action_of("signal.send", {{"process", "api"}, {"signal", "HUP"}})) ==
        Pairs{{"pid_file", "/run/shop/api.pid"}, {"executable", "/srv/shop/api"}, {"signal", "HUP"}});
  CHECK(given(policy, action_of("process.running", {{"process", "bare"}})) ==
        Pairs{{"pid_file", "/run/shop/bare.pid"}, {"executable", "/srv/shop/bare"}});
  CHECK(given(policy, action_of("disk.free", {{"area", "logs"}})) == Pairs{{"folder", "/var/log/shop"},
                                                                           {"suffixes", ".gz,.1"},
                                                                           {"older_than_ms", "3600000"},
                                                                           {"bytes_max", "10737418240"}});
  const std::string digest(64, '0');
  CHECK(given(policy, action_of("file.restore", {{"file", "config"}, {"version", digest}})) ==
        Pairs{{"path", "/etc/shop/shop.yaml"}, {"versions", "/var/lib/shop/versions"}, {"version", digest}});
  CHECK(given(policy, action_of("file.hash", {{"path", "/etc/shop/shop.yaml"}, {"sha256", digest}})) ==
        Pairs{{"path", "/etc/shop/shop.yaml"}, {"sha256", digest}});
  CHECK(given(policy, action_of("disk.below", {{"path", "/"}, {"percent", int64_t{90}}})) ==
        Pairs{{"path", "/"}, {"percent", "90"}});
  CHECK(given(policy, action_of("port.open", {{"address", "127.0.0.1:8080"}})) == Pairs{{"address", "127.0.0.1:8080"}});
  CHECK(given(policy, action_of("http.get", {{"status", int64_t{200}}, {"url", "http://127.0.0.1:8080/health"}})) ==
        Pairs{{"url", "http://127.0.0.1:8080/health"}, {"status", "200"}});
  CHECK(given(policy, action_of("unit.state", {{"state", "failed"}, {"unit", "nginx.service"}})) ==
        Pairs{{"unit", "nginx.service"}, {"state", "failed"}});
  const auto launch = policy.permit(action_of("disk.free", {{"area", "logs"}}), Purpose::exec, 4, "a");
  CHECK(launch->write_paths == std::vector<std::string>{"/var/log/shop"});
  CHECK_FALSE(launch->network);
  CHECK(policy.permit(action_of("port.open", {{"address", "127.0.0.1:8080"}}), Purpose::probe, 0, "a")->network);
}

TEST_CASE("an action on what policy does not declare is denied") {
  const Policy policy = parse(targets);
  const std::string digest(64, '0');
  says(refusal(policy, action_of("process.restart", {{"process", "other"}})),
       "process is \"other\"; allowed: api, bare");
  says(refusal(policy, action_of("process.restart", {{"process", "bare"}})), "control socket");
  CHECK(refusal(policy, action_of("process.stop", {{"process", "bare"}})).empty());
  for (const int64_t count : {int64_t{0}, int64_t{9}, int64_t{-1}}) {
    says(refusal(policy, action_of("workers.set", {{"count", count}, {"process", "api"}})), "allowed: 1 to 8");
  }
  says(refusal(policy, action_of("workers.set", {{"count", int64_t{1}}, {"process", "bare"}})),
       "a process with workers");
  says(refusal(policy, action_of("signal.send", {{"process", "api"}, {"signal", "KILL"}})),
       "signal is \"KILL\"; allowed: HUP");
  says(refusal(policy, action_of("disk.free", {{"area", "../logs"}})), "allowed: logs");
  for (const std::string& version :
       {std::string("../../x"), std::string(63, '0'), std::string(65, '0'), std::string(64, 'A')}) {
    says(refusal(policy, action_of("file.restore", {{"file", "config"}, {"version", version}})), "version is");
  }
  says(refusal(policy, action_of("file.hash", {{"path", "/etc/shadow"}, {"sha256", digest}})),
       "path is \"/etc/shadow\"");
  says(refusal(policy, action_of("disk.below", {{"path", "/etc"}, {"percent", int64_t{90}}})), "path is");
  for (const int64_t percent : {int64_t{0}, int64_t{101}}) {
    says(refusal(policy, action_of("disk.below", {{"path", "/"}, {"percent", percent}})), "1 to 100");
  }
  says(refusal(policy, action_of("port.open", {{"address", "10.0.0.1:22"}})), "allowed: 127.0.0.1:8080");
  says(refusal(policy, action_of("http.get", {{"status", int64_t{200}}, {"url", "http://169.254.169.254/"}})),
       "url is");
  says(refusal(policy, action_of("http.get", {{"status", int64_t{99}}, {"url", "http://127.0.0.1:8080/health"}})),
       "100 to 599");
  says(refusal(policy, action_of("unit.state", {{"state", "x"}, {"unit", "nginx.service"}})), "state is \"x\"");
  says(refusal(policy, action_of("disk.free", {{"area", "logs"}}), Purpose::probe), "not marked read_only");
  says(refusal(policy, action_of("release.switch", {{"app", "shop"}, {"release", "1"}})),
       "app is \"shop\"; allowed: none");
}

TEST_CASE("a release is a folder that exists below the declared one") {
  const OwnedFolder owned;
  const std::string& folder = owned.path();
  REQUIRE(std::filesystem::create_directories(folder + "/policies/good"));
  std::ofstream(folder + "/CMakeLists.txt") << "no folder";
  const Policy policy = parse("version: 1\nreleases: {shop: {link: /srv/shop/current, folder: " + folder + "}}\n");
  const auto release = [](const std::string& name) {
    return action_of("release.switch", {{"app", "shop"}, {"release", name}});
  };
  const auto launch = policy.permit(release("policies"), Purpose::exec, 2, "a");
  REQUIRE(launch.ok());
  CHECK(std::get<BuiltIn>(launch->what).arguments ==
        Pairs{{"link", "/srv/shop/current"}, {"folder", folder}, {"release", "policies"}});
  CHECK(launch->write_paths == std::vector<std::string>{"/srv/shop"});
  for (const char* name : {"", ".", "..", "policies/good", "absent", "CMakeLists.txt", "-x", "a b"}) {
    INFO(name);
    CHECK_FALSE(refusal(policy, release(name)).empty());
  }
}

TEST_CASE("a database session is ended by pid and start, with SQL made of a number and a time") {
  const Policy policy = parse(targets);
  const auto session = [](const std::string& start, int64_t pid, const std::string& database = "main") {
    return action_of("postgres.terminate", {{"backend_start", start}, {"database", database}, {"pid", pid}});
  };
  const auto launch = policy.permit(session("2026-11-21 02:54:00.123456+01:00", 4321), Purpose::exec, 2, "a");
  if (::access("/usr/bin/psql", X_OK) == 0) {
    INFO((launch.ok() ? "" : launch.error().text()));
    REQUIRE(launch.ok());
    const auto& program = std::get<Program>(launch->what);
    CHECK(program.path == "/usr/bin/psql");
    const std::vector<std::string> before(program.arguments.begin(), program.arguments.end() - 1);
    CHECK(before == std::vector<std::string>{"-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "/run/postgresql", "-p",
                                             "5433", "-U", "admin", "-d", "shop", "-c"});
    CHECK(program.arguments.back() ==
          "DO $$DECLARE ended boolean; BEGIN SELECT pg_terminate_backend(pid) INTO ended FROM pg_stat_activity WHERE "
          "pid = 4321 "
          "AND backend_start = TIMESTAMPTZ '2026-11-21T01:54:00.123456Z'; IF ended IS NOT TRUE THEN RAISE EXCEPTION "
          "'no such "
          "session'; END IF; END$$");
    CHECK(launch->user == "admin");
  }
  const std::string good = "2026-11-21T02:54:00Z";
  for (const char* start :
       {"", "now", "2026-11-21T02:54:00", "2026-11-21T02:54:00Z' OR true --", "'; DROP TABLE x; --", "infinity"}) {
    says(refusal(policy, session(start, 4321)), "backend_start is");
  }
  for (const int64_t pid : {int64_t{-1}, int64_t{0}, int64_t{1}, int64_t{2147483648}}) {
    says(refusal(policy, session(good, pid)), "pid is");
  }
  says(refusal(policy, session(good, 2, "other")), "database is \"other\"; allowed: main");
}

TEST_CASE("without a policy nothing runs") {
  const Policy policy = Policy::deny_all();
  CHECK_FALSE(policy.execution());
  CHECK(policy.hash().size() == crypto::digest_bytes);
  says(refusal(policy, exec_of(argv_of("/bin/sleep", {"1"}))), "no command has the path /bin/sleep; allowed: none");
  says(refusal(policy, action_of("unit.restart", {{"unit", "nginx.service"}})), "allowed: none");
}

TEST_CASE("what a file leaves out has the defaults of the documentation") {
  const Policy policy = parse("version: 1\n");
  CHECK_FALSE(policy.execution());
  CHECK(policy.approvals_min() == std::array<uint32_t, 5>{1, 1, 1, 2, 0});
  CHECK(policy.rate_per_hour() == 6);
  CHECK(policy.open_at(at("2026-11-21T02:54:00Z")));
  const Policy other = parse("version: 1\nexecution: on\napprovals_min: {0: 2, 4: 3, 1: never}\nrate_per_hour: 0\n");
  CHECK(other.execution());
  CHECK(other.approvals_min() == std::array<uint32_t, 5>{2, 0, 1, 2, 3});
  CHECK(other.rate_per_hour() == 0);
}

TEST_CASE("windows are days and hours in UTC, and may go past midnight and past Sunday") {
  // 2026-11-30 is a Monday.
  const Policy work = parse("version: 1\nwindows: [\"Mon-Fri 06:00-22:00\"]\n");
  CHECK(work.open_at(at("2026-11-30T06:00:00Z")));
  CHECK(work.open_at(at("2026-12-04T21:59:59Z")));
  CHECK_FALSE(work.open_at(at("2026-11-30T05:59:59Z")));
  CHECK_FALSE(work.open_at(at("2026-12-04T22:00:00Z")));
  CHECK_FALSE(work.open_at(at("2026-12-05T12:00:00Z")));
  const Policy night = parse("version: 1\nwindows: [\"Sun 23:00-01:30\", \"Fri-Sat 00:00-24:00\"]\n");
  CHECK(night.open_at(at("2026-11-29T23:00:00Z")));
  CHECK(night.open_at(at("2026-11-30T01:29:00Z")));
  CHECK_FALSE(night.open_at(at("2026-11-30T01:30:00Z")));
  CHECK_FALSE(night.open_at(at("2026-11-29T22:59:00Z")));
  CHECK(night.open_at(at("2026-12-05T23:59:59Z")));
  CHECK_FALSE(night.open_at(at("2026-12-06T00:00:00Z")));
  const Policy around = parse("version: 1\nwindows: [\"Sat-Mon,Wed 10:00-11:00\"]\n");
  for (const char* day : {"2026-12-05", "2026-12-06", "2026-12-07", "2026-12-09"})
    CHECK(around.open_at(at(std::string(day) + "T10:30:00Z")));
  for (const char* day : {"2026-12-08", "2026-12-10"}) CHECK_FALSE(around.open_at(at(std::string(day) + "T10:30:00Z")));
  CHECK(parse("version: 1\nwindows: [\"daily 00:00-00:01\"]\n").open_at(at("1969-12-31T00:00:30Z")));
}

TEST_CASE("root is not told to use what others can exchange") {
  if (::geteuid() != 0) return;
  const OwnedFolder owned;
  const std::string& folder = owned.path();
  const Policy policy =
      parse("version: 1\ncommands: [{name: l, path: /usr/bin/ls, arguments: [{path_below: " + folder + "}]}]\n");
  const std::string made = folder + "/made-by-others";
  std::ofstream(made) << "x";
  CHECK(refusal(policy, exec_of(argv_of("/usr/bin/ls", {made}, "root"))).empty());
  REQUIRE(::chmod(made.c_str(), 0666) == 0);
  says(refusal(policy, exec_of(argv_of("/usr/bin/ls", {made}, "root"))), "may be written to by others");
  REQUIRE(::chmod(made.c_str(), 0644) == 0);
  REQUIRE(::chown(made.c_str(), 1234, 0) == 0);
  says(refusal(policy, exec_of(argv_of("/usr/bin/ls", {made}, "root"))), "belongs to user 1234");
  REQUIRE(::unlink(made.c_str()) == 0);
}

}  // namespace reeve::runner
