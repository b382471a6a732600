// Everything here is a pure function of its arguments.
#include "cli/human.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/harmless.h"
#include "common/base/check.h"

namespace reeve::cli {

namespace {

std::string print(const char* format, double value) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

// Three significant digits, without zeros that say nothing.
std::string three_digits(double value) {
  const double size = std::fabs(value);
  if (size >= 99.95) return print("%.0f", value);
  std::string text = print(size >= 9.995 ? "%.1f" : size >= 0.9995 ? "%.2f" : "%.3g", value);
  if (text.find('e') != std::string::npos || text.find('.') == std::string::npos) return text;
  while (text.ends_with('0')) text.pop_back();
  if (text.ends_with('.')) text.pop_back();
  return text;
}

struct Prefix {
  double factor;
  const char* name;
};

std::string in_largest(double value, const Prefix* first, const Prefix* last) {
  for (const Prefix* prefix = first; prefix != last; ++prefix) {
    if (std::fabs(value) >= prefix->factor * 0.9995 || prefix + 1 == last)
      return three_digits(value / prefix->factor) + " " + prefix->name;
  }
  return {};
}

std::string two_units(double seconds) {
  const auto whole = static_cast<long long>(seconds);
  const long long days = whole / 86400;
  const long long hours = whole / 3600 % 24;
  const long long minutes = whole / 60 % 60;
  const long long rest = whole % 60;
  const auto pair = [](long long a, const char* a_unit, long long b, const char* b_unit) {
    return std::to_string(a) + a_unit + (b > 0 ? " " + std::to_string(b) + b_unit : "");
  };
  if (days > 0) return pair(days, "d", hours, "h");
  if (hours > 0) return pair(hours, "h", minutes, "m");
  return pair(minutes, "m", rest, "s");
}

}  // namespace

std::string human_number(double value) {
  if (!std::isfinite(value)) return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
  static constexpr Prefix prefixes[] = {{1e15, "P"}, {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
  if (std::fabs(value) >= 9999.5) return in_largest(value, std::begin(prefixes), std::end(prefixes));
  return three_digits(value);
}

std::string human_bytes(double bytes) {
  if (!std::isfinite(bytes)) return human_number(bytes);
  static constexpr Prefix prefixes[] = {{0x1p50, "PiB"}, {0x1p40, "TiB"}, {0x1p30, "GiB"},
                                        {0x1p20, "MiB"}, {0x1p10, "KiB"}, {1, "B"}};
  return in_largest(bytes, std::begin(prefixes), std::end(prefixes));
}

std::string human_seconds(double seconds) {
  if (!std::isfinite(seconds)) return human_number(seconds);
  if (seconds == 0) return "0 s";
  if (seconds < 0) return "-" + human_seconds(-seconds);
  if (seconds >= 60) return two_units(seconds);
  static constexpr Prefix prefixes[] = {{1, "s"}, {1e-3, "ms"}, {1e-6, "us"}, {1e-9, "ns"}};
  return in_largest(seconds, std::begin(prefixes), std::end(prefixes));
}

std::string human_value(double value, std::string_view unit) {
  if (unit.ends_with("/s")) return human_value(value, unit.substr(0, unit.size() - 2)) + "/s";
  if (unit == "By") return human_bytes(value);
  if (unit == "1") return three_digits(value * 100) + " %";
  if (unit == "s") return human_seconds(value);
  if (unit == "ms") return human_seconds(value / 1e3);
  if (unit == "us") return human_seconds(value / 1e6);
  if (unit == "ns") return human_seconds(value / 1e9);

  std::string name(unit);
  if (name.starts_with('{') && name.ends_with('}')) {
    name = name.substr(1, name.size() - 2);
    if (value != 1 && !name.empty()) name += name.ends_with('s') ? "es" : "s";
  }
  return human_number(value) + (name.empty() ? "" : " " + harmless_line(name));
}

std::string sparkline(const std::vector<std::optional<double>>& cells, size_t width_max) {
  check(width_max > 0, "a curve has a column to stand in");
  static constexpr const char* bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr int bars_max = 7;

  const size_t width = std::min(cells.size(), width_max);
  std::vector<std::optional<double>> folded(width);
  for (size_t i = 0; i < cells.size(); ++i) {
    std::optional<double>& cell = folded[i * width / cells.size()];
    if (cells[i] && std::isfinite(*cells[i])) cell = cell ? std::max(*cell, *cells[i]) : *cells[i];
  }

  double low = INFINITY;
  double high = -INFINITY;
  for (const std::optional<double>& cell : folded) {
    if (!cell) continue;
    low = std::min(low, *cell);
    high = std::max(high, *cell);
  }

  std::string line;
  for (const std::optional<double>& cell : folded) {
    if (!cell) {
      line += ' ';
      continue;
    }
    // Halved first: the distance of two huge values would be infinite.
    const double span = high / 2 - low / 2;
    const double height = span > 0 ? (*cell / 2 - low / 2) / span : 0;
    line += bars[std::clamp(static_cast<int>(std::lround(height * bars_max)), 0, bars_max)];
  }
  return line;
}

std::string render_table(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const Column& column : columns) widths.push_back(width_of(column.title));
  for (const std::vector<std::string>& row : rows) {
    check(row.size() == columns.size(), "a row has a cell for each column");
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }

  std::string text;
  const auto append_row = [&](const auto& cell_of) {
    std::string line;
    for (size_t i = 0; i < columns.size(); ++i) {
      const std::string& cell = cell_of(i);
      const std::string padding(widths[i] - width_of(cell), ' ');
      if (i > 0) line += "  ";
      line += columns[i].right ? padding + cell : cell + padding;
    }
    while (line.ends_with(' ')) line.pop_back();
    text += line + "\n";
  };
  append_row([&](size_t i) -> const std::string& { return columns[i].title; });
  for (const std::vector<std::string>& row : rows) append_row([&](size_t i) -> const std::string& { return row[i]; });
  return text;
}

}  // namespace reeve::cli
