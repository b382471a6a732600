// See policy_windows.h.
#include "agent/runner/policy_windows.h"

#include <algorithm>
#include <iterator>
#include <optional>

namespace reeve::runner {

namespace {

constexpr std::string_view days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr size_t day_minutes = 24 * 60;

std::optional<size_t> try_day(std::string_view text) {
  const auto* found = std::find(std::begin(days), std::end(days), text);
  if (found == std::end(days)) return std::nullopt;
  return static_cast<size_t>(found - std::begin(days));
}

// "06:00" to "24:00".
std::optional<size_t> try_minute(std::string_view text) {
  const auto digit = [&text](size_t at) { return text[at] >= '0' && text[at] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4)) return std::nullopt;
  const auto two = [&text](size_t at) { return static_cast<size_t>((text[at] - '0') * 10 + text[at + 1] - '0'); };
  const size_t minute = two(0) * 60 + two(3);
  return two(3) < 60 && minute <= day_minutes ? std::optional(minute) : std::nullopt;
}

bool add_days(std::string_view text, std::bitset<7>& set) {
  const size_t dash = text.find('-');
  const auto first = try_day(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : try_day(text.substr(dash + 1));
  if (!first || !last) return false;
  for (size_t day = *first; set.set(day), day != *last;) day = (day + 1) % std::size(days);
  return true;
}

}  // namespace

bool add_window(std::string_view text, std::bitset<week_minutes>& minutes) {
  const size_t blank = text.find(' ');
  if (blank == std::string_view::npos) return false;
  std::string_view left = text.substr(0, blank);
  std::bitset<7> on;
  if (left == "daily") {
    on.set();
  } else {
    for (size_t comma = 0; comma != std::string_view::npos; left.remove_prefix(std::min(comma, left.size() - 1) + 1)) {
      comma = left.find(',');
      if (!add_days(left.substr(0, comma), on)) return false;
    }
  }
  const std::string_view hours = text.substr(blank + 1);
  const auto begin = try_minute(hours.substr(0, 5));
  const auto end = hours.size() == 11 && hours[5] == '-' ? try_minute(hours.substr(6)) : std::nullopt;
  if (!begin || !end || *begin == *end || *begin == day_minutes) return false;
  const size_t length = *begin < *end ? *end - *begin : day_minutes - *begin + *end;
  for (size_t day = 0; day < on.size(); day++) {
    for (size_t i = 0; on[day] && i < length; i++) minutes.set((day * day_minutes + *begin + i) % week_minutes);
  }
  return true;
}

size_t minute_of_week(WallTime now) {
  constexpr int64_t minute_ns = 60'000'000'000;
  constexpr int64_t thursday = 3 * static_cast<int64_t>(day_minutes);  // 1970-01-01
  const int64_t minute = now.ns / minute_ns - (now.ns % minute_ns < 0 ? 1 : 0) + thursday;
  constexpr auto week = static_cast<int64_t>(week_minutes);
  return static_cast<size_t>((minute % week + week) % week);
}

}  // namespace reeve::runner
