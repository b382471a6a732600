// How a line becomes its shape, in one pass.
//
// Every variable we mask holds a digit, so the pass goes from digit to digit and copies what lies between. First the
// whole line becomes four bit sets (digits, letters or digits, hex digits, numbers with their inner separators),
// 64 bytes to a word; a word's form is then a few bit operations. The rules, in order:
//
//     numbers      a run of digits with single . : - / , + between them, a sign before it where no letter or digit
//                  stands before that: integers, decimals, dates, times, addresses with port, lists. An RFC 3339 time's
//                  T and Z belong to it, as do /Mar/ in 01/Mar/2026 and "Sun Mar " before a day of the month
//     UUID         8-4-4-4-12 hex digits
//     MAC, IPv6    hex groups of at most four with three or more colons, or with ::
//     0x...        a word that begins so
//     hex          a word of four or more hex digits, at least one of them 0-9
//     abc12        letters stay, the digits go;  12ms  likewise, but 12ab (all hex) goes whole;  ab12cd  keeps both
//     sides others       words with letters and digits in any wilder order go whole
//
// Words end at anything that is not a letter or digit, so paths, quoted strings and key=value keep their skeleton and
// only the parts that vary are masked. Masks with one separator between them become one; several blanks before a mask
// become one, because columns are padded. In lines that look like JSON a key that holds letters stays as it is.
//
// The masked line is hashed in two lanes of multiply and fold (after Wang Yi's wyhash). It is no defence against
// somebody who builds two lines with one key on purpose. What this does not do: learn. Two shapes of one event are two
// shapes here; joining them is the miner's work.
#include "common/mine/shape.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "common/base/bytes.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace reeve::mine {

namespace {

constexpr size_t line_bytes_max = 4096;
constexpr size_t margin = 64;                                    // zero bytes on both sides of the line
constexpr size_t masked_room = 3 * line_bytes_max + 2 * margin;  // a mask has three bytes, for at least one
constexpr size_t words_max = line_bytes_max / 64 + 2;

struct Sets {
  uint64_t digit, letter, hex_letter, separator;
};

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_alnum(char c) {
  return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

#if defined(__SSE2__)
// Bytes of x in [low, low + count), as bits.
template <int low, int count>
uint64_t in_range(__m128i x) {
  const __m128i shifted = _mm_add_epi8(x, _mm_set1_epi8(static_cast<char>(-128 - low)));
  return static_cast<uint32_t>(
      _mm_movemask_epi8(_mm_cmplt_epi8(shifted, _mm_set1_epi8(static_cast<char>(-128 + count)))));
}

Sets classify(const char* at) {
  Sets sets{};
  for (int i = 0; i < 4; ++i) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 16 * i));
    const __m128i lower = _mm_or_si128(x, _mm_set1_epi8(0x20));
    sets.digit |= in_range<'0', 10>(x) << 16 * i;
    sets.separator |= in_range<'+', 16>(x) << 16 * i;  // + , - . / 0-9 :
    sets.letter |= in_range<'a', 26>(lower) << 16 * i;
    sets.hex_letter |= in_range<'a', 6>(lower) << 16 * i;
  }
  sets.separator &= ~sets.digit;
  return sets;
}
#else
Sets classify(const char* at) {
  Sets sets{};
  for (int i = 0; i < 64; ++i) {
    const char lower = static_cast<char>(at[i] | 0x20);
    sets.digit |= uint64_t{is_digit(at[i])} << i;
    sets.separator |= uint64_t{at[i] >= '+' && at[i] <= ':' && !is_digit(at[i])} << i;
    sets.letter |= uint64_t{lower >= 'a' && lower <= 'z'} << i;
    sets.hex_letter |= uint64_t{lower >= 'a' && lower <= 'f'} << i;
  }
  return sets;
}
#endif

// One bit per byte of the line; all are zero past its end.
class BitSet {
 public:
  uint64_t& word(size_t index) { return words_[index]; }

  bool has(size_t at) const { return words_[at / 64] >> (at % 64) & 1; }

