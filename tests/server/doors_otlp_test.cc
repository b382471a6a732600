// OTLP in both its forms, and what becomes of it. Messages are built as clients build them.
#include "proto/otlp.pb.h"
#include "server/doors/otlp_convert.h"
#include "server/doors/otlp_json.h"
#include "tests/pch.h"

namespace reeve::server {
namespace {

namespace otlp = proto::otlp;

constexpr uint64_t noon_ns = 1'795'262'400'000'000'000;

using Fields = std::map<std::string, std::string>;
Fields fields_of(const SignalBatch& batch, Span32 span) {
  Fields all;
  for (uint32_t i = span.begin; i < span.begin + span.count; ++i) {
    all.emplace(std::string(batch.fields[i].key), std::string(batch.fields[i].value));
  }
  return all;
}

void add(google::protobuf::RepeatedPtrField<otlp::Attribute>* to, const char* key, const char* text) {
  otlp::Attribute* attribute = to->Add();
  attribute->set_key(key);
  attribute->mutable_value()->set_text(text);
}

otlp::ResourceMetrics* add_sender(otlp::MetricsRequest& request) {
  otlp::ResourceMetrics* sender = request.add_resources();
  add(sender->mutable_resource()->mutable_attributes(), "service.name", "shop");
  add(sender->mutable_resource()->mutable_attributes(), "host.name", "web-1");
  add(sender->mutable_resource()->mutable_attributes(), "telemetry.sdk.name", "opentelemetry");
  return sender;
}

template <typename Request>
Request from_json(std::string_view body) {
  Request request;
  const Status parsed = parse_otlp_json(body, request);
  if (!parsed.ok()) FAIL(parsed.error().text());
  return request;
}

std::string json_error(std::string_view body) {
  otlp::LogsRequest request;
  const Status parsed = parse_otlp_json(body, request);
  REQUIRE_FALSE(parsed.ok());
  CHECK(parsed.error().code() == Code::invalid);
  return parsed.error().text();
}

}  // namespace

TEST_CASE("an OTLP log becomes a row with its sender's service and host, its level, ids and attributes") {
  otlp::LogsRequest request;
  otlp::ResourceLogs* sender = request.add_resources();
  add(sender->mutable_resource()->mutable_attributes(), "service.name", "shop");
  add(sender->mutable_resource()->mutable_attributes(), "host.name", "web-1");
  add(sender->mutable_resource()->mutable_attributes(), "k8s.pod.name", "shop-7");
  add(sender->mutable_resource()->mutable_attributes(), "telemetry.sdk.name", "opentelemetry");
  otlp::ScopeLogs* scope = sender->add_scopes();
  scope->mutable_scope()->set_name("checkout");
  otlp::LogRecord* record = scope->add_records();
  record->set_time_ns(noon_ns);
  record->set_severity(17);
  record->mutable_body()->set_text("payment failed");
  record->set_trace_id("\x01\x02");
  record->set_span_id("\xab");
  add(record->mutable_attributes(), "order", "4711");

  const OtlpSignals signals = convert(request);

  CHECK(signals.rejected() == 0);
  CHECK(signals.all_have_times);
  REQUIRE(signals.batch.logs.size() == 1);
  const LogSignal& log = signals.batch.logs[0];
  CHECK(log.time == WallTime{static_cast<int64_t>(noon_ns)});
  CHECK(log.level == wire::Level::error);
  CHECK(log.service == "shop");
  CHECK(log.host == "web-1");
  CHECK(log.body == "payment failed");
  CHECK(fields_of(signals.batch, log.fields) == Fields{{"trace_id", "0102"},
                                                       {"span_id", "ab"},
                                                       {"order", "4711"},
                                                       {"otel.scope.name", "checkout"},
                                                       {"k8s.pod.name", "shop-7"}});
}

TEST_CASE("every severity has its level, and a text says it where there is no number") {
  const auto level = [](int severity, const char* text) {
    otlp::LogsRequest request;
    otlp::LogRecord* record = request.add_resources()->add_scopes()->add_records();
    record->set_severity(severity);
    record->set_severity_text(text);
    return convert(request).batch.logs.at(0).level;
  };

  CHECK(level(1, "") == wire::Level::trace);
  CHECK(level(4, "") == wire::Level::trace);
  CHECK(level(5, "") == wire::Level::debug);
  CHECK(level(9, "") == wire::Level::info);
  CHECK(level(16, "") == wire::Level::warn);
  CHECK(level(20, "") == wire::Level::error);
  CHECK(level(24, "") == wire::Level::fatal);
  CHECK(level(25, "") == wire::Level::unset);
  CHECK(level(-1, "") == wire::Level::unset);
  CHECK(level(0, "WARNING") == wire::Level::warn);
  CHECK(level(0, "whatever") == wire::Level::unset);
}

TEST_CASE("a body that is no text is kept as JSON; without a time the observed one counts, else none") {
  otlp::LogsRequest request;
  otlp::ScopeLogs* scope = request.add_resources()->add_scopes();
  otlp::LogRecord* map = scope->add_records();
  otlp::Attribute* member = map->mutable_body()->mutable_map()->add_values();
  member->set_key("a \"b\"");
  member->mutable_value()->mutable_list()->add_values()->set_whole(-1);
  member->mutable_value()->mutable_list()->add_values()->set_number(0.5);
  map->set_observed_ns(noon_ns);
  otlp::LogRecord* bare = scope->add_records();
  bare->mutable_body()->set_truth(true);

  const OtlpSignals signals = convert(request);

  REQUIRE(signals.batch.logs.size() == 2);
  CHECK(signals.batch.logs[0].body == R"({"a \"b\"":[-1,0.5]})");
  CHECK(signals.batch.logs[0].time == WallTime{static_cast<int64_t>(noon_ns)});
  CHECK(signals.batch.logs[1].body == "true");
  CHECK_FALSE(signals.batch.logs[1].time.has_value());
  CHECK_FALSE(signals.all_have_times);
}

