// Words to commands, and the exact texts of refusals.
#include "cli/args.h"

#include "tests/cli/fake_world.h"

using namespace reeve;
using namespace reeve::cli;

namespace {

template <typename Options>
Options parse(const std::vector<std::string>& arguments) {
  const Result<Command> command = parse_args(arguments, test_now);
  INFO((command ? "" : command.error().text()));
  REQUIRE(command.ok());
  REQUIRE(std::holds_alternative<Options>(*command));
  return std::get<Options>(*command);
}

std::string refusal(const std::vector<std::string>& arguments) {
  const Result<Command> command = parse_args(arguments, test_now);
  REQUIRE_FALSE(command.ok());
  CHECK(command.error().code() == Code::invalid);
  return command.error().text();
}

}  // namespace

TEST_CASE("a search takes texts, patterns and filters") {
  const auto options =
      parse<LogsOptions>({"logs", "refused", "a b", "--regex", "x+", "--regex=y", "--service", "nginx", "--host",
                          "web-1", "--source", "/var/log/syslog", "--level", "warn", "-i", "-n", "7"});

  CHECK(options.filter.texts == std::vector<std::string>{"refused", "a b"});
  CHECK(options.filter.regexes == std::vector<std::string>{"x+", "y"});
  CHECK(options.filter.service == "nginx");
  CHECK(options.filter.host == "web-1");
  CHECK(options.filter.source == "/var/log/syslog");
  CHECK(options.filter.level == "warn");
  CHECK(options.filter.ignore_case);
  CHECK(options.rows_max == 7);
  CHECK_FALSE(options.follow);
}

TEST_CASE("a text after two dashes may look like an option") {
  CHECK(parse<LogsOptions>({"logs", "--", "--verbose"}).filter.texts == std::vector<std::string>{"--verbose"});
}

TEST_CASE("a text that is also a command's name is a text") {
  const auto options = parse<LogsOptions>({"logs", "status", "metrics"});

  CHECK(options.filter.texts == std::vector<std::string>{"status", "metrics"});
}

TEST_CASE("times are handed on in the API's form") {
  CHECK(parse<LogsOptions>({"logs", "--since", "15m"}).filter.from == "-15m");
  CHECK(parse<LogsOptions>({"logs", "--from", "-15m"}).filter.from == "-15m");
  CHECK(parse<LogsOptions>({"logs", "--from", "10:30"}).filter.from == "2026-11-21T10:30:00Z");
  CHECK(parse<LogsOptions>({"logs", "--to", "2026-11-20"}).filter.to == "2026-11-20T00:00:00Z");
  CHECK(parse<MetricsListOptions>({"metrics", "--since", "2h"}).filter.from == "-2h");
}

TEST_CASE("following begins with ten lines and can begin with none") {
  CHECK(parse<LogsOptions>({"logs", "-f"}).rows_max == 10);
  CHECK(parse<LogsOptions>({"logs", "-f", "-n", "0"}).rows_max == 0);
}

TEST_CASE("a metric's name makes the difference between list and curve") {
  CHECK(parse<MetricsListOptions>({"metrics", "--match", "cpu"}).filter.match == "cpu");

  const auto curve = parse<MetricsQueryOptions>({"metrics", "system.cpu.time", "--label", "host:web-1", "--label",
                                                 "path:c:/x", "--step", "30s", "--agg", "rate"});
  CHECK(curve.filter.name == "system.cpu.time");
  CHECK(curve.filter.labels == Labels{{"host", "web-1"}, {"path", "c:/x"}});
  CHECK(curve.step == "30s");
  CHECK(curve.agg == "rate");
}

TEST_CASE("agents alone lists them") {
  CHECK(parse<AgentsListOptions>({"agents", "--json"}).json);
  CHECK(parse<AgentsListOptions>({"agents", "list", "--json"}).json);
  CHECK(parse<AgentsTokenOptions>({"agents", "token", "--valid-for", "10m"}).valid_for == "10m");
  CHECK(parse<AgentsRevokeOptions>({"agents", "revoke", "web-1"}).agent == "web-1");
}

TEST_CASE("a fingerprint is 64 hex digits behind its algorithm") {
  const std::string hex(64, 'A');
  const std::vector<std::string> words = {"login", "https://x:1", "--key-file", "k", "--ca-fingerprint"};
  const auto with = [&](const std::string& value) {
    std::vector<std::string> all = words;
    all.push_back(value);
    return all;
  };

  CHECK(parse<LoginOptions>(with("sha256:" + hex)).ca_fingerprint == std::string(64, 'a'));
  CHECK(parse<LoginOptions>(with("sha256:AA:" + hex.substr(2))).ca_fingerprint == std::string(64, 'a'));
  CHECK(refusal(with(hex)) == "login: --ca-fingerprint is \"" + hex + "\"; allowed is sha256: and 64 hex digits");
  CHECK(refusal(with("sha256:abcd")) ==
        "login: --ca-fingerprint is \"sha256:abcd\"; allowed is sha256: and 64 hex digits");
  CHECK(refusal(with("md5:" + hex)) ==
        "login: --ca-fingerprint is \"md5:" + hex + "\"; allowed is sha256: and 64 hex digits");
}

