#include "agent/parse/line_parser.h"

#include <catch2/catch.hpp>

namespace reeve::agent {

namespace {

using wire::Level;

WallTime at(std::string_view text) {
  return parse_rfc3339(text).value();
}

const WallTime arrival = at("2026-11-21T12:00:00Z");

struct TimeCase {
  std::string_view line;
  std::string_view time;  // empty: none is found
};

std::string shown(const ParsedLine& parsed) {
  return parsed.time_found ? format_rfc3339(parsed.time) : "";
}

}  // namespace

TEST_CASE("a time is found in the shapes that programs write") {
  const TimeCase cases[] = {
      {"2026-03-01T00:00:00Z up", "2026-03-01T00:00:00Z"},
      {"2026-03-01T00:00:00.123Z up", "2026-03-01T00:00:00.123Z"},
      {"2026-03-01T00:00:00.123456789Z up", "2026-03-01T00:00:00.123456789Z"},
      {"2026-03-01T00:00:00.1234567891Z up", "2026-03-01T00:00:00.123456789Z"},
      {"2026-03-01T00:00:00+02:00 up", "2026-02-28T22:00:00Z"},
      {"2026-03-01T00:00:00-0330 up", "2026-03-01T03:30:00Z"},
      {"2026-03-01T00:00:00+02 up", "2026-02-28T22:00:00Z"},
      {"2026-03-01 00:00:00,123 up", "2026-03-01T00:00:00.123Z"},
      {"2026-03-01 00:00:00 +0200 up", "2026-02-28T22:00:00Z"},
      {"2026-03-01 00:00:00 -12 degrees", "2026-03-01T00:00:00Z"},
      {"[2026-03-01 00:00:00] up", "2026-03-01T00:00:00Z"},
      {"2026/03/01 00:00:00 [error] 12#12: x", "2026-03-01T00:00:00Z"},
      {"2026-03-01T23:59:60Z leap", "2026-03-02T00:00:00Z"},
      {"Mar  1 01:02:03 web-1 sshd[42]: x", "2026-03-01T01:02:03Z"},
      {"Mar 01 01:02:03 web-1 sshd[42]: x", "2026-03-01T01:02:03Z"},
      {"Nov 21 12:00:01 web-1 sshd[42]: x", "2026-11-21T12:00:01Z"},
      {"Dec 31 23:59:59 web-1 sshd[42]: x", "2025-12-31T23:59:59Z"},
      {"Feb 29 00:00:00 web-1 sshd[42]: x", "2024-02-29T00:00:00Z"},
      {"<34>Mar  1 01:02:03 web-1 su: x", "2026-03-01T01:02:03Z"},
      {R"(10.0.0.1 - - [01/Mar/2026:01:02:03 +0000] "GET / HTTP/1.1" 200 5)", "2026-03-01T01:02:03Z"},
      {R"(10.0.0.1 - user [01/Mar/2026:01:02:03 +0100] "GET / HTTP/1.1" 200 5)", "2026-03-01T00:02:03Z"},
      {"[Sun Mar 01 01:02:03 2026] [error] x", "2026-03-01T01:02:03Z"},
      {"[Sun Mar 01 01:02:03.654321 2026] [core:error] x", "2026-03-01T01:02:03.654321Z"},
      {"260301 010203 143 INFO dfs.DataNode: x", "2026-03-01T01:02:03Z"},
      {"26/03/01 01:02:03 INFO executor: x", "2026-03-01T01:02:03Z"},
      {"20260301T010203Z up", "2026-03-01T01:02:03Z"},
      {"20260301 01:02:03 up", "2026-03-01T01:02:03Z"},
      {"20260301-01:02:03:606|Step_LSC|x", "2026-03-01T01:02:03.606Z"},
      {"1772326923 up", "2026-03-01T01:02:03Z"},
      {"1772326923.5 up", "2026-03-01T01:02:03.500Z"},
      {"1772326923123 up", "2026-03-01T01:02:03.123Z"},
      {"1772326923123456 up", "2026-03-01T01:02:03.123456Z"},
      {"1772326923123456789 up", "2026-03-01T01:02:03.123456789Z"},
      {"INFO 2026-03-01 01:02:03,5 up", "2026-03-01T01:02:03.500Z"},
      {"worker-1 INFO [2026-03-01 01:02:03] up", "2026-03-01T01:02:03Z"},
      {R"({"ts":"2026-03-01T01:02:03.5Z","msg":"x"})", "2026-03-01T01:02:03.500Z"},
      {R"({"msg":"a \"quoted\" {brace}","time":1772326923123})", "2026-03-01T01:02:03.123Z"},
      {R"({"a":{"ts":"2001-01-01T00:00:00Z"},"@timestamp" : "2026-03-01T01:02:03Z"})", "2026-03-01T01:02:03Z"},
      {R"({"list":[1,"]",{"x":2}],"timestamp":1772326923.25})", "2026-03-01T01:02:03.250Z"},
  };
  LineParser parser;

  for (const TimeCase& each : cases) {
    INFO(each.line);
    CHECK(shown(parser.parse(each.line, arrival)) == each.time);
    // Once more, from what the parser remembers of the line before.
    CHECK(shown(parser.parse(each.line, arrival)) == each.time);
  }
}