TEST_CASE("a body beyond the bound is rejected with its size, its neighbours are kept") {
  otlp::LogsRequest request;
  otlp::ScopeLogs* scope = request.add_resources()->add_scopes();
  scope->add_records()->mutable_body()->set_text(std::string(signal_text_bytes_max, 'x'));
  scope->add_records()->mutable_body()->set_text(std::string(signal_text_bytes_max + 1, 'x'));

  const OtlpSignals signals = convert(request);

  CHECK(signals.batch.logs.size() == 1);
  CHECK(signals.invalid == 1);
  CHECK(signals.reason == "a record's body has 262145 bytes; at most 262144 are taken");
}

TEST_CASE("sums that grow are counters, other numbers gauges, and deltas are marked as such") {
  otlp::MetricsRequest request;
  otlp::ScopeMetrics* scope = add_sender(request)->add_scopes();
  const auto add_sum = [&](const char* name, bool monotonic, int temporality) {
    otlp::Metric* metric = scope->add_metrics();
    metric->set_name(name);
    metric->set_unit("By");
    metric->mutable_sum()->set_monotonic(monotonic);
    metric->mutable_sum()->set_temporality(temporality);
    otlp::NumberPoint* point = metric->mutable_sum()->add_points();
    point->set_time_ns(noon_ns);
    point->set_whole(5);
    add(point->mutable_attributes(), "route", "/");
  };
  add_sum("requests", true, 2);
  add_sum("open", false, 2);
  add_sum("delta", true, 1);

  const OtlpSignals signals = convert(request);

  REQUIRE(signals.batch.points.size() == 3);
  CHECK(signals.batch.points[0].kind == wire::MetricKind::counter);
  CHECK(signals.batch.points[0].unit == "By");
  CHECK(signals.batch.points[0].host == "web-1");
  CHECK(signals.batch.points[0].value == 5);
  CHECK(fields_of(signals.batch, signals.batch.points[0].labels) == Fields{{"route", "/"}, {"service.name", "shop"}});
  CHECK(signals.batch.points[1].kind == wire::MetricKind::gauge);
  CHECK_FALSE(signals.batch.points[1].is_delta);
  CHECK(signals.batch.points[2].is_delta);
}

TEST_CASE("a histogram becomes counters of its count, its sum and what lies below each bound") {
  otlp::MetricsRequest request;
  otlp::Metric* metric = add_sender(request)->add_scopes()->add_metrics();
  metric->set_name("latency");
  metric->mutable_histogram()->set_temporality(2);
  otlp::HistogramPoint* point = metric->mutable_histogram()->add_points();
  point->set_count(6);
  point->set_sum(12.5);
  for (const double bound : {1.0, 2.5}) point->add_bounds(bound);
  for (const uint64_t count : {1, 2, 3}) point->add_buckets(count);

  const OtlpSignals signals = convert(request);

  std::map<std::string, double> values;
  for (const PointSignal& each : signals.batch.points) {
    const Fields labels = fields_of(signals.batch, each.labels);
    const auto le = labels.find("le");
    values[std::string(each.name) + (le == labels.end() ? "" : "{" + le->second + "}")] = each.value;
    CHECK(each.kind == wire::MetricKind::counter);
  }
  CHECK(values == std::map<std::string, double>{{"latency.count", 6},
                                                {"latency.sum", 12.5},
                                                {"latency.bucket{1}", 1},
                                                {"latency.bucket{2.5}", 3},
                                                {"latency.bucket{+Inf}", 6}});
}

