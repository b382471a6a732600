// See redact.h.
#include "common/secrets/redact.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>

#include "common/base/check.h"
#include "common/secrets/literal_scan.h"
#include "common/secrets/redact_patterns.h"

namespace reeve::secrets {

namespace {

constexpr std::array<RedactRule, 10> rules{{
    {"private_key", "Private keys in PEM, on one line or several."},
    {"aws_key", "Ids of AWS access keys (AKIA..., ASIA...)."},
    {"jwt", "JSON web tokens."},
    {"service_token", "Tokens of GitHub, GitLab, Slack, Google and Stripe, by their prefixes."},
    {"authorization", "Bearer tokens and the credentials of Authorization headers."},
    {"url_password", "Passwords in URLs."},
    {"password", "Values of keys that end in password, passwd, passphrase, passcode or pwd."},
    {"secret", "Values of keys that end in secret, token, api_key, access_key, secret_key or private_key."},
    {"card", "Numbers of payment cards with a right check digit.", false},
    {"email", "E-mail addresses.", false},
}};

constexpr uint32_t key_lines_max = 200;
constexpr size_t key_word_bytes_min = 40;
constexpr std::string_view key_begin = "-----BEGIN";
constexpr std::string_view key_end = "-----END";
constexpr int groups_max = 5;

RE2::Options options() {
  RE2::Options options(RE2::Latin1);  // lines are bytes
  options.set_log_errors(false);
  options.set_max_mem(16 << 20);
  return options;
}

re2::StringPiece piece(BytesView text) {
  return {text.data(), text.size()};
}

bool lies_in(BytesView text, BytesView whole) {
  return text.empty() || (text.data() >= whole.data() && text.data() + text.size() <= whole.data() + whole.size());
}

// After a key's name: quotes, backslashes, blanks, then what separates it from its value; or nothing at all.
bool is_followed_by_value(BytesView text, size_t end) {
  for (size_t at = end; at < std::min(text.size(), end + 6); ++at) {
    const char c = text[at];
    if (c == '=' || c == ':' || c == '%') return true;
    if (c != '"' && c != '\'' && c != '\\' && c != ' ' && c != '\t') return false;
  }
  return end == text.size();
}

// After "://": "user:password@".
bool is_followed_by_user(BytesView text, size_t end) {
  constexpr size_t user_bytes_max = 512;
  bool colon = false;
  for (size_t at = end; at < std::min(text.size(), end + user_bytes_max); ++at) {
    const char c = text[at];
    if (c == '@') return colon;
    if (c == ':') colon = true;
    if (c == '/' || c == ' ' || c == '"' || c == '\'' || c == '<' || c == '>') return false;
  }
  return false;
}

// The last three letters of the words that secret_keys() looks for at the end of a key.
bool may_name_secret(BytesView key) {
  if (key.size() < 3) return false;
  const auto small = [&key](size_t from_end) {
    return static_cast<uint32_t>(static_cast<uint8_t>(key[key.size() - from_end] | 0x20));
  };
  constexpr auto pack = [](const char(&end)[4]) {
    return static_cast<uint32_t>(end[0]) << 16 | static_cast<uint32_t>(end[1]) << 8 | static_cast<uint32_t>(end[2]);
  };
  switch (small(3) << 16 | small(2) << 8 | small(1)) {
    case pack("ord"):
    case pack("swd"):
    case pack("pwd"):
    case pack("ase"):
    case pack("ode"):
    case pack("ret"):
    case pack("ken"):
    case pack("key"):
    case pack("ion"):
      return true;
    default:
      return false;
  }
}

bool has_card_digits(BytesView text) {
  constexpr size_t digits_min = 13;
  size_t digits = 0;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      if (++digits == digits_min) return true;
    } else if (c != ' ' && c != '-') {
      digits = 0;
    }
  }
  return false;
}

bool is_anchored(std::string_view pattern) {
  return pattern.find_first_of("^$") != std::string_view::npos || pattern.find("\\A") != std::string_view::npos ||
         pattern.find("\\z") != std::string_view::npos;
}

bool is_base64(BytesView text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' ||
           c == '=' || c == '\r';
  });
}

}  // namespace

std::span<const RedactRule> redact_rules() {
  return rules;
}

struct Redactor::Impl {
  struct Rule {
    std::unique_ptr<RE2> regex;
    Validate validate = nullptr;
    std::string replacement;
    size_t counters = 0;
  };
  struct Key {
    std::unique_ptr<RE2> regex;
    Validate validate = nullptr;
    std::string replacement;
    size_t counters = 0;
  };

  Impl(const RedactConfig& config, std::vector<RedactCounters>& the_counters);

