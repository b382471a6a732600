// Columns: their types and codecs, written and read.
//
// A column is raw bytes whose layout its type tells (docs/block_format.md), stored as they are or as one zstd frame.
// Reading never allocates more than the directory says, never believes the directory beyond its bound, and refuses a
// frame whose own idea of its size is another one.
#pragma once

#include <memory>
#include <vector>

#include "common/base/result.h"
#include "common/wire/block.h"

namespace reeve::wire {

// Values are part of the format.
enum class ColumnType : uint32_t {
  time = 1,
  source = 2,
  level = 3,
  service = 4,
  body_bytes = 5,
  body = 6,
  shape = 7,
  fields = 8,
  series = 16,
  value = 17,
};

enum class ColumnCodec : uint32_t { raw = 0, zstd = 1 };  // values are part of the format

// Compresses columns one after the other with one context. One thread.
class ColumnWriter {
 public:
  ColumnWriter();
  ~ColumnWriter();

  void begin(int zstd_level);
  void add(ColumnType type, BytesView raw);

  // The whole block, unstamped. Puts the directory into `header`.
  Bytes take_block(BlockKind kind, BlockHeader& header, const std::vector<std::pair<std::string, uint64_t>>& counters);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
  std::vector<ColumnEntry> directory_;
  Bytes columns_;
};

// Empties a buffer that is used again and again, and gives its memory back where it was far larger than needed: after a
// backlog an agent is small again.
void clear_buffer(Bytes& buffer);

// The columns of one block. Keeps views of the block and of the header; both must outlive it.
class ColumnReader {
 public:
  // The block's preamble and header are verified.
  static Result<ColumnReader> open(BytesView block, const BlockHeader& header);

  bool has(ColumnType type) const { return find(type) != nullptr; }
  uint64_t raw_bytes(ColumnType type) const;

  // Decompresses into `out` (replaced). Code::corrupt where it is absent, damaged, or larger than `bytes_max`;
  // Code::invalid where its codec is not known here.
  Status read(ColumnType type, uint64_t bytes_max, Bytes& out) const;

 private:
  ColumnReader(BytesView columns, const BlockHeader& header) : columns_(columns), header_(&header) {}
  const ColumnEntry* find(ColumnType type) const;

  BytesView columns_;
  const BlockHeader* header_;
};

}  // namespace reeve::wire
