// Quoted texts of JSON and logfmt: where they end, and what their escapes stand for.
#pragma once

#include <cstddef>
#include <optional>

#include "agent/parse/parser.h"
#include "common/base/bytes.h"

namespace reeve::agent {

// The first '"' or '\\' from `at` on; `end` where there is none.
const char* find_quote_or_backslash(const char* at, const char* end);

// The text whose opening quote is just before `at`; `at` moves behind the closing one. Escapes are resolved into the
// draft, otherwise the text is a part of the line. Nothing where it never ends or has an escape that is none.
std::optional<BytesView> take_quoted(const char*& at, const char* end, Draft& draft);

}  // namespace reeve::agent
