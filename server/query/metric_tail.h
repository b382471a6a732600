// Following metrics: the points that were stored since a place in the order of commits.
//
// Any thread; blocks on the store.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/query/metrics.h"

namespace reeve::server {

struct MetricTailQuery {
  std::optional<std::string> name;  // exact
  Labels labels;                    // each exact; `host` too
  std::string cursor;               // empty: begin now
  uint64_t points_max = 5'000;      // of one answer; a block is given whole up to this, and cut beyond
  LogQueryLimits limits{.blocks_max = 2'000, .bytes_max = 64_MiB};
};

struct TailedSeries {
  std::string name;
  Labels labels;                                    // with host
  std::vector<std::pair<WallTime, double>> points;  // in order of storage
};

struct MetricTail {
  std::vector<TailedSeries> series;  // one for each block and series
  uint64_t points_left_out = 0;      // of a block that alone had more than points_max
  std::string cursor;
  bool more = false;  // a bound ended it: ask again at once
  ScanCounters scanned;
};

Result<MetricTail> tail_metrics(const Store& store, const MetricTailQuery& query, const ReportDamage& report = nullptr);

}  // namespace reeve::server