  size_t counters_of(std::string_view name);
  bool suspects(BytesView text) const;
  BytesView clean(BytesView text);
  BytesView clean_value(BytesView key, BytesView value);
  void apply(const Rule& rule, std::string& text);
  BytesView replaced(size_t counter, BytesView by);
  bool is_key_line(KeyLines& key_lines, wire::LogRecord& record);
  void replace(BytesView line, KeyLines& key_lines, wire::LogRecord& record);
  std::string& next_text();

  std::vector<RedactCounters>& counters;
  LiteralScan scan;
  std::unique_ptr<RE2::Set> set;
  std::vector<Rule> enabled;  // by their index in the set
  std::vector<Key> keys;
  std::optional<size_t> private_key;  // its counters
  bool looks_for_cards = false;
  bool looks_for_emails = false;
  std::unique_ptr<RE2::Set> custom;  // patterns of the configuration, to be looked for in every line
  bool looks_at_each_text = false;   // one of them is anchored: what it means of a value, it does not of the line

  std::vector<int> matched;
  std::deque<std::string> texts;  // what record views point into
  size_t texts_used = 0;
  std::vector<wire::Field> fields;
};

Redactor::Impl::Impl(const RedactConfig& config, std::vector<RedactCounters>& the_counters)
    : counters(the_counters), scan({secret_literals().begin(), secret_literals().end()}) {
  const auto is_on = [&config](std::string_view name) {
    const auto rule = std::find_if(redact_rules().begin(), redact_rules().end(),
                                   [name](const RedactRule& each) { return each.name == name; });
    const auto& named = rule->by_default ? config.off : config.rules;
    return (std::find(named.begin(), named.end(), name) == named.end()) == rule->by_default;
  };
  const auto replacement = [](std::string_view name) { return "[redacted:" + std::string(name) + "]"; };

  set = std::make_unique<RE2::Set>(options(), RE2::UNANCHORED);
  const auto add = [this](const std::string& pattern, Rule rule) {
    std::string error;
    check(set->Add(pattern, &error) == static_cast<int>(enabled.size()), "a pattern was checked before it is used");
    rule.regex = std::make_unique<RE2>(pattern, options());
    check(rule.regex->ok(), "a pattern was checked before it is used");
    enabled.push_back(std::move(rule));
  };
  for (const SecretPattern& secret : secret_patterns()) {
    if (!is_on(secret.rule)) continue;
    add(secret.pattern, {{}, secret.validate, replacement(secret.rule), counters_of(secret.rule)});
    looks_for_cards = looks_for_cards || secret.rule == "card";
    looks_for_emails = looks_for_emails || secret.rule == "email";
    if (secret.rule == "private_key") private_key = counters_of(secret.rule);
  }
  for (const RedactConfig::Custom& own : config.patterns) {
    add(own.pattern, {{}, nullptr, own.replace.value_or(replacement(own.name)), counters_of(own.name)});
    if (!custom) custom = std::make_unique<RE2::Set>(options(), RE2::UNANCHORED);
    check(custom->Add(own.pattern, nullptr) >= 0, "a pattern was checked before it is used");
    looks_at_each_text = looks_at_each_text || is_anchored(own.pattern);
  }
  check(!custom || custom->Compile(), "patterns that compile one by one compile together");
  check(set->Compile(), "patterns that compile one by one compile together");
  for (const SecretKey& key : secret_keys()) {
    if (!is_on(key.rule)) continue;
    keys.push_back(
        {std::make_unique<RE2>(key.pattern, options()), key.validate, replacement(key.rule), counters_of(key.rule)});
  }
}

size_t Redactor::Impl::counters_of(std::string_view name) {
  for (size_t i = 0; i < counters.size(); ++i) {
    if (counters[i].name == name) return i;
  }
  counters.push_back({.name = std::string(name)});
  return counters.size() - 1;
}

bool Redactor::Impl::suspects(BytesView text) const {
  const bool found = scan.any(text, [text](uint8_t kind, size_t end) {
    switch (static_cast<LiteralKind>(kind)) {
      case LiteralKind::any:
        return true;
      case LiteralKind::key:
        return is_followed_by_value(text, end);
      case LiteralKind::url:
        return is_followed_by_user(text, end);
    }
    return true;
  });
  if (found) return true;
  if (custom) {
    RE2::Set::ErrorInfo error{};
    if (custom->Match(piece(text), nullptr, &error) || error.kind != RE2::Set::kNoError) return true;
  }
  if (looks_for_emails && std::memchr(text.data(), '@', text.size()) != nullptr) return true;
  return looks_for_cards && has_card_digits(text);
}

std::string& Redactor::Impl::next_text() {
  if (texts_used == texts.size()) texts.emplace_back();
  return texts[texts_used++];
}

