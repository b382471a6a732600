// The local zone comes from the C library (TZ, /etc/localtime).
#include "cli/times.h"

#include <cstdio>
#include <ctime>

namespace reeve::cli {

namespace {

constexpr int64_t ns_per_second = 1'000'000'000;

struct Civil {
  tm fields{};
  int millisecond = 0;
};

Civil civil(WallTime time, Zone zone) {
  int64_t seconds = time.ns / ns_per_second;
  int64_t rest = time.ns % ns_per_second;
  if (rest < 0) {
    rest += ns_per_second;
    --seconds;
  }
  Civil result;
  const time_t moment = seconds;
  if (zone == Zone::local) {
    localtime_r(&moment, &result.fields);
  } else {
    gmtime_r(&moment, &result.fields);
  }
  result.millisecond = static_cast<int>(rest / 1'000'000);
  return result;
}

std::string print(const char* format, int a, int b, int c) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, a, b, c);
  return buffer;
}

std::string day_of(const tm& fields) {
  return print("%04d-%02d-%02d", fields.tm_year + 1900, fields.tm_mon + 1, fields.tm_mday);
}

std::string time_of(const tm& fields) {
  return print("%02d:%02d:%02d", fields.tm_hour, fields.tm_min, fields.tm_sec);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "10:30" and "10:30:15", without looking at the values.
bool looks_like_time_of_day(std::string_view text) {
  return text.size() >= 5 && is_digit(text[0]) && is_digit(text[1]) && text[2] == ':';
}

bool looks_like_day(std::string_view text) {
  return text.size() >= 10 && text[4] == '-' && text[7] == '-';
}

bool has_offset(std::string_view time_of_day) {
  return time_of_day.find_first_of("Zz+-") != std::string_view::npos;
}

// The moment at which the local clock shows what `utc` shows on the UTC one.
WallTime as_local(WallTime utc) {
  Civil shown = civil(utc, Zone::utc);
  shown.fields.tm_isdst = -1;
  const time_t moment = std::mktime(&shown.fields);
  return WallTime{int64_t{moment} * ns_per_second + (utc.ns % ns_per_second)};
}

}  // namespace

Result<std::string> parse_when(std::string_view text, Zone zone, WallTime now) {
  const std::string_view ago = text.starts_with('-') ? text.substr(1) : text;
  if (parse_duration(ago)) return "-" + std::string(ago);
  if (text == "now") return format_rfc3339(now);

  std::string full;
  if (looks_like_time_of_day(text)) {
    full = day_of(civil(now, zone).fields) + "T" + std::string(text);
  } else if (looks_like_day(text)) {
    full = std::string(text.size() == 10 ? std::string(text) + "T00:00:00" : std::string(text));
  }

  // RFC 3339 wants seconds and an offset; people leave both out.
  const size_t time_begin = 11;
  std::optional<WallTime> time;
  if (full.size() >= time_begin + 5) {
    const bool offset = has_offset(std::string_view(full).substr(time_begin));
    const size_t minutes_end = time_begin + 5;
    if (full.size() == minutes_end || full[minutes_end] != ':') full.insert(minutes_end, ":00");
    time = parse_rfc3339(offset ? full : full + "Z");
    if (time && !offset && zone == Zone::local) time = as_local(*time);
  }
  if (!time)
    return Error(
        Code::invalid,
        "how long ago (15m, 2h, 7d), a time of today (10:30), a day (2026-11-21), or both (2026-11-21T10:30Z)");
  return format_rfc3339(*time);
}

std::string format_when(WallTime time, Zone zone) {
  const Civil shown = civil(time, zone);
  std::string text = day_of(shown.fields) + "T" + time_of(shown.fields) + print(".%03d", shown.millisecond, 0, 0);
  if (zone == Zone::utc) return text + "Z";

  const long offset_minutes = shown.fields.tm_gmtoff / 60;
  const auto distance = static_cast<int>(offset_minutes < 0 ? -offset_minutes : offset_minutes);
  return text + (offset_minutes < 0 ? "-" : "+") + print("%02d:%02d", distance / 60, distance % 60, 0);
}

std::string format_age(WallTime then, WallTime now) {
  if (then >= now) return "now";
  // Unsigned, because `then` may be foreign, and the two ends of time are further apart than a Duration reaches.
  const uint64_t age = static_cast<uint64_t>(now.ns) - static_cast<uint64_t>(then.ns);
  struct Unit {
    uint64_t ns;
    const char* name;
  };
  static constexpr Unit units[] = {
      {86'400 * ns_per_second, "d"}, {3600 * ns_per_second, "h"}, {60 * ns_per_second, "m"}, {ns_per_second, "s"}};
  for (const Unit& unit : units) {
    if (age >= unit.ns) return std::to_string(age / unit.ns) + unit.name + " ago";
  }
  return "now";
}

}  // namespace reeve::cli
