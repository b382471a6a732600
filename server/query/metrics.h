// Listing and querying metric series across blocks.
//
// A series is a name, its labels and its host; the host counts as the label `host`. Listing reads headers alone: each
// carries its series' summaries. A query reads the blocks whose headers name the series, and folds every point into its
// step's bucket, so memory follows series times steps and not points.
//
// Any thread; these calls block on the store.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/wire/search.h"
#include "server/query/logs.h"
#include "server/store/store.h"

namespace reeve::server {

constexpr size_t series_listed_max = 10'000;
constexpr size_t series_queried_max = 100;
constexpr size_t series_folded_max = 5'000;  // with `by`: series that go into those that are given
constexpr size_t points_per_series_max = 11'000;
constexpr Duration metric_step_min = 1s;

using Labels = std::vector<std::pair<std::string, std::string>>;  // sorted by key

// A block's labels with the host it came from; a host label of the series' own gives way.
Labels with_host(const Labels& labels, const std::string& host);

struct SeriesListQuery {
  WallTime from;
  WallTime to;
  std::optional<std::string> name;   // exact
  std::optional<std::string> match;  // a substring of the name
  Labels labels;                     // each exact; `host` too
};

struct SeriesEntry {
  std::string name;
  std::string unit;
  wire::MetricKind kind = wire::MetricKind::gauge;
  Labels labels;  // with host
  double last = 0;
  WallTime last_time;   // of the newest block that has it; the exact point may be a little older
  uint64_t points = 0;  // in the blocks that meet [from, to)
};

struct SeriesList {
  std::vector<SeriesEntry> series;  // by name, then labels
  bool truncated = false;           // more than series_listed_max, or more blocks than one query may read
  ScanCounters scanned;
};

Result<SeriesList> list_series(const Store& store, const SeriesListQuery& query, const ReportDamage& report = nullptr);

enum class Aggregation { avg, min, max, sum, last, count, rate };
std::optional<Aggregation> parse_aggregation(std::string_view text);
std::string_view to_string(Aggregation aggregation);

struct MetricQuery {
  std::string name;
  Labels labels;  // each exact; `host` too
  WallTime from;
  WallTime to;
  Duration step{0};  // 0: such that about 60 points come
  Aggregation aggregation = Aggregation::avg;
  // Where given: one series for each combination of these labels' values, over all points of the series that share it.
  // A rate is each series' own first, and then their sum. A series without such a label has it empty.
  std::optional<std::vector<std::string>> by = std::nullopt;
};

struct MetricSeries {
  Labels labels;                                    // with host
  std::vector<std::pair<WallTime, double>> points;  // each at its step's begin; steps without a point are left out
};

struct MetricAnswer {
  std::string name;
  std::string unit;
  wire::MetricKind kind = wire::MetricKind::gauge;
  Duration step{0};
  std::vector<MetricSeries> series;  // by labels
  bool truncated = false;            // more than series_queried_max matched, or more blocks than one query may read
  ScanCounters scanned;
};

// The names of metrics, and the labels' keys with their values, of the series that a listing finds.
struct MetricLabels {
  std::vector<std::string> names;
  std::map<std::string, std::vector<std::string>> labels;
  bool truncated = false;
};
constexpr size_t label_values_max = 1000;  // of one key
Result<MetricLabels> list_labels(const Store& store, const SeriesListQuery& query,
                                 const ReportDamage& report = nullptr);

// Code::invalid: an empty name, from not before to, a step under metric_step_min or one that makes more than
// points_per_series_max points, rate of a gauge.
Result<MetricAnswer> query_metric(const Store& store, const MetricQuery& query, const ReportDamage& report = nullptr);

}  // namespace reeve::server
