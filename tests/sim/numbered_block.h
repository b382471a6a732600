// Small real blocks whose rows are numbers, for campaigns that need to know what every block must hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/wire/block.h"
#include "common/wire/record.h"

namespace reeve::sim {

// Rows "line <n>" for n in [from, to), read from the source that lies at `from`. Unstamped.
Bytes make_numbered_block(uint64_t from, uint64_t to);

// Where the source of those rows stands at `offset`.
wire::SourcePosition numbered_position(uint64_t offset);

// The numbers in a block's rows. Code::corrupt for anything else in them.
Result<std::vector<uint64_t>> read_numbers(BytesView block);

}  // namespace reeve::sim