TEST_CASE("a refusal says where, what was found and what is allowed") {
  CHECK(refusal({"lgos"}) ==
        "there is no command \"lgos\"; there are login, status, agents, logs, metrics, audit, keys, plan, "
        "approve, run, stop, rollback, keep, receipts, fixes; see: reeve --help");
  CHECK(refusal({"agents", "revok"}) ==
        "agents: there is no command \"revok\"; there are list, token, revoke; see: reeve agents --help");
  CHECK(refusal({"--bogus"}) == "there is no option --bogus; see: reeve --help");
  CHECK(refusal({"logs", "--servce", "x"}) == "logs: there is no option --servce; see: reeve logs --help");
  CHECK(refusal({"logs", "--limit"}) == "logs: --limit wants a value; see: reeve logs --help");
  CHECK(refusal({"logs", "--service", "a", "--service", "b"}) ==
        "logs: --service stands more than once; see: reeve logs --help");
  CHECK(refusal({"logs", "--json=maybe"}) == "logs: --json takes no value; see: reeve logs --help");
  CHECK(refusal({"status", "extra"}) == "status: \"extra\" is one word too many; see: reeve status --help");
  CHECK(refusal({"agents", "revoke"}) == "agents revoke: AGENT is missing; see: reeve agents revoke --help");
  CHECK(refusal({"login", "https://x"}) == "login: --key-file is missing; see: reeve login --help");
}

TEST_CASE("a value out of its bounds is refused at the bound") {
  CHECK(parse<LogsOptions>({"logs", "--limit", "1"}).rows_max == 1);
  CHECK(parse<LogsOptions>({"logs", "--limit", "1000000"}).rows_max == 1'000'000);
  CHECK(refusal({"logs", "--limit", "0"}) == "logs: --limit is \"0\"; allowed is a whole number from 1 to 1000000");
  CHECK(refusal({"logs", "--limit", "1000001"}) ==
        "logs: --limit is \"1000001\"; allowed is a whole number from 1 to 1000000");
  CHECK(refusal({"logs", "--limit", "-1"}) == "logs: --limit is \"-1\"; allowed is a whole number from 1 to 1000000");
  CHECK(refusal({"logs", "--limit", "12x"}) == "logs: --limit is \"12x\"; allowed is a whole number from 1 to 1000000");

  CHECK(parse<AgentsTokenOptions>({"agents", "token", "--valid-for", "1h"}).valid_for == "1h");
  CHECK(refusal({"agents", "token", "--valid-for", "61m"}) ==
        "agents token: --valid-for is \"61m\"; allowed is a length of time from 1s to 1h, such as 30s, 15m or 2h");
  CHECK(refusal({"metrics", "x", "--step", "999ms"}) ==
        "metrics: --step is \"999ms\"; allowed is a length of time from 1s to 30d, such as 30s, 15m or 2h");
}

TEST_CASE("wrong levels, times, labels, shapes and aggregations are named") {
  CHECK(refusal({"logs", "--level", "warning"}) ==
        "logs: --level is \"warning\"; allowed is one of trace, debug, info, warn, error, fatal");
  CHECK(refusal({"logs", "--from", "yesterday"}) ==
        "logs: --from is \"yesterday\"; allowed is how long ago (15m, 2h, 7d), a time of today (10:30), a day "
        "(2026-11-21), or both (2026-11-21T10:30Z)");
  CHECK(refusal({"logs", "--since", "10:30"}) ==
        "logs: --since is \"10:30\"; allowed is a length of time such as 15m, 2h or 7d");
  CHECK(refusal({"logs", "--template", "xyz"}) == "logs: --template is \"xyz\"; allowed is 32 hex digits");
  CHECK(refusal({"metrics", "x", "--label", "host=web-1"}) ==
        "metrics: --label is \"host=web-1\"; allowed is KEY:VALUE, such as host:web-1");
  CHECK(refusal({"metrics", "x", "--agg", "median"}) ==
        "metrics: --agg is \"median\"; allowed is one of avg, min, max, sum, last, count, rate");
}

TEST_CASE("options that contradict one another are refused together") {
  CHECK(refusal({"logs", "--since", "1h", "--from", "10:30"}) ==
        "logs: --since and --from both say where to begin; give one of them");
  CHECK(refusal({"logs", "-f", "--to", "now"}) == "logs: --to cannot stand beside --follow, which has no end");
  CHECK(refusal({"metrics", "--step", "5m"}) ==
        "metrics: --step and --agg shape a curve, which needs the NAME of a metric");
  CHECK(refusal({"metrics", "x", "--match", "y"}) ==
        "metrics: --match lists what there is and cannot stand beside a NAME");
}

TEST_CASE("an escape sequence in a word does not reach the terminal") {
  CHECK(refusal({"logs", "--limit", "\x1b[31m"}).find('\x1b') == std::string::npos);
  CHECK(refusal({"\x1b[31m"}).find('\x1b') == std::string::npos);
}

TEST_CASE("help and version are answers, not errors") {
  CHECK(parse<Answer>({"--version"}).text == "reeve 0.1.0\n");
  CHECK(parse<Answer>({}).text.find("reeve logs --follow") != std::string::npos);

  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{},
                                                                                     {"login"},
                                                                                     {"status"},
                                                                                     {"agents"},
                                                                                     {"agents", "list"},
                                                                                     {"agents", "token"},
                                                                                     {"agents", "revoke"},
                                                                                     {"logs"},
                                                                                     {"metrics"}}) {
    std::vector<std::string> asked = words;
    asked.emplace_back("--help");
    CHECK(parse<Answer>(asked).text.find("Examples:\n  reeve ") != std::string::npos);
  }
}

TEST_CASE("bad usage ends with 2 and touches nothing") {
  FakeWorld fake;

  CHECK(fake.run({"logs", "--limit", "x"}) == 2);

  CHECK(fake.screen.out.empty());
  CHECK(fake.screen.err == "logs: --limit is \"x\"; allowed is a whole number from 1 to 1000000\n");
}
