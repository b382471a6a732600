// Reading rows out of blocks: pruned by the header, then by columns, so that only what may match is decompressed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/wire/block.h"

namespace reeve::wire {

// A text condition on bodies, compiled once per query. Any thread may match with it.
class TextMatcher {
 public:
  // Bytes that stand somewhere in the body, exactly (case matters) or ignoring ASCII case.
  static Result<TextMatcher> literal(std::string text, bool ignore_case);
  // RE2 syntax; at most 1,000 bytes of pattern and 1 MiB of compiled program, else Code::invalid with RE2's reason.
  static Result<TextMatcher> regex(const std::string& pattern);

  bool matches(BytesView body) const;

  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  explicit TextMatcher(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// All conditions must hold. Times are [from, to).
struct LogPredicate {
  WallTime from{INT64_MIN};
  WallTime to{INT64_MAX};
  std::optional<std::string> service;
  std::optional<std::string> host;
  std::optional<std::string> source;  // the source's name
  std::optional<Level> level_min;
  std::optional<ShapeKey> shape;
  std::vector<TextMatcher> text;
};

// An owned row.
struct LogRow {
  uint32_t row = 0;  // its place in the block
  WallTime time;
  bool time_suspect = false;
  Level level = Level::unset;
  ShapeKey shape;
  std::string service;
  std::string source;
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;
};

// False proves that no row of the block can match.
bool may_match(const BlockHeader& header, const LogPredicate& predicate);

// Which of the matching rows are wanted. A block may hold millions; who asks says how many it has use for.
struct RowsWanted {
  enum class Choice : uint8_t {
    first,   // by their place in the block
    last,    // the same from the block's end
    newest,  // by (time, place)
  };

  Choice choice = Choice::first;
  uint32_t rows_max = UINT32_MAX;
  uint32_t from_row = 0;  // places in [from_row, to_row) alone
  uint32_t to_row = UINT32_MAX;
  WallTime below_time{INT64_MAX};  // rows with (time, place) below this and `below_row` alone
  uint32_t below_row = UINT32_MAX;
};

// A row without its texts: enough to count it.
struct RowFacts {
  uint32_t row = 0;
  WallTime time;
  Level level = Level::unset;
  uint32_t service = 0;         // index into the header's services
  uint32_t template_place = 0;  // 1 + index into the header's templates; 0 where it was left out
};

// One log block that is asked more than once: a column is decompressed when the first question needs it, and kept.
// One thread at a time.
class LogBlock {
 public:
  // `block` is whole. Its preamble and header are verified, its columns as they are read (Code::corrupt).
  static Result<LogBlock> open(Bytes block);
  // With what was read of it before: saves the header's parsing.
  static Result<LogBlock> open(Bytes block, BlockHeader header);
  LogBlock(LogBlock&&) noexcept;
  LogBlock& operator=(LogBlock&&) noexcept;
  ~LogBlock();

  const BlockHeader& header() const;
  // The chosen rows in the block's order. A row is materialised only when it is wanted.
  Result<std::vector<LogRow>> search(const LogPredicate& predicate, const RowsWanted& wanted = {});
  // All that match, in the block's order. Bodies are decompressed only where the predicate asks for their text, or for
  // a shape that found no room in the header.
  Status visit(const LogPredicate& predicate, const std::function<void(const RowFacts& facts)>& see);

  // What it would take in memory at most, once every column is read.
  uint64_t bytes_at_most() const;

  struct State;

 private:
  explicit LogBlock(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The same for one question.
Result<std::vector<LogRow>> search_log_block(BytesView block, const LogPredicate& predicate,
                                             const RowsWanted& wanted = {});

// Whether every column can be read: what verify_block cannot say without decompressing. No row is materialised.
Status check_log_columns(BytesView block);

// Every row, for tests and the round trip; its memory follows the rows.
Result<std::vector<LogRow>> read_log_block(BytesView block);

struct MetricPredicate {
  WallTime from{INT64_MIN};
  WallTime to{INT64_MAX};
  std::optional<std::string> name;                          // exact
  std::vector<std::pair<std::string, std::string>> labels;  // each exact
};

struct SeriesPoints {
  std::string name;
  std::string unit;
  MetricKind kind = MetricKind::gauge;
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<std::pair<WallTime, double>> points;  // in the block's order
};

bool may_match(const BlockHeader& header, const MetricPredicate& predicate);
Result<std::vector<SeriesPoints>> read_metric_block(BytesView block, const MetricPredicate& predicate);

}  // namespace reeve::wire
