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

// -- One log block ---------------------------------------------------------------------------------------------------

// The block's columns as far as somebody asked for them. The reader keeps views of block and header, so this stays
// where it was made.
struct LogBlock::State {
  Bytes owned;
  BytesView block;
  BlockHeader header;
  std::optional<ColumnReader> reader;

  std::vector<int64_t> times;
  Bytes levels;
  Rows services;
  Rows sources;
  Rows shapes;
  Bodies bodies;
  FieldRows fields;
  bool has_fields = false;

  Status open_columns() {
    const Preamble preamble = TRY(parse_preamble(block));
    if (preamble.kind != BlockKind::logs) return Error(Code::invalid, "read a log block: the block holds metrics");
    if (header.rows > 0) reader = TRY(ColumnReader::open(block, header));
    return {};
  }

  Status load_times() {
    if (!times.empty()) return {};
    return keep_whole(times, read_times(*reader, header.rows, times));
  }
  Status load_levels() {
    if (!levels.empty()) return {};
    return keep_whole(levels, read_levels(*reader, header.rows, levels));
  }
  Status load_services() { return load(ColumnType::service, header.services.size(), services); }
  Status load_sources() { return load(ColumnType::source, header.sources.size(), sources); }
  Status load_shapes() { return load(ColumnType::shape, header.templates.size() + 1, shapes); }
  Status load_bodies() {
    if (!bodies.offsets.empty()) return {};
    return keep_whole(bodies, read_bodies(*reader, header.rows, bodies));
  }
  Status load_fields() {
    if (has_fields) return {};
    TRY(keep_whole(fields, fields.read(*reader, header.rows)));
    has_fields = true;
    return {};
  }

  Status load_all() {
    TRY(load_times());
    TRY(load_bodies());
    TRY(load_levels());
    TRY(load_services());
    TRY(load_sources());
    TRY(load_shapes());
    return load_fields();
  }

  Status load(ColumnType type, uint64_t limit, Rows& column) {
    if (!column.empty()) return {};
    return keep_whole(column, read_indexes(*reader, type, header.rows, limit, column));
  }

  // What a damaged column left behind must not pass for the column at the next question.
  template <typename Column>
  static Status keep_whole(Column& column, Status read) {
    if (!read.ok()) column = {};
    return read;
  }

  Level level(uint32_t row) const { return static_cast<Level>(static_cast<uint8_t>(levels[row]) & ~time_suspect_bit); }

  // Another version's key cannot be computed here; such a row has none.
  ShapeKey shape(uint32_t row) const {
    if (shapes[row] > 0) return header.templates[shapes[row] - 1].shape;
    return header.miner_version == mine::shape_version ? shape_of(bodies.row(row)) : ShapeKey{};
  }
};

namespace {

// One question. The cheap columns narrow the rows down before the bodies are looked at.
class LogSearch {
 public:
  LogSearch(LogBlock::State& block, const LogPredicate& predicate) : block_(block), predicate_(predicate) {}

  // The matching rows, rising.
  Result<Rows> run(const RowsWanted& wanted) {
    const uint32_t from = std::min(wanted.from_row, block_.header.rows);
    const uint32_t to = std::max(std::min(wanted.to_row, block_.header.rows), from);
    rows_.resize(to - from);
    std::iota(rows_.begin(), rows_.end(), from);
    TRY(keep_times(wanted));
    TRY(keep_levels());
    TRY(keep_services());
    TRY(keep_sources());
    TRY(keep_listed_shapes());
    TRY(keep_texts());
    choose(wanted);
    return std::move(rows_);
  }

 private:
  Status keep_times(const RowsWanted& wanted) {
    TRY(block_.load_times());
    const WallTime from = predicate_.from;
    const WallTime to = predicate_.to;
    std::erase_if(rows_, [&](uint32_t row) {
      const WallTime time{block_.times[row]};
      return time < from || time >= to || std::pair(time, row) >= std::pair(wanted.below_time, wanted.below_row);
    });
    return {};
  }

  Status keep_levels() {
    if (!predicate_.level_min || rows_.empty()) return {};
    TRY(block_.load_levels());
    std::erase_if(rows_, [this](uint32_t row) { return block_.level(row) < *predicate_.level_min; });
    return {};
  }

  Status keep_services() {
    if (!predicate_.service || rows_.empty()) return {};
    TRY(block_.load_services());
    std::erase_if(rows_, [this](uint32_t row) {
      return !is_service(block_.header.services[block_.services[row]], *predicate_.service);
    });
    return {};
  }

  Status keep_sources() {
    if (!predicate_.source || rows_.empty()) return {};
    TRY(block_.load_sources());
    std::erase_if(rows_, [this](uint32_t row) {
      return block_.header.sources[block_.sources[row]].position.name != *predicate_.source;
    });
    return {};
  }

  // Rows whose template found no room in the dictionary stay until their bodies are here.
  Status keep_listed_shapes() {
    if (!predicate_.shape || rows_.empty()) return {};
    TRY(block_.load_shapes());
    std::erase_if(rows_, [this](uint32_t row) {
      const uint32_t listed = block_.shapes[row];
      if (listed == 0) has_unlisted_ = true;
      return listed > 0 && block_.header.templates[listed - 1].shape != *predicate_.shape;
    });
    return {};
  }

  Status keep_texts() {
    if (rows_.empty() || (predicate_.text.empty() && !has_unlisted_)) return {};
    TRY(block_.load_bodies());
    if (has_unlisted_) {
      std::erase_if(rows_, [this](uint32_t row) { return block_.shape(row) != *predicate_.shape; });
    }
    for (const TextMatcher& text : predicate_.text) keep_matching(text, block_.bodies, rows_);
    return {};
  }

