// Clocks of the host, and the few text forms of time that we write and accept everywhere.
#include "common/base/time.h"

#include <charconv>
#include <cstdio>
#include <ctime>

namespace reeve {

namespace {

int64_t read_clock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

struct Civil {
  int64_t year;
  unsigned month;
  unsigned day;
};

// The inverse of days_from_civil; same source.
Civil civil_from_days(int64_t days) {
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146097);
  const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted = (5 * day_of_year + 2) / 153;
  const unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;
  const int64_t year = int64_t{year_of_era} + era * 400 + (month <= 2);
  return {year, month, day_of_year - (153 * shifted + 2) / 5 + 1};
}

int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b < 0);
}

constexpr int64_t ns_per_second = 1'000'000'000;
constexpr int64_t seconds_per_day = 86'400;

// Takes exactly `digits` decimal digits off the front.
std::optional<unsigned> take_digits(std::string_view& text, size_t digits) {
  if (text.size() < digits) return std::nullopt;
  unsigned value = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

Instant SystemClock::now() {
  return Instant{read_clock(CLOCK_MONOTONIC)};
}
WallTime SystemClock::wall() {
  return WallTime{read_clock(CLOCK_REALTIME)};
}

std::string format_day(WallTime time) {
  const Civil date = civil_from_days(floor_div(time.ns, ns_per_second * seconds_per_day));
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%04lld-%02u-%02u", static_cast<long long>(date.year), date.month, date.day);
  return buffer;
}

std::string format_rfc3339(WallTime time) {
  const int64_t seconds = floor_div(time.ns, ns_per_second);
  const auto fraction = static_cast<unsigned>(time.ns - seconds * ns_per_second);
  const auto of_day = static_cast<unsigned>(seconds - floor_div(seconds, seconds_per_day) * seconds_per_day);
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "T%02u:%02u:%02u", of_day / 3600, of_day / 60 % 60, of_day % 60);
  std::string text = format_day(time) + buffer;
  if (fraction != 0) {
    const int digits = fraction % 1'000'000 == 0 ? 3 : fraction % 1'000 == 0 ? 6 : 9;
    std::snprintf(buffer, sizeof buffer, ".%09u", fraction);
    text.append(buffer, static_cast<size_t>(digits) + 1);
  }
  return text + "Z";
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  const auto year = take_digits(text, 4);
  if (!year || !take(text, "-")) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || *month < 1 || *month > 12 || !take(text, "-")) return std::nullopt;
  const auto day = take_digits(text, 2);
  static constexpr unsigned month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year && (*year % 4 == 0 && (*year % 100 != 0 || *year % 400 == 0));
  const unsigned day_max = month_days[*month - 1] + (leap && *month == 2);
  if (!day || *day < 1 || *day > day_max || !take(text, "Tt ")) return std::nullopt;

  const auto hour = take_digits(text, 2);
  if (!hour || *hour > 23 || !take(text, ":")) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || *minute > 59 || !take(text, ":")) return std::nullopt;
  const auto second = take_digits(text, 2);
  if (!second || *second > 60) return std::nullopt;

  int64_t fraction = 0;
  if (take(text, ".,")) {
    int64_t weight = 100'000'000;
    if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
    while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
      fraction += (text[0] - '0') * weight;
      weight /= 10;
      text.remove_prefix(1);
    }
  }

  int64_t offset_seconds = 0;
  if (!take(text, "Zz")) {
    if (text.empty() || (text[0] != '+' && text[0] != '-')) return std::nullopt;
    const int64_t sign = text[0] == '+' ? 1 : -1;
    text.remove_prefix(1);
    const auto offset_hour = take_digits(text, 2);
    if (!offset_hour || *offset_hour > 23) return std::nullopt;
    take(text, ":");
    const auto offset_minute = take_digits(text, 2);
    if (!offset_minute || *offset_minute > 59) return std::nullopt;
    offset_seconds = sign * (int64_t{*offset_hour} * 3600 + *offset_minute * 60);
  }
  if (!text.empty()) return std::nullopt;

  const int64_t seconds = days_from_civil(*year, *month, *day) * seconds_per_day + int64_t{*hour} * 3600 +
                          int64_t{*minute} * 60 + *second - offset_seconds;
  // Outside of 1678..2261 nanoseconds no longer fit 64 bits.
  if (seconds > 9'223'372'035 || seconds < -9'223'372'035) return std::nullopt;
  return WallTime{seconds * ns_per_second + fraction};
}

namespace {

struct Unit {
  std::string_view name;
  int64_t ns;
};
constexpr Unit units[] = {{"ns", 1},
                          {"us", 1'000},
                          {"ms", 1'000'000},
                          {"s", ns_per_second},
                          {"m", 60 * ns_per_second},
                          {"h", 3600 * ns_per_second},
                          {"d", seconds_per_day* ns_per_second}};

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || count < 0) return std::nullopt;
  const std::string_view unit_name(end, static_cast<size_t>(text.data() + text.size() - end));
  for (const Unit& unit : units) {
    int64_t ns = 0;
    if (unit.name == unit_name && !__builtin_mul_overflow(count, unit.ns, &ns)) return Duration(ns);
  }
  return std::nullopt;
}

std::string format_duration(Duration duration) {
  const int64_t ns = duration.count();
  if (ns == 0) return "0s";
  const Unit* largest = &units[0];
  for (const Unit& unit : units) {
    if (ns % unit.ns == 0) largest = &unit;
  }
  return std::to_string(ns / largest->ns) + std::string(largest->name);
}

}  // namespace reeve
