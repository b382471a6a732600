// Collects metric points and seals them: a series once in the header, with its roll-up; each point in three columns.
//
// Values are XORed with the one before of the same series and byte-swapped, so that an unchanged value is one byte and
// a whole number few, before zstd sees them (the idea is Gorilla's: Pelkonen et al., VLDB 2015).
#include <algorithm>
#include <bit>
#include <string_view>
#include <unordered_map>

#include "common/base/check.h"
#include "common/wire/block.h"
#include "common/wire/block_limits.h"
#include "common/wire/column.h"
#include "common/wire/header_codec.h"

namespace reeve::wire {

namespace {

struct Point {
  int64_t time_ns;
  double value;
  uint32_t series;
};

void append_name(Bytes& key, std::string_view text) {
  append_varint(key, text.size());
  key.append(text);
}

}  // namespace

struct MetricBlockBuilder::State {
  std::string host;
  ColumnWriter writer;
  std::vector<Point> points;
  std::vector<SeriesSummary> series;
  std::unordered_map<Bytes, uint32_t> series_index;
  size_t series_text_bytes = 0;
  uint64_t points_left_out = 0;
  Bytes key;  // reused by add()
  Bytes column;

  const uint32_t* series_for(const MetricPoint& point);
  void clear();
  BytesView times();
  BytesView values();
};

MetricBlockBuilder::MetricBlockBuilder(std::string host) : state_(std::make_unique<State>()) {
  if (host.size() > name_bytes_max) host.resize(name_bytes_max);
  state_->host = std::move(host);
}

MetricBlockBuilder::~MetricBlockBuilder() = default;

// Null where the series is new and finds no room.
const uint32_t* MetricBlockBuilder::State::series_for(const MetricPoint& point) {
  const std::span<const Field> labels = point.labels.first(std::min(point.labels.size(), labels_per_series_max));
  key.clear();
  append_name(key, point.name.substr(0, name_bytes_max));
  append_name(key, point.unit.substr(0, name_bytes_max));
  key.push_back(static_cast<char>(point.kind));
  for (const Field& label : labels) {
    append_name(key, label.key.substr(0, name_bytes_max));
    append_name(key, label.value.substr(0, label_value_bytes_max));
  }
  const auto found = series_index.find(key);
  if (found != series_index.end()) return &found->second;
  if (series.size() >= series_max || series_text_bytes + key.size() > series_text_bytes_max) return nullptr;

  SeriesSummary summary;
  summary.name = point.name.substr(0, name_bytes_max);
  summary.unit = point.unit.substr(0, name_bytes_max);
  summary.kind = point.kind;
  for (const Field& label : labels)
    summary.labels.emplace_back(label.key.substr(0, name_bytes_max), label.value.substr(0, label_value_bytes_max));
  series.push_back(std::move(summary));
  series_text_bytes += key.size();
  return &series_index.emplace(key, static_cast<uint32_t>(series.size() - 1)).first->second;
}

void MetricBlockBuilder::add(const MetricPoint& point) {
  if (!try_add(point)) ++state_->points_left_out;
}

bool MetricBlockBuilder::try_add(const MetricPoint& point) {
  State& s = *state_;
  const uint32_t* index = s.points.size() < rows_max ? s.series_for(point) : nullptr;
  if (!index) return false;
  SeriesSummary& summary = s.series[*index];
  summary.min = summary.count == 0 ? point.value : std::min(summary.min, point.value);
  summary.max = summary.count == 0 ? point.value : std::max(summary.max, point.value);
  summary.sum += point.value;
  summary.last = point.value;
  ++summary.count;
  s.points.push_back({point.time.ns, point.value, *index});
  return true;
}

uint32_t MetricBlockBuilder::rows() const {
  return static_cast<uint32_t>(state_->points.size());
}

Bytes MetricBlockBuilder::seal(const SealOptions& options) {
  State& s = *state_;
  s.writer.begin(options.zstd_level);
  s.writer.add(ColumnType::time, s.times());
  s.column.clear();
  for (const Point& point : s.points) append_varint(s.column, point.series);
  s.writer.add(ColumnType::series, s.column);
  s.writer.add(ColumnType::value, s.values());

  BlockHeader header;
  header.host = s.host;
  header.rows = static_cast<uint32_t>(s.points.size());
  if (!s.points.empty()) {
    const auto [first, last] = std::ranges::minmax_element(s.points, {}, &Point::time_ns);
    header.time_min = {first->time_ns};
    header.time_max = {last->time_ns};
  }
  header.series = std::move(s.series);
  HeaderCounters counters;
  if (s.points_left_out > 0) counters.emplace_back("points_left_out", s.points_left_out);
  Bytes block = s.writer.take_block(BlockKind::metrics, header, counters);
  s.clear();
  return block;
}

void MetricBlockBuilder::discard() {
  state_->clear();
}

void MetricBlockBuilder::State::clear() {
  points.clear();
  series.clear();
  series_index.clear();
  series_text_bytes = 0;
  points_left_out = 0;
}

BytesView MetricBlockBuilder::State::times() {
  column.clear();
  append_varint(column, 1);  // the unit: samples are taken at any nanosecond
  uint64_t before = 0;
  for (const Point& point : points) {
    const auto value = static_cast<uint64_t>(point.time_ns);
    append_varint(column, zigzag(static_cast<int64_t>(value - before)));
    before = value;
  }
  return column;
}

BytesView MetricBlockBuilder::State::values() {
  column.clear();
  std::vector<uint64_t> before(series.size(), 0);
  for (const Point& point : points) {
    const auto bits = std::bit_cast<uint64_t>(point.value);
    append_varint(column, __builtin_bswap64(bits ^ before[point.series]));
    before[point.series] = bits;
  }
  return column;
}

}  // namespace reeve::wire
