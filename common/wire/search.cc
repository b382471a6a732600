// Rows out of log blocks, points out of metric blocks.
//
// The header prunes whole blocks. Then cheap columns narrow the rows down (time, level, service, source, shape), each
// decompressed only if the predicate asks for it; bodies are decompressed if rows are left; and only rows that match
// everything become LogRows.
#include "common/wire/search.h"

#include <algorithm>
#include <numeric>

#include "common/mine/shape.h"
#include "common/wire/block_limits.h"
#include "common/wire/decode.h"
#include "common/wire/text_matcher.h"

namespace reeve::wire {

namespace {

using Rows = std::vector<uint32_t>;

bool may_match_time(const BlockHeader& header, WallTime from, WallTime to) {
  return header.rows > 0 && header.time_max >= from && header.time_min < to;
}

bool is_service(const ServiceCount& counted, const std::string& wanted) {
  return counted.name == wanted.substr(0, name_bytes_max);
}

bool may_match_service(const BlockHeader& header, const LogPredicate& predicate) {
  if (!predicate.service && !predicate.level_min) return true;
  const auto level_min = predicate.level_min ? static_cast<size_t>(*predicate.level_min) : 0;
  return std::ranges::any_of(header.services, [&predicate, level_min](const ServiceCount& counted) {
    if (predicate.service && !is_service(counted, *predicate.service)) return false;
    return std::any_of(counted.levels.begin() + static_cast<ptrdiff_t>(std::min(level_min, level_count)),
                       counted.levels.end(), [](uint32_t rows) { return rows > 0; });
  });
}

bool is_wanted(const SeriesSummary& series, const MetricPredicate& predicate) {
  if (predicate.name && series.name != *predicate.name) return false;
  return std::ranges::all_of(predicate.labels, [&series](const auto& label) {
    return std::ranges::find(series.labels, label) != series.labels.end();
  });
}

ShapeKey shape_of(BytesView body) {
  const mine::ShapeHash hash = mine::shape_hash(body);
  return {hash.high, hash.low};
}

class LogSearch {
 public:
  LogSearch(const BlockHeader& header, const ColumnReader& reader) : header_(header), reader_(reader) {}

  Result<std::vector<LogRow>> run(const LogPredicate& predicate) {
    rows_.resize(header_.rows);
    std::iota(rows_.begin(), rows_.end(), 0u);
    TRY(keep_times(predicate));
    TRY(keep_levels(predicate));
    TRY(keep_services(predicate));
    TRY(keep_sources(predicate));
    TRY(keep_listed_shapes(predicate));
    if (rows_.empty()) return std::vector<LogRow>();

    TRY(read_bodies(reader_, header_.rows, bodies_));
    keep_unlisted_shapes(predicate);
    for (const TextMatcher& text : predicate.text) keep_matching(text, bodies_, rows_);
    if (rows_.empty()) return std::vector<LogRow>();
    return take_rows();
  }

 private:
  Status keep_times(const LogPredicate& predicate) {
    TRY(read_times(reader_, header_.rows, times_));
    std::erase_if(rows_, [this, &predicate](uint32_t row) {
      return times_[row] < predicate.from.ns || times_[row] >= predicate.to.ns;
    });
    return {};
  }

  Status keep_levels(const LogPredicate& predicate) {
    if (!predicate.level_min || rows_.empty()) return {};
    TRY(load_levels());
    std::erase_if(rows_, [this, &predicate](uint32_t row) { return level(row) < *predicate.level_min; });
    return {};
  }

  Status keep_services(const LogPredicate& predicate) {
    if (!predicate.service || rows_.empty()) return {};
    TRY(load(ColumnType::service, header_.services.size(), services_));
    std::erase_if(rows_, [this, &predicate](uint32_t row) {
      return !is_service(header_.services[services_[row]], *predicate.service);
    });
    return {};
  }

  Status keep_sources(const LogPredicate& predicate) {
    if (!predicate.source || rows_.empty()) return {};
    TRY(load(ColumnType::source, header_.sources.size(), sources_));
    std::erase_if(rows_, [this, &predicate](uint32_t row) {
      return header_.sources[sources_[row]].position.name != *predicate.source;
    });
    return {};
  }

  // Rows whose template found no room in the dictionary stay until their bodies are here.
  Status keep_listed_shapes(const LogPredicate& predicate) {
    if (!predicate.shape || rows_.empty()) return {};
    TRY(load(ColumnType::shape, header_.templates.size() + 1, shapes_));
    std::erase_if(rows_, [this, &predicate](uint32_t row) {
      return shapes_[row] > 0 && header_.templates[shapes_[row] - 1].shape != *predicate.shape;
    });
    return {};
  }

  void keep_unlisted_shapes(const LogPredicate& predicate) {
    if (!predicate.shape) return;
    std::erase_if(rows_, [this, &predicate](uint32_t row) { return shape(row) != *predicate.shape; });
  }

