// Shape keys: what a line looks like once its variables are masked.
//
// One pass over the bytes splits the line into words and masks those that are variables by their form (numbers, hex,
// ids, addresses, times, quoted values with digits, ...). The key hashes the masked line; equal lines of one event get
// equal keys on every host, because nothing but the line and shape_version goes in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace reeve::mine {

// Raised whenever any line's key may change.
constexpr uint32_t shape_version = 1;

struct ShapeHash {
  uint64_t high = 0;
  uint64_t low = 0;
  auto operator<=>(const ShapeHash&) const = default;
};

// Allocates nothing; any bytes; linear time. At most the first 4 KiB count.
ShapeHash shape_hash(std::string_view line);

// The masked line itself, variables as <*>; equal texts mean equal hashes. For people and for block headers.
std::string shape_text(std::string_view line, size_t bytes_max = 1024);

}  // namespace reeve::mine