TEST_CASE("what only looks like a time is left alone, and the arrival stands in") {
  const std::string_view lines[] = {
      "",
      "x",
      "2026-13-01T00:00:00Z month 13",
      "2026-02-29T00:00:00Z no leap year",
      "2026-03-01T24:00:00Z hour 24",
      "2026-03-01T00:60:00Z minute 60",
      "2026-03-01",
      "2026-03-01T00:00",
      "Mar 32 01:02:03 host x: y",
      "Mar  0 01:02:03 host x: y",
      "Foo  1 01:02:03 host x: y",
      "999999 999999 numbers",
      "12345678901 eleven digits",
      "1772326923abc an id",
      "17723269231234567890 twenty digits",
      "9999999999999999999 beyond 64 bits",
      "99/99/9999:99:99:99",
      "10.0.0.1 - - [99/Mar/2026:01:02:03 +0000] x",
      R"({"ts":"yesterday"})",
      R"({"ts":{"nested":"2026-03-01T01:02:03Z"}})",
      R"({"ts":)",
      R"({"ts":"2026-03-01T01:02:03Z)",
  };
  LineParser parser;

  for (const std::string_view line : lines) {
    INFO(line);
    const ParsedLine parsed = parser.parse(line, arrival);
    CHECK_FALSE(parsed.time_found);
    CHECK(parsed.time == arrival);
    CHECK_FALSE(parsed.time_suspect);
  }
}

TEST_CASE("a time far ahead of the arrival or before 1971 is not believed") {
  LineParser parser;

  const ParsedLine day_ahead = parser.parse("2026-11-22T12:00:00Z x", arrival);
  const ParsedLine beyond = parser.parse("2026-11-22T12:00:00.000000001Z x", arrival);
  const ParsedLine old = parser.parse("1971-01-01T00:00:00Z x", arrival);
  const ParsedLine unset_clock = parser.parse("1970-01-01T00:00:07Z x", arrival);

  CHECK(day_ahead.time == at("2026-11-22T12:00:00Z"));
  CHECK_FALSE(day_ahead.time_suspect);
  CHECK(beyond.time == arrival);
  CHECK(beyond.time_suspect);
  CHECK(old.time == at("1971-01-01T00:00:00Z"));
  CHECK(unset_clock.time == arrival);
  CHECK(unset_clock.time_suspect);
}

TEST_CASE("a time without a year is the latest that is at most a day ahead") {
  LineParser parser;
  const WallTime new_year = at("2027-01-01T00:00:10Z");

  CHECK(parser.parse("Dec 31 23:59:59 h x: y", new_year).time == at("2026-12-31T23:59:59Z"));
  CHECK(parser.parse("Jan  1 00:00:09 h x: y", new_year).time == at("2027-01-01T00:00:09Z"));
  CHECK(parser.parse("Jan  1 18:00:00 h x: y", new_year).time == at("2027-01-01T18:00:00Z"));
  CHECK(parser.parse("Jan  3 00:00:00 h x: y", new_year).time == at("2026-01-03T00:00:00Z"));
  // The same text a year later is another time.
  CHECK(parser.parse("Jan  3 00:00:00 h x: y", at("2027-01-03T00:00:00Z")).time == at("2027-01-03T00:00:00Z"));
}

TEST_CASE("a time without a zone is in the given zone, asked once an hour") {
  int asked = 0;
  LineParser parser([&asked](WallTime) {
    ++asked;
    return Duration(2h);
  });

  CHECK(parser.parse("2026-03-01 12:00:00 x", arrival).time == at("2026-03-01T10:00:00Z"));
  CHECK(parser.parse("2026-03-01 12:59:59 x", arrival).time == at("2026-03-01T10:59:59Z"));
  CHECK(asked == 1);
  CHECK(parser.parse("2026-03-01 12:00:00Z x", arrival).time == at("2026-03-01T12:00:00Z"));
  CHECK(parser.parse("Mar  1 12:00:00 h x: y", arrival).time == at("2026-03-01T10:00:00Z"));
  CHECK(parser.parse("260301 120000 1 INFO x", arrival).time == at("2026-03-01T10:00:00Z"));
}

