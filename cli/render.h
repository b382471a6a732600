// How rows of the API look on a terminal: pure functions, whose output the tests keep as golden texts.
//
// Everything foreign goes through harmless.h here; the only escape sequences in the output are our own colours, and
// only where Style says that somebody can see them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/api.h"
#include "cli/times.h"

namespace reeve::cli {

struct Style {
  bool has_colour = false;
  Zone zone = Zone::utc;
};

// Keeps the columns of a growing list of lines straight: the name column is as wide as its widest name so far, up to a
// bound. One per list.
class LogLayout {
 public:
  // Widens the column for a line that will be rendered; to be called for a whole page before its first line.
  void fit(const LogLine& line);
  size_t name_columns() const { return name_columns_; }

 private:
  size_t name_columns_ = 0;
};

// "2026-11-21T02:54:00.123Z ERROR web-1/nginx  upstream timed out", with its line break. Further lines of a body are
// set off by "  | ". A suspect time carries a '?'.
std::string render_log_line(const LogLine& line, const LogLayout& layout, const Style& style);

// "host=web-1 state=user".
std::string render_labels(const Labels& labels);

// One row per series, by name and labels.
std::string render_series(std::vector<Series> series, WallTime now);

// A title, then for each curve its labels, its sparkline and min, avg, max and last.
std::string render_curves(const Curves& curves, size_t columns, const Style& style);

// The fleet, one row per agent.
std::string render_agents(const std::vector<Agent>& agents, WallTime now);

}  // namespace reeve::cli
