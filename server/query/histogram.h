// How many logs there are when: counts by time and level.
//
// A block that lies within one bucket is counted by its header alone, where no condition looks at its rows. Of any
// other the columns of time and level are read, and bodies only where a text is looked for.
//
// There are bounds on blocks and bytes read. Beyond the bytes, a block's rows are spread evenly over its time as far as
// headers can tell; beyond the blocks, or with conditions on rows, counting ends: `counted_from` says where.
//
// Any thread; blocks on the store.
#pragma once

#include <array>
#include <vector>

#include "server/query/logs.h"

namespace reeve::server {

constexpr uint32_t histogram_buckets_min = 10;
constexpr uint32_t histogram_buckets_max = 500;

struct HistogramQuery {
  wire::LogPredicate predicate;
  uint32_t buckets = 60;  // at most one more is given, because buckets begin at round times
  LogQueryLimits limits;
  LogBlockCache* cache = nullptr;
};

struct HistogramBucket {
  WallTime time;  // of its begin
  uint64_t count = 0;
  std::array<uint64_t, wire::level_count> levels{};
};

struct Histogram {
  WallTime from;
  WallTime to;
  Duration step{0};
  uint64_t total = 0;
  bool exact = true;
  WallTime counted_from;  // `from`, unless a bound ended the count before
  std::vector<HistogramBucket> buckets;
  ScanCounters scanned;
};

// Code::invalid for buckets out of range, and for a range that is empty or too long for the clock.
Result<Histogram> count_logs(const Store& store, const HistogramQuery& query, const ReportDamage& report = nullptr);

}  // namespace reeve::server