TEST_CASE("a level is found where levels stand") {
  struct LevelCase {
    std::string_view line;
    Level level;
  };
  const LevelCase cases[] = {
      {"2026-03-01T00:00:00Z INFO up", Level::info},
      {"2026-03-01T00:00:00Z info up", Level::info},
      {"2026-03-01 00:00:00,123 - WARN  [main] x", Level::warn},
      {"2026-03-01 00:00:00,123 WARNING x", Level::warn},
      {"2026/03/01 00:00:00 [error] 12#12: x", Level::error},
      {"[Sun Mar 01 01:02:03 2026] [notice] x", Level::info},
      {"ERROR: it broke", Level::error},
      {"error: it broke", Level::error},
      {"Error: it broke", Level::error},
      {"time=x level=warn msg=y", Level::warn},
      {"time=x lvl=dbg msg=y", Level::debug},
      {"severity=CRITICAL msg=y", Level::fatal},
      {"level=\"error\" msg=y", Level::error},
      {"<11>Mar  1 01:02:03 web-1 app: x", Level::error},
      {"<15>Mar  1 01:02:03 web-1 app: x", Level::debug},
      {"<0>kernel panic", Level::fatal},
      {"W0301 00:00:00.000000   12 x.go:1] y", Level::warn},
      {"E0301 00:00:00.000000   12 x.go:1] y", Level::error},
      {"260301 010203 143 FATAL dfs.DataNode: x", Level::fatal},
      {"main |TRACE| x", Level::trace},
      {R"({"level":"error","msg":"x"})", Level::error},
      {R"({"severity":"Informational"})", Level::info},
      {R"({"lvl":"E"})", Level::error},
      {R"({"level":50,"msg":"x"})", Level::error},
      {R"({"level":10})", Level::trace},
      {R"({"level":"strange"})", Level::unset},
      {R"({"level":55})", Level::unset},
      {"no error was found", Level::unset},
      {"GET /ERROR HTTP/1.1", Level::unset},
      {"MY_ERROR_CODE is 7", Level::unset},
      {"INFORMATIVE text", Level::unset},
      {"<999>x", Level::unset},
      {"<12x", Level::unset},
  };
  LineParser parser;

  for (const LevelCase& each : cases) {
    INFO(each.line);
    CHECK(wire::to_string(parser.parse(each.line, arrival).level) == wire::to_string(each.level));
  }
}

TEST_CASE("a level beyond the first hundred bytes is not looked for") {
  LineParser parser;

  CHECK(parser.parse(std::string(LineParser::level_bytes_max - 1, ' ') + "ERROR", arrival).level == Level::error);
  CHECK(parser.parse(std::string(LineParser::level_bytes_max, ' ') + "ERROR", arrival).level == Level::unset);
}

TEST_CASE("the service is syslog's tag or the member of that name") {
  struct ServiceCase {
    std::string_view line;
    std::string_view service;
  };
  const ServiceCase cases[] = {
      {"Mar  1 01:02:03 web-1 sshd[42]: x", "sshd"},
      {"Mar  1 01:02:03 web-1 postfix/smtpd[42]: x", "postfix/smtpd"},
      {"Mar  1 01:02:03 web-1 kernel: x", "kernel"},
      {"Mar  1 01:02:03 kernel: x", "kernel"},
      {"2026-03-01T00:00:00.123456+00:00 web-1 cron[7]: x", "cron"},
      {"2026-03-01T00:00:00Z INFO main: x", ""},
      {"Mar  1 01:02:03 web-1 no tag here", ""},
      {"Mar  1 01:02:03", ""},
      {R"({"service":"cart","level":"info"})", "cart"},
      {R"({"service":{"name":"cart"}})", ""},
  };
  LineParser parser;

  for (const ServiceCase& each : cases) {
    INFO(each.line);
    CHECK(parser.parse(each.line, arrival).service == each.service);
  }
}

TEST_CASE("any prefix and any byte changed of a good line is parsed without harm") {
  const std::string_view lines[] = {
      "<34>Mar  1 01:02:03 web-1 sshd[42]: level=warn x",
      R"(10.0.0.1 - - [01/Mar/2026:01:02:03 +0000] "GET / HTTP/1.1" 200 5)",
      R"({"ts":"2026-03-01T01:02:03.5Z","a":[1,{"b":"\\"}],"level":"warn","service":"x"})",
      "[Sun Mar 01 01:02:03.654321 2026] [core:error] x",
      "20260301-01:02:03:606|Step_LSC|x",
      "2026-03-01 00:00:00,123 +02:00 ERROR x",
  };
  LineParser parser;

  for (const std::string_view line : lines) {
    for (size_t end = 0; end <= line.size(); ++end) parser.parse(std::string(line.substr(0, end)), arrival);
    for (size_t i = 0; i < line.size(); ++i) {
      for (const char c : {'\0', ' ', '9', ':', '"', '\\', '[', '\xff'}) {
        std::string changed(line);
        changed[i] = c;
        const ParsedLine parsed = parser.parse(changed, arrival);
        CHECK(parsed.time <= arrival + LineParser::ahead_max);
      }
    }
  }
}

}  // namespace reeve::agent