BytesView Redactor::Impl::clean(BytesView text) {
  if (text.empty()) return text;
  RE2::Set::ErrorInfo error{};
  matched.clear();
  if (!set->Match(piece(text), &matched, &error)) {
    if (error.kind == RE2::Set::kNoError) return text;
    // The patterns together need more memory than they may have: one by one, then.
    matched.resize(enabled.size());
    for (size_t i = 0; i < enabled.size(); ++i) matched[i] = static_cast<int>(i);
  }
  std::sort(matched.begin(), matched.end());
  std::string& cleaned = next_text();
  cleaned = text;
  for (const int index : matched) apply(enabled[static_cast<size_t>(index)], cleaned);
  return cleaned;
}

void Redactor::Impl::apply(const Rule& rule, std::string& text) {
  const int groups = std::min(rule.regex->NumberOfCapturingGroups() + 1, groups_max);
  std::array<re2::StringPiece, groups_max> found;
  std::string cleaned;
  size_t copied = 0;
  size_t at = 0;
  while (at <= text.size() && rule.regex->Match(text, at, text.size(), RE2::UNANCHORED, found.data(), groups)) {
    const re2::StringPiece* secret = found.data();
    for (size_t group = 1; group < static_cast<size_t>(groups) && secret == found.data(); ++group) {
      if (found[group].data() != nullptr) secret = &found[group];
    }
    const auto begin = static_cast<size_t>(secret->data() - text.data());
    const size_t size = secret->size();
    const bool is_one = size > 0 && (rule.validate == nullptr || rule.validate({secret->data(), size}));
    const size_t match_end = static_cast<size_t>(found[0].data() - text.data()) + found[0].size();
    at = std::max(is_one ? begin + size : match_end, at + 1);
    if (!is_one) continue;
    cleaned.append(text, copied, begin - copied);
    cleaned += rule.replacement;
    copied = begin + size;
    ++counters[rule.counters].replaced;
  }
  if (copied == 0) return;
  cleaned.append(text, copied);
  text.swap(cleaned);
}

BytesView Redactor::Impl::replaced(size_t counter, BytesView by) {
  ++counters[counter].replaced;
  return by;
}

BytesView Redactor::Impl::clean_value(BytesView key, BytesView value) {
  for (const Key& each : keys) {
    if (RE2::PartialMatch(piece(key), *each.regex) && each.validate(value))
      return replaced(each.counters, each.replacement);
  }
  return clean(value);
}

// A line within a private key that began on an earlier one: base64 alone, or with such a word at its end.
bool Redactor::Impl::is_key_line(KeyLines& key_lines, wire::LogRecord& record) {
  constexpr BytesView replacement = "[redacted:private_key]";
  --key_lines.left;
  const BytesView body = record.body;
  const bool is_end = body.find(key_end) != BytesView::npos;
  const BytesView word = body.substr(body.rfind(' ') + 1);
  const bool is_long_word = word.size() >= key_word_bytes_min && is_base64(word);
  if (is_end) key_lines.left = 0;
  if (!is_end && !is_long_word && !is_base64(body)) {
    key_lines.left = 0;
    return false;
  }
  if (is_end) return false;
  std::string& cleaned = next_text();
  cleaned = body.substr(0, body.size() - word.size());
  cleaned += replaced(*private_key, replacement);
  record.body = cleaned;
  record.fields = {};
  return true;
}

Redactor::Redactor(const RedactConfig& config, std::vector<RedactCounters>& counters)
    : impl_(std::make_unique<Impl>(config, counters)) {}

Redactor::~Redactor() = default;

// Most records end in the first half.
void Redactor::redact(BytesView line, KeyLines& key_lines, wire::LogRecord& record) {
  const Impl& impl = *impl_;
  if (impl.enabled.empty()) return;
  bool suspects = impl.looks_at_each_text || key_lines.left > 0 || impl.suspects(line);
  if (!suspects) {
    if (lies_in(record.body, line) && record.fields.empty()) return;
    suspects = !lies_in(record.body, line) && impl.suspects(record.body);
    for (const wire::Field& field : record.fields) {
      if (suspects) break;
      suspects = may_name_secret(field.key) || (!lies_in(field.value, line) && impl.suspects(field.value));
    }
    if (!suspects) return;
  }
  impl_->replace(line, key_lines, record);
}

void Redactor::Impl::replace(BytesView line, KeyLines& key_lines, wire::LogRecord& record) {
  texts_used = 0;
  if (key_lines.left > 0 && is_key_line(key_lines, record)) return;
  if (private_key && line.find(key_begin) != BytesView::npos && line.find(key_end) == BytesView::npos &&
      line.find("PRIVATE KEY-----") != BytesView::npos) {
    key_lines.left = key_lines_max;
  }
  record.body = clean(record.body);
  record.service = clean(record.service);
  fields.clear();
  for (const wire::Field& field : record.fields) fields.push_back({field.key, clean_value(field.key, field.value)});
  record.fields = fields;
}

}  // namespace reeve::secrets
