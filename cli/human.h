// Numbers for people: units with prefixes, lists in columns, and a curve in one line of text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reeve::cli {

// A value in its unit, a unit of UCUM as OpenTelemetry writes them:
//
//     (1536, "By")     1.5 KiB          (0.034, "1")        3.4 %
//     (0.0021, "s")    2.1 ms           (12345, "{packet}") 12.3 k packets
//     (93600, "s")     1d 2h            (5, "Cel")          5 Cel
//
// A rate's unit ends in "/s".
std::string human_value(double value, std::string_view unit);

std::string human_bytes(double bytes);
std::string human_seconds(double seconds);

// At most three or four digits that matter: 0.00123, 3.4, 12, 1234, 12.3 k, 5.6 M.
std::string human_number(double value);

// One of eight bars a cell between the lowest and the highest value; a blank where there is none. More cells than
// `width_max` are folded, the highest value of each fold standing for it, so that a short spike stays in sight.
std::string sparkline(const std::vector<std::optional<double>>& cells, size_t width_max);

struct Column {
  std::string title;
  bool right = false;
};

// Columns as wide as their widest cell, two blanks between, no blanks at a line's end. The cells are harmless already.
std::string render_table(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows);

}  // namespace reeve::cli
