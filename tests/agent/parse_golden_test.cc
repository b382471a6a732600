// tests/agent/golden/NAME.in through the rules of its row below must give NAME.out, one JSON object a record.
//
// REEVE_GOLDEN_WRITE=1 writes the .out files instead; whoever does that reads the difference before committing it.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/agent/parse_lines.h"

namespace reeve::agent {

namespace {

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void check_golden(const std::string& name, const LineRules& rules, const secrets::RedactConfig& redact = {}) {
  const std::string base = std::string(REEVE_SOURCE_DIR) + "/tests/agent/golden/" + name;
  const std::string in = read_text(base + ".in");
  REQUIRE_FALSE(in.empty());
  LineRun run(rules, redact);
  run.read(in);

  std::string out;
  for (const wire::LogRow& row : run.finish()) out += row_to_json(row).dump() + "\n";

  if (std::getenv("REEVE_GOLDEN_WRITE") != nullptr) std::ofstream(base + ".out", std::ios::binary) << out;
  CHECK(out == read_text(base + ".out"));

  // The same, byte by byte.
  LineRun slow(rules, redact);
  for (const char byte : in) slow.read({&byte, 1});
  std::string slow_out;
  for (const wire::LogRow& row : slow.finish()) slow_out += row_to_json(row).dump() + "\n";
  CHECK(slow_out == out);
}

LineRules multiline(std::vector<std::string> parsers, MultilineRules::By by, std::string pattern) {
  LineRules rules = parsed_by(std::move(parsers));
  rules.multiline = MultilineRules{by, std::move(pattern)};
  return rules;
}

}  // namespace

TEST_CASE("lines of inputs without rules are found time, level and service in, and stay as they are") {
  check_golden("plain", {});
}
TEST_CASE("golden: json") {
  check_golden("json", parsed_by({"json"}));
}
TEST_CASE("golden: logfmt") {
  check_golden("logfmt", parsed_by({"logfmt"}));
}
TEST_CASE("golden: syslog") {
  check_golden("syslog", parsed_by({"syslog"}));
}
TEST_CASE("golden: cri, with pieces of both streams interleaved") {
  check_golden("cri", parsed_by({"cri"}));
}
TEST_CASE("golden: docker, with lines that were cut") {
  check_golden("docker", parsed_by({"docker"}));
}
TEST_CASE("golden: json within cri, also where it was cut in pieces") {
  check_golden("cri_json", parsed_by({"cri", "json"}));
}
TEST_CASE("golden: stack traces joined by the line that begins a record") {
  check_golden("multiline_start", multiline({}, MultilineRules::By::start, R"(^\d{4}-\d\d-\d\d)"));
}
TEST_CASE("golden: stack traces joined by the lines that go on, in the streams of a container") {
  check_golden("multiline_cri", multiline({"cri"}, MultilineRules::By::continuation, R"(^(\s|Caused by:))"));
}
TEST_CASE("golden: secrets") {
  check_golden("redact", {}, {.rules = {"card", "email"}});
}
TEST_CASE("golden: secrets in the fields of parsed lines") {
  check_golden("redact_fields", parsed_by({"json", "logfmt", "syslog"}));
}

}  // namespace reeve::agent
