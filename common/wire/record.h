// What a host produces: log records and metric points, as borrowed views while they pass through the agent.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/time.h"

namespace reeve::wire {

// The order is severity; values are part of the block format.
enum class Level : uint8_t { unset = 0, trace = 1, debug = 2, info = 3, warn = 4, error = 5, fatal = 6 };
constexpr size_t level_count = 7;

std::string_view to_string(Level level);  // "unset", "trace", ... "fatal"
std::optional<Level> parse_level(
    std::string_view text);  // those, and the common spellings: WARNING, err, crit, notice, E...

// A pure function of a line and the miner's version: equal on every host without talking.
struct ShapeKey {
  uint64_t high = 0;
  uint64_t low = 0;
  auto operator<=>(const ShapeKey&) const = default;
};
std::string to_string(const ShapeKey& key);  // 32 hex digits
std::optional<ShapeKey> parse_shape_key(std::string_view text);

struct Field {
  std::string_view key;
  std::string_view value;
};

// One log record. Views live only during the call that passes it.
struct LogRecord {
  WallTime time;
  bool time_suspect = false;  // the line's own time was not believable; `time` is the arrival's
  Level level = Level::unset;
  uint32_t source = 0;  // index given by LogBlockBuilder::add_source
  std::string_view service;
  std::string_view body;  // any bytes, without the line's end
  std::span<const Field> fields;
};

enum class MetricKind : uint8_t { gauge = 0, counter = 1 };  // values are part of the block format

// One sample. Names and units follow OpenTelemetry's semantic conventions; labels are sorted by key.
struct MetricPoint {
  std::string_view name;
  std::string_view unit;
  MetricKind kind = MetricKind::gauge;
  std::span<const Field> labels;
  WallTime time;
  double value = 0;
};

// Where a collector stands in a source. The id is drawn once when the source is first opened and stays with that very
// file (through renames) or journal; two files that had the same path one after the other have two ids.
struct SourcePosition {
  uint64_t id = 0;
  std::string kind;     // "file", "journal"
  std::string name;     // the path as first seen; "journal"
  uint64_t device = 0;  // files only, as the next three
  uint64_t inode = 0;
  uint64_t fingerprint = 0;  // a hash of the file's first `fingerprint_bytes` bytes: inodes are reused, content is not
  uint32_t fingerprint_bytes = 0;
  uint64_t offset = 0;    // everything before is handed on
  std::string cursor;     // the journal's own word for the same
  bool finished = false;  // read to its end and gone: the position need not be kept
};

// What a block says of one of its sources: rows came from bytes [begin, position.offset).
struct SourceRange {
  SourcePosition position;
  uint64_t begin = 0;
};

}  // namespace reeve::wire
