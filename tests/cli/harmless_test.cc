// Nothing that a log body holds may act on a terminal.
#include "cli/harmless.h"

#include "common/base/json.h"
#include "tests/cli/fake_world.h"

using namespace reeve;
using namespace reeve::cli;

TEST_CASE("ordinary text stays as it is") {
  CHECK(harmless_line("GET /a?b=\"c\" 200\tпривет 漢字 🙂 café") ==
        "GET /a?b=\"c\" 200\tпривет 漢字 🙂 café");
}

TEST_CASE("every control byte becomes visible") {
  CHECK(harmless_line("\x1b[31mred\x1b]0;title\x07") == "\\x1b[31mred\\x1b]0;title\\x07");
  CHECK(harmless_line("over\rwritten\b\b") == "over\\x0dwritten\\x08\\x08");
  CHECK(harmless_line(std::string_view("a\0b", 3)) == "a\\x00b");
  CHECK(harmless_line("del\x7f") == "del\\x7f");
  CHECK(harmless_line("two\nlines") == "two\\nlines");
}

TEST_CASE("C1 controls become visible, encoded or bare") {
  CHECK(harmless_line("\xc2\x9b"
                      "31m") == "\\u009b31m");
  CHECK(harmless_line("\x9b"
                      "31m") == "\\x9b31m");
}

TEST_CASE("bytes that are no UTF-8 become visible one by one") {
  CHECK(harmless_line("\xff\xfe") == "\\xff\\xfe");
  CHECK(harmless_line("\xe6\xbc") == "\\xe6\\xbc");
  CHECK(harmless_line("\xc0\xaf") == "\\xc0\\xaf");
  CHECK(harmless_line("\xed\xa0\x80") == "\\xed\\xa0\\x80");
  CHECK(harmless_line("\xf8") == "\\xf8");
}

TEST_CASE("characters that reorder or hide text become visible") {
  CHECK(harmless_line("\u202etxt.exe") == "\\u202etxt.exe");
  CHECK(harmless_line("a\u2066b\u2069") == "a\\u2066b\\u2069");
  CHECK(harmless_line("a\u200bb\ufeff\u00ad") == "a\\u200bb\\ufeff\\u00ad");
  CHECK(harmless_line("a\u2028b") == "a\\u2028b");
  CHECK(harmless_line("a\U000e0041") == "a\\ue0041");
}

TEST_CASE("a body of several lines cannot pose as another record") {
  CHECK(harmless_lines("panic\n  at main\n2026-11-21T02:54:00.000Z INFO all is well\n", "  | ") ==
        "panic\n  |   at main\n  | 2026-11-21T02:54:00.000Z INFO all is well");
}

TEST_CASE("JSON keeps its meaning and loses its teeth") {
  Json json;
  json.set("body", "a\x1b[1m\x7f\u009b\u202e\U000e0041 é\n");

  const std::string text = harmless_json(json.dump());

  CHECK(text == "{\"body\":\"a\\u001b[1m\\u007f\\u009b\\u202e\\udb40\\udc41 é\\n\"}");
  const Result<Json> again = parse_json(text);
  REQUIRE(again.ok());
  CHECK(again->string_or("body") == json.string_or("body"));
}

TEST_CASE("no byte pair, raw or as JSON, leaves anything that a terminal obeys") {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string foreign = {static_cast<char>(first), static_cast<char>(second)};
      for (const std::string& text : {harmless_line(foreign), harmless_json(Json(foreign).dump())}) {
        bool obeyed = !is_utf8(text);
        for (const char c : text) obeyed = obeyed || (c != '\t' && c >= 0 && c < 0x20) || c == 0x7f;
        for (size_t i = 0; i + 1 < text.size(); ++i)
          obeyed = obeyed || (text[i] == '\xc2' && static_cast<unsigned char>(text[i + 1]) < 0xa0);
        if (obeyed) FAIL("bytes " << first << " and " << second << " came through");
      }
    }
  }
}
