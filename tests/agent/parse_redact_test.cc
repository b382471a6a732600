// Secrets: where they must not appear, what switches rules, and what the scan before the rules must not miss.
#include <catch2/catch.hpp>

#include "common/base/random.h"
#include "common/secrets/literal_scan.h"
#include "common/secrets/redact_patterns.h"
#include "tests/agent/parse_lines.h"

namespace reeve::agent {

namespace {

std::string redacted(const std::string& line, secrets::RedactConfig config = {}) {
  LineRun run({}, std::move(config));
  run.read(line + "\n");
  return run.bodies().at(0);
}

uint64_t replaced(LineRun& run, std::string_view rule) {
  for (const secrets::RedactCounters& counters : run.batcher().counters().redacted) {
    if (counters.name == rule) return counters.replaced;
  }
  return UINT64_MAX;
}

}  // namespace

TEST_CASE("neither a block's columns nor its templates and examples hold a secret") {
  LineRun run(parsed_by({"json"}));
  run.read("user=root password=hunter2secret logged in\n");
  run.read("{\"msg\":\"signed in with token=abcdef0123456789\",\"api_key\":\"key0123456789\"}\n");
  const auto rows = run.take_rows();

  REQUIRE(rows.size() == 2);
  const auto header = wire::parse_header(run.last_block());
  REQUIRE(header.ok());
  REQUIRE(header->templates.size() == 2);
  for (const wire::TemplateCount& counted : header->templates) {
    CHECK_FALSE(counted.example.empty());
    for (const char* secret : {"hunter2secret", "abcdef0123456789", "key0123456789"}) {
      CHECK(counted.example.find(secret) == std::string::npos);
      CHECK(counted.text.find(secret) == std::string::npos);
    }
  }
  CHECK(header->templates[0].example == "user=root password=[redacted:password] logged in");
}

TEST_CASE("what the journal hands on with its fields is looked at, too") {
  Batcher batcher({.host = "h"});
  wire::SourcePosition position;
  position.id = 1;
  batcher.begin_turn(Instant{0}, arrival);
  const auto source = batcher.open_source(position, "journal");
  const wire::Field fields[] = {{"token", "abcdef0123456789"}, {"_COMM", "su"}};
  batcher.record(source, "password: hunter2", {arrival, wire::Level::info, "su", fields});
  batcher.advance(source, position);
  batcher.seal_all();

  const auto rows = wire::read_log_block(batcher.take_sealed()->bytes);

  CHECK(rows->at(0).body == "password: [redacted:password]");
  CHECK(rows->at(0).fields.at(0).second == "[redacted:secret]");
  CHECK(rows->at(0).fields.at(1).second == "su");
}

TEST_CASE("rules are counted each by its own, once for each secret") {
  LineRun run(LineRules{});
  run.read("password=a1 password=b2 token=abcdef0123456789\nnothing\n");

  CHECK(replaced(run, "password") == 2);
  CHECK(replaced(run, "secret") == 1);
  CHECK(replaced(run, "jwt") == 0);
  CHECK(replaced(run, "card") == UINT64_MAX);
}

TEST_CASE("rules can be switched off and on") {
  CHECK(redacted("password=hunter2", {.off = {"password"}}) == "password=hunter2");
  CHECK(redacted("4111 1111 1111 1111") == "4111 1111 1111 1111");
  CHECK(redacted("4111 1111 1111 1111", {.rules = {"card"}}) == "[redacted:card]");
  CHECK(redacted("4111-1111-1111-1111", {.rules = {"card"}}) == "[redacted:card]");
  CHECK(redacted("4111 1111 1111 1112", {.rules = {"card"}}) == "4111 1111 1111 1112");
  CHECK(redacted("to ann@example.org", {.rules = {"email"}}) == "to [redacted:email]");
}

TEST_CASE("a pattern of one's own replaces what its groups cover, or all of it") {
  CHECK(redacted("id 123-45-6789 x", {.patterns = {{"ssn", R"(\d{3}-\d{2}-\d{4})", {}}}}) == "id [redacted:ssn] x");
  CHECK(redacted("user=ann x", {.patterns = {{"user", R"(user=(\w+))", "***"}}}) == "user=*** x");
  CHECK(redacted("aaa", {.patterns = {{"empty", "b*", {}}}}) == "aaa");
}

TEST_CASE("a pattern of one's own is looked for in values of fields, anchored or not") {
  const std::string line = "{\"msg\":\"m\",\"a\":\"4711\",\"b\":\"x4711\",\"c\":\"\\u0034711\"}\n";
  for (const auto& [pattern, b] : {std::pair("^4711$", "x4711"), std::pair("4711", "x[redacted:own]")}) {
    LineRun run(parsed_by({"json"}), {.patterns = {{"own", pattern, {}}}});
    run.read(line);
    const auto rows = run.take_rows();
    CHECK(field_of(rows.at(0), "a") == "[redacted:own]");
    CHECK(field_of(rows.at(0), "b") == b);
    CHECK(field_of(rows.at(0), "c") == "[redacted:own]");
  }
}

TEST_CASE("check digits of payment cards") {
  CHECK(secrets::passes_luhn("4111 1111 1111 1111"));
  CHECK(secrets::passes_luhn("378282246310005"));
  CHECK_FALSE(secrets::passes_luhn("4111111111111112"));
  CHECK_FALSE(secrets::passes_luhn("0"));
}

TEST_CASE("ten thousand secrets in one line are replaced in one pass") {
  std::string line;
  std::string expected;
  for (int i = 0; i < 10'000; ++i) {
    line += "password=secret" + std::to_string(i) + " ";
    expected += "password=[redacted:password] ";
  }

  CHECK(redacted(line) == expected);
}

TEST_CASE("a private key over several lines is gone with its last one, and a line that is none ends it") {
  LineRun run(LineRules{});
  const std::string inside(64, 'A');
  run.read("app: -----BEGIN EC PRIVATE KEY-----\napp: " + inside + "\napp: " + inside + "\nINFO go on " + inside +
           " end\n" + inside + "\n");

  CHECK(run.bodies() == std::vector<std::string>{"app: [redacted:private_key]", "app: [redacted:private_key]",
                                                 "app: [redacted:private_key]", "INFO go on " + inside + " end",
                                                 inside});
}

TEST_CASE("any bytes may be looked at for secrets") {
  SeededRandom random(7);
  const std::string parts[] = {"password", "=",   "\"", "\\",         "token", ":",
                               "eyJ",      "://", "@",  "-----BEGIN", "\0x",   "%3D"};
  for (int i = 0; i < 2'000; ++i) {
    std::string line;
    for (uint64_t n = random.below(12); n > 0; --n) {
      line += parts[random.below(std::size(parts))];
      line += static_cast<char>(random.below(256));
    }
    std::erase(line, '\n');
    const std::string clean = redacted(line, {.rules = {"card", "email"}});
    CHECK(clean.size() <= line.size() * 24 + 1);
  }
}

TEST_CASE("the scan finds a literal at every place of texts of every length, whatever the machine's width") {
  const secrets::LiteralScan scan({{"needle", 2, 0, false, 1}, {"pin", 0, 7, true, 2}});
  for (size_t size = 3; size <= 80; ++size) {
    for (size_t at = 0; at + 3 <= size; ++at) {
      std::string text(size, '.');
      text.replace(at, 3, "PiN");
      size_t found_end = 0;
      const bool found = scan.any(text, [&found_end](uint8_t kind, size_t end) {
        found_end = end;
        return kind == 2;
      });
      CHECK(found);
      CHECK(found_end == at + 3);
      CHECK(scan.any(text, [](uint8_t, size_t) { return false; }) == false);
    }
    std::string text(size, 'n');
    CHECK_FALSE(scan.any(text, [](uint8_t, size_t) { return true; }));
    if (size < 6) continue;
    text.replace(size - 6, 6, "needle");
    CHECK(scan.any(text, [](uint8_t kind, size_t) { return kind == 1; }));
    text.replace(size - 6, 6, "NEEDLE");
    CHECK_FALSE(scan.any(text, [](uint8_t, size_t) { return true; }));
  }
  CHECK_FALSE(scan.any("", [](uint8_t, size_t) { return true; }));
}

}  // namespace reeve::agent
