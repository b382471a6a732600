// Listing and querying series.
#include "server/query/metrics.h"

#include <algorithm>
#include <map>
#include <set>

#include "server/query/block_reader.h"
#include "server/query/fold.h"

namespace reeve::server {

namespace {

// What one query may read; beyond, the answer says that it is truncated.
constexpr uint64_t metric_blocks_max = 100'000;
constexpr uint64_t metric_bytes_max = 512_MiB;

constexpr Duration rate_lookback = 5min;  // how far before `from` a counter's neighbour is looked for
constexpr int64_t points_wanted = 60;

constexpr std::pair<std::string_view, Aggregation> aggregation_names[] = {
    {"avg", Aggregation::avg},   {"min", Aggregation::min},     {"max", Aggregation::max},  {"sum", Aggregation::sum},
    {"last", Aggregation::last}, {"count", Aggregation::count}, {"rate", Aggregation::rate}};

bool has_all(const Labels& labels, const Labels& wanted) {
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](const auto& label) { return std::find(labels.begin(), labels.end(), label) != labels.end(); });
}

struct SeriesKey {
  std::string name;
  Labels labels;
  auto operator<=>(const SeriesKey&) const = default;
};

Status check_range(WallTime from, WallTime to) {
  if (from < to) return {};
  return Error(Code::invalid, "from is " + format_rfc3339(from) + ", not before to, " + format_rfc3339(to));
}

bool out_of_bounds(const ScanCounters& scanned, uint64_t bytes) {
  return scanned.blocks + scanned.blocks_pruned >= metric_blocks_max || bytes >= metric_bytes_max;
}

}  // namespace

// A block without a host holds what was pushed: its series say their host themselves, or have none.
Labels with_host(const Labels& labels, const std::string& host) {
  if (host.empty()) return labels;
  Labels all;
  for (const auto& label : labels) {
    if (label.first != "host") all.push_back(label);
  }
  all.insert(std::upper_bound(all.begin(), all.end(), std::pair<std::string, std::string>("host", host)),
             {"host", host});
  return all;
}

std::optional<Aggregation> parse_aggregation(std::string_view text) {
  for (const auto& [name, aggregation] : aggregation_names) {
    if (name == text) return aggregation;
  }
  return std::nullopt;
}

std::string_view to_string(Aggregation aggregation) {
  for (const auto& [name, known] : aggregation_names) {
    if (known == aggregation) return name;
  }
  return "unknown";
}

// -- Listing ---------------------------------------------------------------------------------------------------------

namespace {

class Listing {
 public:
  Listing(const Store& store, const SeriesListQuery& query, const ReportDamage& report)
      : query_(query), reader_(store, report, list_.scanned) {}

  bool visit(const BlockRef& block) {
    if (out_of_bounds(list_.scanned, 0)) {
      list_.truncated = true;
      return false;
    }
    status_ = add(block);
    return status_.ok();
  }

  Result<SeriesList> finish() {
    TRY(std::move(status_));
    for (auto& [key, entry] : series_) list_.series.push_back(std::move(entry));
    return std::move(list_);
  }

 private:
  Status add(const BlockRef& block) {
    const std::optional<wire::BlockHeader> header = TRY(reader_.read_header(block));
    if (!header) return {};
    ++list_.scanned.blocks;
    list_.scanned.rows += header->rows;
    for (const wire::SeriesSummary& summary : header->series) add(block, *header, summary);
    return {};
  }

  void add(const BlockRef& block, const wire::BlockHeader& header, const wire::SeriesSummary& summary) {
    if (query_.name && summary.name != *query_.name) return;
    if (query_.match && summary.name.find(*query_.match) == std::string::npos) return;
    SeriesKey key{summary.name, with_host(summary.labels, header.host)};
    if (!has_all(key.labels, query_.labels)) return;

    const auto known = series_.find(key);
    if (known != series_.end()) {
      known->second.points += summary.count;
      return;
    }
    if (series_.size() == series_listed_max) {
      list_.truncated = true;
      return;
    }
    // The newest block comes first, so what it says last is the last.
    SeriesEntry entry{.name = summary.name,
                      .unit = summary.unit,
                      .kind = summary.kind,
                      .labels = key.labels,
                      .last = summary.last,
                      .last_time = block.time_max,
                      .points = summary.count};
    series_.emplace(std::move(key), std::move(entry));
  }