  Result<std::vector<LogRow>> take_rows() {
    TRY(load_levels());
    TRY(load(ColumnType::service, header_.services.size(), services_));
    TRY(load(ColumnType::source, header_.sources.size(), sources_));
    TRY(load(ColumnType::shape, header_.templates.size() + 1, shapes_));
    FieldRows fields;
    TRY(fields.read(reader_, header_.rows));

    std::vector<LogRow> out;
    out.reserve(rows_.size());
    for (const uint32_t row : rows_) {
      LogRow& to = out.emplace_back();
      to.row = row;
      to.time = {times_[row]};
      to.time_suspect = (static_cast<uint8_t>(levels_[row]) & time_suspect_bit) != 0;
      to.level = level(row);
      to.shape = shape(row);
      to.service = header_.services[services_[row]].name;
      to.source = header_.sources[sources_[row]].position.name;
      to.body = bodies_.row(row);
      to.fields = fields.take(row);
    }
    return out;
  }

  Status load(ColumnType type, uint64_t limit, Rows& column) {
    if (!column.empty()) return {};
    return read_indexes(reader_, type, header_.rows, limit, column);
  }

  Status load_levels() {
    if (!levels_.empty()) return {};
    return read_levels(reader_, header_.rows, levels_);
  }

  Level level(uint32_t row) const { return static_cast<Level>(static_cast<uint8_t>(levels_[row]) & ~time_suspect_bit); }

  // Another version's key cannot be computed here; such a row has none.
  ShapeKey shape(uint32_t row) const {
    if (shapes_[row] > 0) return header_.templates[shapes_[row] - 1].shape;
    return header_.miner_version == mine::shape_version ? shape_of(bodies_.row(row)) : ShapeKey{};
  }

  const BlockHeader& header_;
  const ColumnReader reader_;
  Rows rows_;
  std::vector<int64_t> times_;
  Bytes levels_;
  Rows services_;
  Rows sources_;
  Rows shapes_;
  Bodies bodies_;
};

}  // namespace

bool may_match(const BlockHeader& header, const LogPredicate& predicate) {
  if (!may_match_time(header, predicate.from, predicate.to)) return false;
  if (predicate.host && header.host != predicate.host->substr(0, name_bytes_max)) return false;
  if (!may_match_service(header, predicate)) return false;
  if (predicate.source && std::ranges::none_of(header.sources, [&predicate](const SourceRange& range) {
        return range.position.name == *predicate.source;
      }))
    return false;
  if (predicate.shape && header.templates_left_out == 0 &&
      std::ranges::none_of(header.templates,
                           [&predicate](const TemplateCount& counted) { return counted.shape == *predicate.shape; }))
    return false;
  return true;
}

Result<std::vector<LogRow>> search_log_block(BytesView block, const LogPredicate& predicate) {
  const Preamble preamble = TRY(parse_preamble(block));
  if (preamble.kind != BlockKind::logs) return Error(Code::invalid, "search log block: the block holds metrics");
  const BlockHeader header = TRY(parse_header(block));
  if (!may_match(header, predicate)) return std::vector<LogRow>();
  const ColumnReader reader = TRY(ColumnReader::open(block, header));
  LogSearch search(header, reader);
  return search.run(predicate);
}

Result<std::vector<LogRow>> read_log_block(BytesView block) {
  LogPredicate everything;
  const Preamble preamble = TRY(parse_preamble(block));
  if (preamble.kind != BlockKind::logs) return Error(Code::invalid, "read log block: the block holds metrics");
  const BlockHeader header = TRY(parse_header(block));
  if (header.rows == 0) return std::vector<LogRow>();
  const ColumnReader reader = TRY(ColumnReader::open(block, header));
  LogSearch search(header, reader);
  return search.run(everything);
}

bool may_match(const BlockHeader& header, const MetricPredicate& predicate) {
  if (!may_match_time(header, predicate.from, predicate.to)) return false;
  return std::ranges::any_of(header.series,
                             [&predicate](const SeriesSummary& series) { return is_wanted(series, predicate); });
}

Result<std::vector<SeriesPoints>> read_metric_block(BytesView block, const MetricPredicate& predicate) {
  const Preamble preamble = TRY(parse_preamble(block));
  if (preamble.kind != BlockKind::metrics) return Error(Code::invalid, "read metric block: the block holds logs");
  const BlockHeader header = TRY(parse_header(block));
  std::vector<SeriesPoints> out;
  if (!may_match(header, predicate)) return out;

  const ColumnReader reader = TRY(ColumnReader::open(block, header));
  std::vector<int64_t> times;
  std::vector<double> values;
  Rows series;
  TRY(read_times(reader, header.rows, times));
  TRY(read_indexes(reader, ColumnType::series, header.rows, header.series.size(), series));
  TRY(read_values(reader, series, header.series.size(), values));

  constexpr size_t unwanted = SIZE_MAX;
  std::vector<size_t> place(header.series.size(), unwanted);
  for (size_t i = 0; i < header.series.size(); ++i) {
    const SeriesSummary& summary = header.series[i];
    if (!is_wanted(summary, predicate)) continue;
    place[i] = out.size();
    out.push_back({summary.name, summary.unit, summary.kind, summary.labels, {}});
  }
  for (size_t row = 0; row < header.rows; ++row) {
    if (place[series[row]] == unwanted || times[row] < predicate.from.ns || times[row] >= predicate.to.ns) continue;
    out[place[series[row]]].points.emplace_back(WallTime{times[row]}, values[row]);
  }
  std::erase_if(out, [](const SeriesPoints& points) { return points.points.empty(); });
  return out;
}

}  // namespace reeve::wire
