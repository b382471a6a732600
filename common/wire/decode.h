// The columns of a block decoded into flat arrays, each checked against the block's rows before anything is reserved.
//
// All give Code::corrupt where a column is absent, damaged, has too few or too many values, or points outside of a
// dictionary. Layouts: docs/block_format.md.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/result.h"
#include "common/wire/column.h"

namespace reeve::wire {

Status read_times(const ColumnReader& reader, uint32_t rows, std::vector<int64_t>& out);

// A column of one index per row, each below `limit`.
Status read_indexes(const ColumnReader& reader, ColumnType type, uint32_t rows, uint64_t limit,
                    std::vector<uint32_t>& out);

// One byte per row: level, and 0x80 where the time is suspect.
constexpr uint8_t time_suspect_bit = 0x80;
Status read_levels(const ColumnReader& reader, uint32_t rows, Bytes& out);

// All bodies, one after the other, and where each begins; the last offset is the end.
struct Bodies {
  Bytes bytes;
  std::vector<uint32_t> offsets;

  BytesView row(uint32_t row) const { return BytesView(bytes).substr(offsets[row], offsets[row + 1] - offsets[row]); }
};
Status read_bodies(const ColumnReader& reader, uint32_t rows, Bodies& out);

// The fields of the rows that have any. Validated as a whole when read; taken row by row.
class FieldRows {
 public:
  // Empty where the block has no such column.
  Status read(const ColumnReader& reader, uint32_t rows);

  std::vector<std::pair<std::string, std::string>> row(uint32_t row) const;

 private:
  struct RowStart {
    uint32_t row;
    uint32_t offset;  // of the row's first key in bytes_
    uint32_t count;
  };

  Bytes bytes_;
  std::vector<BytesView> keys_;  // into bytes_
  std::vector<RowStart> starts_;
};

Status read_values(const ColumnReader& reader, const std::vector<uint32_t>& series, size_t series_count,
                   std::vector<double>& out);

}  // namespace reeve::wire