  const SeriesListQuery& query_;
  SeriesList list_;
  BlockReader reader_;
  std::map<SeriesKey, SeriesEntry> series_;
  Status status_;
};

}  // namespace

Result<SeriesList> list_series(const Store& store, const SeriesListQuery& query, const ReportDamage& report) {
  TRY(check_range(query.from, query.to));
  Listing listing(store, query, report);
  const BlockQuery blocks{.kind = wire::BlockKind::metrics, .from = query.from, .to = query.to};
  TRY(store.visit_blocks_newest_first(blocks, [&](const BlockRef& block) { return listing.visit(block); }));
  return listing.finish();
}

Result<MetricLabels> list_labels(const Store& store, const SeriesListQuery& query, const ReportDamage& report) {
  const SeriesList list = TRY(list_series(store, query, report));
  MetricLabels found;
  found.truncated = list.truncated;
  std::map<std::string, std::set<std::string>> values;
  for (const SeriesEntry& series : list.series) {
    if (found.names.empty() || found.names.back() != series.name) found.names.push_back(series.name);
    for (const auto& [key, value] : series.labels) {
      std::set<std::string>& known = values[key];
      if (known.size() < label_values_max || known.contains(value)) {
        known.insert(value);
      } else {
        found.truncated = true;
      }
    }
  }
  for (const auto& [key, known] : values) found.labels[key] = {known.begin(), known.end()};
  return found;
}

// -- Querying --------------------------------------------------------------------------------------------------------

namespace {

Result<Duration> choose_step(const MetricQuery& query) {
  int64_t range = 0;
  if (__builtin_sub_overflow(query.to.ns, query.from.ns, &range)) {
    return Error(Code::invalid,
                 "the range from " + format_rfc3339(query.from) + " to " + format_rfc3339(query.to) + " is too long");
  }
  Duration step = query.step;
  if (step == Duration(0)) {
    // Whole seconds, so that steps fall on the clock's.
    step = std::chrono::ceil<std::chrono::seconds>(Duration(range / points_wanted));
    step = std::max<Duration>(step, metric_step_min);
  }
  if (step < metric_step_min) {
    return Error(Code::invalid, "step is " + format_duration(step) + "; at least " + format_duration(metric_step_min));
  }
  const int64_t points = range / step.count();
  if (points > static_cast<int64_t>(points_per_series_max)) {
    return Error(Code::invalid, "a step of " + format_duration(step) + " makes " + std::to_string(points) +
                                    " points a series of this range; at most " + std::to_string(points_per_series_max) +
                                    " are given: ask for a longer step");
  }
  return step;
}

class Query {
 public:
  Query(const Store& store, const MetricQuery& query, const ReportDamage& report, Duration step)
      : query_(query), reader_(store, report, answer_.scanned) {
    answer_.name = query.name;
    answer_.step = step;
    predicate_.from = query.from;
    const bool room = query.from.ns > INT64_MIN + Duration(rate_lookback).count();
    if (query.aggregation == Aggregation::rate && room) predicate_.from = query.from - rate_lookback;
    predicate_.to = query.to;
    predicate_.name = query.name;
    for (const auto& label : query.labels) {
      if (label.first != "host") predicate_.labels.push_back(label);
    }
  }

  const wire::MetricPredicate& predicate() const { return predicate_; }

  bool visit(const BlockRef& block) {
    if (out_of_bounds(answer_.scanned, bytes_)) {
      answer_.truncated = true;
      return false;
    }
    status_ = add(block);
    return status_.ok();
  }

  Result<MetricAnswer> finish() {
    TRY(std::move(status_));
    for (auto& [labels, folds] : series_) {
      std::vector<SeriesFold::Point> points = sum(folds);
      if (!points.empty()) answer_.series.push_back({labels, std::move(points)});
    }
    return std::move(answer_);
  }

 private:
  using Folds = std::map<Labels, SeriesFold>;  // by all labels, for a rate; else one

