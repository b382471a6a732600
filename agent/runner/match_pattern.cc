// The shape of a pattern, by recursive descent over the part of RE2's syntax that match.h names. Where RE2 would see
// something else than we do, we refuse: a wrong yes here is an argument that nobody foresaw.
#include <algorithm>
#include <charconv>
#include <optional>

#include "agent/runner/match.h"
#include "common/base/bytes.h"

namespace reeve::runner {

namespace {

constexpr int nesting_max = 16;
constexpr uint64_t repeat_max = 1000;  // RE2's own
constexpr std::string_view meta = "\\^$.|?*+()[]{}";

using Set = std::bitset<256>;

Set only(unsigned char byte) {
  return Set().set(byte);
}

void add_range(Set& set, unsigned char low, unsigned char high) {
  for (unsigned byte = low; byte <= high; byte++) set.set(byte);
}

bool is_plain(char c) {
  return c >= ' ' && c <= '~';
}
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

PatternShape of_set(const Set& set) {
  return {.first = set, .last = set, .any = set, .empty = false, .two_dots = false, .bytes_max = 1};
}

PatternShape then(const PatternShape& a, const PatternShape& b) {
  return {.first = a.empty ? a.first | b.first : a.first,
          .last = b.empty ? a.last | b.last : b.last,
          .any = a.any | b.any,
          .empty = a.empty && b.empty,
          .two_dots = a.two_dots || b.two_dots || (a.last['.'] && b.first['.']),
          .bytes_max = a.bytes_max + b.bytes_max};
}

PatternShape either(const PatternShape& a, const PatternShape& b) {
  return {.first = a.first | b.first,
          .last = a.last | b.last,
          .any = a.any | b.any,
          .empty = a.empty || b.empty,
          .two_dots = a.two_dots || b.two_dots,
          .bytes_max = std::max(a.bytes_max, b.bytes_max)};
}

PatternShape repeated(const PatternShape& a, uint64_t least, uint64_t most) {
  if (most == 0) return {};
  PatternShape all = most > 1 ? then(a, a) : a;
  all.empty = a.empty || least == 0;
  all.bytes_max = a.bytes_max * most;
  return all;
}

Error refuse(std::string_view what) {
  return Error(Code::invalid, std::string(what));
}

class Reader {
 public:
  explicit Reader(std::string_view text) : left_(text) {}

  Result<PatternShape> whole() {
    try_take('^');
    if (left_.ends_with('$') && !left_.ends_with("\\$")) left_.remove_suffix(1);
    PatternShape shape = TRY(alternatives(0));
    if (!left_.empty()) return refuse("a \")\" that nothing opens");
    return shape;
  }

 private:
  bool try_take(char c) {
    if (!left_.starts_with(c)) return false;
    left_.remove_prefix(1);
    return true;
  }
  char take() {
    const char c = left_.front();
    left_.remove_prefix(1);
    return c;
  }

  Result<PatternShape> alternatives(int depth) {
    if (depth > nesting_max) return refuse("groups nested too deep");
    PatternShape shape = TRY(sequence(depth));
    while (try_take('|')) {
      const PatternShape other = TRY(sequence(depth));
      shape = either(shape, other);
    }
    return shape;
  }

  Result<PatternShape> sequence(int depth) {
    PatternShape shape;
    while (!left_.empty() && left_.front() != '|' && left_.front() != ')') {
      const PatternShape atom = TRY(one(depth));
      const PatternShape next = TRY(quantified(atom));
      shape = then(shape, next);
    }
    return shape;
  }

  Result<PatternShape> one(int depth) {
    const char c = take();
    if (c == '(') {
      if (try_take('?') && !try_take(':')) return refuse("\"(?\" with flags or a name; write (...) or (?:...)");
      PatternShape group = TRY(alternatives(depth + 1));
      if (!try_take(')')) return refuse("a \"(\" that nothing closes");
      return group;
    }
    if (c == '[' || c == '\\') {
      const Set set = TRY(c == '[' ? character_class() : escaped());
      return of_set(set);
    }
    if (c == '.') return refuse("\".\" matches anything; list what may stand there, as in [a-z0-9]");
    if (!is_plain(c) || meta.find(c) != std::string_view::npos) {
      return refuse("\"" + printable(std::string_view(&c, 1)) +
                    "\" where a character is due; write a backslash before it");
    }
    return of_set(only(static_cast<unsigned char>(c)));
  }

  Result<Set> escaped() {
    Set set;
    if (left_.empty()) return refuse("a backslash at the end");
    const char c = take();
    if (c == 'd' || c == 'w') add_range(set, '0', '9');
    if (c == 'w') {
      add_range(set, 'a', 'z');
      add_range(set, 'A', 'Z');
      set.set('_');
    }
    if (c == 'd' || c == 'w') return set;
    if (!is_plain(c) || is_word(c) || c == ' ') return refuse("an escape other than \\d, \\w and punctuation");
    return only(static_cast<unsigned char>(c));
  }

  // Behind the "[".
  Result<Set> character_class() {
    if (left_.starts_with('^')) return refuse("[^...] matches too much; list what may stand there");
    Set set;
    do {
      const Set low = TRY(class_member());
      if (left_.size() < 2 || left_[0] != '-' || left_[1] == ']') {
        set |= low;
        continue;
      }
      left_.remove_prefix(1);
      const Set high = TRY(class_member());
      if (low.count() != 1 || high.count() != 1) return refuse("a range between more than two characters");
      const size_t from = low._Find_first();
      const size_t to = high._Find_first();
      if (from > to) return refuse("a range that is upside down");
      add_range(set, static_cast<unsigned char>(from), static_cast<unsigned char>(to));
    } while (!left_.starts_with(']'));
    left_.remove_prefix(1);
    return set;
  }

  Result<Set> class_member() {
    if (left_.empty()) return refuse("a \"[\" that nothing closes");
    const char c = take();
    if (c == '\\') return escaped();
    if (!is_plain(c) || c == '[' || c == ']') return refuse("a class that holds a bracket or a control character");
    return only(static_cast<unsigned char>(c));
  }

  Result<PatternShape> quantified(const PatternShape& atom) {
    if (left_.empty()) return atom;
    const char c = left_.front();
    if (c == '*' || c == '+') return refuse("\"" + std::string(1, c) + "\" has no upper bound; write {1,20}");
    uint64_t least = 1;
    uint64_t most = 1;
    if (try_take('?')) {
      least = 0;
    } else if (try_take('{')) {
      const auto low = number();
      least = low.value_or(repeat_max + 1);
      most = least;
      if (try_take(',')) {
        const auto high = number();
        if (!high) return refuse("{m,} has no upper bound; write {m,n}");
        most = *high;
      }
      if (!try_take('}') || least > most || most > repeat_max) return refuse("a \"{\" that is no {n} or {m,n}");
    } else {
      return atom;
    }
    if (!left_.empty() && std::string_view("?*+{").find(left_.front()) != std::string_view::npos) {
      return refuse("one repetition on top of another");
    }
    return repeated(atom, least, most);
  }

  std::optional<uint64_t> number() {
    uint64_t value = 0;
    const auto [stopped, error] = std::from_chars(left_.data(), left_.data() + left_.size(), value);
    if (error != std::errc{}) return std::nullopt;
    left_.remove_prefix(static_cast<size_t>(stopped - left_.data()));
    return value;
  }

  std::string_view left_;
};

}  // namespace

Result<PatternShape> shape_of(std::string_view pattern) {
  return Reader(pattern).whole();
}

}  // namespace reeve::runner
