// See time_scanner.h. Each scan_ checks the shape before it computes anything, so that a line of another shape costs a
// few comparisons.
#include "agent/parse/time_scanner.h"

#include <cstring>

namespace reeve::agent {

namespace {

constexpr int64_t day_seconds = 86'400;
constexpr int64_t second_ns = 1'000'000'000;

bool is_digit(char c) {
  return static_cast<unsigned char>(c - '0') < 10;
}
bool are_digits(const char* at, size_t count) {
  bool all = true;
  for (size_t i = 0; i < count; ++i) all &= is_digit(at[i]);
  return all;
}
int two(const char* at) {
  return (at[0] - '0') * 10 + (at[1] - '0');
}
int four(const char* at) {
  return two(at) * 100 + two(at + 2);
}

// 1 to 12 for "Jan" to "Dec"; 0 for anything else.
unsigned month_of(const char* at) {
  const uint32_t word = static_cast<uint32_t>(static_cast<uint8_t>(at[0])) << 16 |
                        static_cast<uint32_t>(static_cast<uint8_t>(at[1])) << 8 | static_cast<uint8_t>(at[2]);
  constexpr auto pack = [](const char(&name)[4]) {
    return static_cast<uint32_t>(name[0]) << 16 | static_cast<uint32_t>(name[1]) << 8 | static_cast<uint32_t>(name[2]);
  };
  switch (word) {
    case pack("Jan"):
      return 1;
    case pack("Feb"):
      return 2;
    case pack("Mar"):
      return 3;
    case pack("Apr"):
      return 4;
    case pack("May"):
      return 5;
    case pack("Jun"):
      return 6;
    case pack("Jul"):
      return 7;
    case pack("Aug"):
      return 8;
    case pack("Sep"):
      return 9;
    case pack("Oct"):
      return 10;
    case pack("Nov"):
      return 11;
    case pack("Dec"):
      return 12;
    default:
      return 0;
  }
}

bool is_weekday(const char* at) {
  constexpr std::string_view days = "Mon Tue Wed Thu Fri Sat Sun";
  return days.find(std::string_view(at, 3)) % 4 == 0;
}

bool is_leap(int year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

bool is_date(int year, unsigned month, unsigned day) {
  constexpr unsigned char days[13] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  // What nanoseconds in 64 bits cannot tell is no time.
  if (year < 1678 || year > 2261) return false;
  if (month < 1 || month > 12 || day < 1 || day > days[month]) return false;
  return month != 2 || day < 29 || is_leap(year);
}

// "hh:mm:ss", or "hhmmss" with step 2; -1 where it is none. A leap second counts as the next minute's first.
int64_t second_of_day(const char* at, size_t step) {
  if (!are_digits(at, 2) || !are_digits(at + step, 2) || !are_digits(at + 2 * step, 2)) return -1;
  if (step == 3 && (at[2] != ':' || at[5] != ':')) return -1;
  const int hour = two(at);
  const int minute = two(at + step);
  const int second = two(at + 2 * step);
  if (hour > 23 || minute > 59 || second > 60) return -1;
  return hour * 3600 + minute * 60 + second;
}

int64_t seconds_of(int year, unsigned month, unsigned day, int64_t second) {
  return days_from_civil(year, month, day) * day_seconds + second;
}

// A fraction of 1 to 9 digits (further ones are passed over) as nanoseconds; `end` moves behind it.
int64_t take_fraction(BytesView line, size_t& end) {
  if (end + 1 >= line.size() || (line[end] != '.' && line[end] != ',') || !is_digit(line[end + 1])) return 0;
  int64_t ns = 0;
  int64_t scale = 100'000'000;
  for (++end; end < line.size() && is_digit(line[end]); ++end) {
    ns += (line[end] - '0') * scale;
    scale /= 10;
  }
  return ns;
}

// "Z", "+02:00", "+0200" or "+02", a blank before it allowed; `end` moves behind it.
std::optional<int64_t> take_zone(BytesView line, size_t& end) {
  size_t at = end;
  if (at < line.size() && line[at] == 'Z') {
    end = at + 1;
    return 0;
  }
  if (at + 5 < line.size() && line[at] == ' ') ++at;
  if (at + 2 >= line.size() || (line[at] != '+' && line[at] != '-') || !are_digits(&line[at + 1], 2)) return {};
  const int64_t sign = line[at] == '-' ? -1 : 1;
  const int hours = two(&line[at + 1]);
  size_t stop = at + 3;
  int minutes = 0;
  const size_t minutes_at = stop < line.size() && line[stop] == ':' ? stop + 1 : stop;
  if (minutes_at + 1 < line.size() && are_digits(&line[minutes_at], 2)) {
    minutes = two(&line[minutes_at]);
    stop = minutes_at + 2;
  } else if (at != end) {
    return {};  // " -12 ..." is a number that follows, no zone
  }
  if (hours > 14 || minutes > 59) return {};
  end = stop;
  return sign * (hours * 3600 + minutes * 60);
}

}  // namespace

std::optional<FoundTime> TimeScanner::scan(BytesView line, size_t at, WallTime arrival) {
  if (at + 10 > line.size()) return {};
  const char* text = line.data() + at;
  if (is_digit(text[0])) {
    if (text[4] == '-' || text[4] == '/') return scan_iso(line, at);
    if (text[2] == '/' && !is_digit(text[3])) return scan_clf(line, at);
    if (text[2] == '/') return scan_two_digit_year(line, at);
    if (text[6] == ' ') return scan_compact(line, at);
    if (text[8] == 'T' || text[8] == ' ' || text[8] == '-') return scan_compact(line, at);
    return scan_epoch(line, at);
  }
  if (text[3] != ' ') return {};
  if (month_of(text) != 0) return scan_month_first(line, at, arrival);
  if (is_weekday(text)) return scan_weekday_first(line, at);
  return {};
}

// Adds fraction and zone to a second whose text ends at `end`.
std::optional<FoundTime> TimeScanner::finish(BytesView line, size_t end, int64_t seconds) {
  const int64_t ns = take_fraction(line, end);
  const std::optional<int64_t> zone = take_zone(line, end);
  const int64_t utc = zone ? seconds - *zone : to_utc(seconds);
  return FoundTime{WallTime{utc * second_ns + ns}, end, false};
}

int64_t TimeScanner::to_utc(int64_t local_seconds) {
  if (!local_offset_) return local_seconds;
  const int64_t hour = local_seconds / 3600;
  if (hour != offset_hour_) {
    offset_hour_ = hour;
    offset_seconds_ = local_offset_(WallTime{local_seconds * second_ns}) / 1s;
  }
  return local_seconds - offset_seconds_;
}

std::optional<FoundTime> TimeScanner::scan_iso(BytesView line, size_t at) {
  constexpr size_t size = 19;
  if (at + size > line.size()) return {};
  const char* text = line.data() + at;
  if (std::memcmp(text, iso_.text, size) != 0) {
    const char dash = text[4];
    if (text[7] != dash || (text[10] != 'T' && text[10] != ' ' && text[10] != 't' && text[10] != '_')) return {};
    if (!are_digits(text, 4) || !are_digits(text + 5, 2) || !are_digits(text + 8, 2)) return {};
    const int year = four(text);
    const auto month = static_cast<unsigned>(two(text + 5));
    const auto day = static_cast<unsigned>(two(text + 8));
    const int64_t second = second_of_day(text + 11, 3);
    if (!is_date(year, month, day) || second < 0) return {};
    iso_.seconds = seconds_of(year, month, day, second);
    std::memcpy(iso_.text, text, size);
  }
  auto found = finish(line, at + size, iso_.seconds);
  // rsyslog's own form: a full fraction and a numeric zone, "2026-03-01T00:00:00.123456+00:00 host tag: ...".
  found->is_syslog = text[10] == 'T' && found->end == at + size + 13;
  return found;
}

std::optional<FoundTime> TimeScanner::scan_clf(BytesView line, size_t at) {
  constexpr size_t size = 20;  // 01/Mar/2026:00:00:00
  if (at + size > line.size()) return {};
  const char* text = line.data() + at;
  if (std::memcmp(text, clf_.text, size) != 0) {
    if (text[2] != '/' || text[6] != '/' || text[11] != ':') return {};
    if (!are_digits(text, 2) || !are_digits(text + 7, 4)) return {};
    const int year = four(text + 7);
    const unsigned month = month_of(text + 3);
    const auto day = static_cast<unsigned>(two(text));
    const int64_t second = second_of_day(text + 12, 3);
    if (!is_date(year, month, day) || second < 0) return {};
    clf_.seconds = seconds_of(year, month, day, second);
    std::memcpy(clf_.text, text, size);
  }
  return finish(line, at + size, clf_.seconds);
}

std::optional<FoundTime> TimeScanner::scan_month_first(BytesView line, size_t at, WallTime arrival) {
  constexpr size_t size = 15;  // Mar  1 00:00:00
  if (at + size > line.size()) return {};
  const char* text = line.data() + at;

  // The year hangs on the arrival, so what is remembered is forgotten after a while.
  const bool fresh = arrival >= month_first_arrival_ && arrival < month_first_arrival_ + 1min;
  if (!fresh || std::memcmp(text, month_first_.text, size) != 0) {
    const bool two_digits = is_digit(text[4]);
    if ((!two_digits && text[4] != ' ') || !is_digit(text[5]) || text[6] != ' ') return {};
    const unsigned month = month_of(text);
    const auto day = static_cast<unsigned>(two_digits ? two(text + 4) : text[5] - '0');
    const int64_t second = second_of_day(text + 7, 3);
    if (second < 0 || !is_date(2000, month, day)) return {};
    const int year = year_for(month, day, second, arrival);
    month_first_.seconds = seconds_of(year, month, day, second);
    std::memcpy(month_first_.text, text, size);
    month_first_arrival_ = arrival;
  }
  size_t end = at + size;
  const int64_t ns = take_fraction(line, end);
  return FoundTime{WallTime{to_utc(month_first_.seconds) * second_ns + ns}, end, true};
}

// The latest year in which that day exists and is at most a day ahead of the arrival.
int TimeScanner::year_for(unsigned month, unsigned day, int64_t second, WallTime arrival) {
  const int64_t limit = arrival.ns / second_ns + day_seconds;
  int year = static_cast<int>(1970 + limit / (day_seconds * 365)) + 1;  // never too early
  for (int tries = 0; tries < 12; ++tries, --year) {
    if (is_date(year, month, day) && to_utc(seconds_of(year, month, day, second)) <= limit) break;
  }
  return year;
}

std::optional<FoundTime> TimeScanner::scan_weekday_first(BytesView line, size_t at) {
  constexpr size_t size = 19;  // Sun Mar 01 00:00:00
  if (at + size + 5 > line.size()) return {};
  const char* text = line.data() + at;
  const unsigned month = month_of(text + 4);
  const bool two_digits = is_digit(text[8]);
  if (month == 0 || text[7] != ' ' || (!two_digits && text[8] != ' ') || !is_digit(text[9]) || text[10] != ' ')
    return {};
  const auto day = static_cast<unsigned>(two_digits ? two(text + 8) : text[9] - '0');
  const int64_t second = second_of_day(text + 11, 3);
  size_t end = at + size;
  const int64_t ns = take_fraction(line, end);
  if (second < 0 || end + 5 > line.size() || line[end] != ' ' || !are_digits(&line[end + 1], 4)) return {};
  const int year = four(&line[end + 1]);
  if (!is_date(year, month, day)) return {};
  return FoundTime{WallTime{to_utc(seconds_of(year, month, day, second)) * second_ns + ns}, end + 5, false};
}

// Digits alone: yymmdd hhmmss, yyyymmddThhmmss, yyyymmdd hh:mm:ss, yyyymmdd-hh:mm:ss:mmm.
std::optional<FoundTime> TimeScanner::scan_compact(BytesView line, size_t at) {
  const char* text = line.data() + at;
  const size_t left = line.size() - at;
  if (left >= 13 && text[6] == ' ' && are_digits(text, 6) && are_digits(text + 7, 6)) {
    if (left > 13 && is_digit(text[13])) return {};
    const int year = 2000 + two(text);
    const auto month = static_cast<unsigned>(two(text + 2));
    const auto day = static_cast<unsigned>(two(text + 4));
    const int64_t second = second_of_day(text + 7, 2);
    if (!is_date(year, month, day) || second < 0) return {};
    return finish(line, at + 13, seconds_of(year, month, day, second));
  }
  if (left < 15 || !are_digits(text, 8)) return {};
  const int year = four(text);
  const auto month = static_cast<unsigned>(two(text + 4));
  const auto day = static_cast<unsigned>(two(text + 6));
  if (!is_date(year, month, day) || year < 1971) return {};
  if (left >= 17 && text[11] == ':') {
    const int64_t second = second_of_day(text + 9, 3);
    if (second < 0) return {};
    auto found = finish(line, at + 17, seconds_of(year, month, day, second));
    if (text[8] == '-' && left > 18 && text[17] == ':') {  // 20260301-00:00:00:123
      size_t end = at + 17;
      Bytes fraction(line.substr(end, 4));
      fraction[0] = '.';
      size_t fraction_end = 0;
      found->time.ns += take_fraction(fraction, fraction_end);
      found->end = end + fraction_end;
    }
    return found;
  }
  if (text[8] != 'T') return {};
  const int64_t second = second_of_day(text + 9, 2);
  if (second < 0) return {};
  return finish(line, at + 15, seconds_of(year, month, day, second));
}

std::optional<FoundTime> TimeScanner::scan_two_digit_year(BytesView line, size_t at) {
  constexpr size_t size = 17;  // 26/03/01 00:00:00
  if (at + size > line.size()) return {};
  const char* text = line.data() + at;
  if (text[5] != '/' || text[8] != ' ' || !are_digits(text, 2) || !are_digits(text + 3, 2) ||
      !are_digits(text + 6, 2)) {
    return {};
  }
  const int year = 2000 + two(text);
  const auto month = static_cast<unsigned>(two(text + 3));
  const auto day = static_cast<unsigned>(two(text + 6));
  const int64_t second = second_of_day(text + 9, 3);
  if (!is_date(year, month, day) || second < 0) return {};
  return finish(line, at + size, seconds_of(year, month, day, second));
}

std::optional<WallTime> TimeScanner::epoch_time(BytesView digits, BytesView fraction) {
  // 19 digits hold any time to the year 2262.
  if (digits.size() > 19 || (digits.size() == 19 && digits > "9223372036854775807")) return {};
  int64_t value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  int64_t unit_ns = 0;
  switch (digits.size()) {
    case 10:
      unit_ns = second_ns;
      break;
    case 13:
      unit_ns = 1'000'000;
      break;
    case 16:
      unit_ns = 1'000;
      break;
    case 19:
      unit_ns = 1;
      break;
    default:
      return {};
  }
  int64_t ns = 0;
  int64_t scale = 100'000'000;
  for (const char c : fraction) {
    ns += (c - '0') * scale;
    scale /= 10;
  }
  if (__builtin_mul_overflow(value, unit_ns, &value) || __builtin_add_overflow(value, ns, &value)) return {};
  return WallTime{value};
}

std::optional<FoundTime> TimeScanner::scan_epoch(BytesView line, size_t at) {
  size_t end = at;
  while (end < line.size() && end - at < 20 && is_digit(line[end])) ++end;
  const BytesView digits = line.substr(at, end - at);
  BytesView fraction;
  if (digits.size() == 10 && end + 1 < line.size() && line[end] == '.' && is_digit(line[end + 1])) {
    size_t stop = end + 1;
    while (stop < line.size() && stop - end <= 9 && is_digit(line[stop])) ++stop;
    fraction = line.substr(end + 1, stop - end - 1);
    end = stop;
  }
  const auto time = epoch_time(digits, fraction);
  // A number that a word continues is an id, not a time.
  const bool ends = end == line.size() || std::strchr(" \t:,;|]\"}", line[end]) != nullptr;
  if (!time || !ends) return {};
  return FoundTime{*time, end, false};
}

}  // namespace reeve::agent