  Status add(const BlockRef& block) {
    const std::optional<wire::BlockHeader> header = TRY(reader_.read_header(block));
    if (!header) return {};
    if (!wire::may_match(*header, predicate_) || !host_matches(header->host)) {
      ++answer_.scanned.blocks_pruned;
      return {};
    }
    const std::optional<Bytes> bytes = TRY(reader_.read_block(block));
    if (!bytes) return {};
    ++answer_.scanned.blocks;
    answer_.scanned.rows += header->rows;
    bytes_ += bytes->size();
    const Result<std::vector<wire::SeriesPoints>> found = wire::read_metric_block(*bytes, predicate_);
    if (!found.ok()) return reader_.pass_by(block, found.error());
    for (const wire::SeriesPoints& points : *found) TRY(add(block, header->host, points));
    return {};
  }

  bool host_matches(const std::string& host) const {
    return std::all_of(query_.labels.begin(), query_.labels.end(), [&](const auto& label) {
      return label.first != "host" || host.empty() || label.second == host;
    });
  }

  Status add(const BlockRef& block, const std::string& host, const wire::SeriesPoints& points) {
    if (query_.aggregation == Aggregation::rate && points.kind != wire::MetricKind::counter) {
      return Error(Code::invalid, "rate is for counters; " + query_.name + " is a gauge");
    }
    if (answer_.unit.empty()) answer_.unit = points.unit;
    answer_.kind = points.kind;

    Labels labels = with_host(points.labels, host);
    if (!has_all(labels, query_.labels)) return {};
    Labels group = query_.by ? only(labels, *query_.by) : labels;
    auto known = series_.find(group);
    if (known == series_.end()) {
      if (series_.size() == series_queried_max) {
        answer_.truncated = true;
        return {};
      }
      known = series_.emplace(std::move(group), Folds()).first;
    }

    // Neighbours in time are neighbours of one series; everything else may be folded together.
    if (query_.aggregation != Aggregation::rate) labels.clear();
    auto fold = known->second.find(labels);
    if (fold == known->second.end()) {
      if (folds_ == series_folded_max) {
        answer_.truncated = true;
        return {};
      }
      ++folds_;
      const SeriesFold::Options options{query_.aggregation, answer_.step, query_.from};
      fold = known->second.emplace(std::move(labels), SeriesFold(options)).first;
    }
    fold->second.add(points.points, block.time_max);
    return {};
  }

  static Labels only(const Labels& labels, const std::vector<std::string>& keys) {
    Labels kept;
    for (const std::string& key : keys) {
      const auto found =
          std::find_if(labels.begin(), labels.end(), [&](const auto& each) { return each.first == key; });
      kept.emplace_back(key, found == labels.end() ? "" : found->second);
    }
    return kept;
  }

  static std::vector<SeriesFold::Point> sum(Folds& folds) {
    if (folds.size() == 1) return folds.begin()->second.finish();
    std::map<WallTime, double> sums;
    for (auto& each : folds) {
      for (const auto& [time, value] : each.second.finish()) sums[time] += value;
    }
    return {sums.begin(), sums.end()};
  }

  const MetricQuery& query_;
  MetricAnswer answer_;
  BlockReader reader_;
  wire::MetricPredicate predicate_;
  std::map<Labels, Folds> series_;  // by the labels that are given
  size_t folds_ = 0;
  uint64_t bytes_ = 0;
  Status status_;
};

}  // namespace

Result<MetricAnswer> query_metric(const Store& store, const MetricQuery& query, const ReportDamage& report) {
  if (query.name.empty()) return Error(Code::invalid, "name is empty; a metric's name is needed");
  TRY(check_range(query.from, query.to));
  const Duration step = TRY(choose_step(query));

  Query answer(store, query, report, step);
  const BlockQuery blocks{
      .kind = wire::BlockKind::metrics, .from = answer.predicate().from, .to = answer.predicate().to};
  TRY(store.visit_blocks_newest_first(blocks, [&](const BlockRef& block) { return answer.visit(block); }));
  return answer.finish();
}

}  // namespace reeve::server
