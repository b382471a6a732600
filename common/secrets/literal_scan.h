// Finds where any of a few dozen literals may stand in a text, at a few bytes per cycle.
//
// Three bytes of each literal are its fingerprint. Each byte of the text is looked up by its two halves in tables of 16
// entries, 16 or 32 bytes at a time; what agrees in three neighbouring bytes is compared with the literals themselves.
// (The method is known as Teddy, after Hyperscan.) Without SSSE3 the same tables are walked byte by byte.
//
// Any thread once built.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/bytes.h"

namespace reeve::secrets {

class LiteralScan {
 public:
  struct Literal {
    std::string_view text;     // at least three bytes; outlives the scan
    size_t fingerprint = 0;    // where its three least common bytes begin
    size_t bucket = 0;         // below `buckets`; literals whose fingerprints are alike share one
    bool ignore_case = false;  // `text` is in small letters
    uint8_t kind = 0;          // for the caller
  };

  static constexpr size_t buckets = 8;

  explicit LiteralScan(const std::vector<Literal>& literals);

  // Calls on_found(kind, place behind the literal) for each one found until it says true; says whether it did.
  template <typename OnFound>
  bool any(BytesView text, OnFound&& on_found) const {
    return scan(
        text,
        [](const void* f, uint8_t kind, size_t end) {
          return (*static_cast<const std::remove_reference_t<OnFound>*>(f))(kind, end);
        },
        &on_found);
  }

 private:
  using Callback = bool (*)(const void* function, uint8_t kind, size_t end);

  struct Tables {
    alignas(16) std::array<std::array<uint8_t, 16>, 3> low{};
    alignas(16) std::array<std::array<uint8_t, 16>, 3> high{};
  };

  bool scan(BytesView text, Callback callback, const void* function) const;
  bool scan_bytes(BytesView text, size_t from, Callback callback, const void* function) const;
  bool scan_16(BytesView text, Callback callback, const void* function) const;
  bool scan_32(BytesView text, Callback callback, const void* function) const;
  bool compare(BytesView text, size_t at, uint8_t bits, Callback callback, const void* function) const;

  Tables tables_;
  std::array<std::vector<Literal>, buckets> buckets_;
};

}  // namespace reeve::secrets
