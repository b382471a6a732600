#include "cli/human.h"

#include <cmath>

#include "cli/harmless.h"
#include "tests/cli/fake_world.h"

using namespace reeve::cli;

TEST_CASE("numbers keep the digits that matter") {
  CHECK(human_number(0) == "0");
  CHECK(human_number(3) == "3");
  CHECK(human_number(0.5) == "0.5");
  CHECK(human_number(0.00123456) == "0.00123");
  CHECK(human_number(3.14159) == "3.14");
  CHECK(human_number(12.34) == "12.3");
  CHECK(human_number(123.4) == "123");
  CHECK(human_number(9999) == "9999");
  CHECK(human_number(10000) == "10 k");
  CHECK(human_number(12345678) == "12.3 M");
  CHECK(human_number(-2.5) == "-2.5");
  CHECK(human_number(NAN) == "nan");
  CHECK(human_number(-INFINITY) == "-inf");
}

TEST_CASE("units are those of people") {
  CHECK(human_value(0, "By") == "0 B");
  CHECK(human_value(1023, "By") == "1023 B");
  CHECK(human_value(1536, "By") == "1.5 KiB");
  CHECK(human_value(3.5 * (1 << 30), "By") == "3.5 GiB");
  CHECK(human_value(1536, "By/s") == "1.5 KiB/s");
  CHECK(human_value(0.034, "1") == "3.4 %");
  CHECK(human_value(1, "1") == "100 %");
  CHECK(human_value(0.0021, "s") == "2.1 ms");
  CHECK(human_value(93600, "s") == "1d 2h");
  CHECK(human_value(61, "s") == "1m 1s");
  CHECK(human_value(-5, "s") == "-5 s");
  CHECK(human_value(250, "ms") == "250 ms");
  CHECK(human_value(12345, "{packet}") == "12.3 k packets");
  CHECK(human_value(1, "{packet}") == "1 packet");
  CHECK(human_value(0, "{process}") == "0 processes");
  CHECK(human_value(2.5, "{request}/s") == "2.5 requests/s");
  CHECK(human_value(5, "Cel") == "5 Cel");
  CHECK(human_value(5, "") == "5");
  CHECK(human_value(5, "\x1b[m") == "5 \\x1b[m");
}

TEST_CASE("a value just below a prefix takes the prefix when it would round to it") {
  CHECK(human_bytes(1023.9) == "1 KiB");
  CHECK(human_value(0.9996, "s") == "1 s");
}

TEST_CASE("a curve runs from its lowest to its highest value") {
  CHECK(sparkline({0, 1, 2, 3, 4, 5, 6, 7}, 80) == "▁▂▃▄▅▆▇█");
  CHECK(sparkline({-7, 0, 7}, 80) == "▁▅█");
  CHECK(sparkline({5, 5, 5}, 80) == "▁▁▁");
  CHECK(sparkline({}, 80).empty());
}

TEST_CASE("a step without data is a blank") {
  CHECK(sparkline({1, std::nullopt, 2}, 80) == "▁ █");
  CHECK(sparkline({std::nullopt}, 80) == " ");
  CHECK(sparkline({1, NAN, 2}, 80) == "▁ █");
}

TEST_CASE("folding keeps a short spike in sight") {
  std::vector<std::optional<double>> cells(1000, 0.0);
  cells[503] = 9;

  const std::string line = sparkline(cells, 10);

  CHECK(width_of(line) == 10);
  CHECK(line == "▁▁▁▁▁█▁▁▁▁");
}

TEST_CASE("the widest span of doubles still makes a curve") {
  CHECK(sparkline({-1.7e308, 1.7e308}, 80) == "▁█");
}

TEST_CASE("a table's columns stand straight, with no blanks at a line's end") {
  CHECK(render_table({{"NAME"}, {"LAST", true}, {"LABELS"}}, {{"cpu", "3.4 %", "a=é"}, {"memory", "12 GiB", ""}}) ==
        "NAME      LAST  LABELS\n"
        "cpu      3.4 %  a=é\n"
        "memory  12 GiB\n");
}