  void choose(const RowsWanted& wanted) {
    if (rows_.size() <= wanted.rows_max) return;
    const auto count = static_cast<ptrdiff_t>(wanted.rows_max);
    if (wanted.choice == RowsWanted::Choice::first) {
      rows_.resize(wanted.rows_max);
    } else if (wanted.choice == RowsWanted::Choice::last) {
      rows_.erase(rows_.begin(), rows_.end() - count);
    } else {
      std::nth_element(rows_.begin(), rows_.begin() + count, rows_.end(), [this](uint32_t a, uint32_t b) {
        return std::pair(block_.times[a], a) > std::pair(block_.times[b], b);
      });
      rows_.resize(wanted.rows_max);
      std::sort(rows_.begin(), rows_.end());
    }
  }

  LogBlock::State& block_;
  const LogPredicate& predicate_;
  Rows rows_;
  bool has_unlisted_ = false;
};

Result<std::vector<LogRow>> materialise(LogBlock::State& block, const Rows& rows) {
  std::vector<LogRow> out;
  if (rows.empty()) return out;
  TRY(block.load_all());
  out.reserve(rows.size());
  for (const uint32_t row : rows) {
    LogRow& to = out.emplace_back();
    to.row = row;
    to.time = {block.times[row]};
    to.time_suspect = (static_cast<uint8_t>(block.levels[row]) & time_suspect_bit) != 0;
    to.level = block.level(row);
    to.shape = block.shape(row);
    to.service = block.header.services[block.services[row]].name;
    to.source = block.header.sources[block.sources[row]].position.name;
    to.body = block.bodies.row(row);
    to.fields = block.fields.row(row);
  }
  return out;
}

Result<std::vector<LogRow>> search_rows(LogBlock::State& block, const LogPredicate& predicate,
                                        const RowsWanted& wanted) {
  if (!may_match(block.header, predicate)) return std::vector<LogRow>();
  const Rows rows = TRY(LogSearch(block, predicate).run(wanted));
  return materialise(block, rows);
}

Result<std::vector<LogRow>> all_rows(LogBlock::State& block) {
  if (block.header.rows == 0) return std::vector<LogRow>();
  const LogPredicate everything;
  const Rows rows = TRY(LogSearch(block, everything).run({}));
  return materialise(block, rows);
}

}  // namespace

LogBlock::LogBlock(std::unique_ptr<State> state) : state_(std::move(state)) {}
LogBlock::LogBlock(LogBlock&&) noexcept = default;
LogBlock& LogBlock::operator=(LogBlock&&) noexcept = default;
LogBlock::~LogBlock() = default;

Result<LogBlock> LogBlock::open(Bytes block) {
  BlockHeader header = TRY(parse_header(block));
  return open(std::move(block), std::move(header));
}

Result<LogBlock> LogBlock::open(Bytes block, BlockHeader header) {
  auto state = std::make_unique<State>();
  state->owned = std::move(block);
  state->block = state->owned;
  state->header = std::move(header);
  TRY(state->open_columns());
  return LogBlock(std::move(state));
}

const BlockHeader& LogBlock::header() const {
  return state_->header;
}

uint64_t LogBlock::bytes_at_most() const {
  constexpr uint64_t bytes_per_row = sizeof(int64_t) + 5 * sizeof(uint32_t) + 1;
  constexpr uint64_t header_growth = 4;  // of Protobuf's bytes as objects
  const BlockHeader& header = state_->header;
  constexpr uint64_t field_row_bytes = 12;  // beside two bytes of the column at least
  uint64_t bytes = header_growth * state_->owned.size() + bytes_per_row * header.rows;
  for (const ColumnEntry& column : header.columns) {
    const uint64_t raw = std::min(column.raw_bytes, column_raw_bytes_max);
    const bool is_fields = column.type == static_cast<uint32_t>(ColumnType::fields);
    if (is_fields || column.type == static_cast<uint32_t>(ColumnType::body)) bytes += raw;
    if (is_fields) bytes += field_row_bytes * std::min<uint64_t>(raw / 2, header.rows);
  }
  return bytes;
}

Result<std::vector<LogRow>> LogBlock::search(const LogPredicate& predicate, const RowsWanted& wanted) {
  return search_rows(*state_, predicate, wanted);
}

Status LogBlock::visit(const LogPredicate& predicate, const std::function<void(const RowFacts& facts)>& see) {
  State& block = *state_;
  if (!may_match(block.header, predicate)) return {};
  LogSearch search(block, predicate);
  const Rows rows = TRY(search.run({}));
  if (rows.empty()) return {};
  TRY(block.load_levels());
  TRY(block.load_services());
  TRY(block.load_shapes());
  for (const uint32_t row : rows) {
    see({row, WallTime{block.times[row]}, block.level(row), block.services[row], block.shapes[row]});
  }
  return {};
}

// `block` is borrowed for the call.
Result<std::vector<LogRow>> search_log_block(BytesView block, const LogPredicate& predicate, const RowsWanted& wanted) {
  LogBlock::State state;
  state.block = block;
  state.header = TRY(parse_header(block));
  TRY(state.open_columns());
  return search_rows(state, predicate, wanted);
}

Status check_log_columns(BytesView block) {
  LogBlock::State state;
  state.block = block;
  state.header = TRY(parse_header(block));
  TRY(state.open_columns());
  return state.header.rows == 0 ? Status() : state.load_all();
}

Result<std::vector<LogRow>> read_log_block(BytesView block) {
  LogBlock::State state;
  state.block = block;
  state.header = TRY(parse_header(block));
  TRY(state.open_columns());
  return all_rows(state);
}

// -- Metrics ---------------------------------------------------------------------------------------------------------

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
