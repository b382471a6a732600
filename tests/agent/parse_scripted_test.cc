// Parsers that are not built in, as the factory gives them: what they may say of a line, and what becomes of it then.
#include <catch2/catch.hpp>

#include "tests/agent/parse_lines.h"

namespace reeve::agent {

namespace {

class Scripted : public LineFormat {
 public:
  ParseResult parse(Draft& draft, const Emit& emit) override {
    const BytesView line = draft.line();
    if (line == "drop") return ParseResult::dropped;
    if (line == "fail") return ParseResult::failed;
    if (line == "emit") {
      Draft further;
      further.begin("one more ERROR", draft.arrival());
      further.set_field("n", "2");
      emit(further);
      return ParseResult::parsed;
    }
    if (line == "secret") {
      draft.set_body(draft.keep("login of root"));
      draft.set_field("password", draft.keep("hunter2"));
      draft.set_field("note", draft.keep("token=abcdefgh12345678"));
      return ParseResult::parsed;
    }
    if (line == "future") {
      draft.time = draft.arrival() + 25h;
      return ParseResult::parsed;
    }
    return ParseResult::unknown;
  }
  std::string_view failure() const override { return "too many instructions"; }
};

Result<std::unique_ptr<LineFormat>> make_scripted(std::string_view name) {
  if (name != "lua:mine") return Error(Code::not_found, "no such script");
  return std::unique_ptr<LineFormat>(std::make_unique<Scripted>());
}

}  // namespace

TEST_CASE("a line that a parser does not want is counted by its bytes, and no row") {
  LineRun run(parsed_by({"lua:mine"}), {}, make_scripted);

  run.read("drop\nkept\n");

  CHECK(run.bodies() == std::vector<std::string>{"kept"});
  CHECK(run.batcher().counters().dropped_bytes.at("parser_dropped") == 5);
  CHECK(run.batcher().counters().parsers.at(0).dropped == 1);
}

TEST_CASE("a line on which a script fails travels on raw and says why") {
  LineRun run(parsed_by({"lua:mine"}), {}, make_scripted);

  run.read("fail\n");
  const auto rows = run.take_rows();

  CHECK(rows.at(0).body == "fail");
  CHECK(field_of(rows.at(0), "parse_error") == "too many instructions");
  CHECK(run.batcher().counters().parsers.at(0).failed == 1);
}

TEST_CASE("what a parser emits besides the line is a record of its own") {
  LineRun run(parsed_by({"lua:mine"}), {}, make_scripted);

  run.read("emit\n");
  const auto rows = run.take_rows();

  REQUIRE(rows.size() == 2);
  CHECK(rows[0].body == "one more ERROR");
  CHECK(rows[0].level == wire::Level::error);
  CHECK(field_of(rows[0], "n") == "2");
  CHECK(rows[1].body == "emit");
}

TEST_CASE("what a script sets is looked at for secrets like what it read") {
  LineRun run(parsed_by({"lua:mine"}), {}, make_scripted);

  run.read("secret\n");
  const auto rows = run.take_rows();

  CHECK(rows.at(0).body == "login of root");
  CHECK(field_of(rows.at(0), "password") == "[redacted:password]");
  CHECK(field_of(rows.at(0), "note") == "token=[redacted:secret]");
}

TEST_CASE("a time that a parser found is believed no more than one found in the line") {
  LineRun run(parsed_by({"lua:mine"}), {}, make_scripted);

  run.read("future\n");
  const auto rows = run.take_rows();

  CHECK(rows.at(0).time == arrival);
  CHECK(rows.at(0).time_suspect);
}

TEST_CASE("a parser that cannot be made is left out, and lines go on without it") {
  LineRun run(parsed_by({"gone", "json"}), {}, make_scripted);

  run.read("{\"msg\":\"x\"}\n");

  CHECK(run.bodies() == std::vector<std::string>{"x"});
}

}  // namespace reeve::agent
