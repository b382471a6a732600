// CRC32C (Castagnoli), the checksum of every part of a block and every frame of a spool segment.
#pragma once

#include <cstdint>

#include "common/base/bytes.h"

namespace reeve {

// The CRC32C of `bytes`. `seed` continues an earlier one: crc32c(b, crc32c(a)) == crc32c(a + b).
uint32_t crc32c(BytesView bytes, uint32_t seed = 0);

}  // namespace reeve
