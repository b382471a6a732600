#include <catch2/catch.hpp>

#include "agent/lua/script.h"
#include "agent/lua/time_format.h"

using namespace reeve;
using namespace reeve::agent;

namespace {

constexpr WallTime arrival{1'772'323'200'000'000'000};  // 2026-03-01T00:00:00Z

// A script, and the draft of the last line it saw.
struct Run {
  std::unique_ptr<lua::Script> script;
  Draft draft;
  std::vector<std::string> emitted;
  std::vector<std::string> emitted_levels;

  explicit Run(const std::string& body) {
    auto loaded = lua::Script::load("test.lua", "return {parse = function(record) " + body + "\nend}", {}, {});
    if (!loaded.ok()) FAIL(loaded.error().text());
    script = std::move(*loaded);
  }

  ParseResult parse(BytesView line) {
    draft.begin(line, arrival);
    return again();
  }
  ParseResult again() {
    return script->parse(draft, [this](Draft& further) {
      emitted.emplace_back(further.body());
      emitted_levels.emplace_back(wire::to_string(further.level));
    });
  }
  std::string field(BytesView key) const { return std::string(draft.field(key).value_or("(none)")); }
};

}  // namespace

TEST_CASE("fields take texts, numbers and booleans") {
  Run run("record.a, record.b, record.c, record.d = 'x', 200, 1.5, true record['a.b'] = 1 << 40");

  CHECK(run.parse("line") == ParseResult::parsed);
  CHECK(run.field("a") == "x");
  CHECK(run.field("b") == "200");
  CHECK(run.field("c") == "1.5");
  CHECK(run.field("d") == "true");
  CHECK(run.field("a.b") == "1099511627776");
}

TEST_CASE("time, level, service and body are typed") {
  Run run("record.level = 'WARNING' record.service = 'cart' record.body = 'short' record.time = 5");

  CHECK(run.parse("line") == ParseResult::parsed);
  CHECK(run.draft.level == wire::Level::warn);
  CHECK(run.draft.service == "cart");
  CHECK(run.draft.body() == "short");
  CHECK(run.draft.line() == "line");
  CHECK(run.draft.time == WallTime{5});
}

TEST_CASE("what earlier parsers found can be read, and what is not there is nil") {
  Run run("record.copy = record.level .. record.service .. record.status .. tostring(record.nothing) .. record.body");
  run.draft.begin("line", arrival);
  run.draft.level = wire::Level::error;
  run.draft.service = "cart";
  run.draft.set_field("status", "500");

  CHECK(run.again() == ParseResult::parsed);
  CHECK(run.field("copy") == "errorcart500nilline");
}

TEST_CASE("names that are taken are reached by methods") {
  Run run("record:set_field('level', 'x') record:set_field('line', 'y') record.got = record:field('level')");

  CHECK(run.parse("line") == ParseResult::parsed);
  CHECK(run.field("level") == "x");
  CHECK(run.field("line") == "y");
  CHECK(run.field("got") == "x");
  CHECK(run.draft.level == wire::Level::unset);
}

TEST_CASE("false, or nothing done, means not a line of mine, and the draft is as it was") {
  Run refuses("record.a = 1 record.body = 'b' return false");
  Run idle("local x = record.line");

  CHECK(refuses.parse("line") == ParseResult::unknown);
  CHECK(refuses.field("a") == "(none)");
  CHECK(refuses.draft.body() == "line");
  CHECK(idle.parse("line") == ParseResult::unknown);
}

TEST_CASE("an error names file and line, and the draft is as it was") {
  Run run("record.a = 1\nemit{body = 'early'}\nlocal x = nil + 1");

  CHECK(run.parse("line") == ParseResult::failed);
  CHECK(run.script->failure() == "test.lua:3: attempt to perform arithmetic on a nil value");
  CHECK(run.field("a") == "(none)");
  CHECK(run.emitted.empty());
}

TEST_CASE("emit makes further records that go on with the line's time and service") {
  Run run("record.time = 7 record.service = 's' emit{body = 'one', level = 'error', n = 1} emit{body = 'two'}");

  CHECK(run.parse("line") == ParseResult::parsed);
  CHECK(run.emitted == std::vector<std::string>{"one", "two"});
  CHECK(run.emitted_levels == std::vector<std::string>{"error", "unset"});
}

TEST_CASE("drop leaves the line out and what was emitted in") {
  Run run("emit{body = 'kept'} return drop()");

  CHECK(run.parse("line") == ParseResult::dropped);
  CHECK(run.emitted == std::vector<std::string>{"kept"});
}

