// See quoted.h.
#include "agent/parse/quoted.h"

#include <bit>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace reeve::agent {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Four hex digits; -1 where they are none.
int32_t hex_unit(const char* at, const char* end) {
  if (end - at < 4) return -1;
  int32_t unit = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_digit(at[i]);
    if (digit < 0) return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

char* put_utf8(char* out, uint32_t code) {
  const auto put = [&out](uint32_t byte) { *out++ = static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
  return out;
}

// "\uXXXX", a pair where it takes two; half a pair is U+FFFD. `at` is behind the 'u' and moves behind the digits.
std::optional<uint32_t> take_code(const char*& at, const char* end) {
  constexpr uint32_t replacement = 0xfffd;
  const int32_t unit = hex_unit(at, end);
  if (unit < 0) return {};
  at += 4;
  if (unit < 0xd800 || unit > 0xdfff) return static_cast<uint32_t>(unit);
  if (unit > 0xdbff || end - at < 6 || at[0] != '\\' || at[1] != 'u') return replacement;
  const int32_t low = hex_unit(at + 2, end);
  if (low < 0xdc00 || low > 0xdfff) return replacement;
  at += 6;
  return 0x10000 + ((static_cast<uint32_t>(unit) - 0xd800) << 10) + (static_cast<uint32_t>(low) - 0xdc00);
}

// What a backslash and `c` stand for; 0 where it is no such escape.
char simple_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
    case '\'':
      return c;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
  }
}

// No text gets longer by resolving it: six bytes become three at most, twelve become four.
std::optional<size_t> unescape(BytesView text, char* out) {
  char* const begin = out;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    const auto* slash = static_cast<const char*>(std::memchr(at, '\\', static_cast<size_t>(end - at)));
    const size_t plain = static_cast<size_t>((slash != nullptr ? slash : end) - at);
    std::memcpy(out, at, plain);
    out += plain;
    at += plain;
    if (at == end) break;
    if (end - at < 2) return {};
    const char kind = at[1];
    at += 2;
    if (kind == 'u') {
      const auto code = take_code(at, end);
      if (!code) return {};
      out = put_utf8(out, *code);
    } else {
      const char stands_for = simple_escape(kind);
      if (stands_for == 0) return {};
      *out++ = stands_for;
    }
  }
  return static_cast<size_t>(out - begin);
}

}  // namespace

const char* find_quote_or_backslash(const char* at, const char* end) {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i slash = _mm_set1_epi8('\\');
  for (; end - at >= 16; at += 16) {
    __m128i bytes;
    std::memcpy(&bytes, at, sizeof bytes);
    const __m128i hits = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(hits));
    if (mask != 0) return at + std::countr_zero(mask);
  }
#endif
  while (at < end && *at != '"' && *at != '\\') ++at;
  return at;
}

std::optional<BytesView> take_quoted(const char*& at, const char* end, Draft& draft) {
  const char* const begin = at;
  const char* stop = find_quote_or_backslash(at, end);
  if (stop < end && *stop == '"') {
    at = stop + 1;
    return BytesView(begin, static_cast<size_t>(stop - begin));
  }
  while (stop < end && *stop == '\\') {
    if (end - stop < 2) return {};
    stop = find_quote_or_backslash(stop + 2, end);
  }
  if (stop >= end) return {};

  const BytesView escaped(begin, static_cast<size_t>(stop - begin));
  char* room = draft.make_room(escaped.size());
  const auto size = unescape(escaped, room);
  if (!size) return {};
  at = stop + 1;
  return BytesView(room, *size);
}

}  // namespace reeve::agent
