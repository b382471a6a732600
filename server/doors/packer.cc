// See packer.h.
#include "server/doors/packer.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <unordered_map>

namespace reeve::server {
namespace {

constexpr size_t no_block = SIZE_MAX;

// The id by which a source of our rows is known; the same in every process.
uint64_t source_id(SignalSource source) {
  return 0x646f6f7200000000 + static_cast<uint64_t>(source);
}

}  // namespace

struct Packer::Builders {
  explicit Builders(std::string_view the_host) : host(the_host), logs(host), points(host) {}

  std::string host;
  wire::LogBlockBuilder logs;
  wire::MetricBlockBuilder points;
};

struct Packer::Rows {
  struct Log {
    size_t batch;
    const LogSignal* signal;
    WallTime time;
    bool suspect;
  };
  struct Point {
    size_t batch;
    const PointSignal* signal;
    WallTime time;
  };

  std::string_view host;
  std::vector<Log> logs;
  std::vector<Point> points;
};

// One pack under way.
struct Packer::Pack {
  std::span<const SignalBatch* const> batches;
  std::vector<Rows> rows;
  std::unordered_map<std::string_view, size_t> rows_by_host;
  std::vector<PackedBlock> blocks;
  std::vector<size_t> last_block;  // of each batch

  Rows& rows_of(std::string_view host, size_t hosts_max) {
    auto known = rows_by_host.find(host);
    if (known != rows_by_host.end()) return rows[known->second];
    const bool fits = rows.size() < hosts_max || host.empty();
    if (!fits) return rows_of({}, hosts_max);
    rows.emplace_back().host = host;
    rows_by_host.emplace(host, rows.size() - 1);
    return rows.back();
  }

  // A row of `batch` goes into the block that is open now.
  void note(size_t batch, uint32_t id, std::vector<ItemId>& ids) {
    if (id != no_item_id) ids.push_back(batches[batch]->ids[id]);
    last_block[batch] = blocks.size();
  }
  void close(Bytes bytes, std::vector<ItemId>& ids) { blocks.push_back({std::move(bytes), std::exchange(ids, {})}); }
};

Packer::Packer(DoorCounters& counters, Options options) : counters_(counters), options_(options) {}

Packer::~Packer() = default;

Packer::Builders& Packer::builders_for(std::string_view host) {
  const auto known =
      std::find_if(builders_.begin(), builders_.end(), [&](const auto& builders) { return builders->host == host; });
  if (known != builders_.end()) {
    std::rotate(known, known + 1, builders_.end());
    return *builders_.back();
  }
  if (builders_.size() >= options_.hosts_kept_max) builders_.erase(builders_.begin());
  builders_.push_back(std::make_unique<Builders>(host));
  return *builders_.back();
}

WallTime Packer::believable(const std::optional<WallTime>& time, WallTime now, bool& suspect) {
  suspect = time && (*time > now + std::chrono::hours(signal_time_ahead_max_hours) || *time < now - options_.retention);
  if (suspect) ++counters_.times_suspect;
  return time && !suspect ? *time : now;
}

std::vector<PackedBlock> Packer::pack(std::span<const SignalBatch* const> batches, std::unordered_set<ItemId> known,
                                      WallTime now) {
  Pack pack{.batches = batches, .rows = {}, .rows_by_host = {}, .blocks = {}, .last_block = {}};
  pack.last_block.assign(batches.size(), no_block);
  // A row gets in where its id is new; that id is then known for the rows behind it.
  const auto is_new = [&](const SignalBatch& batch, uint32_t id) {
    return id == no_item_id || known.insert(batch.ids[id]).second;
  };
  for (size_t i = 0; i < batches.size(); ++i) {
    const SignalBatch& batch = *batches[i];
    if (batch.request_id && !known.insert(*batch.request_id).second) continue;
    bool suspect = false;
    for (const LogSignal& log : batch.logs) {
      if (!is_new(batch, log.id)) continue;
      const WallTime time = believable(log.time, now, suspect);
      pack.rows_of(log.host, options_.hosts_per_pack_max).logs.push_back({i, &log, time, suspect});
    }
    for (const PointSignal& point : batch.points) {
      if (!is_new(batch, point.id)) continue;
      const WallTime time = believable(point.time, now, suspect);
      pack.rows_of(point.host, options_.hosts_per_pack_max).points.push_back({i, &point, time});
    }
  }

  for (Rows& rows : pack.rows) {
    pack_logs(pack, rows);
    pack_points(pack, rows);
  }
  // All of a request's blocks are stored in one transaction; its id goes with the last of them.
  for (size_t i = 0; i < batches.size(); ++i) {
    if (batches[i]->request_id && pack.last_block[i] != no_block) {
      pack.blocks[pack.last_block[i]].ids.push_back(*batches[i]->request_id);
    }
  }
  return std::move(pack.blocks);
}

namespace {

// The order that lets few blocks hold neighbours in time; the rows' own order where that is as good.
template <typename Row>
void order_by_time(std::vector<Row>& rows, Duration span_max) {
  const auto [first, last] =
      std::minmax_element(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.time < b.time; });
  if (last->time - first->time <= span_max) return;
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.time < b.time; });
}

}  // namespace

