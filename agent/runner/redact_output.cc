// See redact_output.h. Outputs are short and few: every pattern is tried on all of it, without a scan beforehand.
#include "agent/runner/redact_output.h"

#include <re2/re2.h>

#include <array>
#include <memory>
#include <vector>

#include "common/base/check.h"
#include "common/secrets/redact_patterns.h"

namespace reeve::runner {
namespace {

constexpr int groups_max = 5;

struct Rule {
  const secrets::SecretPattern* pattern;
  std::unique_ptr<RE2> regex;
};

const std::vector<Rule>& rules() {
  static const std::vector<Rule> made = [] {
    RE2::Options options(RE2::Latin1);  // any bytes
    options.set_log_errors(false);
    std::vector<Rule> list;
    for (const secrets::SecretPattern& each : secrets::secret_patterns()) {
      // Addresses are no secrets; who runs the step knows the people.
      if (each.rule == "email") continue;
      list.push_back({&each, std::make_unique<RE2>(each.pattern, options)});
      check(list.back().regex->ok(), "the patterns of secrets compile");
    }
    return list;
  }();
  return made;
}

Bytes replace_in(const Rule& rule, const Bytes& text) {
  const int groups = std::min(rule.regex->NumberOfCapturingGroups() + 1, groups_max);
  std::array<re2::StringPiece, groups_max> found;
  Bytes out;
  size_t copied = 0;
  size_t at = 0;
  while (at <= text.size() && rule.regex->Match(text, at, text.size(), RE2::UNANCHORED, found.data(), groups)) {
    const re2::StringPiece* secret = found.data();
    for (size_t group = 1; group < static_cast<size_t>(groups) && secret == found.data(); ++group) {
      if (found[group].data() != nullptr) secret = &found[group];
    }
    const auto begin = static_cast<size_t>(secret->data() - text.data());
    const bool is_one = rule.pattern->validate == nullptr || rule.pattern->validate({secret->data(), secret->size()});
    if (is_one) {
      out.append(text, copied, begin - copied).append("[redacted:").append(rule.pattern->rule).append("]");
      copied = begin + secret->size();
    }
    const auto end = static_cast<size_t>(found[0].data() - text.data()) + found[0].size();
    at = end > at ? end : at + 1;
  }
  return out.append(text, copied);
}

}  // namespace

Bytes redact_output(BytesView text) {
  Bytes out(text);
  for (const Rule& rule : rules()) out = replace_in(rule, out);
  return out;
}

}  // namespace reeve::runner
