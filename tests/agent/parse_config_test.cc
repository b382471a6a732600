// The keys of a configuration that say what becomes of lines.
#include <catch2/catch.hpp>

#include "agent/config.h"
#include "agent/parse/table.h"

namespace reeve::agent {

namespace {

std::string complaint(std::string_view text) {
  const auto config = parse_agent_config("agent.yaml", text);
  return config.ok() ? "" : config.error().text();
}

std::string of_input(const std::string& keys) {
  return "inputs:\n- type: file\n  include: [/a]\n  " + keys + "\n";
}

}  // namespace

TEST_CASE("an input's rules for lines are read, and inputs without any share the first") {
  const auto config = parse_agent_config("agent.yaml", R"(
redact:
  rules: [card]
  off: [jwt]
  patterns:
    - {name: ssn, pattern: '\d{3}-\d{2}-\d{4}', replace: '***'}
    - {name: mark, pattern: 'x+'}
inputs:
  - {type: file, include: [/plain]}
  - type: file
    include: [/a]
    parse: [cri, json, "lua:shop"]
    multiline: {start: '^\d', timeout: 2s, lines_max: 10, bytes_max: 4KiB}
    keep_original: true
  - {type: file, include: [/b], multiline: {continuation: '^\s'}}
)");

  if (!config.ok()) FAIL(config.error().text());
  CHECK(config->inputs.file.at(0).line_rules == 0);
  CHECK(config->inputs.file.at(1).line_rules == 1);
  CHECK(config->inputs.file.at(2).line_rules == 2);
  REQUIRE(config->line_rules.size() == 3);
  CHECK(config->line_rules[0].plain());
  const LineRules& rules = config->line_rules[1];
  CHECK(rules.parse == std::vector<std::string>{"cri", "json", "lua:shop"});
  CHECK(rules.multiline->by == MultilineRules::By::start);
  CHECK(rules.multiline->pattern == "^\\d");
  CHECK(rules.hold.timeout == 2s);
  CHECK(rules.hold.lines_max == 10);
  CHECK(rules.hold.bytes_max == 4_KiB);
  CHECK(rules.keep_original);
  CHECK(config->line_rules[2].multiline->by == MultilineRules::By::continuation);
  CHECK(config->redact.rules == std::vector<std::string>{"card"});
  CHECK(config->redact.off == std::vector<std::string>{"jwt"});
  CHECK(config->redact.patterns.at(0).replace == "***");
  CHECK_FALSE(config->redact.patterns.at(1).replace.has_value());
}

TEST_CASE("what is wrong with a rule for lines is told with its place and what is allowed") {
  CHECK(complaint(of_input("parse: [js on]")) ==
        "agent.yaml:4:10: inputs[0].parse has \"js on\"; allowed: cri, docker, json, logfmt, syslog, and names of Lua "
        "parsers (letters, digits, _ and -, at most 128)");
  CHECK(complaint(of_input("parse: [json, json]")) == "agent.yaml:4:10: inputs[0].parse names \"json\" twice");
  CHECK(complaint(of_input("multiline: {}")) ==
        "agent.yaml:4:14: inputs[0].multiline has neither start nor continuation; allowed: one of them");
  CHECK(complaint(of_input("multiline: {start: a, continuation: b}")).find("has both start and continuation") !=
        std::string::npos);
  CHECK(complaint(of_input("multiline: {start: '('}")) ==
        "agent.yaml:4:22: inputs[0].multiline.start is no regular expression in RE2's syntax: missing ): (");
  CHECK(complaint(of_input("multiline: {start: a, timeout: 99ms}")).find("allowed: a duration from 100ms to 1m") !=
        std::string::npos);
  CHECK(complaint(of_input("multiline: {start: a, lines_max: 1}")).find("from 2 to 10000") != std::string::npos);
  CHECK(complaint(of_input("multiline: {start: a, bytes_max: 2MiB}")).find("from 1KiB to 1MiB") != std::string::npos);
}

TEST_CASE("what is wrong with a rule for secrets is told with its place and what is allowed") {
  CHECK(complaint("redact: {rules: [jwt]}\n") == "agent.yaml:1:17: redact.rules has \"jwt\"; allowed: card, email");
  CHECK(complaint("redact: {off: [all]}\n").find("redact.off has \"all\"; allowed: private_key, aws_key, jwt") !=
        std::string::npos);
  CHECK(complaint("redact: {patterns: [{pattern: x}]}\n").find("name is missing") != std::string::npos);
  CHECK(complaint("redact: {patterns: [{name: a b, pattern: x}]}\n").find("name is \"a b\"") != std::string::npos);
  CHECK(complaint("redact: {patterns: [{name: a}]}\n").find("pattern is missing") != std::string::npos);
  CHECK(complaint("redact: {patterns: [{name: a, pattern: '['}]}\n").find("is no regular expression") !=
        std::string::npos);
}

TEST_CASE("each parser in the table has a name that a configuration may use, and one sentence") {
  for (const ParserKind& kind : parser_kinds()) {
    CHECK(is_parser_name(kind.name));
    CHECK(kind.summary.ends_with('.'));
    CHECK(find_parser_kind(kind.name) == &kind);
  }
  CHECK(find_parser_kind("nginx") == nullptr);
  CHECK(is_parser_name("lua:nginx"));
  CHECK_FALSE(is_parser_name("lua:"));
  CHECK_FALSE(is_parser_name("a/b"));
  CHECK_FALSE(is_parser_name(""));
}

}  // namespace reeve::agent
