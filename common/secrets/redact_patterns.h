// What secrets look like: the patterns behind the rules of redact.h, and the literals without which none of them can
// match.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "common/secrets/literal_scan.h"

namespace reeve::secrets {

// What must follow a literal for it to count.
enum class LiteralKind : uint8_t {
  any,  // nothing
  key,  // '=' or ':', after a quote or so; or the end of the text
  url,  // "user:password@"
};

// Whether what a rule's pattern has found is one.
using Validate = bool (*)(std::string_view found);

struct SecretPattern {
  std::string_view rule;
  std::string pattern;  // the first group that matches is what is replaced
  Validate validate = nullptr;
};

std::span<const SecretPattern> secret_patterns();
std::span<const LiteralScan::Literal> secret_literals();

// A field's key that names a secret, and the rule that says so.
struct SecretKey {
  std::string_view rule;
  std::string pattern;
  Validate validate = nullptr;
};
std::span<const SecretKey> secret_keys();

// Digits, with blanks or dashes between them, whose check sum is right (Luhn).
bool passes_luhn(std::string_view digits);

}  // namespace reeve::secrets
