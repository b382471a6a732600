// Prometheus' door: POST /api/v1/write, remote_write version 1 (Protobuf under snappy, which the API has undone
// before).
//
// A sample is a point of the metric __name__ with all other labels; what ends in _total, _count, _sum or _bucket is a
// counter. The mark that a series ended (a NaN of its own) and other NaN are left out and counted: a block of points
// holds numbers. A wrong series costs itself alone, but the answer is 400 with the reason, as the protocol asks; the
// sender drops such a request and goes on. The same bytes again are stored once.
#include <array>
#include <bit>
#include <cmath>

#include "proto/remote_write.pb.h"
#include "server/api/params.h"
#include "server/doors/door.h"
#include "server/doors/tables.h"

namespace reeve::server {
namespace {

namespace remote = proto::remote_write;

constexpr uint64_t stale_bits = 0x7ff0000000000002;  // Prometheus' mark of the end of a series
constexpr int64_t time_ms_max = INT64_MAX / 1'000'000;

struct Decoded {
  SignalBatch batch;
  uint64_t invalid = 0;
  uint64_t unsupported = 0;
  uint64_t not_finite = 0;
  uint64_t stale = 0;
  std::string reason = {};
};

bool is_counter(std::string_view name) {
  return name.ends_with("_total") || name.ends_with("_count") || name.ends_with("_sum") || name.ends_with("_bucket");
}

// The labels of a series but its name, into the batch.
Status read_labels(const remote::TimeSeries& series, SignalBatch& batch, std::string_view& name) {
  for (const remote::Label& label : series.labels()) {
    if (label.name().empty() || label.name().size() > signal_name_bytes_max ||
        label.value().size() > signal_label_bytes_max) {
      return Error(Code::invalid, "label \"" + printable(label.name(), 60) + "\" has a name of " +
                                      std::to_string(label.name().size()) + " and a value of " +
                                      std::to_string(label.value().size()) + " bytes; allowed are 1 to " +
                                      std::to_string(signal_name_bytes_max) + ", and at most " +
                                      std::to_string(signal_label_bytes_max));
    }
    if (!is_utf8(label.name()) || !is_utf8(label.value())) {
      return Error(Code::invalid, "label \"" + printable(label.name(), 60) + "\" is not UTF-8");
    }
    if (label.name() == "__name__") {
      name = batch.text.keep(std::string_view(label.value()).substr(0, signal_name_bytes_max));
    } else if (!label.value().empty()) {  // an empty value is the same as no label
      batch.fields.push_back({batch.text.keep(label.name()), batch.text.keep(label.value())});
    }
  }
  if (name.empty()) return Error(Code::invalid, "a series has no label __name__");
  if (series.labels_size() > static_cast<int>(signal_labels_max)) {
    return Error(Code::invalid, "series \"" + printable(name, 60) + "\" has " + std::to_string(series.labels_size()) +
                                    " labels; at most " + std::to_string(signal_labels_max) + " are taken");
  }
  return {};
}

void read_series(const remote::TimeSeries& series, Decoded& out) {
  const size_t begin = out.batch.fields.size();
  std::string_view name;
  const Status labels_ok = read_labels(series, out.batch, name);
  if (!labels_ok.ok()) {
    out.batch.fields.resize(begin);
    out.invalid += static_cast<uint64_t>(std::max(1, series.samples_size()));
    if (out.reason.empty()) out.reason = labels_ok.error().text();
    return;
  }
  const Span32 labels = out.batch.finish_labels(begin);
  out.unsupported += static_cast<uint64_t>(series.histograms_size());
  for (const remote::Sample& sample : series.samples()) {
    if (sample.time_ms() < 0 || sample.time_ms() > time_ms_max) {
      ++out.invalid;
      if (out.reason.empty()) {
        out.reason = "a sample of \"" + printable(name, 60) + "\" is of " + std::to_string(sample.time_ms()) +
                     " ms; allowed are 0 to " + std::to_string(time_ms_max);
      }
    } else if (std::bit_cast<uint64_t>(sample.value()) == stale_bits) {
      ++out.stale;
    } else if (!std::isfinite(sample.value())) {
      ++out.not_finite;
    } else {
      out.batch.points.push_back({.time = WallTime{sample.time_ms() * 1'000'000},
                                  .name = name,
                                  .kind = is_counter(name) ? wire::MetricKind::counter : wire::MetricKind::gauge,
                                  .labels = labels,
                                  .value = sample.value()});
    }
  }
}

Result<Answer> take_write(ApiContext& context, const ApiRequest& request) {
  TRY(QueryParams::parse(request.query, {}));
  const std::string* type = sys::find_header(request.headers, "Content-Type");
  const std::string_view media = type == nullptr ? std::string_view() : media_type(*type);
  const bool version_2 = type != nullptr && type->find("io.prometheus.write.v2") != std::string::npos;
  if (media != "application/x-protobuf" || version_2) {
    return Answer(refuse(request, 415,
                         "the Content-Type is \"" + (type ? printable(*type, 100) : "") +
                             "\"; allowed is application/x-protobuf of remote_write version 1"));
  }
  const std::string* encoding = sys::find_header(request.headers, "Content-Encoding");
  if (encoding == nullptr || *encoding != "snappy") {
    return Answer(refuse(request, 415, "remote_write comes with Content-Encoding: snappy"));
  }
  remote::WriteRequest message;
  if (!message.ParseFromArray(request.body.data(), static_cast<int>(request.body.size()))) {
    count_items(context, Door::remote_write, DoorOutcome::invalid, 1);
    return Error(Code::invalid, "the body of " + std::to_string(request.body.size()) + " bytes is no WriteRequest");
  }

  Decoded decoded;
  for (const remote::TimeSeries& series : message.series()) read_series(series, decoded);
  count_items(context, Door::remote_write, DoorOutcome::invalid, decoded.invalid);
  count_items(context, Door::remote_write, DoorOutcome::unsupported, decoded.unsupported);
  count_items(context, Door::remote_write, DoorOutcome::not_finite, decoded.not_finite);
  count_items(context, Door::remote_write, DoorOutcome::stale, decoded.stale);
  decoded.batch.request_id = hash_item_id("remote_write", request.body);
  Reply reply{.status = 204};
  if (decoded.invalid > 0) {
    reply = refuse(request, 400, std::to_string(decoded.invalid) + " samples were not taken: " + decoded.reason);
  }
  return store_then_reply(context, Door::remote_write, std::move(decoded.batch), [reply] { return reply; });
}

constexpr std::array table{
    Route{"POST",
          "/api/v1/write",
          Permission::signals_write,
          take_write,
          {.summary = "Prometheus remote_write, version 1", .status = 204, .takes_type = "application/x-protobuf"}}
        .taking(door_body_bytes_max),
};

}  // namespace

std::span<const Route> remote_write_routes() {
  return table;
}

}  // namespace reeve::server
