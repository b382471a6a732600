// BlockHeader to and from its Protobuf bytes.
//
// Reading is for bytes from anywhere: before Protobuf is let near them, their repeated fields are counted against the
// bounds of block_limits.h, because a megabyte of two-byte messages would become a hundred megabytes of objects.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/wire/block.h"

namespace reeve::wire {

// What the builder counted beside the rows, by name.
using HeaderCounters = std::vector<std::pair<std::string, uint64_t>>;

Bytes encode_header(const BlockHeader& header, const HeaderCounters& counters);

// Code::corrupt where bytes are no header or break a bound. Unknown fields are passed by.
Result<BlockHeader> decode_header(BytesView bytes);

}  // namespace reeve::wire
