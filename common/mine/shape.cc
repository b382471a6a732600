// How a line becomes a shape.
//
// First the bytes are classed, 16 at a time, into two bit maps: word bytes (letters, digits, '_', and all of UTF-8
// beyond ASCII) and digits. Then one walk over the maps takes the line apart into separators and words, and judges each
// word by its form alone:
//
//     no digit                          constant          error, GET, r\xc3\xa9ponse
//     letters then digits to its end    prefix<*>         user42, eth0, blk_123 (where the prefix cannot be hex)
//     any other word with a digit       <*>               200, 5ms, 3f9a0c, v1beta
//
// Variables joined by one of . : - , / + merge into one <*>, so that an address, a time, a date, a version or a UUID is
// one variable however many parts it has; in a UUID or a MAC address a part may be letters alone. A sign before a
// number belongs to it.
//
// Each word is mixed into two 64-bit lanes together with the separators before it: a 64x64->128 bit multiply folded by
// xor for one (the "mum" of Vladimir Makarov's mum-hash, 2016), multiply and add for the other. What this does not do:
// learn. Two shapes of one event are two shapes here; joining them is the miner's work.
#include "common/mine/shape.h"

#include <emmintrin.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace reeve::mine {

namespace {

constexpr size_t line_bytes_max = 4096;
constexpr size_t map_words = line_bytes_max / 64 + 1;

// Bit i of `word` and `digit` tell of byte i of the line.
struct ByteMaps {
  uint64_t word[map_words];
  uint64_t digit[map_words];
};

struct Classes {
  uint32_t word;
  uint32_t digit;
};

Classes classify16(const char* at) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const auto between = [&](__m128i value, char low, char high) {  // signed compare: bytes beyond ASCII are below any
    return _mm_and_si128(_mm_cmpgt_epi8(value, _mm_set1_epi8(static_cast<char>(low - 1))),
                         _mm_cmplt_epi8(value, _mm_set1_epi8(static_cast<char>(high + 1))));
  };
  const __m128i digit = between(bytes, '0', '9');
  const __m128i letter = between(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z');
  const __m128i underscore = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('_'));
  const __m128i word = _mm_or_si128(_mm_or_si128(digit, letter), underscore);
  const auto digits = static_cast<uint32_t>(_mm_movemask_epi8(digit));
  const auto beyond_ascii = static_cast<uint32_t>(_mm_movemask_epi8(bytes));
  return {.word = static_cast<uint32_t>(_mm_movemask_epi8(word)) | beyond_ascii, .digit = digits};
}

void classify(std::string_view line, ByteMaps& maps) {
  size_t at = 0;
  for (size_t i = 0; at < line.size(); ++i, at += 64) {
    char padded[64];
    const char* bytes = line.data() + at;
    if (line.size() - at < 64) {
      std::memset(padded, 0, sizeof padded);
      std::memcpy(padded, bytes, line.size() - at);
      bytes = padded;
    }
    uint64_t word = 0;
    uint64_t digit = 0;
    for (unsigned quarter = 0; quarter < 4; ++quarter) {
      const Classes classes = classify16(bytes + 16 * quarter);
      word |= uint64_t{classes.word} << (16 * quarter);
      digit |= uint64_t{classes.digit} << (16 * quarter);
    }
    maps.word[i] = word;
    maps.digit[i] = digit;
  }
  const size_t tail = (line.size() + 63) / 64;
  maps.word[tail] = 0;
  maps.digit[tail] = 0;
}

// The first place from `at` on whose bit is set (or clear), at most `end`.
template <bool set>
size_t find_bit(const uint64_t* map, size_t at, size_t end) {
  size_t index = at / 64;
  uint64_t bits = (set ? map[index] : ~map[index]) >> (at % 64) << (at % 64);
  while (bits == 0) {
    ++index;
    if (index * 64 >= end) return end;
    bits = set ? map[index] : ~map[index];
  }
  return std::min(index * 64 + static_cast<size_t>(std::countr_zero(bits)), end);
}

bool is_hex(char c) {
  const char lower = static_cast<char>(c | 0x20);
  return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'f');
}

bool all_hex(std::string_view word) {
  return std::all_of(word.begin(), word.end(), is_hex);
}

bool joins_variables(char c) {
  return c == '.' || c == ':' || c == '-' || c == ',' || c == '/' || c == '+';
}

// A part of a UUID or of a MAC address that happens to have no digit.
bool hex_part(std::string_view word, char joint) {
  if (joint == '-') return (word.size() == 4 || word.size() == 12) && all_hex(word);
  return joint == ':' && word.size() == 2 && all_hex(word);
}

