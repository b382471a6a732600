// See otlp_convert.h.
#include "server/doors/otlp_convert.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

#include "common/base/json.h"
#include "proto/otlp.pb.h"

namespace reeve::server {
namespace {

namespace otlp = proto::otlp;
using wire::Field;

constexpr uint32_t nothing_recorded = 1;  // a point's flag
constexpr int temporality_delta = 1;
constexpr int value_depth_max = 32;

// Of a resource, what tells series apart and people look for; the rest of it describes the sender's software.
constexpr std::array<std::string_view, 9> resource_labels{
    "service.name", "service.namespace", "service.instance.id", "deployment.environment",
    "k8s.pod.name", "container.name",    "k8s.namespace.name",  "deployment.environment.name",
    "container.id"};
constexpr std::string_view sdk_prefix = "telemetry.sdk.";

std::string number_text(double value) {
  std::array<char, 32> digits{};
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

// As JSON, for what lies inside of a list or a map.
void append_json(const otlp::Value& value, std::string& out, int depth) {
  if (depth > value_depth_max) {
    out += "null";
    return;
  }
  switch (value.kind_case()) {
    case otlp::Value::kText:
      out += Json(to_utf8(value.text())).dump();
      return;
    case otlp::Value::kTruth:
      out += value.truth() ? "true" : "false";
      return;
    case otlp::Value::kWhole:
      out += std::to_string(value.whole());
      return;
    case otlp::Value::kNumber:
      out += std::isfinite(value.number()) ? number_text(value.number()) : "null";
      return;
    case otlp::Value::kRaw:
      out += '"' + to_base64url(value.raw()) + '"';
      return;
    case otlp::Value::kList: {
      char before = '[';
      for (const otlp::Value& each : value.list().values()) {
        out += std::exchange(before, ',');
        append_json(each, out, depth + 1);
      }
      out += before == '[' ? "[]" : "]";
      return;
    }
    case otlp::Value::kMap: {
      char before = '{';
      for (const otlp::Attribute& each : value.map().values()) {
        out += std::exchange(before, ',');
        out += Json(to_utf8(each.key())).dump() + ':';
        append_json(each.value(), out, depth + 1);
      }
      out += before == '{' ? "{}" : "}";
      return;
    }
    case otlp::Value::KIND_NOT_SET:
      out += "null";
      return;
  }
}

// As people read it: text as it is, everything else as JSON. Nothing for no value.
std::string_view value_text(const otlp::Value& value, std::string& buffer) {
  buffer.clear();
  if (value.kind_case() == otlp::Value::KIND_NOT_SET) return {};
  if (value.kind_case() == otlp::Value::kText) return value.text();
  if (value.kind_case() == otlp::Value::kNumber) {
    buffer = number_text(value.number());
  } else if (value.kind_case() == otlp::Value::kRaw) {
    buffer = to_base64url(value.raw());
  } else {
    append_json(value, buffer, 0);
  }
  return buffer;
}

std::optional<WallTime> time_of(uint64_t ns) {
  if (ns == 0) return std::nullopt;
  return WallTime{static_cast<int64_t>(std::min<uint64_t>(ns, std::numeric_limits<int64_t>::max()))};
}

wire::Level level_of(int32_t severity, std::string_view text) {
  if (severity >= 1 && severity <= 24) return static_cast<wire::Level>(1 + (severity - 1) / 4);
  return text.empty() ? wire::Level::unset : wire::parse_level(text).value_or(wire::Level::unset);
}

// What the records of a resource share; texts lie in the batch.
struct Sender {
  std::string_view service;
  std::string_view host;
  std::vector<Field> attributes;
};

class Converter {
 public:
  OtlpSignals out;

  Sender read_sender(const otlp::Resource& resource) {
    Sender sender;
    for (const otlp::Attribute& attribute : resource.attributes()) {
      const std::string_view text = value_text(attribute.value(), buffer_);
      if (attribute.key() == "service.name") {
        sender.service = batch().text.keep(text.substr(0, signal_name_bytes_max));
      } else if (attribute.key() == "host.name") {
        sender.host = batch().text.keep(text.substr(0, signal_name_bytes_max));
      } else if (!attribute.key().starts_with(sdk_prefix) && fits(attribute.key(), text, signal_value_bytes_max)) {
        sender.attributes.push_back({batch().text.keep(attribute.key()), batch().text.keep(text)});
      }
    }
    return sender;
  }

  // -- Logs

  void add(const Sender& sender, std::string_view scope, const otlp::LogRecord& record) {
    LogSignal log{.level = level_of(record.severity(), record.severity_text()),
                  .source = SignalSource::otlp,
                  .service = sender.service,
                  .host = sender.host};
    log.time = time_of(record.time_ns() != 0 ? record.time_ns() : record.observed_ns());
    out.all_have_times = out.all_have_times && log.time.has_value();
    const std::string_view body = value_text(record.body(), buffer_);
    if (body.size() > signal_text_bytes_max) {
      return reject(out.invalid, "a record's body has " + std::to_string(body.size()) + " bytes; at most " +
                                     std::to_string(signal_text_bytes_max) + " are taken");
    }
    log.body = batch().text.keep(body.empty() ? std::string_view(record.event_name()) : body);

    const size_t begin = batch().fields.size();
    if (!record.trace_id().empty()) add_field(begin, "trace_id", to_hex(record.trace_id()));
    if (!record.span_id().empty()) add_field(begin, "span_id", to_hex(record.span_id()));
    if (!record.event_name().empty()) add_field(begin, "event.name", record.event_name());
    for (const otlp::Attribute& attribute : record.attributes()) {
      add_field(begin, attribute.key(), value_text(attribute.value(), buffer_));
    }
    if (!scope.empty()) add_field(begin, "otel.scope.name", scope);
    const size_t own = batch().fields.size();
    for (const Field& field : sender.attributes) {
      const auto first = batch().fields.begin() + static_cast<std::ptrdiff_t>(begin);
      const auto last = batch().fields.begin() + static_cast<std::ptrdiff_t>(own);
      if (std::any_of(first, last, [&](const Field& known) { return known.key == field.key; })) continue;
      if (batch().fields.size() - begin >= signal_fields_max) {
        ++out.fields_left_out;
      } else {
        batch().fields.push_back(field);
      }
    }
    log.fields = batch().finish_fields(begin);
    batch().logs.push_back(log);
  }

  // -- Metrics

  void add(const Sender& sender, const otlp::Metric& metric) {
    if (metric.name().empty() || metric.name().size() > signal_name_bytes_max - 8) {
      return reject(out.invalid, "a metric's name has " + std::to_string(metric.name().size()) + " bytes; 1 to " +
                                     std::to_string(signal_name_bytes_max - 8) + " are allowed");
    }
    name_ = batch().text.keep(metric.name());
    unit_ = batch().text.keep(std::string_view(metric.unit()).substr(0, signal_name_bytes_max));
    sender_ = &sender;
    switch (metric.data_case()) {
      case otlp::Metric::kGauge:
        for (const auto& point : metric.gauge().points()) add_number(point, wire::MetricKind::gauge, false);
        return;
      case otlp::Metric::kSum: {
        const bool grows = metric.sum().monotonic();
        const bool delta = metric.sum().temporality() == temporality_delta;
        const auto kind = grows ? wire::MetricKind::counter : wire::MetricKind::gauge;
        for (const auto& point : metric.sum().points()) add_number(point, kind, delta);
        return;
      }
      case otlp::Metric::kHistogram: {
        delta_ = metric.histogram().temporality() == temporality_delta;
        for (const auto& point : metric.histogram().points()) add_histogram(point);
        return;
      }
      case otlp::Metric::kExponentialHistogram: {
        delta_ = metric.exponential_histogram().temporality() == temporality_delta;
        for (const auto& point : metric.exponential_histogram().points()) {
          if (begin_point(point)) add_totals(point.count(), point.has_sum(), point.sum());
        }
        return;
      }
      case otlp::Metric::kSummary:
        delta_ = false;
        for (const auto& point : metric.summary().points()) add_summary(point);
        return;
      case otlp::Metric::DATA_NOT_SET:
        return reject(out.unsupported, "metric \"" + printable(metric.name(), 60) + "\" is of a kind that is not kept");
    }
  }

 private:
  SignalBatch& batch() { return out.batch; }

  void reject(uint64_t& count, std::string reason) {
    ++count;
    if (out.reason.empty()) out.reason = std::move(reason);
  }

  bool fits(std::string_view key, std::string_view value, size_t value_bytes_max) {
    const bool fit = !key.empty() && key.size() <= signal_name_bytes_max && value.size() <= value_bytes_max;
    if (!fit) ++out.fields_left_out;
    return fit;
  }

  void add_field(size_t begin, std::string_view key, std::string_view value) {
    if (!fits(key, value, signal_value_bytes_max)) return;
    if (batch().fields.size() - begin >= signal_fields_max) {
      ++out.fields_left_out;
      return;
    }
    batch().fields.push_back({batch().text.keep(key), batch().text.keep(value)});
  }

  // The labels and the time that all series of a point share. False where there is nothing to keep.
  template <typename Point>
  bool begin_point(const Point& point) {
    if ((point.flags() & nothing_recorded) != 0) {
      reject(out.not_finite, "a point of \"" + printable(name_, 60) + "\" says that nothing was recorded");
      return false;
    }
    time_ = time_of(point.time_ns());
    out.all_have_times = out.all_have_times && time_.has_value();
    labels_.clear();
    for (const otlp::Attribute& attribute : point.attributes()) {
      const std::string_view text = value_text(attribute.value(), buffer_);
      if (!fits(attribute.key(), text, signal_label_bytes_max)) continue;
      labels_.push_back({batch().text.keep(attribute.key()), batch().text.keep(text)});
    }
    if (!sender_->service.empty()) labels_.push_back({"service.name", sender_->service});
    for (const Field& field : sender_->attributes) {
      const bool tells = std::find(resource_labels.begin(), resource_labels.end(), field.key) != resource_labels.end();
      if (tells && fits(field.key, field.value, signal_label_bytes_max)) labels_.push_back(field);
    }
    if (labels_.size() <= signal_labels_max - 1) return true;
    reject(out.invalid, "a point of \"" + printable(name_, 60) + "\" has " + std::to_string(labels_.size()) +
                            " labels; at most " + std::to_string(signal_labels_max - 1) + " are taken");
    return false;
  }

  // One series of the point that was begun.
  void push(std::string_view name, wire::MetricKind kind, bool delta, double value, Field more = {}) {
    if (!std::isfinite(value)) {
      return reject(out.not_finite, "a point of \"" + printable(name, 60) + "\" is not a finite number");
    }
    const size_t begin = batch().fields.size();
    if (!more.key.empty()) batch().fields.push_back(more);
    batch().fields.insert(batch().fields.end(), labels_.begin(), labels_.end());
    batch().points.push_back({.time = time_,
                              .host = sender_->host,
                              .name = name,
                              .unit = unit_,
                              .kind = kind,
                              .is_delta = delta,
                              .labels = batch().finish_labels(begin),
                              .value = value});
  }

  void add_number(const otlp::NumberPoint& point, wire::MetricKind kind, bool delta) {
    if (!begin_point(point)) return;
    if (point.value_case() == otlp::NumberPoint::VALUE_NOT_SET) {
      return reject(out.not_finite, "a point of \"" + printable(name_, 60) + "\" has no value");
    }
    const bool whole = point.value_case() == otlp::NumberPoint::kWhole;
    push(name_, kind, delta, whole ? static_cast<double>(point.whole()) : point.number());
  }

  void add_totals(uint64_t count, bool has_sum, double sum) {
    push(suffixed(".count"), wire::MetricKind::counter, delta_, static_cast<double>(count));
    if (has_sum) push(suffixed(".sum"), wire::MetricKind::counter, delta_, sum);
  }

  void add_histogram(const otlp::HistogramPoint& point) {
    if (point.buckets_size() > 0 && point.buckets_size() != point.bounds_size() + 1) {
      return reject(out.invalid, "a histogram \"" + printable(name_, 60) + "\" has " +
                                     std::to_string(point.buckets_size()) + " buckets for " +
                                     std::to_string(point.bounds_size()) + " bounds; it must be one more");
    }
    if (!begin_point(point)) return;
    add_totals(point.count(), point.has_sum(), point.sum());
    const std::string_view name = suffixed(".bucket");
    double through = 0;
    for (int i = 0; i < point.buckets_size(); ++i) {
      through += static_cast<double>(point.buckets(i));
      const bool last = i == point.bounds_size();
      const std::string le = last ? "+Inf" : number_text(point.bounds(i));
      push(name, wire::MetricKind::counter, delta_, through, {"le", batch().text.keep(le)});
    }
  }

  void add_summary(const otlp::SummaryPoint& point) {
    if (!begin_point(point)) return;
    add_totals(point.count(), true, point.sum());
    for (const otlp::Quantile& each : point.quantiles()) {
      if (!std::isfinite(each.value())) continue;  // nothing was seen in its window
      push(name_, wire::MetricKind::gauge, false, each.value(),
           {"quantile", batch().text.keep(number_text(each.quantile()))});
    }
  }

  std::string_view suffixed(std::string_view suffix) {
    return batch().text.keep(std::string(name_) + std::string(suffix));
  }

  std::string buffer_;
  const Sender* sender_ = nullptr;
  std::string_view name_;
  std::string_view unit_;
  bool delta_ = false;
  std::optional<WallTime> time_;
  std::vector<Field> labels_;
};

}  // namespace

OtlpSignals convert(const otlp::LogsRequest& request) {
  Converter converter;
  for (const otlp::ResourceLogs& resource : request.resources()) {
    const Sender sender = converter.read_sender(resource.resource());
    for (const otlp::ScopeLogs& scope : resource.scopes()) {
      for (const otlp::LogRecord& record : scope.records()) converter.add(sender, scope.scope().name(), record);
    }
  }
  return std::move(converter.out);
}

OtlpSignals convert(const otlp::MetricsRequest& request) {
  Converter converter;
  for (const otlp::ResourceMetrics& resource : request.resources()) {
    const Sender sender = converter.read_sender(resource.resource());
    for (const otlp::ScopeMetrics& scope : resource.scopes()) {
      for (const otlp::Metric& metric : scope.metrics()) converter.add(sender, metric);
    }
  }
  return std::move(converter.out);
}

}  // namespace reeve::server