  // The first member at or after `from`, or `size` where there is none.
  size_t next(size_t from, size_t size) const {
    size_t index = from / 64;
    const uint64_t rest = words_[index] >> (from % 64);
    if (rest) return from + static_cast<size_t>(std::countr_zero(rest));
    while (++index <= size / 64)
      if (words_[index]) return index * 64 + static_cast<size_t>(std::countr_zero(words_[index]));
    return size;
  }

  // One past the run of members that `from` is in.
  size_t run_end(size_t from) const {
    size_t index = from / 64;
    const uint64_t holes = ~words_[index] >> (from % 64);
    if (holes) return from + static_cast<size_t>(std::countr_zero(holes));
    while (!~words_[++index]) {
    }
    return index * 64 + static_cast<size_t>(std::countr_one(words_[index]));
  }

  // Where the run of members that ends before `at` begins, but not before `floor`.
  size_t run_begin(size_t at, size_t floor) const {
    size_t index = at / 64;
    uint64_t holes = ~words_[index] & ((uint64_t{1} << (at % 64)) - 1);
    while (!holes && index > 0) holes = ~words_[--index];
    const size_t begin = holes ? index * 64 + 64 - static_cast<size_t>(std::countl_zero(holes)) : 0;
    return std::max(begin, floor);
  }

  // `count` bits from `at`, 1 <= count <= 64.
  uint64_t slice(size_t at, size_t count) const {
    uint64_t bits = words_[at / 64] >> (at % 64);
    if (at % 64) bits |= words_[at / 64 + 1] << (64 - at % 64);
    return count == 64 ? bits : bits & ((uint64_t{1} << count) - 1);
  }

 private:
  uint64_t words_[words_max];
};

constexpr uint32_t triple(const char* at) {
  return static_cast<uint32_t>(static_cast<uint8_t>(at[0]) | 0x20) << 16 |
         static_cast<uint32_t>(static_cast<uint8_t>(at[1]) | 0x20) << 8 | (static_cast<uint8_t>(at[2]) | 0x20);
}

template <size_t count>
bool is_one_of(const char* at, const char (&names)[count]) {
  for (size_t i = 0; i + 3 < count; i += 3)
    if (triple(at) == triple(names + i)) return true;
  return false;
}

bool is_month(const char* at) {
  return is_one_of(at, "janfebmaraprmayjunjulaugsepoctnovdec");
}
bool is_weekday(const char* at) {
  return is_one_of(at, "montuewedthufrisatsun");
}

constexpr bool joins_masks(char c) {
  return (c >= '+' && c <= '/') || c == ':' || c == '_';
}

struct Range {
  size_t begin = 0;
  size_t end = 0;
  size_t size() const { return end - begin; }
};

class Masker {
 public:
  explicit Masker(std::string_view line) : size_(std::min(line.size(), line_bytes_max)) {
    std::memset(buffer_, 0, margin);
    if (size_ > 0) std::memcpy(buffer_ + margin, line.data(), size_);
    std::memset(buffer_ + margin + size_, 0, margin);

    const size_t words = size_ / 64 + 1;
    for (size_t i = 0; i < words; ++i) {
      const Sets sets = classify(text_ + 64 * i);
      digit_.word(i) = sets.digit;
      alnum_.word(i) = sets.digit | sets.letter;
      hex_.word(i) = sets.digit | sets.hex_letter;
      number_.word(i) = sets.separator;
    }
    digit_.word(words) = alnum_.word(words) = hex_.word(words) = number_.word(words) = 0;

    // A separator belongs to a number where digits stand on both of its sides.
    uint64_t before = 0;
    for (size_t i = 0; i < words; ++i) {
      const uint64_t digits = digit_.word(i);
      const uint64_t next = digits >> 1 | digit_.word(i + 1) << 63;
      number_.word(i) = digits | (number_.word(i) & (digits << 1 | before) & next);
      before = digits >> 63;
    }
    json_ = size_ > 1 && (text_[0] == '{' || text_[size_ - 1] == '}');
  }

