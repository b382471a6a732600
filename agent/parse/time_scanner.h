// Reads a time that stands at a given place of a line, in the shapes programs write.
//
//     2026-03-01T00:00:00.123Z   2026-03-01 00:00:00,123   2026/03/01 00:00:00   +02:00, +0200 and Z where they stand
//     01/Mar/2026:00:00:00 +0000           Mar  1 00:00:00           Sun Mar 01 00:00:00.123456 2026
//     260301 000000   26/03/01 00:00:00   20260301T000000Z   20260301-00:00:00:123
//     1772323200   1772323200.123   1772323200123 (ms)   ... 16 digits (us), 19 digits (ns)
//
// Hand-written, because this runs for every line: no allocation, no regular expression, and the text up to the second
// is compared with that of the line before, which usually is the same. A time without a zone is in the zone given by
// `local_offset` (UTC where there is none); a time without a year is taken as the latest such time that is not more
// than a day ahead of the line's arrival.
//
// One thread.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/time.h"

namespace reeve::agent {

// What the zone of this host is ahead of UTC at that time. Asked once for each hour that lines speak of.
using LocalOffset = std::function<Duration(WallTime local)>;

struct FoundTime {
  WallTime time;
  size_t end = 0;          // one past its last byte
  bool is_syslog = false;  // of a shape after which syslog writes host and tag
};

class TimeScanner {
 public:
  explicit TimeScanner(LocalOffset local_offset) : local_offset_(std::move(local_offset)) {}

  // The time whose first byte is line[at].
  std::optional<FoundTime> scan(BytesView line, size_t at, WallTime arrival);

  // An Apache time at line[at], the byte after its '['. Apart, because it stands in the middle of lines.
  std::optional<FoundTime> scan_clf(BytesView line, size_t at);

  // A whole number of seconds, ms, us or ns since 1970, told apart by its digits.
  static std::optional<WallTime> epoch_time(BytesView digits, BytesView fraction);

 private:
  // Text of fixed size that stood for a second, and which second it was.
  struct Recent {
    char text[24] = {};
    int64_t seconds = 0;
    bool has_zone = false;
  };

  std::optional<FoundTime> scan_iso(BytesView line, size_t at);
  std::optional<FoundTime> scan_month_first(BytesView line, size_t at, WallTime arrival);
  std::optional<FoundTime> scan_weekday_first(BytesView line, size_t at);
  std::optional<FoundTime> scan_compact(BytesView line, size_t at);
  std::optional<FoundTime> scan_two_digit_year(BytesView line, size_t at);
  std::optional<FoundTime> scan_epoch(BytesView line, size_t at);

  std::optional<FoundTime> finish(BytesView line, size_t end, int64_t seconds);
  int64_t to_utc(int64_t local_seconds);
  int year_for(unsigned month, unsigned day, int64_t second_of_day, WallTime arrival);

  LocalOffset local_offset_;
  Recent iso_;
  Recent clf_;
  Recent month_first_;
  WallTime month_first_arrival_{INT64_MIN};
  int64_t offset_hour_ = INT64_MIN;
  int64_t offset_seconds_ = 0;
};

}  // namespace reeve::agent
