// See pattern.h.
#include "agent/parse/pattern.h"

#include <re2/re2.h>

#include "agent/parse/line_rules.h"
#include "common/base/check.h"

namespace reeve::agent {

namespace {

RE2::Options options() {
  RE2::Options options(RE2::Latin1);  // lines are bytes
  options.set_log_errors(false);
  options.set_max_mem(4 << 20);
  return options;
}

}  // namespace

struct Pattern::Impl {
  explicit Impl(const std::string& pattern) : regex(pattern, options()) {}
  RE2 regex;
};

std::optional<std::string> complaint_about_pattern(std::string_view pattern) {
  if (pattern.empty()) return "is empty; allowed: a regular expression in RE2's syntax";
  if (pattern.size() > pattern_bytes_max) return "is longer than " + std::to_string(pattern_bytes_max) + " bytes";
  const RE2 regex(re2::StringPiece(pattern.data(), pattern.size()), options());
  if (regex.ok()) return {};
  return "is no regular expression in RE2's syntax: " + regex.error();
}

Pattern::Pattern(const std::string& pattern) : impl_(std::make_unique<Impl>(pattern)) {
  check(impl_->regex.ok(), "a pattern was checked when the configuration was read");
}

Pattern::~Pattern() = default;

bool Pattern::matches(BytesView line) const {
  return RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), impl_->regex);
}

}  // namespace reeve::agent