void Packer::pack_logs(Pack& pack, Rows& rows) {
  if (rows.logs.empty()) return;
  order_by_time(rows.logs, options_.span_max);
  wire::LogBlockBuilder& builder = builders_for(rows.host).logs;
  std::array<std::optional<uint32_t>, signal_sources> sources;
  std::vector<ItemId> ids;
  WallTime first;
  const auto close = [&] {
    pack.close(builder.seal({}), ids);
    sources = {};
  };

  for (const Rows::Log& row : rows.logs) {
    const LogSignal& log = *row.signal;
    const bool worth_it =
        pack.blocks.size() < options_.span_blocks_max || builder.raw_bytes() >= options_.span_bytes_min;
    const bool spans = builder.rows() > 0 && row.time - first > options_.span_max && worth_it;
    if (spans || builder.raw_bytes() >= options_.block_bytes_max) close();
    if (builder.rows() == 0) first = row.time;

    std::optional<uint32_t>& source = sources[static_cast<size_t>(log.source)];
    if (!source) {
      source = builder.add_source(
          {.id = source_id(log.source), .kind = "door", .name = std::string(to_string(log.source)), .cursor = {}});
    }
    std::span<const wire::Field> fields =
        std::span(pack.batches[row.batch]->fields).subspan(log.fields.begin, log.fields.count);
    if (log.host != rows.host) {
      with_host_.assign(fields.begin(), fields.end());
      with_host_.push_back({"host", log.host});
      fields = with_host_;
    }
    wire::LogRecord record{.time = row.time,
                           .time_suspect = row.suspect,
                           .level = log.level,
                           .source = *source,
                           .service = log.service,
                           .body = log.body,
                           .fields = fields};
    secrets::Redactor::KeyLines within_this_item;
    redactor_.redact(log.body, within_this_item, record);
    builder.add(record);
    pack.note(row.batch, log.id, ids);
  }
  close();
  count_redacted();
}

// Counters are of all orgs; a packer adds what is new of its own.
void Packer::count_redacted() {
  uint64_t replaced = 0;
  for (const secrets::RedactCounters& rule : redacted_) replaced += rule.replaced;
  counters_.redacted += replaced - std::exchange(redacted_told_, replaced);
}

void Packer::pack_points(Pack& pack, Rows& rows) {
  if (rows.points.empty()) return;
  order_by_time(rows.points, options_.span_max);
  wire::MetricBlockBuilder& builder = builders_for(rows.host).points;
  std::vector<ItemId> ids;
  WallTime first;
  const auto close = [&] { pack.close(builder.seal({}), ids); };

  for (const Rows::Point& row : rows.points) {
    const PointSignal& point = *row.signal;
    const SignalBatch& batch = *pack.batches[row.batch];
    std::span<const wire::Field> labels = std::span(batch.fields).subspan(point.labels.begin, point.labels.count);
    if (point.host != rows.host) {
      const auto behind =
          std::find_if(labels.begin(), labels.end(), [](const wire::Field& label) { return label.key >= "host"; });
      with_host_.assign(labels.begin(), behind);
      with_host_.push_back({"host", point.host});
      std::copy_if(behind, labels.end(), std::back_inserter(with_host_),
                   [](const wire::Field& label) { return label.key != "host"; });
      labels = with_host_;
    }
    const bool worth_it = pack.blocks.size() < options_.span_blocks_max || builder.rows() >= options_.span_points_min;
    if (!builder.empty() && row.time - first > options_.span_max && worth_it) close();

    const wire::MetricPoint full{.name = point.name,
                                 .unit = point.unit,
                                 .kind = point.kind,
                                 .labels = labels,
                                 .time = row.time,
                                 .value = value_of(batch, point)};
    if (builder.rows() >= options_.block_points_max || !builder.try_add(full)) {
      close();
      builder.add(full);
    }
    if (builder.rows() == 1) first = row.time;
    pack.note(row.batch, point.id, ids);
  }
  close();
}

double Packer::value_of(const SignalBatch& batch, const PointSignal& point) {
  if (!point.is_delta) return point.value;
  series_key_.clear();
  const auto append = [this](std::string_view text) {
    append_varint(series_key_, text.size());
    series_key_.append(text);
  };
  append(point.host);
  append(point.name);
  append(point.unit);
  for (uint32_t i = 0; i < point.labels.count; ++i) {
    append(batch.fields[point.labels.begin + i].key);
    append(batch.fields[point.labels.begin + i].value);
  }
  bool begun = false;
  const double sum = sums_.add(series_key_, point.value, begun);
  if (begun) ++counters_.delta_series_begun;
  return sum;
}

}  // namespace reeve::server
