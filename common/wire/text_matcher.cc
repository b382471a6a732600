// Literals by memmem over the whole column, regular expressions by RE2.
//
// A log line may hold any bytes, so a regex is compiled twice. Bodies are matched as UTF-8 first; then "." is a
// character and [äö] two of them. A body that does not match so and is not valid UTF-8 is matched once more byte by
// byte (Latin-1), where "." passes any byte and a UTF-8 literal still finds its own bytes. What is valid UTF-8 is never
// matched byte-wise, since there [ä] would mean half a character.
#include "common/wire/text_matcher.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstring>

namespace reeve::wire {

namespace {

constexpr size_t pattern_bytes_max = 1000;
constexpr size_t literal_bytes_max = 64_KiB;
constexpr int64_t program_bytes_max = 1 << 20;

// One pass over all bodies pays while at least one row in `dense_rows` is still wanted.
constexpr size_t dense_rows = 4;

void lower_ascii(BytesView from, Bytes& to) {
  to.resize(from.size());
  for (size_t i = 0; i < from.size(); ++i) {
    const auto c = static_cast<uint8_t>(from[i]);
    to[i] = static_cast<char>(c + (static_cast<uint8_t>(c - 'A') < 26 ? 0x20 : 0));
  }
}

bool is_ascii(BytesView bytes) {
  uint8_t seen = 0;
  for (const char c : bytes) seen |= static_cast<uint8_t>(c);
  return seen < 0x80;
}

const char* find(BytesView in, const std::string& literal) {
  return static_cast<const char*>(memmem(in.data(), in.size(), literal.data(), literal.size()));
}

std::unique_ptr<re2::RE2> compile(const std::string& pattern, bool as_characters) {
  re2::RE2::Options options;
  options.set_encoding(as_characters ? re2::RE2::Options::EncodingUTF8 : re2::RE2::Options::EncodingLatin1);
  options.set_max_mem(program_bytes_max);
  options.set_log_errors(false);
  return std::make_unique<re2::RE2>(pattern, options);
}

// The longest run of plain bytes at the top level of the pattern that every match must hold. Knows only what it is sure
// of: at the first group, class or letter escape it stops, and alternatives or flags make it give up.
std::string required_literal(const std::string& pattern) {
  if (pattern.find('|') != std::string::npos || pattern.find("(?") != std::string::npos ||
      pattern.find("\\Q") != std::string::npos)
    return "";
  std::string best;
  std::string run;
  const auto end_run = [&best, &run] {
    if (run.size() > best.size()) best = run;
    run.clear();
  };
  // A quantifier that allows none takes the last character, all bytes of it, out of the run.
  const auto drop_last = [&run] {
    while (!run.empty() && (static_cast<uint8_t>(run.back()) & 0xc0) == 0x80) run.pop_back();
    if (!run.empty()) run.pop_back();
  };

  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '(' || c == ')' || c == '[' || c == '{') {
      if (c == '{') drop_last();
      break;
    }
    if (c == '*' || c == '?') {
      drop_last();
      end_run();
    } else if (c == '+' || c == '.' || c == '^' || c == '$') {
      end_run();
    } else if (c == '\\') {
      if (i + 1 == pattern.size() || static_cast<uint8_t>(pattern[i + 1]) >= 0x80 || isalnum(pattern[i + 1])) break;
      run.push_back(pattern[++i]);
    } else {
      run.push_back(c);
    }
  }
  end_run();
  return best;
}

// Each hit lies in one row; what follows the hit's row before the next wanted row is skipped. A hit that runs over its
// row's end rules out the rest of that row, so the scan stays linear whatever the rows are.
void scan_column(const std::string& literal, BytesView column, const std::vector<uint32_t>& offsets,
                 std::vector<uint32_t>& rows) {
  size_t kept = 0;
  size_t at = 0;
  while (at < rows.size()) {
    const char* hit = find(column.substr(offsets[rows[at]]), literal);
    if (!hit) break;
    const auto position = static_cast<size_t>(hit - column.data());
    while (at < rows.size() && offsets[rows[at] + 1] <= position) ++at;
    if (at == rows.size()) break;
    if (offsets[rows[at]] > position) continue;
    if (position + literal.size() <= offsets[rows[at] + 1]) rows[kept++] = rows[at];
    ++at;
  }
  rows.resize(kept);
}