  // Writes the masked line and then 16 zero bytes to `out`, which has masked_room bytes; gives the line's length.
  size_t mask(char* out) const {
    char* at = out;
    size_t done = 0;  // everything before is written
    size_t from = 0;  // where to look for the next digit: past `done` where a key was left as it is
    bool after_mask = false;

    for (;;) {
      const size_t digit = digit_.next(from, size_);
      if (digit >= size_) break;
      const Range variable = find_variable(digit, from);
      if (json_ && is_key(variable)) {
        from = variable.end;
        continue;
      }
      const bool joins = after_mask && variable.begin == done + 1 && joins_masks(text_[done]);
      if (!joins) {
        at = copy(at, {done, trim(done, variable)});
        std::memcpy(at, "<*>", 4);
        at += 3;
      }
      done = from = variable.end;
      after_mask = true;
    }
    at = copy(at, {done, size_});
    std::memset(at, 0, 16);
    return static_cast<size_t>(at - out);
  }

 private:
  Range find_variable(size_t digit, size_t floor) const {
    const size_t begin = alnum_.run_begin(digit, floor);
    if (begin == digit) {
      size_t end = number_.run_end(digit);
      if (text_[end] == 'T' && digit_.has(end + 1)) end = number_.run_end(end + 1);
      if (text_[end] == 'Z' && !alnum_.has(end + 1)) ++end;
      if (!alnum_.has(end)) return with_month(with_groups({digit, end}, floor));
    }
    return narrow({begin, alnum_.run_end(digit)}, floor);
  }

  // Which part of a word with letters and digits varies.
  Range narrow(Range word, size_t floor) const {
    if (word.size() > 64) return word;
    const uint64_t all = ~uint64_t{0} >> (64 - word.size());
    const uint64_t digits = digit_.slice(word.begin, word.size());
    const bool all_hex = hex_.slice(word.begin, word.size()) == all;
    const bool letters_first = (digits & 1) == 0;
    if (all_hex && (word.size() >= 4 || !letters_first)) return with_groups(word, floor);
    if (text_[word.begin] == '0' && (text_[word.begin + 1] | 0x20) == 'x') return word;

    const int changes = std::popcount((digits ^ digits >> 1) & all >> 1);
    if (changes > 2 || (changes == 2 && !letters_first)) return word;
    const auto first = static_cast<size_t>(std::countr_zero(digits));
    const auto last = static_cast<size_t>(63 - std::countl_zero(digits));
    return {word.begin + first, word.begin + last + 1};
  }

  // The UUID, MAC or IPv6 address that `word` is a group of; else `word`.
  Range with_groups(Range word, size_t floor) const {
    if (text_[word.end] == '-' && word.size() == 8 && is_uuid(word.begin)) return {word.begin, word.begin + 36};
    if (text_[word.end] != ':' && text_[word.begin - 1] != ':') return word;

    // Groups before this one may be all letters, so that no digit led us to them.
    constexpr size_t address_bytes_max = 40;
    floor = std::max(floor, word.begin - std::min(word.begin, address_bytes_max));
    Range address = word;
    while (address.begin > floor && is_address_byte(address.begin - 1)) --address.begin;
    if (is_alnum(before(address.begin))) return word;

    size_t colons = 0;
    bool doubled = false;
    address.end = address.begin;
    for (size_t group = 0; is_address_byte(address.end); ++address.end) {
      if (text_[address.end] == ':') {
        doubled |= text_[address.end + 1] == ':';
        ++colons;
        group = 0;
      } else if (++group > 4) {
        return word;
      }
    }
    if (alnum_.has(address.end) || address.end < word.end) return word;
    if (text_[address.end - 1] == ':' && text_[address.end - 2] != ':') --address.end;
    return colons >= 3 || (doubled && colons >= 2) ? address : word;
  }

  bool is_address_byte(size_t at) const { return hex_.has(at) || text_[at] == ':'; }

  bool is_uuid(size_t begin) const {
    if (begin + 36 > size_ || alnum_.has(begin + 36)) return false;
    constexpr uint64_t dashes = uint64_t{1} << 8 | uint64_t{1} << 13 | uint64_t{1} << 18 | uint64_t{1} << 23;
    return hex_.slice(begin, 36) == (((uint64_t{1} << 36) - 1) & ~dashes) && text_[begin + 13] == '-' &&
           text_[begin + 18] == '-' && text_[begin + 23] == '-';
  }

