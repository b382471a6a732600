// Writes log lines to the screen, as text or as JSON: what search and follow have in common.
#pragma once

#include <vector>

#include "cli/logs.h"
#include "cli/render.h"

namespace reeve::cli {

class LogWriter {
 public:
  LogWriter(Screen& screen, const LogsOptions& options)
      : screen_(screen), json_(options.json), style_{.has_colour = screen.has_colour(), .zone = options.zone} {}

  // In the order given.
  Status write(const std::vector<LogLine>& lines);

 private:
  Screen& screen_;
  const bool json_;
  const Style style_;
  LogLayout layout_;
};

// What of each line is wanted; the rest is dropped at once, because a search may hold a million.
enum class Keep { text, json, both };

// The newest lines that match, oldest first.
struct Found {
  std::vector<LogLine> lines;
  bool has_more = false;
  uint64_t blocks_scanned = 0;
  uint64_t blocks_damaged = 0;
};

// By as many pages as it takes.
Result<Found> find_lines(Client& client, const LogFilter& filter, uint64_t rows_max, Keep keep);

// Lives until the user ends it, which is no error, or the server says no.
Status follow_lines(World& world, Client& client, const LogsOptions& options);

}  // namespace reeve::cli