void keep_literal(const std::string& literal, bool ignore_case, const Bodies& bodies, std::vector<uint32_t>& rows) {
  if (literal.empty() || rows.empty()) return;
  Bytes lowered;
  if (rows.size() * dense_rows >= bodies.offsets.size()) {
    BytesView column = bodies.bytes;
    if (ignore_case) {
      lower_ascii(column, lowered);
      column = lowered;
    }
    scan_column(literal, column, bodies.offsets, rows);
    return;
  }
  std::erase_if(rows, [&literal, &bodies, &lowered, ignore_case](uint32_t row) {
    BytesView body = bodies.row(row);
    if (ignore_case) {
      lower_ascii(body, lowered);
      body = lowered;
    }
    return find(body, literal) == nullptr;
  });
}

}  // namespace

TextMatcher::Impl::Impl() = default;
TextMatcher::Impl::~Impl() = default;

bool TextMatcher::Impl::matches_regex(BytesView body) const {
  const re2::StringPiece text(body.data(), body.size());
  if (characters && characters->Match(text, 0, text.size(), re2::RE2::UNANCHORED, nullptr, 0)) return true;
  if (!bytes || is_ascii(body) || is_utf8(body)) return false;
  return bytes->Match(text, 0, text.size(), re2::RE2::UNANCHORED, nullptr, 0);
}

Result<TextMatcher> TextMatcher::literal(std::string text, bool ignore_case) {
  if (text.size() > literal_bytes_max)
    return Error(Code::invalid, "the text has " + std::to_string(text.size()) + " bytes; allowed are " +
                                    std::to_string(literal_bytes_max));
  auto impl = std::make_shared<Impl>();
  impl->ignore_case = ignore_case;
  if (ignore_case)
    lower_ascii(text, impl->literal);
  else
    impl->literal = std::move(text);
  return TextMatcher(std::move(impl));
}

Result<TextMatcher> TextMatcher::regex(const std::string& pattern) {
  if (pattern.size() > pattern_bytes_max)
    return Error(Code::invalid, "the pattern has " + std::to_string(pattern.size()) + " bytes; allowed are " +
                                    std::to_string(pattern_bytes_max));
  auto impl = std::make_shared<Impl>();
  impl->is_regex = true;
  impl->bytes = compile(pattern, false);
  if (is_utf8(pattern)) {
    impl->characters = compile(pattern, true);
    if (!impl->characters->ok()) return Error(Code::invalid, "the pattern: " + impl->characters->error());
    // Byte-wise, a class of far characters may be beyond Latin-1; then only UTF-8 bodies can match.
    if (!impl->bytes->ok()) impl->bytes.reset();
  } else if (!impl->bytes->ok()) {
    return Error(Code::invalid, "the pattern: " + impl->bytes->error());
  }
  impl->literal = required_literal(pattern);
  return TextMatcher(std::move(impl));
}

bool TextMatcher::matches(BytesView body) const {
  if (impl_->is_regex) return impl_->matches_regex(body);
  if (!impl_->ignore_case) return impl_->literal.empty() || find(body, impl_->literal) != nullptr;
  Bytes lowered;
  lower_ascii(body, lowered);
  return lowered.find(impl_->literal) != Bytes::npos;
}

void keep_matching(const TextMatcher& matcher, const Bodies& bodies, std::vector<uint32_t>& rows) {
  const TextMatcher::Impl& impl = matcher.impl();
  keep_literal(impl.literal, impl.ignore_case, bodies, rows);
  if (!impl.is_regex) return;
  std::erase_if(rows, [&impl, &bodies](uint32_t row) { return !impl.matches_regex(bodies.row(row)); });
}

}  // namespace reeve::wire
