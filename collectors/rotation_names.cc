#include "collectors/rotation_names.h"

#include <algorithm>

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

// The digits of a name's last run of them.
std::string_view last_number(std::string_view name) {
  size_t end = name.size();
  while (end > 0 && !is_digit(name[end - 1])) --end;
  size_t begin = end;
  while (begin > 0 && is_digit(name[begin - 1])) --begin;
  return name.substr(begin, end - begin);
}

}  // namespace

bool is_rotation_of(std::string_view base, std::string_view name) {
  if (name.size() <= base.size()) return false;
  if (name.starts_with(base) && is_mark(name.substr(base.size()))) return true;
  const size_t dot = base.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  const std::string_view stem = base.substr(0, dot);
  const std::string_view extension = base.substr(dot);
  return name.starts_with(stem) && name.ends_with(extension) &&
         is_mark(name.substr(stem.size(), name.size() - base.size()));
}

bool is_younger_rotation(std::string_view a, std::string_view b) {
  const std::string_view number_a = last_number(a);
  const std::string_view number_b = last_number(b);
  constexpr size_t count_digits_max = 5;  // longer ones are dates
  if (!number_a.empty() && !number_b.empty() && number_a.size() <= count_digits_max &&
      number_b.size() <= count_digits_max) {
    if (number_a.size() != number_b.size()) return number_a.size() < number_b.size();
    return number_a < number_b;
  }
  return a > b;
}

}  // namespace reeve::collect