TEST_CASE("a summary's quantiles are gauges; what has no number, no name or buckets that do not fit is rejected") {
  otlp::MetricsRequest request;
  otlp::ScopeMetrics* scope = add_sender(request)->add_scopes();
  otlp::Metric* summary = scope->add_metrics();
  summary->set_name("wait");
  otlp::SummaryPoint* point = summary->mutable_summary()->add_points();
  point->set_count(2);
  point->set_sum(3);
  point->add_quantiles()->set_quantile(0.99);
  point->mutable_quantiles(0)->set_value(1.75);
  otlp::Metric* gauge = scope->add_metrics();
  gauge->set_name("broken");
  gauge->mutable_gauge()->add_points()->set_number(std::nan(""));
  gauge->mutable_gauge()->add_points();
  otlp::NumberPoint* nothing = gauge->mutable_gauge()->add_points();
  nothing->set_number(1);
  nothing->set_flags(1);
  scope->add_metrics()->mutable_gauge()->add_points()->set_number(1);
  otlp::Metric* histogram = scope->add_metrics();
  histogram->set_name("odd");
  histogram->mutable_histogram()->add_points()->add_buckets(1);
  histogram->mutable_histogram()->mutable_points(0)->add_buckets(1);
  scope->add_metrics()->set_name("kindless");

  const OtlpSignals signals = convert(request);

  REQUIRE(signals.batch.points.size() == 3);
  CHECK(signals.batch.points[2].name == "wait");
  CHECK(signals.batch.points[2].kind == wire::MetricKind::gauge);
  CHECK(fields_of(signals.batch, signals.batch.points[2].labels).at("quantile") == "0.99");
  CHECK(signals.not_finite == 3);
  CHECK(signals.invalid == 2);
  CHECK(signals.unsupported == 1);
  CHECK(signals.reason == "a point of \"broken\" is not a finite number");
}

TEST_CASE("the JSON form gives the same as the Protobuf form") {
  const auto logs = from_json<otlp::LogsRequest>(R"({"resourceLogs":[{
    "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}],"droppedAttributesCount":0},
    "scopeLogs":[{"scope":{"name":"checkout","version":"1"},"logRecords":[{
      "timeUnixNano":"1795262400000000000","observedTimeUnixNano":1795262400000000001,"severityNumber":13,
      "severityText":"WARN","body":{"stringValue":"low stock"},"traceId":"5B8EFFF798038103D269B633813FC60C",
      "spanId":"EEE19B7EC3C1B174","unknown":{"x":[1]},
      "attributes":[{"key":"n","value":{"intValue":"7"}},{"key":"d","value":{"doubleValue":0.5}},
        {"key":"b","value":{"boolValue":true}},{"key":"raw","value":{"bytesValue":"//8="}},
        {"key":"l","value":{"arrayValue":{"values":[{"intValue":1},{"stringValue":"a"}]}}},
        {"key":"m","value":{"kvlistValue":{"values":[{"key":"k","value":{"intValue":2}}]}}}]}]}]}]})");

  const OtlpSignals signals = convert(logs);

  REQUIRE(signals.batch.logs.size() == 1);
  const LogSignal& log = signals.batch.logs[0];
  CHECK(log.time == WallTime{static_cast<int64_t>(noon_ns)});
  CHECK(log.level == wire::Level::warn);
  CHECK(log.service == "shop");
  CHECK(fields_of(signals.batch, log.fields) == Fields{{"trace_id", "5b8efff798038103d269b633813fc60c"},
                                                       {"span_id", "eee19b7ec3c1b174"},
                                                       {"n", "7"},
                                                       {"d", "0.5"},
                                                       {"b", "true"},
                                                       {"raw", "__8"},
                                                       {"l", R"([1,"a"])"},
                                                       {"m", R"({"k":2})"},
                                                       {"otel.scope.name", "checkout"}});

  const auto metrics = from_json<otlp::MetricsRequest>(R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[
    {"name":"c","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[
      {"asInt":"3","startTimeUnixNano":"1","timeUnixNano":"1795262400000000000"}]}},
    {"name":"g","gauge":{"dataPoints":[{"asDouble":0.25,"timeUnixNano":1795262400000000000}]}},
    {"name":"h","histogram":{"aggregationTemporality":1,"dataPoints":[{"count":"2","sum":3,"startTimeUnixNano":"1",
      "bucketCounts":["1","1"],"explicitBounds":[5],"timeUnixNano":"1795262400000000000"}]}},
    {"name":"s","summary":{"dataPoints":[{"count":1,"sum":1,"quantileValues":[{"quantile":0.5,"value":1}]}]}}]}]}]})");
  const OtlpSignals points = convert(metrics);
  REQUIRE(points.batch.points.size() == 9);
  CHECK(points.rejected() == 0);
  CHECK(points.batch.points[0].kind == wire::MetricKind::counter);
  CHECK(points.batch.points[0].value == 3);
  CHECK(points.batch.points[1].value == 0.25);
  CHECK(points.batch.points[2].is_delta);
}

TEST_CASE("JSON that is wrong is refused with the way to what is wrong") {
  CHECK(json_error("[]") == "found an array, allowed is an object");
  CHECK(json_error(R"({"resourceLogs":7})") == "resourceLogs: found a number, allowed is an array");
  CHECK(json_error(R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"soon"}]}]}]})") ==
        "resourceLogs: scopeLogs: logRecords: timeUnixNano: \"soon\" is no integer of that size");
  CHECK(json_error(R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"xyz"}]}]}]})") ==
        "resourceLogs: scopeLogs: logRecords: traceId: \"xyz\" is not hex");
  CHECK(json_error("{").starts_with("the body is not JSON"));
}

}  // namespace reeve::server
