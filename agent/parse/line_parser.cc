// See line_parser.h.
#include "agent/parse/line_parser.h"

#include <array>
#include <cstring>

#include "agent/parse/json_scanner.h"
#include "agent/parse/level_word.h"

namespace reeve::agent {

namespace {

using wire::Level;

constexpr WallTime believable_min{365LL * 86'400 * 1'000'000'000};  // 1971

bool is_digit(char c) {
  return static_cast<unsigned char>(c - '0') < 10;
}

enum CharClass : uint8_t { other = 0, upper = 1, lower = 2, inner = 4 };  // inner: digits and what joins words

constexpr std::array<uint8_t, 256> char_classes = [] {
  std::array<uint8_t, 256> classes{};
  for (int c = 'A'; c <= 'Z'; ++c) classes[static_cast<size_t>(c)] = upper;
  for (int c = 'a'; c <= 'z'; ++c) classes[static_cast<size_t>(c)] = lower;
  for (int c = '0'; c <= '9'; ++c) classes[static_cast<size_t>(c)] = inner;
  for (const unsigned char c : {'_', '-', '/', '.', '@', '\\'}) classes[c] = inner;
  return classes;
}();

uint8_t class_of(char c) {
  return char_classes[static_cast<uint8_t>(c)];
}

constexpr uint32_t letters(std::string_view small) {
  uint32_t set = 0;
  for (const char c : small) set |= 1U << (c - 'a');
  return set;
}

// Words of these letters alone are worth a closer look: what level_of_word() knows begins and ends so.
bool may_be_level(BytesView word) {
  constexpr uint32_t first = letters("acdefinpstvw");
  constexpr uint32_t last = letters("ceglnorty");
  return (first >> ((word.front() | 0x20) - 'a') & last >> ((word.back() | 0x20) - 'a') & 1U) != 0;
}

// "level=" and the like end at `at`.
bool follows_level_key(BytesView line, size_t at) {
  if (at < 4 || (line[at - 1] != '=' && line[at - 1] != ':')) return false;
  const BytesView before = line.substr(0, at - 1);
  return before.ends_with("level") || before.ends_with("lvl") || before.ends_with("severity");
}

// `after_time` is where the text behind the time begins: there alone a word in small letters counts by itself.
Level find_level(BytesView line, size_t after_time) {
  const size_t end = std::min(line.size(), LineParser::level_bytes_max);
  size_t at = 0;
  while (at < end) {
    if (class_of(line[at]) == other) {
      ++at;
      continue;
    }
    const size_t begin = at;
    uint8_t classes = 0;
    while (at < line.size() && class_of(line[at]) != other) classes |= class_of(line[at++]);
    const size_t size = at - begin;
    if ((classes & inner) != 0 || size < 3 || size > 13) continue;

    if (!may_be_level(line.substr(begin, size))) continue;
    const Level level = level_of_word(line.substr(begin, size));
    if (level == Level::unset) continue;
    const char before = begin == 0 ? ' ' : line[begin - 1];
    const char after = at == line.size() ? ' ' : line[at];
    const bool capitals = classes == upper;
    const bool enclosed = (before == '[' && after == ']') || (before == '(' && after == ')') ||
                          (before == '<' && after == '>') || (before == '|' && after == '|');
    const bool placed = begin == after_time || after == ':' || follows_level_key(line, begin) ||
                        (before == '"' && begin > 0 && follows_level_key(line, begin - 1));
    if (capitals || enclosed || placed) return level;
  }
  return Level::unset;
}

// What syslog writes behind its time: "host tag[pid]: ..." or "tag: ...".
BytesView find_tag(BytesView line, size_t at) {
  for (int words = 0; words < 2; ++words) {
    if (at >= line.size() || line[at] != ' ') return {};
    const size_t begin = ++at;
    while (at < line.size() && line[at] != ' ' && line[at] != ':' && line[at] != '[') ++at;
    const size_t end = at;
    if (at < line.size() && line[at] == '[') {
      while (at < line.size() && line[at] != ']' && line[at] != ' ') ++at;
      if (at < line.size() && line[at] == ']') ++at;
    }
    if (at < line.size() && line[at] == ':') {
      const BytesView tag = line.substr(begin, end - begin);
      return tag.size() <= LineParser::service_bytes_max ? tag : BytesView();
    }
  }
  return {};
}

// "<34>": facility and severity of syslog; `at` moves behind it.
Level take_priority(BytesView line, size_t& at) {
  size_t end = 1;
  unsigned value = 0;
  while (end < line.size() && end <= 3 && is_digit(line[end]))
    value = value * 10 + static_cast<unsigned>(line[end++] - '0');
  if (end == 1 || end == line.size() || line[end] != '>' || value > 191) return Level::unset;
  at = end + 1;
  return level_of_severity(value);
}

// glog: "W0301 00:00:00.000000 ...".
Level glog_level(BytesView line) {
  if (line.size() < 6 || line[5] != ' ' || !is_digit(line[1]) || !is_digit(line[2]) || !is_digit(line[3]) ||
      !is_digit(line[4])) {
    return Level::unset;
  }
  switch (line[0]) {
    case 'I':
      return Level::info;
    case 'W':
      return Level::warn;
    case 'E':
      return Level::error;
    case 'F':
      return Level::fatal;
    default:
      return Level::unset;
  }
}

}  // namespace

ParsedLine LineParser::parse(BytesView line, WallTime arrival) {
  ParsedLine parsed;
  parsed.time = arrival;
  if (line.empty()) return parsed;

  size_t at = 0;
  if (line[0] == '<') parsed.level = take_priority(line, at);
  if (at < line.size() && line[at] == '{') {
    parse_json(line.substr(at), arrival, parsed);
  } else {
    size_t after_time = 0;
    if (const auto found = find_time(line, at, arrival)) {
      parsed.time = found->time;
      parsed.time_found = true;
      after_time = found->end + 1;
      if (found->is_syslog) parsed.service = find_tag(line, found->end);
    }
    if (parsed.level == Level::unset) parsed.level = glog_level(line);
    if (parsed.level == Level::unset) parsed.level = find_level(line, after_time);
  }

  if (parsed.time_found && !is_believable(parsed.time, arrival)) {
    parsed.time = arrival;
    parsed.time_suspect = true;
  }
  return parsed;
}

bool LineParser::is_believable(WallTime time, WallTime arrival) {
  return time <= arrival + ahead_max && time >= believable_min;
}

std::optional<FoundTime> LineParser::find_time(BytesView line, size_t at, WallTime arrival) {
  while (at < line.size() && (line[at] == '[' || line[at] == ' ' || line[at] == '(')) ++at;
  if (auto found = times_.scan(line, at, arrival)) return found;

  // Apache and nginx: in the first bracket that opens with a digit.
  const BytesView front = line.substr(0, time_bytes_max);
  size_t bracket = front.find('[', at);
  while (bracket != BytesView::npos) {
    if (bracket + 3 < line.size() && is_digit(line[bracket + 1])) {
      if (line[bracket + 3] == '/') return times_.scan_clf(line, bracket + 1);
      if (auto found = times_.scan(line, bracket + 1, arrival)) return found;
    }
    bracket = front.find('[', bracket + 1);
  }

  // A date in the middle, as behind "INFO ": yyyy-mm-dd is found by its first dash.
  for (const char dash : {'-', '/'}) {
    size_t first = front.find(dash, at + 4);
    for (int tries = 0; first != BytesView::npos && tries < 8; ++tries) {
      const bool whole_word = first == at + 4 || (first > 4 && class_of(line[first - 5]) == other);
      if (whole_word && is_digit(line[first - 1]) && is_digit(line[first - 4]) && first + 3 < line.size() &&
          line[first + 3] == dash) {
        if (auto found = times_.scan(line, first - 4, arrival)) return found;
      }
      first = front.find(dash, first + 1);
    }
  }
  return {};
}

void LineParser::parse_json(BytesView line, WallTime arrival, ParsedLine& parsed) {
  const JsonMembers members = scan_json(line);

  std::optional<FoundTime> found;
  if (!members.time.empty()) found = times_.scan(members.time, 0, arrival);
  if (found) {
    parsed.time = found->time;
    parsed.time_found = true;
  }
  if (members.level_is_number) {
    // pino and bunyan: 10 (trace) to 60 (fatal).
    constexpr Level levels[] = {Level::trace, Level::debug, Level::info, Level::warn, Level::error, Level::fatal};
    if (members.level.size() == 2 && members.level[1] == '0' && members.level[0] >= '1' && members.level[0] <= '6') {
      parsed.level = levels[members.level[0] - '1'];
    }
  } else if (!members.level.empty()) {
    const Level level = level_of_word(members.level);
    parsed.level = level != Level::unset ? level : wire::parse_level(members.level).value_or(Level::unset);
  }
  if (members.service.size() <= service_bytes_max) parsed.service = members.service;
}

}  // namespace reeve::agent
