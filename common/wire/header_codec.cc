// The one place that knows BlockHeader's Protobuf form. Bounds: block_limits.h.
#include "common/wire/header_codec.h"

#include <google/protobuf/arena.h>

#include <algorithm>
#include <string_view>

#include "common/wire/block_limits.h"
#include "common/wire/proto_scan.h"
#include "proto/block.pb.h"

namespace reeve::wire {

namespace {

Error corrupt(const std::string& what) {
  return Error(Code::corrupt, "block header: " + what);
}

// -- Writing ---------------------------------------------------------------------------------------------------------

void put(const SourceRange& range, proto::Source& out) {
  const SourcePosition& position = range.position;
  out.set_id(position.id);
  out.set_kind(position.kind);
  out.set_name(position.name);
  out.set_device(position.device);
  out.set_inode(position.inode);
  out.set_fingerprint(position.fingerprint);
  out.set_fingerprint_bytes(position.fingerprint_bytes);
  out.set_begin(range.begin);
  out.set_offset(position.offset);
  out.set_cursor(position.cursor);
  out.set_finished(position.finished);
}

void put(const TemplateCount& counted, proto::Template& out) {
  out.set_shape_high(counted.shape.high);
  out.set_shape_low(counted.shape.low);
  out.set_text(counted.text);
  out.set_example(counted.example);
  int64_t before = counted.buckets.empty() ? 0 : counted.buckets.front().start.ns / bucket_ns;
  out.set_first_bucket(before);
  for (const BucketCount& bucket : counted.buckets) {
    const int64_t number = bucket.start.ns / bucket_ns;
    check(number >= before && bucket.start.ns % bucket_ns == 0, "buckets are aligned and in order");
    out.add_bucket_steps(static_cast<uint64_t>(number - before));
    out.add_bucket_counts(bucket.count);
    before = number;
  }
}

void put(const SeriesSummary& series, proto::Series& out) {
  out.set_name(series.name);
  out.set_unit(series.unit);
  out.set_kind(static_cast<uint32_t>(series.kind));
  for (const auto& [key, value] : series.labels) {
    proto::Label& label = *out.add_labels();
    label.set_key(key);
    label.set_value(value);
  }
  out.set_count(series.count);
  out.set_min(series.min);
  out.set_max(series.max);
  out.set_sum(series.sum);
  out.set_last(series.last);
}

void put(const ColumnEntry& column, proto::Column& out) {
  out.set_type(column.type);
  out.set_name(column.name);
  out.set_codec(column.codec);
  out.set_offset(column.offset);
  out.set_stored_bytes(column.stored_bytes);
  out.set_raw_bytes(column.raw_bytes);
  out.set_crc(column.crc);
}

// -- Reading ---------------------------------------------------------------------------------------------------------

Status check_counts(BytesView bytes) {
  static constexpr RepeatedBound top[] = {
      {proto::BlockHeader::kSourcesFieldNumber, sources_max},
      {proto::BlockHeader::kServicesFieldNumber, services_max},
      {proto::BlockHeader::kTemplatesFieldNumber, templates_max},
      {proto::BlockHeader::kSeriesFieldNumber, series_max},
      {proto::BlockHeader::kColumnsFieldNumber, columns_max},
      {proto::BlockHeader::kSketchesFieldNumber, sketches_max},
      {proto::BlockHeader::kCountersFieldNumber, counters_max},
  };
  static constexpr RepeatedBound in_series[] = {{proto::Series::kLabelsFieldNumber, labels_per_series_max}};
  return check_repeated(bytes, top, [](uint32_t field, BytesView inner) -> Status {
    if (field != proto::BlockHeader::kSeriesFieldNumber) return {};
    return check_repeated(inner, in_series, nullptr);
  });
}

SourceRange take(proto::Source& in) {
  SourceRange range;
  SourcePosition& position = range.position;
  position.id = in.id();
  position.kind = std::move(*in.mutable_kind());
  position.name = std::move(*in.mutable_name());
  position.device = in.device();
  position.inode = in.inode();
  position.fingerprint = in.fingerprint();
  position.fingerprint_bytes = in.fingerprint_bytes();
  position.offset = in.offset();
  position.cursor = std::move(*in.mutable_cursor());
  position.finished = in.finished();
  range.begin = in.begin();
  return range;
}

ServiceCount take(proto::Service& in) {
  ServiceCount service;
  service.name = std::move(*in.mutable_name());
  const int known = std::min(in.levels_size(), static_cast<int>(level_count));
  for (int i = 0; i < known; ++i) service.levels[static_cast<size_t>(i)] = in.levels(i);
  return service;
}

Result<TemplateCount> take(const proto::Template& in) {
  TemplateCount counted;
  counted.shape = {in.shape_high(), in.shape_low()};
  counted.text = in.text();
  counted.example = in.example();

  if (in.bucket_steps_size() != in.bucket_counts_size())
    return corrupt("a template has " + std::to_string(in.bucket_steps_size()) + " bucket steps and " +
                   std::to_string(in.bucket_counts_size()) + " bucket counts");
  if (static_cast<size_t>(in.bucket_steps_size()) > template_buckets_max)
    return corrupt("a template has " + std::to_string(in.bucket_steps_size()) + " buckets; allowed are " +
                   std::to_string(template_buckets_max));
  int64_t number = in.first_bucket();
  counted.buckets.reserve(static_cast<size_t>(in.bucket_steps_size()));
  for (int i = 0; i < in.bucket_steps_size(); ++i) {
    BucketCount bucket;
    bucket.count = in.bucket_counts(i);
    // A step of 2^63 or more wraps to a negative one; whatever the sum, it is only a time.
    if (__builtin_add_overflow(number, static_cast<int64_t>(in.bucket_steps(i)), &number) ||
        __builtin_mul_overflow(number, bucket_ns, &bucket.start.ns))
      return corrupt("a bucket lies outside of all time");
    counted.buckets.push_back(bucket);
  }
  return counted;
}

Result<SeriesSummary> take(proto::Series& in) {
  SeriesSummary series;
  series.name = std::move(*in.mutable_name());
  series.unit = std::move(*in.mutable_unit());
  if (in.kind() > static_cast<uint32_t>(MetricKind::counter))
    return corrupt("a series is of kind " + std::to_string(in.kind()) + "; known are 0 and 1");
  series.kind = static_cast<MetricKind>(in.kind());
  series.labels.reserve(static_cast<size_t>(in.labels_size()));
  for (proto::Label& label : *in.mutable_labels())
    series.labels.emplace_back(std::move(*label.mutable_key()), std::move(*label.mutable_value()));
  series.count = in.count();
  series.min = in.min();
  series.max = in.max();
  series.sum = in.sum();
  series.last = in.last();
  return series;
}

ColumnEntry take(proto::Column& in) {
  ColumnEntry column;
  column.type = in.type();
  column.name = std::move(*in.mutable_name());
  column.codec = in.codec();
  column.offset = in.offset();
  column.stored_bytes = in.stored_bytes();
  column.raw_bytes = in.raw_bytes();
  column.crc = in.crc();
  return column;
}

}  // namespace

Bytes encode_header(const BlockHeader& header, const HeaderCounters& counters) {
  google::protobuf::Arena arena;
  proto::BlockHeader& out = *google::protobuf::Arena::CreateMessage<proto::BlockHeader>(&arena);
  out.set_miner_version(header.miner_version);
  out.set_host(header.host);
  out.set_time_min_ns(header.time_min.ns);
  out.set_time_max_ns(header.time_max.ns);
  out.set_rows(header.rows);
  out.set_raw_bytes(header.raw_bytes);
  out.set_time_suspect_rows(header.time_suspect_rows);
  for (const SourceRange& range : header.sources) put(range, *out.add_sources());
  for (const ServiceCount& service : header.services) {
    proto::Service& to = *out.add_services();
    to.set_name(service.name);
    for (uint32_t rows : service.levels) to.add_levels(rows);
  }
  for (const TemplateCount& counted : header.templates) put(counted, *out.add_templates());
  out.set_templates_left_out(header.templates_left_out);
  for (const SeriesSummary& series : header.series) put(series, *out.add_series());
  for (const ColumnEntry& column : header.columns) put(column, *out.add_columns());
  for (const auto& [name, value] : counters) {
    proto::Counter& to = *out.add_counters();
    to.set_name(name);
    to.set_value(value);
  }
  Bytes bytes = out.SerializeAsString();
  check(bytes.size() <= header_bytes_max, "the bounds of a header's parts add up to less than a header's bound");
  return bytes;
}

Result<BlockHeader> decode_header(BytesView bytes) {
  TRY_DURING(check_counts(bytes), "block header");
  // Thousands of small messages: one arena instead of as many allocations.
  google::protobuf::Arena arena;
  proto::BlockHeader& in = *google::protobuf::Arena::CreateMessage<proto::BlockHeader>(&arena);
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return corrupt("not a Protobuf message");

  BlockHeader header;
  header.miner_version = in.miner_version();
  header.host = std::move(*in.mutable_host());
  header.time_min.ns = in.time_min_ns();
  header.time_max.ns = in.time_max_ns();
  header.rows = in.rows();
  header.raw_bytes = in.raw_bytes();
  header.time_suspect_rows = in.time_suspect_rows();
  header.templates_left_out = in.templates_left_out();
  if (header.rows > rows_max)
    return corrupt(std::to_string(header.rows) + " rows; allowed are " + std::to_string(rows_max));

  header.sources.reserve(static_cast<size_t>(in.sources_size()));
  for (proto::Source& source : *in.mutable_sources()) header.sources.push_back(take(source));
  header.services.reserve(static_cast<size_t>(in.services_size()));
  for (proto::Service& service : *in.mutable_services()) header.services.push_back(take(service));
  header.templates.reserve(static_cast<size_t>(in.templates_size()));
  for (const proto::Template& counted : in.templates()) {
    TemplateCount taken = TRY(take(counted));
    header.templates.push_back(std::move(taken));
  }
  header.series.reserve(static_cast<size_t>(in.series_size()));
  for (proto::Series& series : *in.mutable_series()) {
    SeriesSummary taken = TRY(take(series));
    header.series.push_back(std::move(taken));
  }
  header.columns.reserve(static_cast<size_t>(in.columns_size()));
  for (proto::Column& column : *in.mutable_columns()) header.columns.push_back(take(column));
  return header;
}

}  // namespace reeve::wire
