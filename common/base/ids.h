// Identifiers: UUIDs of RFC 9562. Version 7 (time-ordered) for everything that is listed by age, version 4 for stream
// epochs, whose order must mean nothing.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/random.h"
#include "common/base/time.h"

namespace reeve {

struct Uuid {
  std::array<uint8_t, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;
  bool is_nil() const { return *this == Uuid{}; }
  BytesView view() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

  static std::optional<Uuid> from_bytes(BytesView bytes);  // exactly 16
};

Uuid make_uuid_v4(Random& random);
Uuid make_uuid_v7(WallTime now, Random& random);

// "0198c2f0-7c1e-7abc-8def-0123456789ab"; parsing takes either case and nothing else.
std::string to_string(const Uuid& id);
std::optional<Uuid> parse_uuid(std::string_view text);

}  // namespace reeve

template <>
struct std::hash<reeve::Uuid> {
  size_t operator()(const reeve::Uuid& id) const {
    // Version 7 is random in its low half, version 4 everywhere: the low half is a hash already.
    return reeve::load_le<uint64_t>(reinterpret_cast<const char*>(id.bytes.data()) + 8);
  }
};
