// Rendering; no I/O, no clock.
#include "cli/render.h"

#include <algorithm>
#include <cmath>

#include "cli/harmless.h"
#include "cli/human.h"
#include "cli/line_head.h"

namespace reeve::cli {

namespace {

constexpr size_t name_columns_max = 32;
constexpr size_t curve_columns_max = 120;
constexpr size_t curve_cells_max = 100'000;
constexpr const char* continuation = "  | ";

constexpr const char* reset = "\x1b[0m";
constexpr const char* dim = "\x1b[2m";

// What says where a line came from.
std::string name_of(const LogLine& line) {
  std::string name = harmless_line(line.host);
  if (!line.service.empty()) name += (name.empty() ? "" : "/") + harmless_line(line.service);
  return name.empty() ? "-" : name;
}

std::string level_of(const LogLine& line) {
  if (line.level.empty() || line.level == "unset") return "-";
  std::string level = harmless_line(line.level);
  for (char& c : level) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return level;
}

const char* colour_of(std::string_view level) {
  if (level == "FATAL") return "\x1b[1;31m";
  if (level == "ERROR") return "\x1b[31m";
  if (level == "WARN") return "\x1b[33m";
  if (level == "INFO") return "\x1b[32m";
  if (level == "DEBUG" || level == "TRACE") return dim;
  return "";
}

std::string padded(const std::string& text, size_t columns) {
  const size_t width = width_of(text);
  return width < columns ? text + std::string(columns - width, ' ') : text;
}

// `text` between a colour and its reset; unchanged where there is nothing to colour.
std::string coloured(const std::string& text, const char* colour, const Style& style) {
  if (!style.has_colour || *colour == '\0') return text;
  return colour + text + reset;
}

struct Summary {
  double min = INFINITY;
  double max = -INFINITY;
  double sum = 0;
  double last = 0;
  size_t count = 0;
};

Summary summarise(const std::vector<Point>& points) {
  Summary summary;
  for (const Point& point : points) {
    if (!point.value) continue;
    summary.min = std::min(summary.min, *point.value);
    summary.max = std::max(summary.max, *point.value);
    summary.sum += *point.value;
    summary.last = *point.value;
    ++summary.count;
  }
  return summary;
}

struct Window {
  WallTime first;
  WallTime last;
};

// From the first to the last point of all curves, so that curves below one another share their time axis.
std::optional<Window> window_of(const std::vector<Curve>& curves) {
  std::optional<Window> window;
  for (const Curve& curve : curves) {
    for (const Point& point : curve.points) {
      if (!window) window = Window{point.time, point.time};
      window->first = std::min(window->first, point.time);
      window->last = std::max(window->last, point.time);
    }
  }
  return window;
}

// Unsigned, because the times are foreign and may be further apart than a Duration reaches.
uint64_t steps_between(WallTime first, WallTime later, Duration step) {
  return (static_cast<uint64_t>(later.ns) - static_cast<uint64_t>(first.ns)) / static_cast<uint64_t>(step.count());
}

// A cell per step; a step without a point stays empty. A window of more steps than anyone could mean shares cells.
std::vector<std::optional<double>> cells_of(const Curve& curve, const Window& window, Duration step) {
  const uint64_t steps = steps_between(window.first, window.last, step) + 1;
  std::vector<std::optional<double>> cells(std::min<uint64_t>(steps, curve_cells_max));
  for (const Point& point : curve.points) {
    const uint64_t index = steps_between(window.first, point.time, step);
    const double place = static_cast<double>(index) / static_cast<double>(steps);
    const auto cell = steps == cells.size() ? index : static_cast<uint64_t>(place * static_cast<double>(cells.size()));
    if (point.value) cells[std::min<uint64_t>(cell, cells.size() - 1)] = point.value;
  }
  return cells;
}

// Of a point: what a rate or a count of the metric's unit is in.
std::string unit_of(const Curves& curves) {
  if (curves.agg == "count") return {};
  return curves.agg == "rate" && !curves.unit.ends_with("/s") ? curves.unit + "/s" : curves.unit;
}

std::string state_order(const Agent& agent) {
  return (agent.state == "revoked" ? "1" : "0") + agent.host + agent.id;
}

}  // namespace

void LogLayout::fit(const LogLine& line) {
  name_columns_ = std::max(name_columns_, std::min(width_of(name_of(line)), name_columns_max));
}

std::string render_log_line(const LogLine& line, const LogLayout& layout, const Style& style) {
  const std::string level = level_of(line);
  const std::string time = format_when(line.time, style.zone) + (line.is_time_suspect ? "?" : "");
  const std::string_view body = without_repeated_head(line.body, line.time, line.level);
  return coloured(time, dim, style) + " " + coloured(padded(level, 5), colour_of(level), style) + " " +
         padded(name_of(line), layout.name_columns()) + "  " + harmless_lines(body, continuation) + "\n";
}

std::string render_labels(const Labels& labels) {
  std::string text;
  for (const auto& [key, value] : labels)
    text += (text.empty() ? "" : " ") + harmless_line(key) + "=" + harmless_line(value);
  return text;
}

std::string render_series(std::vector<Series> series, WallTime now) {
  std::sort(series.begin(), series.end(),
            [](const Series& a, const Series& b) { return a.name != b.name ? a.name < b.name : a.labels < b.labels; });
  std::vector<std::vector<std::string>> rows;
  rows.reserve(series.size());
  for (const Series& one : series)
    rows.push_back({harmless_line(one.name), one.last ? human_value(*one.last, one.unit) : "-",
                    one.last_time ? format_age(*one.last_time, now) : "never", harmless_line(one.kind),
                    render_labels(one.labels)});
  return render_table({{"NAME"}, {"LAST", true}, {"SEEN"}, {"KIND"}, {"LABELS"}}, rows);
}

std::string render_curves(const Curves& curves, size_t columns, const Style& style) {
  const std::optional<Window> window = window_of(curves.curves);
  std::string text = harmless_line(curves.name);
  if (!window) return text + "  no points\n";

  const Duration step = curves.step > Duration{} ? curves.step : Duration(1s);
  text += ", " + harmless_line(curves.agg) + " per " + format_duration(step) + "\n" +
          format_when(window->first, style.zone) + " to " + format_when(window->last, style.zone) + "\n";
  const std::string unit = unit_of(curves);
  const size_t width = std::clamp<size_t>(columns, 12, curve_columns_max + 2) - 2;
  for (const Curve& curve : curves.curves) {
    const Summary summary = summarise(curve.points);
    text += "\n" + render_labels(curve.labels) + "\n";
    if (summary.count == 0) {
      text += "  no points\n";
      continue;
    }
    std::string line = sparkline(cells_of(curve, *window, step), width);
    while (line.ends_with(' ')) line.pop_back();
    const double average = summary.sum / static_cast<double>(summary.count);
    text += "  " + line + "\n  min " + human_value(summary.min, unit) + "   avg " + human_value(average, unit) +
            "   max " + human_value(summary.max, unit) + "   last " + human_value(summary.last, unit) + "\n";
  }
  return text;
}

std::string render_agents(const std::vector<Agent>& agents, WallTime now) {
  std::vector<const Agent*> sorted;
  sorted.reserve(agents.size());
  for (const Agent& agent : agents) sorted.push_back(&agent);
  std::sort(sorted.begin(), sorted.end(),
            [](const Agent* a, const Agent* b) { return state_order(*a) < state_order(*b); });

  std::vector<std::vector<std::string>> rows;
  rows.reserve(sorted.size());
  for (const Agent* agent : sorted) {
    rows.push_back({harmless_line(agent->host), harmless_line(agent->state),
                    agent->last_seen ? format_age(*agent->last_seen, now) : "never",
                    human_seconds(std::chrono::duration<double>(agent->oldest_unsent_age).count()),
                    human_bytes(static_cast<double>(agent->spool_bytes)),
                    human_number(static_cast<double>(agent->dropped)), std::to_string(agent->gaps.size()),
                    harmless_line(agent->version), harmless_line(agent->id)});
  }
  return render_table({{"HOST"},
                       {"STATE"},
                       {"SEEN"},
                       {"LAG", true},
                       {"SPOOL", true},
                       {"DROPPED", true},
                       {"GAPS", true},
                       {"VERSION"},
                       {"ID"}},
                      rows);
}

}  // namespace reeve::cli
