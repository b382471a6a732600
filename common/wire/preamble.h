// The first 80 bytes of a block, as a builder writes them. Reading is parse_preamble in block.h.
#pragma once

#include "common/wire/block.h"

namespace reeve::wire {

// The preamble of a block that has no identity yet.
Bytes encode_preamble(BlockKind kind, uint32_t header_bytes, uint32_t header_crc, uint64_t columns_bytes);

// Of a preamble that parse_preamble accepted.
uint32_t header_crc_of(BytesView block);

}  // namespace reeve::wire
