// See batcher.h.
#include "agent/batcher.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/mine/shape.h"

namespace reeve::agent {

namespace {

constexpr size_t drop_reasons_max = 64;

}  // namespace

Batcher::Batcher(Options options)
    : options_(std::move(options)),
      parser_(options_.local_offset),
      redactor_(options_.redact, counters_.redacted),
      logs_(options_.host),
      metrics_(options_.host),
      chains_(options_.line_rules.size()),
      emit_([this](Draft& further) { add_parsed(*emitting_, further); }) {}

void Batcher::begin_turn(Instant now, WallTime wall) {
  now_ = now;
  wall_ = wall;
}

void Batcher::end_turn(bool caught_up) {
  caught_up_ = caught_up;
  if (!between_runs_) return;
  release_expired();
  if (log_is_due(caught_up)) seal_logs();
  if (metrics_from_ && now_ >= *metrics_from_ + options_.age_max_metrics) seal_metrics();
}

bool Batcher::log_is_due(bool caught_up) const {
  if (logs_.raw_bytes() >= options_.raw_bytes_seal) return true;
  const bool spans = logs_.rows() > 0 && logs_.time_max() - logs_.time_min() > options_.span_max;
  if (spans && logs_.raw_bytes() >= options_.span_raw_bytes_min) return true;
  if (!logs_from_) return false;
  const Duration age = now_ - *logs_from_;
  if (age >= options_.age_max) return true;
  if (!caught_up) return false;
  return (urgent_ && age >= options_.age_max_urgent) || (now_ < live_until_ && age >= options_.age_max_live);
}

Instant Batcher::next_seal() const {
  Instant next{INT64_MAX};
  if (metrics_from_) next = *metrics_from_ + options_.age_max_metrics;
  for (const collect::SourceHandle handle : holding_) {
    const Source& source = sources_[handle];
    if (const auto last_line = source.held->oldest_last_line())
      next = std::min(next, std::max(*last_line, had_no_room_at_) + source.chain->hold().timeout);
  }
  if (!logs_from_) return next;
  Duration age_max = options_.age_max;
  if (caught_up_ && urgent_) age_max = options_.age_max_urgent;
  if (caught_up_ && now_ < live_until_) age_max = std::min(age_max, options_.age_max_live);
  return std::min(next, *logs_from_ + age_max);
}

void Batcher::seal_all() {
  check(between_runs_, "collectors cover their last rows by a position");
  finish_held_of_pushed();
  seal_logs();
  seal_metrics();
}

void Batcher::seal_logs() {
  if (logs_.empty()) return;
  SealedBlock block;
  block.bytes = logs_.seal({});
  for (size_t handle = 0; handle < sources_.size(); ++handle) {
    const Source& source = sources_[handle];
    if (source.block != block_) continue;
    block.positions.push_back(source.position);
    if (source.position.finished && handles_.erase(source.position.id) > 0) {
      free_handles_.push_back(static_cast<collect::SourceHandle>(handle));
    }
  }
  sealed_.push_back(std::move(block));
  ++counters_.blocks;
  ++block_;
  logs_from_.reset();
  urgent_ = false;
}

void Batcher::seal_metrics() {
  metrics_from_.reset();
  if (metrics_.empty()) return;
  sealed_.push_back({wire::Lane::live, metrics_.seal({}), {}});
  ++counters_.blocks;
}

std::optional<SealedBlock> Batcher::take_sealed() {
  if (sealed_.empty()) return std::nullopt;
  SealedBlock block = std::move(sealed_.front());
  sealed_.pop_front();
  return block;
}

std::vector<wire::SourcePosition> Batcher::take_discarded() {
  return std::exchange(discarded_, {});
}

// -- Intake ----------------------------------------------------------------------------------------------------------

collect::SourceHandle Batcher::open_source(const wire::SourcePosition& position, std::string_view service) {
  const auto known = handles_.find(position.id);
  if (known != handles_.end()) return known->second;

  collect::SourceHandle handle = static_cast<collect::SourceHandle>(sources_.size());
  if (free_handles_.empty()) {
    sources_.emplace_back();
  } else {
    handle = free_handles_.back();
    free_handles_.pop_back();
  }
  forget_held(handle);
  Source source;
  source.position = position;
  source.service = service;
  source.read_to = position;
  sources_[handle] = std::move(source);
  handles_[position.id] = handle;
  return handle;
}

uint32_t Batcher::index_in_block(Source& source) {
  if (source.block != block_) {
    source.block = block_;
    source.index = logs_.add_source(source.position);
    if (!logs_from_) logs_from_ = now_;
  }
  return source.index;
}

void Batcher::line(collect::SourceHandle handle, BytesView body) {
  check(handle < sources_.size(), "rows come from a source that was opened");
  take_line(sources_[handle], body, {});
}

void Batcher::line_at(collect::SourceHandle handle, BytesView body, uint64_t offset) {
  check(handle < sources_.size(), "rows come from a source that was opened");
  take_line(sources_[handle], body, offset);
}

void Batcher::record(collect::SourceHandle handle, BytesView body, const collect::Structured& structured) {
  check(handle < sources_.size(), "rows come from a source that was opened");
  Source& source = sources_[handle];

  wire::LogRecord record;
  record.time_suspect = structured.time > wall_ + LineParser::ahead_max;
  record.time = record.time_suspect ? wall_ : structured.time;
  record.level = structured.level;
  record.service = structured.service.empty() ? BytesView(source.service) : structured.service;
  record.body = body;
  record.fields = structured.fields;
  add(source, record, body);
}

void Batcher::add(Source& source, wire::LogRecord& record, BytesView line) {
  redactor_.redact(line, source.key_lines, record);
  between_runs_ = false;
  ++counters_.rows;
  counters_.raw_bytes += record.body.size() + 1;
  if (record.time_suspect) ++counters_.time_suspect;
  if (options_.output == Output::blackhole) {
    shapes_seen_ += mine::shape_hash(record.body).low & 1;
    return;
  }
  record.source = index_in_block(source);
  const bool is_new = logs_.add(record);
  urgent_ = urgent_ || is_new || record.level >= wire::Level::error;
}

void Batcher::advance(collect::SourceHandle handle, const wire::SourcePosition& position) {
  check(handle < sources_.size(), "positions are of a source that was opened");
  Source& source = sources_[handle];
  between_runs_ = true;
  if (source.held == nullptr) {
    move_position(source, position);
  } else {
    if (position.finished) finish_held_of(source);
    source.read_to = position;
    move_up_to_held(source);
  }
  if (log_is_due(false)) seal_logs();
}

void Batcher::move_position(Source& source, const wire::SourcePosition& position) {
  between_runs_ = true;
  if (options_.output == Output::blackhole) {
    source.position = position;
    discarded_.push_back(position);
    return;
  }
  const uint32_t index = index_in_block(source);
  source.position = position;
  logs_.advance_source(index, position);
}

void Batcher::metric(const wire::MetricPoint& point) {
  ++counters_.points;
  if (options_.output == Output::blackhole) return;
  if (!metrics_from_) metrics_from_ = now_;
  if (metrics_.try_add(point)) return;
  // A page of many series comes at once: the block is full, not the agent.
  seal_metrics();
  metrics_from_ = now_;
  metrics_.add(point);
}

void Batcher::dropped(std::string_view reason, uint64_t bytes) {
  const auto known = counters_.dropped_bytes.find(std::string(reason));
  if (known != counters_.dropped_bytes.end()) {
    known->second += bytes;
  } else {
    counters_.dropped_bytes[counters_.dropped_bytes.size() < drop_reasons_max ? std::string(reason) : "other"] += bytes;
  }
}

}  // namespace reeve::agent
