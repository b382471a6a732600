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

// The matching rows, in the block's order. `block` is whole; column CRCs are verified as they are read
// (Code::corrupt), sizes are bounded. A row is materialised only when it matches.
Result<std::vector<LogRow>> search_log_block(BytesView block, const LogPredicate& predicate);

// Every row, for export, tests and the round trip.
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
