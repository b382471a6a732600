// See otlp_json.h.
//
// Each message has a function that takes one member; `read_object` and `read_list` call them. The name of a member that
// is wrong rises with the error.
#include "server/doors/otlp_json.h"

#include "proto/otlp.pb.h"
#include "server/doors/json_dom_impl.h"

namespace reeve::server {
namespace {

namespace otlp = proto::otlp;

Error wrong(dom::element value, std::string_view allowed) {
  return Error(Code::invalid, "found " + std::string(kind_of(value)) + ", allowed is " + std::string(allowed));
}

// `take(name, value)` for each member; null is as good as absent.
template <typename Take>
Status read_object(dom::element value, Take take) {
  dom::object object;
  if (value.get_object().get(object)) return wrong(value, "an object");
  for (const dom::key_value_pair member : object) {
    if (member.value.is_null()) continue;
    const Status taken = take(member.key, member.value);
    if (!taken.ok()) return taken.error().during(printable(member.key, 40));
  }
  return {};
}

template <typename Repeated, typename Read>
Status read_list(dom::element value, Repeated* out, Read read) {
  dom::array list;
  if (value.get_array().get(list)) return wrong(value, "an array");
  for (const dom::element each : list) TRY(read(each, *out->Add()));
  return {};
}

template <typename Integer>
Status read_integer(dom::element value, Integer& out) {
  std::string_view text;
  if (!value.get_string().get(text)) {
    const auto end = std::from_chars(text.data(), text.data() + text.size(), out);
    if (end.ec == std::errc() && end.ptr == text.data() + text.size()) return {};
    return Error(Code::invalid, "\"" + printable(text, 40) + "\" is no integer of that size");
  }
  if constexpr (std::is_unsigned_v<Integer>) {
    uint64_t number = 0;
    if (!value.get_uint64().get(number)) {
      out = static_cast<Integer>(number);
      return {};
    }
  }
  int64_t number = 0;
  if (!value.get_int64().get(number) && (std::is_signed_v<Integer> || number >= 0)) {
    out = static_cast<Integer>(number);
    return {};
  }
  // Some senders write times as 1.7e18.
  double real = 0;
  if (!value.get_double().get(real) && real >= 0 && real < 9.2e18 && real == std::floor(real)) {
    out = static_cast<Integer>(real);
    return {};
  }
  return wrong(value, "an integer, or a string of one");
}

Status read_number(dom::element value, double& out) {
  if (!value.get_double().get(out)) return {};
  std::string_view text;
  if (value.get_string().get(text)) return wrong(value, "a number");
  if (text == "NaN" || text == "Infinity" || text == "-Infinity") {
    out = text == "NaN" ? std::nan("") : text == "Infinity" ? HUGE_VAL : -HUGE_VAL;
    return {};
  }
  const auto end = std::from_chars(text.data(), text.data() + text.size(), out);
  if (end.ec == std::errc() && end.ptr == text.data() + text.size()) return {};
  return Error(Code::invalid, "\"" + printable(text, 40) + "\" is no number");
}

Status read_text(dom::element value, std::string& out) {
  std::string_view text;
  if (value.get_string().get(text)) return wrong(value, "a string");
  out.assign(text);
  return {};
}

Status read_hex(dom::element value, std::string& out) {
  std::string text;
  TRY(read_text(value, text));
  const std::optional<Bytes> bytes = from_hex(text);
  if (!bytes) return Error(Code::invalid, "\"" + printable(text, 40) + "\" is not hex");
  out = *bytes;
  return {};
}

Status read_bool(dom::element value, bool& out) {
  if (value.get_bool().get(out)) return wrong(value, "true or false");
  return {};
}

// Standard base64 with padding, or the URL's alphabet.
Status read_base64(dom::element value, std::string& out) {
  std::string text;
  TRY(read_text(value, text));
  while (!text.empty() && text.back() == '=') text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  const std::optional<Bytes> bytes = from_base64url(text);
  if (!bytes) return Error(Code::invalid, "\"" + printable(text, 40) + "\" is not base64");
  out = *bytes;
  return {};
}

// -- Values

Status read_attribute(dom::element value, otlp::Attribute& out);

Status read_value(dom::element value, otlp::Value& out) {
  return read_object(value, [&](std::string_view name, dom::element member) -> Status {
    if (name == "stringValue") return read_text(member, *out.mutable_text());
    if (name == "bytesValue") return read_base64(member, *out.mutable_raw());
    if (name == "boolValue") {
      bool truth = false;
      TRY(read_bool(member, truth));
      out.set_truth(truth);
    } else if (name == "intValue") {
      int64_t whole = 0;
      TRY(read_integer(member, whole));
      out.set_whole(whole);
    } else if (name == "doubleValue") {
      double number = 0;
      TRY(read_number(member, number));
      out.set_number(number);
    } else if (name == "arrayValue") {
      otlp::Values* list = out.mutable_list();
      return read_object(member, [&](std::string_view inner, dom::element values) -> Status {
        return inner == "values" ? read_list(values, list->mutable_values(), read_value) : Status();
      });
    } else if (name == "kvlistValue") {
      otlp::Attributes* map = out.mutable_map();
      return read_object(member, [&](std::string_view inner, dom::element values) -> Status {
        return inner == "values" ? read_list(values, map->mutable_values(), read_attribute) : Status();
      });
    }
    return {};
  });
}

Status read_attribute(dom::element value, otlp::Attribute& out) {
  return read_object(value, [&](std::string_view name, dom::element member) -> Status {
    if (name == "key") return read_text(member, *out.mutable_key());
    if (name == "value") return read_value(member, *out.mutable_value());
    return {};
  });
}

Status read_resource(dom::element value, otlp::Resource& out) {
  return read_object(value, [&](std::string_view name, dom::element member) -> Status {
    return name == "attributes" ? read_list(member, out.mutable_attributes(), read_attribute) : Status();
  });
}

Status read_scope(dom::element value, otlp::Scope& out) {
  return read_object(value, [&](std::string_view name, dom::element member) -> Status {
    return name == "name" ? read_text(member, *out.mutable_name()) : Status();
  });
}

// A number of the message's own type, through a variable.
template <typename Integer, typename Set>
Status set_integer(dom::element value, Set set) {
  Integer number = 0;
  TRY(read_integer(value, number));
  set(number);
  return {};
}
template <typename Set>
Status set_number(dom::element value, Set set) {
  double number = 0;
  TRY(read_number(value, number));
  set(number);
  return {};
}

// -- Logs

Status read_record(dom::element value, otlp::LogRecord& out) {
  return read_object(value, [&](std::string_view name, dom::element member) -> Status {
    if (name == "timeUnixNano") return set_integer<uint64_t>(member, [&](uint64_t ns) { out.set_time_ns(ns); });
    if (name == "observedTimeUnixNano") {
      return set_integer<uint64_t>(member, [&](uint64_t ns) { out.set_observed_ns(ns); });
    }
    if (name == "severityNumber") return set_integer<int32_t>(member, [&](int32_t n) { out.set_severity(n); });
    if (name == "severityText") return read_text(member, *out.mutable_severity_text());
    if (name == "body") return read_value(member, *out.mutable_body());
    if (name == "attributes") return read_list(member, out.mutable_attributes(), read_attribute);
    if (name == "traceId") return read_hex(member, *out.mutable_trace_id());
    if (name == "spanId") return read_hex(member, *out.mutable_span_id());
    if (name == "eventName") return read_text(member, *out.mutable_event_name());
    return {};
  });
}

Status read_scope_logs(dom::element value, otlp::ScopeLogs& out) {
  return read_object(value, [&](std::string_view name, dom::element member) -> Status {
    if (name == "scope") return read_scope(member, *out.mutable_scope());
    if (name == "logRecords") return read_list(member, out.mutable_records(), read_record);
    return {};
  });
}

Status read_resource_logs(dom::element value, otlp::ResourceLogs& out) {
  return read_object(value, [&](std::string_view name, dom::element member) -> Status {
    if (name == "resource") return read_resource(member, *out.mutable_resource());
    if (name == "scopeLogs") return read_list(member, out.mutable_scopes(), read_scope_logs);
    return {};
  });
}

// -- Metrics

// What points of every kind have; `rest` takes their own members.
template <typename Point, typename Rest>
Status read_point(dom::element value, Point& out, Rest rest) {
  return read_object(value, [&](std::string_view name, dom::element member) -> Status {
    if (name == "timeUnixNano") return set_integer<uint64_t>(member, [&](uint64_t ns) { out.set_time_ns(ns); });
    if (name == "attributes") return read_list(member, out.mutable_attributes(), read_attribute);
    if (name == "flags") return set_integer<uint32_t>(member, [&](uint32_t flags) { out.set_flags(flags); });
    return rest(name, member);
  });
}

Status read_number_point(dom::element value, otlp::NumberPoint& out) {
  return read_point(value, out, [&](std::string_view name, dom::element member) -> Status {
    if (name == "asDouble") return set_number(member, [&](double number) { out.set_number(number); });
    if (name == "asInt") return set_integer<int64_t>(member, [&](int64_t whole) { out.set_whole(whole); });
    return {};
  });
}

Status read_histogram_point(dom::element value, otlp::HistogramPoint& out) {
  return read_point(value, out, [&](std::string_view name, dom::element member) -> Status {
    if (name == "count") return set_integer<uint64_t>(member, [&](uint64_t count) { out.set_count(count); });
    if (name == "sum") return set_number(member, [&](double sum) { out.set_sum(sum); });
    const bool buckets = name == "bucketCounts";
    if (!buckets && name != "explicitBounds") return {};
    dom::array list;
    if (member.get_array().get(list)) return wrong(member, "an array");
    for (const dom::element each : list) {
      if (buckets) {
        TRY(set_integer<uint64_t>(each, [&](uint64_t count) { out.add_buckets(count); }));
      } else {
        TRY(set_number(each, [&](double bound) { out.add_bounds(bound); }));
      }
    }
    return {};
  });
}

Status read_exponential_point(dom::element value, otlp::ExponentialHistogramPoint& out) {
  return read_point(value, out, [&](std::string_view name, dom::element member) -> Status {
    if (name == "count") return set_integer<uint64_t>(member, [&](uint64_t count) { out.set_count(count); });
    if (name == "sum") return set_number(member, [&](double sum) { out.set_sum(sum); });
    return {};
  });
}

Status read_quantile(dom::element value, otlp::Quantile& out) {
  return read_object(value, [&](std::string_view name, dom::element member) -> Status {
    if (name == "quantile") return set_number(member, [&](double quantile) { out.set_quantile(quantile); });
    if (name == "value") return set_number(member, [&](double number) { out.set_value(number); });
    return {};
  });
}

Status read_summary_point(dom::element value, otlp::SummaryPoint& out) {
  return read_point(value, out, [&](std::string_view name, dom::element member) -> Status {
    if (name == "count") return set_integer<uint64_t>(member, [&](uint64_t count) { out.set_count(count); });
    if (name == "sum") return set_number(member, [&](double sum) { out.set_sum(sum); });
    if (name == "quantileValues") return read_list(member, out.mutable_quantiles(), read_quantile);
    return {};
  });
}

// The points of a metric and how they follow each other.
template <typename Data, typename Read>
Status read_data(dom::element value, Data& out, Read read) {
  return read_object(value, [&](std::string_view name, dom::element member) -> Status {
    if (name == "dataPoints") return read_list(member, out.mutable_points(), read);
    if constexpr (requires { out.set_temporality(0); }) {
      if (name == "aggregationTemporality") {
        return set_integer<int32_t>(member, [&](int32_t number) { out.set_temporality(number); });
      }
    }
    if constexpr (requires { out.set_monotonic(true); }) {
      bool monotonic = false;
      if (name == "isMonotonic") TRY(read_bool(member, monotonic));
      if (monotonic) out.set_monotonic(true);
    }
    return {};
  });
}

Status read_metric(dom::element value, otlp::Metric& out) {
  return read_object(value, [&](std::string_view name, dom::element member) -> Status {
    if (name == "name") return read_text(member, *out.mutable_name());
    if (name == "unit") return read_text(member, *out.mutable_unit());
    if (name == "gauge") return read_data(member, *out.mutable_gauge(), read_number_point);
    if (name == "sum") return read_data(member, *out.mutable_sum(), read_number_point);
    if (name == "histogram") return read_data(member, *out.mutable_histogram(), read_histogram_point);
    if (name == "exponentialHistogram") {
      return read_data(member, *out.mutable_exponential_histogram(), read_exponential_point);
    }
    if (name == "summary") return read_data(member, *out.mutable_summary(), read_summary_point);
    return {};
  });
}

Status read_scope_metrics(dom::element value, otlp::ScopeMetrics& out) {
  return read_object(value, [&](std::string_view name, dom::element member) -> Status {
    return name == "metrics" ? read_list(member, out.mutable_metrics(), read_metric) : Status();
  });
}

Status read_resource_metrics(dom::element value, otlp::ResourceMetrics& out) {
  return read_object(value, [&](std::string_view name, dom::element member) -> Status {
    if (name == "resource") return read_resource(member, *out.mutable_resource());
    if (name == "scopeMetrics") return read_list(member, out.mutable_scopes(), read_scope_metrics);
    return {};
  });
}

template <typename Request, typename Read>
Status parse(BytesView body, Request& request, std::string_view list, Read read) {
  const dom::element document = TRY(parse_document(body));
  Status taken = read_object(document, [&](std::string_view name, dom::element member) -> Status {
    return name == list ? read_list(member, request.mutable_resources(), read) : Status();
  });
  forget_document();
  return taken;
}

}  // namespace

Status parse_otlp_json(BytesView body, otlp::LogsRequest& request) {
  return parse(body, request, "resourceLogs", read_resource_logs);
}

Status parse_otlp_json(BytesView body, otlp::MetricsRequest& request) {
  return parse(body, request, "resourceMetrics", read_resource_metrics);
}

}  // namespace reeve::server