  // 01/Mar/2026:12:34:56, 04-Dec-2005, 1 Mar 2026.
  Range with_month(Range day) const {
    const char separator = text_[day.end];
    if (day.size() > 2 || (separator != '/' && separator != '-' && separator != ' ')) return day;
    if (text_[day.end + 4] != separator || !digit_.has(day.end + 5) || !is_month(text_ + day.end + 1)) return day;
    const size_t end = number_.run_end(day.end + 5);
    return alnum_.has(end) ? day : Range{day.begin, end};
  }

  // "key12": in JSON. A key of nothing but a variable is a value that somebody used as a key.
  bool is_key(Range variable) const {
    if (text_[variable.end] != '"' || text_[variable.end + 1] != ':' || before(variable.begin) == '"') return false;
    for (size_t back = 1; back <= margin && back <= variable.begin; ++back) {
      const char c = text_[variable.begin - back];
      if (c == '"') return true;
      if (!is_alnum(c) && c != '_' && c != '-' && c != '.') return false;
    }
    return false;
  }

  // Where the text before a mask ends: without a sign, padding, or the names of day and month before a date.
  size_t trim(size_t done, Range variable) const {
    size_t end = variable.begin;
    if (end > done && (before(end) == '-' || before(end) == '+') && !is_alnum(before(end - 1))) --end;
    while (end >= done + 2 && before(end) == ' ' && before(end - 1) == ' ') --end;
    if (variable.size() <= 2 && ends_in_name(done, end) && is_month(text_ + end - 4)) {
      end -= 4;
      if (ends_in_name(done, end) && is_weekday(text_ + end - 4)) end -= 4;
    }
    return end;
  }

  bool ends_in_name(size_t done, size_t end) const {
    return end >= done + 4 && before(end) == ' ' && !is_alnum(before(end - 4));
  }

  // The margin lies before the line's first byte, so this is readable wherever `at` is.
  char before(size_t at) const { return *(text_ + at - 1); }

  // Copies 16 bytes at a time and so beyond the end; both buffers have the room.
  char* copy(char* at, Range range) const {
    if (range.end <= range.begin) return at;
    for (size_t i = 0; i < range.size(); i += 16) std::memcpy(at + i, text_ + range.begin + i, 16);
    return at + range.size();
  }

  const size_t size_;
  bool json_ = false;
  BitSet digit_;
  BitSet alnum_;
  BitSet hex_;
  BitSet number_;
  char buffer_[margin + line_bytes_max + margin];
  const char* const text_ = buffer_ + margin;
};

uint64_t fold(uint64_t a, uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// `bytes` is followed by 16 zero bytes. Each lane is its own chain of multiplications.
ShapeHash hash(const char* bytes, size_t count) {
  // The first 64 bits of the fractions of the square roots of 2, 3, 5, 7, 11 and 13: constants without structure.
  constexpr uint64_t k[] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
                            0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f};
  uint64_t high = k[0] ^ shape_version;
  uint64_t low = k[1] ^ count;
  for (size_t i = 0; i < count; i += 16) {
    const auto x = load_le<uint64_t>(bytes + i);
    const auto y = load_le<uint64_t>(bytes + i + 8);
    high = fold(x ^ k[2], y ^ high);
    low = fold(x ^ low, y ^ k[3]);
  }
  return {fold(high ^ k[4], count ^ k[1]), fold(low ^ k[5], k[2])};
}

}  // namespace

ShapeHash shape_hash(std::string_view line) {
  char masked[masked_room];
  const Masker masker(line);
  const size_t count = masker.mask(masked);
  return hash(masked, count);
}

std::string shape_text(std::string_view line, size_t bytes_max) {
  char masked[masked_room];
  const Masker masker(line);
  const size_t count = masker.mask(masked);
  return std::string(masked, std::min(count, bytes_max));
}

}  // namespace reeve::mine
