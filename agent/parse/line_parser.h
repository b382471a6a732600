// Finds a line's time, level and service, wherever programs usually put them. The line itself is never changed.
//
//     2026-03-01T00:00:00.123456+00:00 web-1 sshd[42]: ...      time, service (rsyslog)
//     Mar  1 00:00:00 web-1 sshd[42]: ...                       time, service (RFC 3164)
//     <11>Mar  1 00:00:00 ...                                   time, level
//     10.0.0.1 - - [01/Mar/2026:00:00:00 +0000] "GET ...        time (Apache, nginx)
//     2026-03-01 00:00:00,123 WARN [main] ...                   time, level
//     {"ts":"2026-03-01T00:00:00Z","level":"warn","service":"cart", ...}
//     level=error msg=...                                       level
//
// Where no time is found the arrival stands in. A time more than 24 h ahead of the arrival, or before 1971, is not
// believed: the arrival stands in and the record is marked. A level is a whole word in capitals, or one that stands
// where levels stand: in brackets, after level=, before a colon, right behind the time.
//
// Runs for every line; allocates nothing. One thread.
#pragma once

#include <string_view>

#include "agent/parse/time_scanner.h"
#include "common/base/bytes.h"
#include "common/base/time.h"
#include "common/wire/record.h"

namespace reeve::agent {

struct ParsedLine {
  WallTime time;
  bool time_found = false;
  bool time_suspect = false;
  wire::Level level = wire::Level::unset;
  BytesView service;  // part of the line; empty where it names none
};

class LineParser {
 public:
  static constexpr Duration ahead_max = 24h;
  static constexpr size_t level_bytes_max = 100;  // a level is looked for in the line's first so many bytes
  static constexpr size_t time_bytes_max = 160;   // and a time
  static constexpr size_t service_bytes_max = 64;

  // Without `local_offset`, times without a zone are UTC.
  explicit LineParser(LocalOffset local_offset = {}) : times_(std::move(local_offset)) {}

  ParsedLine parse(BytesView line, WallTime arrival);

  // Whether a line that arrived then can be of that time.
  static bool is_believable(WallTime time, WallTime arrival);

 private:
  void parse_json(BytesView line, WallTime arrival, ParsedLine& parsed);
  std::optional<FoundTime> find_time(BytesView line, size_t at, WallTime arrival);

  TimeScanner times_;
};

}  // namespace reeve::agent
