// See redact_patterns.h.
#include "common/secrets/redact_patterns.h"

#include <algorithm>
#include <cctype>

namespace reeve::secrets {

namespace {

// Between a key and its value: `=`, `": "`, `\":\"`, `%3D`.
constexpr std::string_view separator = R"re(\\*["']?\s{0,2}(?:=|:|%3[Dd])\s{0,2})re";
// A value: in quotes that are escaped, in quotes (perhaps cut off before the closing one), or a word.
constexpr std::string_view value =
    R"re((?:\\+["'](.*?)\\+["']|"((?:[^"\\]|\\.)*)|'((?:[^'\\]|\\.)*)|([^\s"'\\&,;<>()\[\]{}|]+)))re";
constexpr std::string_view password_words = "(?:password|passwd|passphrase|passcode|pwd)";
constexpr std::string_view secret_words = "(?:secret|(?:api|access|secret|private)[_-]?key)";

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

// Words that stand where a value would: "using password: YES".
bool is_placeholder(std::string_view found) {
  if (found.empty() || found.starts_with("[redacted")) return true;
  if (found.find_first_not_of("*x") == std::string_view::npos) return true;
  for (const std::string_view word : {"yes", "no", "true", "false", "null", "none", "nil", "on", "off", "undefined"}) {
    if (equals_ignoring_case(found, word)) return true;
  }
  return false;
}

// PWD= in front of a path is a working directory.
bool is_password(std::string_view found) {
  return !is_placeholder(found) && found[0] != '/';
}

bool is_secret(std::string_view found) {
  return found.size() >= 4 && !is_placeholder(found);
}

// "unexpected token: ;" and "token=1" are none.
bool is_token(std::string_view found) {
  return found.size() >= 8 && !is_placeholder(found);
}

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text += part;
  return text;
}

}  // namespace

bool passes_luhn(std::string_view digits) {
  int sum = 0;
  int count = 0;
  for (auto at = digits.rbegin(); at != digits.rend(); ++at) {
    if (*at < '0' || *at > '9') continue;
    int digit = *at - '0';
    if (count++ % 2 == 1) digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
    sum += digit;
  }
  return count >= 13 && count <= 19 && sum % 10 == 0;
}

std::span<const SecretPattern> secret_patterns() {
  static const std::array<SecretPattern, 12> patterns = {{
      {"private_key",
       R"re((-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\z)))re"},
      {"aws_key", R"re(\b((?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16})\b)re"},
      {"jwt", R"re(\b(eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?))re"},
      {"service_token",
       R"re(\b((?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|xox[abprs]-[A-Za-z0-9-]{10,}|)re"
       R"re(AIza[0-9A-Za-z_-]{30,}|sk_live_[0-9A-Za-z]{16,}|glpat-[A-Za-z0-9_-]{16,})))re"},
      {"authorization", R"re((?i)\bbearer\s+([A-Za-z0-9._~+/-]{16,}=*))re", is_secret},
      {"authorization",
       R"re((?i)authorization\\*["']?\s*[:=]\s*\\*["']?(?:basic|token|negotiate|apikey|digest)\s+([^\s"'\\,;]{4,}))re",
       is_secret},
      {"url_password", R"re(\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@"'<>]*:([^\s/@"'<>]+)@)re", is_password},
      {"password", joined({"(?i)", password_words, separator, value}), is_password},
      {"secret", joined({"(?i)", secret_words, separator, value}), is_secret},
      {"secret", joined({"(?i)token", separator, value}), is_token},
      {"card", R"re(\b((?:[0-9][ -]?){12,18}[0-9])\b)re", passes_luhn},
      {"email", R"re(\b([A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,})\b)re"},
  }};
  return patterns;
}

std::span<const SecretKey> secret_keys() {
  static const std::array<SecretKey, 4> keys = {{
      {"password", joined({"(?i)", password_words, "$"}), is_password},
      {"secret", joined({"(?i)", secret_words, "$"}), is_secret},
      {"secret", "(?i)token$", is_token},
      {"authorization", "(?i)authorization$", is_secret},
  }};
  return keys;
}

std::span<const LiteralScan::Literal> secret_literals() {
  constexpr auto any = static_cast<uint8_t>(LiteralKind::any);
  constexpr auto key = static_cast<uint8_t>(LiteralKind::key);
  constexpr auto url = static_cast<uint8_t>(LiteralKind::url);
  // Which three bytes, and which literals share a bucket: so that on ordinary log lines as few places as possible look
  // like one, found by trying (two places in a thousand bytes).
  // clang-format off
  static constexpr std::array<LiteralScan::Literal, 38> literals = {{
      {"secret", 1, 0, true, key},
      {"secret-key", 1, 0, true, key},
      {"secret_key", 1, 0, true, key},
      {"ABIA", 1, 0, false, any},
      {"-----BEGIN", 7, 0, false, any},
      {"ghp_", 0, 0, false, any},
      {"ghr_", 0, 0, false, any},
      {"api-key", 2, 1, true, key},
      {"private_key", 6, 1, true, key},
      {"private-key", 6, 1, true, key},
      {"://", 0, 1, false, url},
      {"ghu_", 1, 1, false, any},
      {"token", 0, 2, true, key},
      {"access_key", 5, 2, true, key},
      {"access-key", 5, 2, true, key},
      {"secretkey", 4, 2, true, key},
      {"api_key", 1, 3, true, key},
      {"apikey", 3, 3, true, key},
      {"accesskey", 6, 3, true, key},
      {"privatekey", 7, 3, true, key},
      {"authorization", 5, 3, true, key},
      {"AKIA", 0, 3, false, any},
      {"AIza", 0, 3, false, any},
      {"sk_live_", 5, 3, false, any},
      {"gho_", 1, 3, false, any},
      {"password", 1, 4, true, key},
      {"passcode", 1, 4, true, key},
      {"ASIA", 0, 4, false, any},
      {"ACCA", 0, 4, false, any},
      {"github_pat_", 8, 4, true, any},
      {"ghs_", 1, 4, false, any},
      {"passphrase", 5, 5, true, key},
      {"xox", 0, 5, false, any},
      {"glpat-", 1, 5, false, any},
      {"bearer", 2, 6, true, any},
      {"passwd", 3, 7, true, key},
      {"pwd", 0, 7, true, key},
      {"eyJ", 0, 7, false, any},
  }};
  // clang-format on
  return literals;
}

}  // namespace reeve::secrets
