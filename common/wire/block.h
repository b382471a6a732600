// The block: what the agent seals, spools and ships, and the server stores, byte for byte the same.
//
//     preamble   fixed size, own CRC32C: magic, format version, identity, sizes
//     header     Protobuf, clear: what the block holds, enough to prune and to detect without decompressing
//     columns    zstd, each with its own CRC32C and raw size in the header's directory
//
// A block is built and sealed without an identity; the spool stamps agent, stream epoch, lane and sequence when it
// appends. Whoever reads foreign bytes calls verify_block once; nothing here trusts a size before checking it against a
// bound. Unknown column types and header fields are kept and passed by. Format: docs/block_format.md.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/wire/record.h"

namespace reeve::wire {

enum class Lane : uint8_t { live = 0, recall = 1, control = 2 };  // values are part of the format
constexpr size_t lane_count = 3;

enum class BlockKind : uint8_t { logs = 0, metrics = 1 };  // values are part of the format

constexpr uint16_t block_format_version = 1;
constexpr uint64_t block_bytes_max = 64_MiB;  // of a whole block; larger is refused
constexpr uint64_t header_bytes_max = 8_MiB;
constexpr uint64_t column_raw_bytes_max = 64_MiB;  // decompression never yields more

// The key of exactly-once: the server stores each of these at most once.
struct BlockIdentity {
  Uuid agent;
  Uuid epoch;
  Lane lane = Lane::live;
  uint64_t sequence = 0;  // from 1, without holes, per (epoch, lane)
  auto operator<=>(const BlockIdentity&) const = default;
};

struct Preamble {
  uint16_t format_version = 0;
  BlockKind kind = BlockKind::logs;
  BlockIdentity identity;
  uint32_t header_bytes = 0;
  uint64_t columns_bytes = 0;
};
constexpr size_t preamble_bytes = 80;

struct BucketCount {
  WallTime start;  // of a 10 s bucket, aligned to 10 s
  uint32_t count = 0;
};

// Text and example are there where the shape was new to the agent. Of a known one, mine::shape_text of any of its rows
// in this block gives the text.
struct TemplateCount {
  ShapeKey shape;
  std::string text;     // the line with its variables masked; may be cut
  std::string example;  // the line itself; may be cut
  std::vector<BucketCount> buckets;
};

struct ServiceCount {
  std::string name;
  std::array<uint32_t, level_count> levels{};  // rows per level
};

struct SeriesSummary {
  std::string name;
  std::string unit;
  MetricKind kind = MetricKind::gauge;
  std::vector<std::pair<std::string, std::string>> labels;  // sorted by key
  uint32_t count = 0;
  double min = 0;
  double max = 0;
  double sum = 0;
  double last = 0;
};

struct ColumnEntry {
  uint32_t type = 0;
  std::string name;
  uint32_t codec = 0;
  uint64_t offset = 0;  // from the first column's first byte
  uint64_t stored_bytes = 0;
  uint64_t raw_bytes = 0;
  uint32_t crc = 0;  // of the stored bytes
};

struct BlockHeader {
  uint32_t miner_version = 0;
  std::string host;
  WallTime time_min;
  WallTime time_max;
  uint32_t rows = 0;
  uint64_t raw_bytes = 0;  // of all bodies, with one line end each
  uint32_t time_suspect_rows = 0;
  std::vector<SourceRange> sources;
  std::vector<ServiceCount> services;
  std::vector<TemplateCount> templates;
  uint32_t templates_left_out = 0;  // rows whose shape did not fit the dictionary's bound
  std::vector<SeriesSummary> series;
  std::vector<ColumnEntry> columns;
};

// -- Reading ---------------------------------------------------------------------------------------------------------

// Needs only the first preamble_bytes. Code::corrupt where magic, CRC or bounds are off; Code::invalid where the format
// version is newer than ours + 1.
Result<Preamble> parse_preamble(BytesView block);

// Needs preamble and header; the rest may be absent. Verifies the header's CRC.
Result<BlockHeader> parse_header(BytesView block);

// Everything that can be checked without decompressing: preamble, header, that the sizes add up to exactly the bytes
// given, each column's bounds and CRC.
Status verify_block(BytesView block);

// -- Building --------------------------------------------------------------------------------------------------------

struct SealOptions {
  int zstd_level = 1;
};

// Collects log records and seals them. Reusable after seal(). One thread.
class LogBlockBuilder {
 public:
  explicit LogBlockBuilder(std::string host);
  ~LogBlockBuilder();

  // A source of rows to come, as it stands now. Gives the index for LogRecord::source. Sources live until seal().
  uint32_t add_source(const SourcePosition& position);
  // The source was read on to here; rows before it are in this block or an earlier one.
  void advance_source(uint32_t source, const SourcePosition& position);

  // Computes the shape key and template counts, and copies the record. True when the shape was never seen by this
  // builder before (in any block), which makes the batcher seal early.
  bool add(const LogRecord& record);

  uint32_t rows() const;
  // What the open block holds: bodies, fields, names of sources, and 4 bytes for each row. Whoever seals at a few MiB
  // of this stays far below the format's bounds, be the rows blank lines or all fields.
  uint64_t raw_bytes() const;
  bool empty() const;  // no rows and no source advanced
  WallTime time_min() const;
  WallTime time_max() const;

  // The finished block, unstamped. The builder is empty again; it remembers the shapes it has seen.
  Bytes seal(const SealOptions& options);

  // Forgets the open block without building it: the blackhole output.
  void discard();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Collects metric points and seals them. Reusable after seal(). One thread.
class MetricBlockBuilder {
 public:
  explicit MetricBlockBuilder(std::string host);
  ~MetricBlockBuilder();

  // A point of a new series that does not fit the block's bounds is left out and counted in its header.
  void add(const MetricPoint& point);
  // The same, but says false of such a point and counts nothing: whoever can seal now and try again loses none.
  [[nodiscard]] bool try_add(const MetricPoint& point);
  uint32_t rows() const;
  bool empty() const { return rows() == 0; }
  Bytes seal(const SealOptions& options);
  void discard();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Writes the identity into a sealed block's preamble.
void stamp_block(Bytes& block, const BlockIdentity& identity);

}  // namespace reeve::wire
