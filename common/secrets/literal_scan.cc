// See literal_scan.h.
#include "common/secrets/literal_scan.h"

#include <bit>
#include <cstring>

#include "common/base/check.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace reeve::secrets {

namespace {

constexpr size_t fingerprint_bytes = 3;

char small(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

bool equals(BytesView text, const LiteralScan::Literal& literal) {
  if (!literal.ignore_case) return text == literal.text;
  for (size_t i = 0; i < text.size(); ++i) {
    if (small(text[i]) != literal.text[i]) return false;
  }
  return true;
}

}  // namespace

LiteralScan::LiteralScan(const std::vector<Literal>& literals) {
  for (const Literal& literal : literals) {
    check(literal.fingerprint + fingerprint_bytes <= literal.text.size(), "a fingerprint lies within its literal");
    check(literal.bucket < buckets, "a literal's bucket is one of those there are");
    const size_t bucket = literal.bucket;
    buckets_[bucket].push_back(literal);
    for (size_t i = 0; i < fingerprint_bytes; ++i) {
      const auto enter = [&](char c) {
        const auto byte = static_cast<uint8_t>(c);
        tables_.low[i][byte & 15] |= static_cast<uint8_t>(1U << bucket);
        tables_.high[i][byte >> 4] |= static_cast<uint8_t>(1U << bucket);
      };
      const char c = literal.text[literal.fingerprint + i];
      enter(c);
      if (literal.ignore_case && c >= 'a' && c <= 'z') enter(static_cast<char>(c & ~0x20));
    }
  }
}

bool LiteralScan::compare(BytesView text, size_t at, uint8_t bits, Callback callback, const void* function) const {
  for (; bits != 0; bits &= static_cast<uint8_t>(bits - 1)) {
    for (const Literal& literal : buckets_[static_cast<size_t>(std::countr_zero(bits))]) {
      if (at < literal.fingerprint) continue;
      const size_t begin = at - literal.fingerprint;
      if (begin + literal.text.size() > text.size() || !equals(text.substr(begin, literal.text.size()), literal))
        continue;
      if (callback(function, literal.kind, begin + literal.text.size())) return true;
    }
  }
  return false;
}

bool LiteralScan::scan_bytes(BytesView text, size_t from, Callback callback, const void* function) const {
  for (size_t at = from; at + fingerprint_bytes <= text.size(); ++at) {
    uint8_t bits = 0xff;
    for (size_t i = 0; i < fingerprint_bytes; ++i) {
      const auto byte = static_cast<uint8_t>(text[at + i]);
      bits &= static_cast<uint8_t>(tables_.low[i][byte & 15] & tables_.high[i][byte >> 4]);
    }
    if (bits != 0 && compare(text, at, bits, callback, function)) return true;
  }
  return false;
}

#if defined(__x86_64__)

__attribute__((target("ssse3"))) bool LiteralScan::scan_16(BytesView text, Callback callback,
                                                           const void* function) const {
  constexpr size_t step = 16;
  __m128i low[fingerprint_bytes];
  __m128i high[fingerprint_bytes];
#pragma GCC unroll 3
  for (size_t i = 0; i < fingerprint_bytes; ++i) {
    std::memcpy(&low[i], tables_.low[i].data(), step);
    std::memcpy(&high[i], tables_.high[i].data(), step);
  }
  const __m128i nibble = _mm_set1_epi8(15);
  size_t at = 0;
  for (; at + step + fingerprint_bytes - 1 <= text.size(); at += step) {
    __m128i bits = _mm_set1_epi8(-1);
#pragma GCC unroll 3
    for (size_t i = 0; i < fingerprint_bytes; ++i) {
      __m128i bytes;
      std::memcpy(&bytes, text.data() + at + i, step);
      const __m128i by_low = _mm_shuffle_epi8(low[i], _mm_and_si128(bytes, nibble));
      const __m128i by_high = _mm_shuffle_epi8(high[i], _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble));
      bits = _mm_and_si128(bits, _mm_and_si128(by_low, by_high));
    }
    auto found = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bits, _mm_setzero_si128()))) ^ 0xffffU;
    if (found == 0) continue;
    alignas(step) uint8_t each[step];
    std::memcpy(each, &bits, step);
    for (; found != 0; found &= found - 1) {
      const auto i = static_cast<size_t>(std::countr_zero(found));
      if (compare(text, at + i, each[i], callback, function)) return true;
    }
  }
  return scan_bytes(text, at, callback, function);
}

__attribute__((target("avx2"))) bool LiteralScan::scan_32(BytesView text, Callback callback,
                                                          const void* function) const {
  constexpr size_t step = 32;
  if (text.size() < step + fingerprint_bytes - 1) return scan_16(text, callback, function);
  __m256i low[fingerprint_bytes];
  __m256i high[fingerprint_bytes];
#pragma GCC unroll 3
  for (size_t i = 0; i < fingerprint_bytes; ++i) {
    __m128i half;
    std::memcpy(&half, tables_.low[i].data(), sizeof half);
    low[i] = _mm256_broadcastsi128_si256(half);
    std::memcpy(&half, tables_.high[i].data(), sizeof half);
    high[i] = _mm256_broadcastsi128_si256(half);
  }
  const __m256i nibble = _mm256_set1_epi8(15);
  // The last step lies as far back as it must; what it sees a second time is not looked at again.
  const size_t last = text.size() - step - fingerprint_bytes + 1;
  for (size_t at = 0, seen = 0; seen < last + step; at += step) {
    at = at < last ? at : last;
    __m256i bits = _mm256_set1_epi8(-1);
#pragma GCC unroll 3
    for (size_t i = 0; i < fingerprint_bytes; ++i) {
      __m256i bytes;
      std::memcpy(&bytes, text.data() + at + i, step);
      const __m256i by_low = _mm256_shuffle_epi8(low[i], _mm256_and_si256(bytes, nibble));
      const __m256i by_high = _mm256_shuffle_epi8(high[i], _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble));
      bits = _mm256_and_si256(bits, _mm256_and_si256(by_low, by_high));
    }
    auto found = ~static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(bits, _mm256_setzero_si256())));
    if (found != 0) {
      alignas(step) uint8_t each[step];
      std::memcpy(each, &bits, step);
      for (; found != 0; found &= found - 1) {
        const auto i = static_cast<size_t>(std::countr_zero(found));
        if (at + i >= seen && compare(text, at + i, each[i], callback, function)) return true;
      }
    }
    seen = at + step;
  }
  return false;
}

bool LiteralScan::scan(BytesView text, Callback callback, const void* function) const {
  enum class Width : uint8_t { bytes, sse, avx };
  static const Width width = __builtin_cpu_supports("avx2")    ? Width::avx
                             : __builtin_cpu_supports("ssse3") ? Width::sse
                                                               : Width::bytes;
  if (width == Width::avx) return scan_32(text, callback, function);
  if (width == Width::sse) return scan_16(text, callback, function);
  return scan_bytes(text, 0, callback, function);
}

#else

bool LiteralScan::scan(BytesView text, Callback callback, const void* function) const {
  return scan_bytes(text, 0, callback, function);
}

#endif

}  // namespace reeve::secrets
