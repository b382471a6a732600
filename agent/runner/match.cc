// See match.h.
#include "agent/runner/match.h"

#include <re2/re2.h>

#include <algorithm>
#include <charconv>

#include "agent/runner/policy_paths.h"
#include "common/base/bytes.h"

namespace reeve::runner {

namespace {

constexpr int64_t expression_memory_max = 1 << 20;

bool is_integer(std::string_view text, int64_t min, int64_t max) {
  int64_t number = 0;
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || stopped != text.data() + text.size()) return false;
  return std::to_string(number) == text && number >= min && number <= max;
}

}  // namespace

Status compile(ArgumentRule& rule) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(expression_memory_max);
  auto expression = std::make_shared<re2::RE2>(rule.texts.front(), options);
  if (!expression->ok()) return Error(Code::invalid, expression->error());
  rule.expression = std::move(expression);
  return {};
}

Status match(const ArgumentRule& rule, std::string_view text) {
  bool matches = false;
  switch (rule.kind) {
    case ArgumentRule::Kind::literal:
    case ArgumentRule::Kind::one_of:
      matches = std::find(rule.texts.begin(), rule.texts.end(), text) != rule.texts.end();
      break;
    case ArgumentRule::Kind::integer:
      matches = is_integer(text, rule.min, rule.max);
      break;
    case ArgumentRule::Kind::pattern:
      matches = rule.expression && re2::RE2::FullMatch(text, *rule.expression);
      break;
    case ArgumentRule::Kind::path_below:
      return resolve_below(rule.texts.front(), text, Below::file_or_folder);
  }
  if (!matches) return Error(Code::denied, "\"" + printable(text) + "\"; allowed: " + describe(rule));
  return {};
}

std::string describe(const ArgumentRule& rule) {
  switch (rule.kind) {
    case ArgumentRule::Kind::literal:
      return "\"" + printable(rule.texts.front()) + "\"";
    case ArgumentRule::Kind::integer:
      return "a whole number from " + std::to_string(rule.min) + " to " + std::to_string(rule.max);
    case ArgumentRule::Kind::pattern:
      return "what matches " + printable(rule.texts.front());
    case ArgumentRule::Kind::path_below:
      return "what exists below " + printable(rule.texts.front());
    case ArgumentRule::Kind::one_of:
      break;
  }
  std::string list;
  for (const std::string& text : rule.texts) list += (list.empty() ? "one of " : ", ") + text;
  return printable(list);
}

}  // namespace reeve::runner
