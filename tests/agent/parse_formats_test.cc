// What the parsers must bear: lines that are nearly theirs, and lines that nobody wrote on purpose.
#include <catch2/catch.hpp>

#include "agent/parse/table.h"
#include "common/base/random.h"
#include "tests/agent/parse_lines.h"

namespace reeve::agent {

namespace {

const LineFormat::Emit nobody = [](Draft&) {};

struct OneParser {
  std::unique_ptr<LineFormat> parser;
  std::string line;
  Draft draft;

  explicit OneParser(std::string_view name) : parser(find_parser_kind(name)->make({})) {}

  ParseResult parse(std::string text) {
    line = std::move(text);
    draft.begin(line, arrival);
    return parser->parse(draft, nobody);
  }
  std::string field(BytesView key) const { return std::string(draft.field(key).value_or("(none)")); }
};

// What every parser promises, whatever the line.
void check_promises(const ParserKind& kind, BytesView line) {
  OneParser one(kind.name);
  one.draft.begin(line, arrival);
  one.draft.set_field("before", "kept");
  const ParseResult result = one.parser->parse(one.draft, nobody);

  CHECK(one.draft.fields().size() <= Draft::fields_max);
  CHECK(one.draft.line() == line);
  CHECK(one.draft.body().size() <= line.size());
  CHECK(one.field("before") == "kept");
  if (result == ParseResult::unknown) {
    CHECK(one.draft.body() == line);
    CHECK(one.draft.fields().size() == 1);
    CHECK_FALSE(one.draft.time.has_value());
    CHECK(one.draft.level == wire::Level::unset);
    CHECK(one.draft.service.empty());
  }
}

const std::vector<std::string> seeds = {
    R"({"ts":"2026-11-21T11:59:00Z","level":"warn","msg":"a \"b\" \u00e9","http":{"status":200},"tags":["a",{"b":1}]})",
    R"({"log":"a line\n","stream":"stdout","attrs":{"tag":"x"},"time":"2026-11-21T11:59:00.5Z"})",
    R"(time=2026-11-21T11:59:00Z level=info msg="opened \"shop\"" service=cart took=1.5ms retry)",
    R"(<165>1 2026-11-21T11:59:01Z host app 87 ID4 [ex@1 iut="3" s="A\"li\]c"][p@2 c="h"] An event)",
    R"(<34>Nov 21 11:59:03 web-1 su[42]: 'su root' failed)",
    R"(2026-11-21T11:59:00.123456789Z stdout F a whole line)",
    R"(2026-11-21T11:59:00.123456789Z stderr P:x a piece)",
};

std::string mutated(std::string line, Random& random) {
  constexpr std::string_view marks = R"("\{}[]:,=<> -)";
  for (uint64_t times = random.below(4) + 1; times > 0; --times) {
    if (line.empty()) line.push_back('x');
    const size_t at = random.below(line.size());
    switch (random.below(6)) {
      case 0:
        line[at] = static_cast<char>(random.below(256));
        break;
      case 1:
        line.erase(at, random.below(8) + 1);
        break;
      case 2:
        line.insert(at, 1, marks[random.below(marks.size())]);
        break;
      case 3:
        line.resize(at);
        break;
      case 4:
        line.insert(at, line.substr(random.below(line.size()), random.below(20)));
        break;
      default:
        line.insert(at, 1, '\0');
    }
  }
  return line;
}

}  // namespace

TEST_CASE("mutated lines keep every parser's promises") {
  SeededRandom random(20261121);
  for (int i = 0; i < 20'000; ++i) {
    const std::string line = mutated(seeds[random.below(seeds.size())], random);
    for (const ParserKind& kind : parser_kinds()) check_promises(kind, line);
  }
}

TEST_CASE("a line of 10 MB is parsed or left alone, and lives as one body") {
  const std::string text(10'000'000, 'x');
  for (const ParserKind& kind : parser_kinds()) {
    check_promises(kind, text);
    check_promises(kind, R"({"msg":")" + text + R"(","n":1})");
    check_promises(kind, "a=1 b=\"" + text + "\\\"\"");
    check_promises(kind, "2026-11-21T11:59:00Z stdout F " + text);
    check_promises(kind, "<14>1 2026-11-21T11:59:00Z h a 1 - [x y=\"" + text + "\"] m");
  }
}

TEST_CASE("NULs and bytes that are not UTF-8 pass through json as they are") {
  OneParser json("json");
  const std::string line("{\"msg\":\"a\0b\xff\xc3\",\"\xfe\":\"\x80\"}", 23);

  CHECK(json.parse(line) == ParseResult::parsed);

  CHECK(json.draft.body() == BytesView("a\0b\xff\xc3", 5));
  CHECK(json.field("\xfe") == "\x80");
}

