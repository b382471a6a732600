// Reading a block's clear parts, and checking its envelope without decompressing anything.
#include "common/wire/block.h"

#include <algorithm>

#include "common/base/crc32c.h"
#include "common/wire/column.h"
#include "common/wire/header_codec.h"
#include "common/wire/preamble.h"

namespace reeve::wire {

namespace {

Error corrupt(const std::string& what) {
  return Error(Code::corrupt, "block: " + what);
}

std::string named(const ColumnEntry& column) {
  return "column " + std::to_string(column.type) + " (" + printable(column.name, 40) + ")";
}

// Columns lie one after the other in the directory's order, without holes, and fill their part exactly. Whatever a
// column's type, nobody is to reserve memory for more than a column may have.
Status check_directory(const BlockHeader& header, uint64_t columns_bytes) {
  uint64_t end = 0;
  for (size_t i = 0; i < header.columns.size(); ++i) {
    const ColumnEntry& column = header.columns[i];
    if (column.raw_bytes > column_raw_bytes_max)
      return corrupt(named(column) + " says it has " + std::to_string(column.raw_bytes) + " bytes; allowed are " +
                     std::to_string(column_raw_bytes_max));
    if (column.offset != end || column.stored_bytes > columns_bytes - end)
      return corrupt(named(column) + " lies at " + std::to_string(column.offset) + " with " +
                     std::to_string(column.stored_bytes) + " bytes, outside of its place in " +
                     std::to_string(columns_bytes));
    end += column.stored_bytes;
    for (size_t j = 0; j < i; ++j)
      if (header.columns[j].type == column.type) return corrupt(named(column) + " is there twice");
  }
  if (end != columns_bytes)
    return corrupt("its columns have " + std::to_string(end) + " bytes; the preamble says " +
                   std::to_string(columns_bytes));
  return {};
}

}  // namespace

Result<BlockHeader> parse_header(BytesView block) {
  const Preamble preamble = TRY(parse_preamble(block));
  if (block.size() - preamble_bytes < preamble.header_bytes)
    return corrupt("ends in its header: " + std::to_string(block.size()) + " of at least " +
                   std::to_string(preamble_bytes + preamble.header_bytes) + " bytes");
  const BytesView header_view = block.substr(preamble_bytes, preamble.header_bytes);
  if (crc32c(header_view) != header_crc_of(block)) return corrupt("its header's checksum does not match");

  BlockHeader header = TRY(decode_header(header_view));
  TRY(check_directory(header, preamble.columns_bytes));
  return header;
}

Status verify_block(BytesView block) {
  const Preamble preamble = TRY(parse_preamble(block));
  const uint64_t size = preamble_bytes + preamble.header_bytes + preamble.columns_bytes;
  if (block.size() != size)
    return corrupt(std::to_string(block.size()) + " bytes; its preamble says " + std::to_string(size));

  const BlockHeader header = TRY(parse_header(block));
  for (const ColumnEntry& column : header.columns) {
    const BytesView stored = block.substr(preamble_bytes + preamble.header_bytes + column.offset, column.stored_bytes);
    if (crc32c(stored) != column.crc) return corrupt("the checksum of " + named(column) + " does not match");
  }
  return {};
}

}  // namespace reeve::wire
