// See config_lines.h.
#include "agent/config_lines.h"

#include <algorithm>

#include "agent/parse/pattern.h"
#include "agent/parse/table.h"

namespace reeve::agent {

namespace {

using sys::YamlMap;

constexpr size_t parsers_max = 8;
constexpr size_t redact_patterns_max = 64;

std::string built_in_names() {
  std::string names;
  for (const ParserKind& kind : parser_kinds()) names += (names.empty() ? "" : ", ") + std::string(kind.name);
  return names;
}

void read_parsers(YamlMap& input, LineRules& rules) {
  input.read("parse", rules.parse);
  if (rules.parse.size() > parsers_max)
    input.complain("parse", "names more than " + std::to_string(parsers_max) + " parsers");
  for (size_t i = 0; i < rules.parse.size(); ++i) {
    const std::string& name = rules.parse[i];
    if (!is_parser_name(name)) {
      input.complain("parse", "has \"" + printable(name) + "\"; allowed: " + built_in_names() +
                                  ", and names of Lua parsers (letters, digits, _ and -, at most 128)");
    } else if (std::find(rules.parse.begin(), rules.parse.end(), name) - rules.parse.begin() < static_cast<long>(i)) {
      input.complain("parse", "names \"" + printable(name) + "\" twice");
    }
  }
}

void read_multiline(YamlMap& input, LineRules& rules) {
  auto multiline = input.map("multiline");
  if (!multiline) return;
  MultilineRules& joined = rules.multiline.emplace();
  const bool by_start = multiline->has("start");
  if (by_start == multiline->has("continuation")) {
    multiline->complain(by_start ? "has both start and continuation; allowed: one of them"
                                 : "has neither start nor continuation; allowed: one of them");
  }
  joined.by = by_start ? MultilineRules::By::start : MultilineRules::By::continuation;
  const char* const key = by_start ? "start" : "continuation";
  multiline->read(key, joined.pattern);
  if (multiline->has(key)) {
    if (const auto complaint = complaint_about_pattern(joined.pattern)) multiline->complain(key, *complaint);
  }
  multiline->read_duration("timeout", rules.hold.timeout, {.min = 100ms, .max = 1min});
  int64_t lines_max = rules.hold.lines_max;
  multiline->read("lines_max", lines_max, {.min = 2, .max = 10'000});
  rules.hold.lines_max = static_cast<uint32_t>(lines_max);
  multiline->read_size("bytes_max", rules.hold.bytes_max, {.min = 1_KiB, .max = 1_MiB});
}

}  // namespace

namespace {

void read_rule_names(YamlMap& redact, const char* key, bool by_default, std::vector<std::string>& names) {
  redact.read(key, names);
  std::string allowed;
  for (const secrets::RedactRule& rule : secrets::redact_rules()) {
    if (rule.by_default == by_default) allowed += (allowed.empty() ? "" : ", ") + std::string(rule.name);
  }
  for (const std::string& name : names) {
    const bool known = std::any_of(
        secrets::redact_rules().begin(), secrets::redact_rules().end(),
        [&](const secrets::RedactRule& rule) { return rule.by_default == by_default && rule.name == name; });
    if (!known) redact.complain(key, "has \"" + printable(name) + "\"; allowed: " + allowed);
  }
}

void read_custom(YamlMap& entry, secrets::RedactConfig& config) {
  secrets::RedactConfig::Custom custom;
  if (!entry.has("name")) entry.complain("name", "is missing; allowed: letters, digits, _ and -");
  entry.read("name", custom.name, {.empty_allowed = false, .bytes_max = 64});
  if (entry.has("name") && (!is_parser_name(custom.name) || custom.name.find(':') != std::string::npos))
    entry.complain("name", "is \"" + printable(custom.name) + "\"; allowed: letters, digits, _ and -");
  if (!entry.has("pattern")) entry.complain("pattern", "is missing; allowed: a regular expression in RE2's syntax");
  entry.read("pattern", custom.pattern);
  if (entry.has("pattern")) {
    if (const auto complaint = complaint_about_pattern(custom.pattern)) entry.complain("pattern", *complaint);
  }
  if (entry.has("replace")) entry.read("replace", custom.replace.emplace(), {.empty_allowed = true, .bytes_max = 256});
  config.patterns.push_back(std::move(custom));
}

}  // namespace

void read_redact(YamlMap& root, secrets::RedactConfig& config) {
  auto redact = root.map("redact");
  if (!redact) return;
  read_rule_names(*redact, "rules", false, config.rules);
  read_rule_names(*redact, "off", true, config.off);
  for (YamlMap& entry : redact->maps("patterns")) read_custom(entry, config);
  if (config.patterns.size() > redact_patterns_max)
    redact->complain("patterns", "are more than " + std::to_string(redact_patterns_max));
}

uint32_t read_line_rules(YamlMap& input, std::vector<LineRules>& all) {
  LineRules rules;
  read_parsers(input, rules);
  read_multiline(input, rules);
  input.read("keep_original", rules.keep_original);
  if (rules.plain()) return 0;
  all.push_back(std::move(rules));
  return static_cast<uint32_t>(all.size() - 1);
}

}  // namespace reeve::agent