TEST_CASE("deep json: nested objects become dotted keys, what is deeper stays text, and beyond 128 it is no json") {
  const auto nested = [](size_t depth) {
    std::string line;
    for (size_t i = 0; i < depth; ++i) line += "{\"a\":";
    return line + "1" + std::string(depth, '}');
  };
  OneParser json("json");

  CHECK(json.parse(nested(3)) == ParseResult::parsed);
  CHECK(json.field("a.a.a") == "1");
  CHECK(json.parse(nested(8)) == ParseResult::parsed);
  CHECK(json.field("a.a.a.a.a.a.a.a") == "1");
  CHECK(json.parse(nested(9)) == ParseResult::parsed);
  CHECK(json.field("a.a.a.a.a.a.a.a") == "{\"a\":1}");
  CHECK(json.parse(nested(8 + 128)) == ParseResult::parsed);
  CHECK(json.parse(nested(9 + 128)) == ParseResult::unknown);
  CHECK(json.parse(nested(100'000)) == ParseResult::unknown);
  CHECK(json.parse("{\"a\":" + std::string(100'000, '[')) == ParseResult::unknown);
}

TEST_CASE("of 10,000 fields 128 are kept and the others counted, and message and time are found behind them") {
  std::string line = "{";
  for (int i = 0; i < 10'000; ++i) line += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  line += R"("msg":"at the end","ts":"2026-11-21T11:00:00Z"})";
  LineRun run(parsed_by({"json"}));

  run.read(line + "\n");
  const auto rows = run.take_rows();

  REQUIRE(rows.size() == 1);
  CHECK(rows[0].body == "at the end");
  CHECK(rows[0].time == arrival - 1h);
  CHECK(rows[0].fields.size() == Draft::fields_max);
  CHECK(run.batcher().counters().fields_left_out == 10'000 - Draft::fields_max);
}

TEST_CASE("json: numbers are kept as they are written, and what is no number is no json") {
  OneParser json("json");

  CHECK(json.parse(R"({"a":-0.10e+05,"b":12345678901234567890123,"c":0})") == ParseResult::parsed);
  CHECK(json.field("a") == "-0.10e+05");
  CHECK(json.field("b") == "12345678901234567890123");
  for (const char* line : {R"({"a":-})", R"({"a":1.})", R"({"a":1e})", R"({"a":.5})", R"({"a":nul})", R"({"a":})",
                           R"({"a"})", R"({"a":1 "b":2})", R"({"a":"\x"})", R"({"a":"\u12"})", R"({a:1})", "{", "[]"}) {
    CHECK(json.parse(line) == ParseResult::unknown);
  }
}

TEST_CASE("a parser is asked after another that did not know the line, and sees what one that knew it left") {
  LineRun run(parsed_by({"json", "logfmt"}));

  run.read("{\"msg\":\"a=1 b=2\",\"c\":3}\nlevel=warn msg=x a=1\nneither\n");
  const auto rows = run.take_rows();

  REQUIRE(rows.size() == 3);
  CHECK(rows[0].fields.size() == 3);
  CHECK(rows[1].body == "x");
  CHECK(rows[2].body == "neither");
  const auto& parsers = run.batcher().counters().parsers;
  REQUIRE(parsers.size() == 2);
  CHECK(parsers[0].name == "json");
  CHECK(parsers[0].parsed == 1);
  CHECK(parsers[0].unknown == 2);
  CHECK(parsers[1].parsed == 2);
  CHECK(parsers[1].unknown == 1);
}

TEST_CASE("every word that names a level is found in capitals") {
  for (const char* word : {"TRACE",    "VERBOSE", "FINEST",  "FINER", "DEBUG", "DBG",       "INFO",
                           "NOTICE",   "WARN",    "WARNING", "ERROR", "ERR",   "SEVERE",    "FATAL",
                           "CRITICAL", "CRIT",    "ALERT",   "EMERG", "PANIC", "EMERGENCY", "INFORMATION"}) {
    INFO(word);
    CHECK(LineParser().parse("[x] " + std::string(word) + " y", arrival).level != wire::Level::unset);
  }
}

TEST_CASE("the line as read is kept beside another body when that is asked for") {
  LineRules rules = parsed_by({"json"});
  rules.keep_original = true;
  LineRun run(rules);

  run.read("{\"msg\": \"x\", \"password\": \"hunter2\"}\nplain\n");
  const auto rows = run.take_rows();

  CHECK(field_of(rows.at(0), "log.record.original") == R"({"msg": "x", "password": "[redacted:password]"})");
  CHECK(rows.at(1).fields.empty());
}

}  // namespace reeve::agent
