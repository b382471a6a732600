// See histogram.h.
#include "server/query/histogram.h"

#include <algorithm>

#include "server/query/block_reader.h"

namespace reeve::server {
namespace {

// Steps that a person reads off a clock; beyond the last, whole multiples of it.
constexpr Duration round_steps[] = {1ms, 2ms,  5ms,  10ms, 20ms,  50ms,  100ms, 200ms, 500ms, 1s, 2s, 5s,  10s, 15s,
                                    30s, 1min, 2min, 5min, 10min, 15min, 30min, 1h,    2h,    3h, 6h, 12h, 24h};

Result<Duration> choose_step(const HistogramQuery& query) {
  if (query.buckets < histogram_buckets_min || query.buckets > histogram_buckets_max) {
    return Error(Code::invalid, "buckets is " + std::to_string(query.buckets) + "; allowed are " +
                                    std::to_string(histogram_buckets_min) + " to " +
                                    std::to_string(histogram_buckets_max));
  }
  const WallTime from = query.predicate.from;
  const WallTime to = query.predicate.to;
  int64_t range = 0;
  if (from >= to || __builtin_sub_overflow(to.ns, from.ns, &range)) {
    return Error(Code::invalid, "the range from " + format_rfc3339(from) + " to " + format_rfc3339(to) +
                                    " is empty or too long to count");
  }
  const Duration least((range - 1) / query.buckets + 1);
  for (const Duration step : round_steps) {
    if (step >= least) return step;
  }
  const int64_t day = Duration(24h).count();
  return Duration((least.count() + day - 1) / day * day);
}

class Counting {
 public:
  Counting(const Store& store, const HistogramQuery& query, const ReportDamage& report, Duration step)
      : query_(query), predicate_(query.predicate), reader_(store, report, histogram_.scanned, query.cache) {
    histogram_.from = histogram_.counted_from = predicate_.from;
    histogram_.to = predicate_.to;
    histogram_.step = step;
    const int64_t into = predicate_.from.ns % step.count();
    const int64_t begin = predicate_.from.ns - (into < 0 ? into + step.count() : into);
    for (int64_t at = begin; at < predicate_.to.ns; at += step.count()) {
      histogram_.buckets.push_back({.time = WallTime{at}});
      if (at > INT64_MAX - step.count()) break;
    }
  }

  bool visit(const BlockRef& block) {
    status_ = count(block);
    if (status_.ok() && ended_) {
      // What comes later begins before this block ends: below it no bucket is whole.
      histogram_.counted_from = std::min(std::max(block.time_max, predicate_.from), predicate_.to);
    }
    return status_.ok() && !ended_;
  }

  Result<Histogram> finish() {
    TRY(std::move(status_));
    if (histogram_.scanned.damaged_blocks + histogram_.scanned.blocks_too_new > 0) histogram_.exact = false;
    for (const HistogramBucket& bucket : histogram_.buckets) histogram_.total += bucket.count;
    return std::move(histogram_);
  }

 private:
  Status count(const BlockRef& block) {
    if (histogram_.scanned.blocks + histogram_.scanned.blocks_pruned >= query_.limits.blocks_max) return end();
    const OpenedLogPtr log = TRY(reader_.open(block));
    if (!log) return {};
    const wire::BlockHeader& header = log->header;
    if (!wire::may_match(header, predicate_)) {
      ++histogram_.scanned.blocks_pruned;
      return {};
    }

    const bool header_knows = counted_by_header(header);
    const bool within = header.time_min >= predicate_.from && header.time_max < predicate_.to;
    if (header_knows && within && place(header.time_min) == place(header.time_max)) {
      ++histogram_.scanned.blocks;
      add_by_header(header, header.time_min, header.time_max);
      return {};
    }
    if (reader_.out_of(query_.limits)) {
      histogram_.exact = false;
      if (!header_knows) return end();
      ++histogram_.scanned.blocks;
      add_by_header(header, header.time_min, header.time_max);
      return {};
    }
    return reader_.ask(block, log, predicate_, [&](wire::LogBlock& opened) {
      return opened.visit(predicate_, [&](const wire::RowFacts& row) { add(place(row.time), row.level, 1); });
    });
  }

  Status end() {
    histogram_.exact = false;
    ended_ = true;
    return {};
  }

  // Whether no condition needs to look at rows.
  bool counted_by_header(const wire::BlockHeader& header) const {
    return predicate_.text.empty() && !predicate_.shape && (!predicate_.source || header.sources.size() == 1);
  }

  // By level, spread evenly over the block's time.
  void add_by_header(const wire::BlockHeader& header, WallTime begin, WallTime end) {
    for (const wire::ServiceCount& service : header.services) {
      if (predicate_.service && service.name != *predicate_.service) continue;
      for (size_t level = 0; level < wire::level_count; ++level) {
        const auto of_level = static_cast<wire::Level>(level);
        if (predicate_.level_min && of_level < *predicate_.level_min) continue;
        spread(of_level, service.levels[level], begin, end);
      }
    }
  }

  void spread(wire::Level level, uint64_t rows, WallTime begin, WallTime end) {
    if (rows == 0) return;
    const auto span = static_cast<double>(end.ns) - static_cast<double>(begin.ns) + 1;
    uint64_t before = 0;
    for (size_t at = place(begin); at <= place(end); ++at) {
      const double until = static_cast<double>(histogram_.buckets[at].time.ns) +
                           static_cast<double>(histogram_.step.count()) - static_cast<double>(begin.ns);
      const bool last = at == place(end);
      const double share = std::clamp(until / span, 0.0, 1.0);
      const uint64_t through =
          last && end < predicate_.to ? rows : std::min(rows, static_cast<uint64_t>(share * static_cast<double>(rows)));
      if (through > before) add(at, level, through - before);
      before = std::max(before, through);
    }
  }

  void add(size_t at, wire::Level level, uint64_t rows) {
    histogram_.buckets[at].count += rows;
    histogram_.buckets[at].levels[static_cast<size_t>(level)] += rows;
  }

  // Of the bucket that holds this time; the first or the last where it lies outside.
  size_t place(WallTime time) const {
    const std::vector<HistogramBucket>& buckets = histogram_.buckets;
    if (time <= buckets.front().time) return 0;
    const auto at = static_cast<uint64_t>(time.ns) - static_cast<uint64_t>(buckets.front().time.ns);
    return std::min<uint64_t>(at / static_cast<uint64_t>(histogram_.step.count()), buckets.size() - 1);
  }

  const HistogramQuery& query_;
  const wire::LogPredicate& predicate_;
  Histogram histogram_;
  BlockReader reader_;
  bool ended_ = false;
  Status status_;
};

}  // namespace

Result<Histogram> count_logs(const Store& store, const HistogramQuery& query, const ReportDamage& report) {
  const Duration step = TRY(choose_step(query));
  Counting counting(store, query, report, step);
  const BlockQuery blocks{.kind = wire::BlockKind::logs, .from = query.predicate.from, .to = query.predicate.to};
  TRY(store.visit_blocks_newest_first(blocks, [&](const BlockRef& block) { return counting.visit(block); }));
  return counting.finish();
}

}  // namespace reeve::server
