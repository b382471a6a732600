// See json_scanner.h.
#include "agent/parse/json_scanner.h"

#include <cstring>

namespace reeve::agent {

namespace {

constexpr size_t members_max = 64;
constexpr size_t line_bytes_max = 16_KiB;  // farther in, nothing is looked for

class Scanner {
 public:
  explicit Scanner(BytesView line) : at_(line.data()), end_(line.data() + std::min(line.size(), line_bytes_max)) {}

  JsonMembers run() {
    JsonMembers members;
    if (!take('{')) return members;
    for (size_t count = 0; count < members_max; ++count) {
      BytesView key;
      if (!take_string(key) || !take(':')) break;
      skip_blanks();
      if (at_ == end_) break;
      const bool is_string = *at_ == '"';
      BytesView value;
      if (is_string ? !take_string(value) : !take_other(value)) break;
      assign(members, key, value, is_string);
      const bool all = !members.time.empty() && !members.level.empty() && !members.service.empty();
      if (all || !take(',')) break;
    }
    return members;
  }

 private:
  void skip_blanks() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\t')) ++at_;
  }

  bool take(char c) {
    skip_blanks();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  bool take_string(BytesView& text) {
    if (!take('"')) return false;
    const char* begin = at_;
    while (at_ < end_) {
      const auto* quote = static_cast<const char*>(std::memchr(at_, '"', static_cast<size_t>(end_ - at_)));
      if (quote == nullptr) return false;
      const char* slash = quote;
      while (slash > begin && slash[-1] == '\\') --slash;
      at_ = quote + 1;
      if ((quote - slash) % 2 == 0) {
        text = BytesView(begin, static_cast<size_t>(quote - begin));
        return true;
      }
    }
    return false;
  }

  // A number, a word, or a nested value, which is passed over as a whole.
  bool take_other(BytesView& text) {
    const char* begin = at_;
    int depth = 0;
    while (at_ < end_) {
      const char c = *at_;
      if (c == '"') {
        BytesView inner;
        if (!take_string(inner)) return false;
        continue;
      }
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']' || c == ',') && depth == 0) break;
      if (c == '}' || c == ']') --depth;
      ++at_;
    }
    const char* stop = at_;
    while (stop > begin && (stop[-1] == ' ' || stop[-1] == '\t')) --stop;
    text = BytesView(begin, static_cast<size_t>(stop - begin));
    return true;
  }

  static void assign(JsonMembers& members, BytesView key, BytesView value, bool is_string) {
    const bool is_number = !is_string && !value.empty() && static_cast<unsigned char>(value[0] - '0') < 10;
    if (!is_string && !is_number) return;
    const auto any = [key](auto... names) { return ((key == names) || ...); };
    if (members.time.empty() && any("ts", "time", "timestamp", "@timestamp", "datetime", "date", "t")) {
      members.time = value;
      members.time_is_number = is_number;
    } else if (members.level.empty() && any("level", "severity", "lvl", "log.level", "loglevel", "levelname")) {
      members.level = value;
      members.level_is_number = is_number;
    } else if (members.service.empty() && is_string && any("service", "service.name", "service_name", "app")) {
      members.service = value;
    }
  }

  const char* at_;
  const char* end_;
};

}  // namespace

JsonMembers scan_json(BytesView line) {
  return Scanner(line).run();
}

}  // namespace reeve::agent