// Walks the line and tells the sink of each word: the separators before it, what of it is constant, whether a variable
// follows. Ends with the separators after the last word.
template <typename Sink>
void walk(std::string_view line, Sink& sink) {
  line = line.substr(0, line_bytes_max);
  ByteMaps maps;
  classify(line, maps);

  const size_t end = line.size();
  size_t separators = 0;  // where the separators before the next word begin
  size_t at = 0;
  bool after_variable = false;
  while (at < end) {
    const size_t begin = find_bit<true>(maps.word, at, end);
    if (begin == end) break;
    const size_t stop = find_bit<false>(maps.word, begin, end);
    const std::string_view word = line.substr(begin, stop - begin);
    const size_t first_digit = find_bit<true>(maps.digit, begin, stop);
    at = stop;

    const bool joined = after_variable && begin - separators == 1 && joins_variables(line[separators]);
    if (first_digit == stop) {
      if (joined && hex_part(word, line[separators])) {
        separators = stop;
        continue;
      }
      sink.word(line.substr(separators, begin - separators), word, false);
      after_variable = false;
    } else if (joined) {
      // One more part of the variable before.
    } else {
      size_t separators_end = begin;
      const bool sign = first_digit == begin && begin > separators &&
                        (line[begin - 1] == '-' || line[begin - 1] == '+') &&
                        (begin - separators > 1 || separators == 0);
      if (sign) --separators_end;
      const std::string_view prefix = word.substr(0, first_digit - begin);
      const bool keep_prefix =
          !prefix.empty() && find_bit<false>(maps.digit, first_digit, stop) == stop && !all_hex(prefix);
      sink.word(line.substr(separators, separators_end - separators), keep_prefix ? prefix : std::string_view(), true);
      after_variable = true;
    }
    separators = stop;
  }
  sink.word(line.substr(separators), {}, false);
}

constexpr uint64_t k0 = 0x9e3779b97f4a7c15u;  // odd constants without structure: fractions of the golden ratio, e, pi
constexpr uint64_t k1 = 0xb7e151628aed2a6bu;
constexpr uint64_t k2 = 0x243f6a8885a308d3u;

uint64_t fold_multiply(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t load_up_to_8(const char* at, size_t count) {
  uint64_t value = 0;
  switch (count) {
    default:
      std::memcpy(&value, at, 8);
      return value;
    case 7:
    case 6:
    case 5:
    case 4: {
      uint32_t low = 0;
      uint32_t high = 0;
      std::memcpy(&low, at, 4);
      std::memcpy(&high, at + count - 4, 4);
      return uint64_t{high} << 8 * (count - 4) | low;
    }
    case 3:
    case 2:
    case 1:
      for (size_t i = 0; i < count; ++i) value |= uint64_t{static_cast<unsigned char>(at[i])} << 8 * i;
      return value;
    case 0:
      return 0;
  }
}

struct HashSink {
  ShapeHash state{k0 ^ shape_version, k1};

  void mix(uint64_t x, uint64_t y) {
    state.high = fold_multiply(state.high ^ x ^ k1, y ^ k0);
    state.low = (state.low ^ x) * k2 + std::rotl(y, 29);
    state.low ^= state.low >> 31;
  }

  // What is longer than the last 8 bytes goes in first, in whole pieces.
  std::string_view mix_long(std::string_view bytes, uint64_t kind) {
    while (bytes.size() > 8) {
      mix(load_up_to_8(bytes.data(), 8), kind);
      bytes.remove_prefix(8);
    }
    return bytes;
  }

  void word(std::string_view separators, std::string_view constant, bool variable) {
    const std::string_view s = mix_long(separators, k1);
    const std::string_view c = mix_long(constant, k2);
    const uint64_t lengths = s.size() | c.size() << 8 | uint64_t{variable} << 16;
    mix(load_up_to_8(c.data(), c.size()), load_up_to_8(s.data(), s.size()) + lengths * k2);
  }
};

struct TextSink {
  std::string text;
  size_t bytes_max;

  void word(std::string_view separators, std::string_view constant, bool variable) {
    if (text.size() >= bytes_max) return;
    text += separators;
    text += constant;
    if (variable) text += "<*>";
  }
};

}  // namespace

ShapeHash shape_hash(std::string_view line) {
  HashSink sink;
  walk(line, sink);
  sink.mix(k2, k1);
  return sink.state;
}

std::string shape_text(std::string_view line, size_t bytes_max) {
  TextSink sink{.text = {}, .bytes_max = bytes_max};
  walk(line, sink);
  if (sink.text.size() > bytes_max) sink.text.resize(bytes_max);
  return std::move(sink.text);
}

}  // namespace reeve::mine
