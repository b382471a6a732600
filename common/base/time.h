// Two kinds of time, never mixed: Instant measures elapsed time, WallTime is for people and wire formats.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reeve {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;  // NOLINT: 5s reads better than any spelling of ours

// A point on the monotonic clock; its zero has no meaning.
struct Instant {
  int64_t ns = 0;
  auto operator<=>(const Instant&) const = default;
};
constexpr Instant operator+(Instant a, Duration d) {
  return Instant{a.ns + d.count()};
}
constexpr Instant operator-(Instant a, Duration d) {
  return Instant{a.ns - d.count()};
}
constexpr Duration operator-(Instant a, Instant b) {
  return Duration(a.ns - b.ns);
}

// Nanoseconds since 1970-01-01T00:00:00Z, leap seconds ignored.
struct WallTime {
  int64_t ns = 0;
  auto operator<=>(const WallTime&) const = default;
};
constexpr WallTime operator+(WallTime a, Duration d) {
  return WallTime{a.ns + d.count()};
}
constexpr WallTime operator-(WallTime a, Duration d) {
  return WallTime{a.ns - d.count()};
}
constexpr Duration operator-(WallTime a, WallTime b) {
  return Duration(a.ns - b.ns);
}

// Read once per event, then passed down as a value. Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() = 0;
  virtual WallTime wall() = 0;
};

// The host's clocks. Any thread.
class SystemClock : public Clock {
 public:
  Instant now() override;
  WallTime wall() override;
};

// Days since 1970-01-01 of a date in the proleptic Gregorian calendar. Source: Howard Hinnant,
// "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
constexpr int64_t days_from_civil(int64_t year, unsigned month, unsigned day) {
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + static_cast<int64_t>(day_of_era) - 719468;
}

// "2026-11-21T02:54:00.123456789Z", with as few of 0, 3, 6 or 9 fraction digits as the value needs.
std::string format_rfc3339(WallTime time);

// An RFC 3339 date-time with any offset, a blank or 't' allowed between date and time; nothing when it is not one.
std::optional<WallTime> parse_rfc3339(std::string_view text);

// "2026-11-21", the UTC day.
std::string format_day(WallTime time);

// "250ms", "5s", "10m", "2h", "7d": a non-negative whole number and a unit.
std::optional<Duration> parse_duration(std::string_view text);
std::string format_duration(Duration duration);

}  // namespace reeve
