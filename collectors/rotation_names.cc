#include "collectors/rotation_names.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace reeve::collect {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// ".1", "-20261121", ".2026-11-21T02:54", ".old"
bool is_mark(std::string_view mark) {
  if (mark == ".old" || mark == ".bak" || mark == ".prev") return true;
  if (mark.size() < 2 || (mark[0] != '.' && mark[0] != '-' && mark[0] != '_') || !is_digit(mark[1])) return false;
  return std::all_of(mark.begin() + 1, mark.end(), [](char c) {
    return is_digit(c) || std::string_view(".-_:TZ").find(c) != std::string_view::npos;
  });
}

// What was put after the base, or between its stem and its extension; empty where nothing that we know was.
std::string_view mark_of(std::string_view base, std::string_view name) {
  if (name.size() <= base.size()) return {};
  if (name.starts_with(base) && is_mark(name.substr(base.size()))) return name.substr(base.size());
  const size_t dot = base.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return {};
  if (!name.starts_with(base.substr(0, dot)) || !name.ends_with(base.substr(dot))) return {};
  const std::string_view mark = name.substr(dot, name.size() - base.size());
  return is_mark(mark) ? mark : std::string_view();
}

// The number of a generation that is counted; nothing for dates.
std::optional<int> count_of(std::string_view mark) {
  constexpr size_t digits_max = 5;
  int count = 0;
  if (mark.size() < 2 || mark.size() > digits_max + 1) return std::nullopt;
  const auto [end, error] = std::from_chars(mark.data() + 1, mark.data() + mark.size(), count);
  if (error != std::errc() || end != mark.data() + mark.size()) return std::nullopt;
  return count;
}

}  // namespace

bool is_rotation_of(std::string_view base, std::string_view name) {
  return !mark_of(base, name).empty();
}

bool is_younger_rotation(std::string_view base, std::string_view a, std::string_view b) {
  const std::string_view mark_a = mark_of(base, a);
  const std::string_view mark_b = mark_of(base, b);
  const std::optional<int> count_a = count_of(mark_a);
  const std::optional<int> count_b = count_of(mark_b);
  if (count_a && count_b) return *count_a < *count_b;
  return mark_a > mark_b;
}

}  // namespace reeve::collect