TEST_CASE("a hundred records may be emitted from a line and not one more") {
  Run full("for i = 1, 100 do emit{body = 'x'} end");
  Run over("for i = 1, 101 do emit{body = 'x'} end");

  CHECK(full.parse("line") == ParseResult::parsed);
  CHECK(full.emitted.size() == 100);
  CHECK(over.parse("line") == ParseResult::failed);
  CHECK(over.emitted.empty());
}

TEST_CASE("set_time finds the usual shapes by itself and others by a format") {
  Run found("record.ok = record:set_time(record.line)");
  Run by_format("record.ok = record:set_time(record.line, '%d.%m.%Y %H:%M:%S')");

  CHECK(found.parse("01/Mar/2026:12:00:00 +0100") == ParseResult::parsed);
  CHECK(format_rfc3339(found.draft.time.value()) == "2026-03-01T11:00:00Z");
  CHECK(found.parse("no time") == ParseResult::parsed);
  CHECK(found.field("ok") == "false");
  CHECK(!found.draft.time);
  CHECK(by_format.parse("01.03.2026 12:00:01") == ParseResult::parsed);
  CHECK(format_rfc3339(by_format.draft.time.value()) == "2026-03-01T12:00:01Z");
}

TEST_CASE("a format uses all of the text, and its parts have ranges") {
  const auto time = [](BytesView text, BytesView format) {
    const auto parsed = lua::parse_time(text, format, arrival, {});
    return parsed ? format_rfc3339(*parsed) : std::string("none");
  };

  CHECK(time("2026-03-01 01:02:03.5 PM +02:00", "%Y-%m-%d %I:%M:%S.%f %p %z") == "2026-03-01T11:02:03.500Z");
  CHECK(time("March 1 2026", "%b %d %Y") == "2026-03-01T00:00:00Z");
  CHECK(time("1772323200.25", "%s.%f") == "2026-03-01T00:00:00.250Z");
  CHECK(time("26060", "%y%j") == "2026-03-01T00:00:00Z");
  CHECK(time("Feb 28 12:00:00", "%b %d %H:%M:%S") == "2026-02-28T12:00:00Z");
  CHECK(time("Dec 31 12:00:00", "%b %d %H:%M:%S") == "2025-12-31T12:00:00Z");
  CHECK(time("2026-03-01x", "%Y-%m-%d") == "none");
  CHECK(time("2026-13-01", "%Y-%m-%d") == "none");
  CHECK(time("25:00", "%H:%M") == "none");
  CHECK(time("12%", "%H%%") != "none");
  CHECK(time("12", "%q") == "none");
  CHECK(time("12", "%") == "none");
  CHECK(time("9999-01-01", "%Y-%m-%d") == "none");
}

TEST_CASE("globals and libraries cannot be changed, so a line leaves nothing to the next one") {
  Run global("count = (count or 0) + 1");
  Run library("string.match = nil");

  CHECK(global.parse("line") == ParseResult::failed);
  CHECK(global.script->failure() == "test.lua:1: globals and libraries cannot be changed; say local");
  CHECK(library.parse("line") == ParseResult::failed);
}

TEST_CASE("a script that breached once works on the next line") {
  Run run("if record.line == 'bad' then local t = {} while true do t[#t + 1] = {} end end record.ok = true");

  CHECK(run.parse("bad") == ParseResult::failed);
  CHECK(run.parse("good") == ParseResult::parsed);
  CHECK(run.field("ok") == "true");
}

TEST_CASE("random numbers are the same in every state") {
  Run one("record.n = math.random(1000000)");
  Run two("record.n = math.random(1000000)");
  REQUIRE(one.parse("x") == ParseResult::parsed);
  REQUIRE(two.parse("x") == ParseResult::parsed);

  CHECK(one.field("n") == two.field("n"));
}

TEST_CASE("a file that does not return a parser says what it returns") {
  const auto reason = [](const std::string& text) {
    const auto script = lua::Script::load("p.lua", text, {}, {});
    return script.ok() ? std::string("fine") : script.error().text();
  };

  CHECK(reason("return 5").find("returns a number; allowed: a table with parse and summary") != std::string::npos);
  CHECK(reason("return {}").find("has nil as parse; allowed: a function") != std::string::npos);
  CHECK(reason("return {") == "p.lua:1: unexpected symbol near <eof>");
  CHECK(reason("local x = _ENV") == "p.lua:1: _ENV is not allowed");
  CHECK(reason("return {parse = function() end}") == "fine");
}
