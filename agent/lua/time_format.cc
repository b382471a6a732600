#include "agent/lua/time_format.h"

#include <algorithm>
#include <array>

namespace reeve::agent::lua {

namespace {

constexpr int64_t second_ns = 1'000'000'000;
constexpr int64_t day_seconds = 86'400;
constexpr std::array<std::string_view, 12> months = {"jan", "feb", "mar", "apr", "may", "jun",
                                                     "jul", "aug", "sep", "oct", "nov", "dec"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

char lower(char c) {
  return static_cast<char>(c | 0x20);
}

// What has been read of a time.
struct Parts {
  std::optional<int64_t> year;
  int64_t month = 1;
  int64_t day = 1;
  std::optional<int64_t> day_of_year;
  int64_t hour = 0;
  int64_t minute = 0;
  int64_t second = 0;
  int64_t fraction_ns = 0;
  std::optional<bool> afternoon;
  std::optional<int64_t> zone_seconds;
  std::optional<int64_t> epoch;
};

class Reader {
 public:
  explicit Reader(BytesView text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  void skip_blanks() {
    while (!at_end() && text_[at_] == ' ') ++at_;
  }
  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::optional<int64_t> number(size_t digits_min, size_t digits_max) {
    int64_t value = 0;
    const size_t begin = at_;
    while (!at_end() && at_ - begin < digits_max && is_digit(text_[at_])) value = value * 10 + (text_[at_++] - '0');
    if (at_ - begin < digits_min) return {};
    return value;
  }
  bool read(char what, Parts& parts);

 private:
  bool within(int64_t& value, size_t digits, int64_t min, int64_t max) {
    const std::optional<int64_t> read = number(1, digits);
    if (!read || *read < min || *read > max) return false;
    value = *read;
    return true;
  }
  bool read_month(int64_t& month);
  bool read_fraction(int64_t& ns);
  bool read_half(std::optional<bool>& afternoon);
  bool read_zone(std::optional<int64_t>& seconds);

  BytesView text_;
  size_t at_ = 0;
};

bool Reader::read_month(int64_t& month) {
  if (text_.size() - at_ < 3) return false;
  const std::array<char, 3> name = {lower(text_[at_]), lower(text_[at_ + 1]), lower(text_[at_ + 2])};
  const auto found = std::find(months.begin(), months.end(), std::string_view(name.data(), name.size()));
  if (found == months.end()) return false;
  month = found - months.begin() + 1;
  while (!at_end() && lower(text_[at_]) >= 'a' && lower(text_[at_]) <= 'z') ++at_;
  return true;
}

bool Reader::read_fraction(int64_t& ns) {
  ns = 0;
  int64_t unit = second_ns / 10;
  const size_t begin = at_;
  for (; !at_end() && is_digit(text_[at_]); ++at_, unit /= 10) ns += (text_[at_] - '0') * unit;
  return at_ > begin;
}

bool Reader::read_half(std::optional<bool>& afternoon) {
  if (text_.size() - at_ < 2 || lower(text_[at_ + 1]) != 'm') return false;
  const char c = lower(text_[at_]);
  if (c != 'a' && c != 'p') return false;
  afternoon = c == 'p';
  at_ += 2;
  return true;
}

bool Reader::read_zone(std::optional<int64_t>& seconds) {
  const BytesView rest = text_.substr(at_);
  for (const BytesView utc : {BytesView("Z"), BytesView("UTC"), BytesView("GMT")}) {
    if (!rest.starts_with(utc)) continue;
    at_ += utc.size();
    seconds = 0;
    return true;
  }
  if (rest.empty() || (rest[0] != '+' && rest[0] != '-')) return false;
  ++at_;
  const std::optional<int64_t> hours = number(2, 2);
  (void)take(':');  // may stand there or not
  const std::optional<int64_t> minutes = number(2, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return false;
  seconds = (*hours * 3600 + *minutes * 60) * (rest[0] == '-' ? -1 : 1);
  return true;
}

bool Reader::read(char what, Parts& parts) {
  switch (what) {
    case 'Y':
      parts.year = number(4, 4);
      return parts.year.has_value();
    case 'y':
      parts.year = number(2, 2);
      if (parts.year) *parts.year += *parts.year < 69 ? 2000 : 1900;
      return parts.year.has_value();
    case 'm':
      return within(parts.month, 2, 1, 12);
    case 'b':
      return read_month(parts.month);
    case 'e':
      skip_blanks();
      return within(parts.day, 2, 1, 31);
    case 'd':
      return within(parts.day, 2, 1, 31);
    case 'j':
      parts.day_of_year = number(1, 3);
      return parts.day_of_year && *parts.day_of_year >= 1 && *parts.day_of_year <= 366;
    case 'H':
      return within(parts.hour, 2, 0, 23);
    case 'I':
      return within(parts.hour, 2, 1, 12);
    case 'p':
      return read_half(parts.afternoon);
    case 'M':
      return within(parts.minute, 2, 0, 59);
    case 'S':
      return within(parts.second, 2, 0, 60);
    case 'f':
      return read_fraction(parts.fraction_ns);
    case 's':
      parts.epoch = number(1, 11);
      return parts.epoch && *parts.epoch < INT64_MAX / second_ns;
    case 'z':
      return read_zone(parts.zone_seconds);
    case '%':
      return take('%');
    default:
      return false;
  }
}

int64_t local_seconds(const Parts& parts, int64_t year) {
  int64_t days = days_from_civil(year, static_cast<unsigned>(parts.month), static_cast<unsigned>(parts.day));
  if (parts.day_of_year) days = days_from_civil(year, 1, 1) + *parts.day_of_year - 1;
  int64_t hour = parts.hour;
  if (parts.afternoon) hour = hour % 12 + (*parts.afternoon ? 12 : 0);
  return days * day_seconds + hour * 3600 + parts.minute * 60 + parts.second;
}

// Those that int64 nanoseconds can say.
bool is_sayable(int64_t year) {
  return year >= 1700 && year <= 2250;
}

}  // namespace

std::optional<WallTime> parse_time(BytesView text, BytesView format, WallTime arrival,
                                   const LocalOffset& local_offset) {
  Reader reader(text);
  Parts parts;
  for (size_t at = 0; at < format.size(); ++at) {
    if (format[at] == ' ') {
      reader.skip_blanks();
    } else if (format[at] == '%') {
      if (++at == format.size() || !reader.read(format[at], parts)) return {};
    } else if (!reader.take(format[at])) {
      return {};
    }
  }
  if (!reader.at_end()) return {};
  if (parts.epoch) return WallTime{*parts.epoch * second_ns + parts.fraction_ns};

  const auto at_year = [&](int64_t year) {
    const int64_t local = local_seconds(parts, year);
    int64_t offset = parts.zone_seconds.value_or(0);
    if (!parts.zone_seconds && local_offset) {
      offset = std::chrono::duration_cast<std::chrono::seconds>(local_offset(WallTime{local * second_ns})).count();
    }
    return WallTime{(local - offset) * second_ns + parts.fraction_ns};
  };
  if (parts.year) {
    if (!is_sayable(*parts.year)) return {};
    return at_year(*parts.year);
  }
  int64_t year = 1970 + arrival.ns / second_ns / (365 * day_seconds + day_seconds / 4) + 1;
  while (is_sayable(year) && at_year(year) > arrival + 24h) --year;
  if (!is_sayable(year)) return {};
  return at_year(year);
}

}  // namespace reeve::agent::lua
