// Items of JSON: what is taken, what is refused, and in which words.
#include "server/doors/json_items.h"
#include "tests/pch.h"

namespace reeve::server {
namespace {

DecodedItems decode(std::string_view body, ItemForm form = ItemForm::stated) {
  Result<DecodedItems> decoded = decode_items(body, form);
  if (!decoded.ok()) FAIL(decoded.error().text());
  return std::move(*decoded);
}

std::string reason(std::string_view item, ItemForm form = ItemForm::stated) {
  const DecodedItems decoded = decode(item, form);
  REQUIRE(decoded.rejected == 1);
  REQUIRE(decoded.batch.empty());
  REQUIRE(decoded.batch.fields.empty());
  return decoded.entries.at(0).reason;
}

using Fields = std::map<std::string, std::string>;
Fields fields_of(const SignalBatch& batch, Span32 span) {
  Fields all;
  for (uint32_t i = span.begin; i < span.begin + span.count; ++i) {
    all.emplace(std::string(batch.fields[i].key), std::string(batch.fields[i].value));
  }
  return all;
}

}  // namespace

TEST_CASE("a log, a metric and an event are read with all they may have") {
  const DecodedItems decoded = decode(R"({"items":[
    {"kind":"log","id":"a","time":"2026-11-21T12:00:00Z","body":"payment failed","level":"error","service":"shop",
     "host":"web-1","fields":{"user":{"id":7,"name":"Ada"},"tags":["x",1],"ok":false,"none":null}},
    {"kind":"metric","time":"2026-11-21T12:00:00Z","name":"cpu","value":1.5,"unit":"1","metric_kind":"counter",
     "host":"web-1","labels":{"zone":"eu","core":0}},
    {"kind":"event","type":"user.signup","source":"crm","service":"shop","payload":{"email":"a@b.c"}}]})");

  CHECK(decoded.items == 3);
  CHECK(decoded.rejected == 0);
  REQUIRE(decoded.batch.logs.size() == 2);
  const LogSignal& log = decoded.batch.logs[0];
  CHECK(log.time == parse_rfc3339("2026-11-21T12:00:00Z"));
  CHECK(log.level == wire::Level::error);
  CHECK(log.service == "shop");
  CHECK(log.host == "web-1");
  CHECK(log.body == "payment failed");
  CHECK(fields_of(decoded.batch, log.fields) ==
        Fields{{"user.id", "7"}, {"user.name", "Ada"}, {"tags", R"(["x",1])"}, {"ok", "false"}});
  CHECK(log.id != no_item_id);

  REQUIRE(decoded.batch.points.size() == 1);
  const PointSignal& point = decoded.batch.points[0];
  CHECK(point.name == "cpu");
  CHECK(point.unit == "1");
  CHECK(point.kind == wire::MetricKind::counter);
  CHECK(point.value == 1.5);
  CHECK(fields_of(decoded.batch, point.labels) == Fields{{"zone", "eu"}, {"core", "0"}});

  const LogSignal& event = decoded.batch.logs[1];
  CHECK(event.source == SignalSource::event);
  CHECK(event.body == R"(user.signup {"email":"a@b.c"})");
  CHECK(fields_of(decoded.batch, event.fields) ==
        Fields{{"event.type", "user.signup"}, {"event.source", "crm"}, {"email", "a@b.c"}});
}

TEST_CASE("the bare array and a single item are as good, and an empty list is no error") {
  CHECK(decode(R"([{"kind":"log","body":"x"}])").batch.logs.size() == 1);
  CHECK(decode(R"({"kind":"log","body":"x"})").batch.logs.size() == 1);
  CHECK(decode("[]").items == 0);
}

TEST_CASE("a wrong item costs itself alone, and the answer says where and why") {
  const DecodedItems decoded =
      decode(R"([{"kind":"log","id":"bad","body":7},{"kind":"log","id":"good","body":"x"},{"kind":"log","body":"y"}])");

  CHECK(decoded.rejected == 1);
  CHECK(decoded.batch.logs.size() == 2);
  REQUIRE(decoded.entries.size() == 2);
  CHECK(decoded.entries[0].index == 0);
  CHECK(decoded.entries[0].id == "bad");
  CHECK(decoded.entries[0].reason == "body is a number; allowed is a string");
  CHECK(decoded.entries[1].id == "good");
  CHECK(decoded.entries[1].reason.empty());
}

TEST_CASE("reasons name the member, what was found and what is allowed") {
  CHECK(reason(R"([7])") == "the item is a number; allowed is an object");
  CHECK(reason(R"([{"body":"x"}])").starts_with("kind is absent"));
  CHECK(reason(R"([{"kind":"trace"}])") == R"(kind is "trace"; allowed is "log", "metric" or "event")");
  CHECK(reason(R"([{"kind":"log"}])").starts_with("body is absent"));
  CHECK(reason(R"([{"kind":"log","body":"x","bodyy":1}])").starts_with("unknown member \"bodyy\"; known are kind, id"));
  CHECK(reason(R"([{"kind":"log","body":"x","body":"y"}])") == "body stands here twice");
  CHECK(reason(R"([{"kind":"log","body":"x","level":"loud"}])").starts_with("level is \"loud\""));
  CHECK(reason(R"([{"kind":"log","body":"x","time":"yesterday"}])").starts_with("time is \"yesterday\""));
  CHECK(reason(R"([{"kind":"log","body":"x","fields":[]}])") == "fields is an array; allowed is an object");
  CHECK(reason(R"([{"kind":"metric","name":"x"}])") == "value is absent; it must be a number");
  CHECK(reason(R"([{"kind":"metric","name":"x","value":"1"}])") == "value is a string; allowed is a number");
  CHECK(reason(R"([{"kind":"metric","value":1}])").starts_with("name is absent"));
  CHECK(
      reason(R"([{"kind":"metric","name":"x","value":1,"metric_kind":"sum"}])").starts_with("metric_kind is \"sum\""));
  CHECK(reason(R"([{"kind":"metric","name":"x","value":1,"labels":{"a":{}}}])").starts_with("labels.a is an object"));
  CHECK(reason(R"([{"kind":"event","payload":{}}])").starts_with("type is absent"));
  CHECK(reason(R"([{"kind":"log","body":"x","id":""}])").starts_with("id is a string of 0 bytes"));
  CHECK(reason(R"([{"kind":"log","body":"x","id":7}])") == "id is a number; allowed is a string");
}

TEST_CASE("bounds hold at their last value and not beyond") {
  const auto log = [](const std::string& body) { return R"([{"kind":"log","body":")" + body + "\"}]"; };
  CHECK(decode(log(std::string(signal_text_bytes_max, 'x'))).rejected == 0);
  CHECK(reason(log(std::string(signal_text_bytes_max + 1, 'x'))).starts_with("body is 262145 bytes"));

  const auto id = [](size_t bytes) { return R"([{"kind":"log","body":"x","id":")" + std::string(bytes, 'i') + "\"}]"; };
  CHECK(decode(id(128)).rejected == 0);
  CHECK(decode(id(129)).rejected == 1);

  const auto fields = [](size_t count) {
    std::string body = R"([{"kind":"log","body":"x","fields":{)";
    for (size_t i = 0; i < count; ++i) body += (i ? ",\"f" : "\"f") + std::to_string(i) + "\":1";
    return body + "}}]";
  };
  CHECK(decode(fields(signal_fields_max)).rejected == 0);
  CHECK(reason(fields(signal_fields_max + 1)).starts_with("fields has more than 200 values"));

  const auto labels = [](size_t count) {
    std::string body = R"([{"kind":"metric","name":"x","value":1,"labels":{)";
    for (size_t i = 0; i < count; ++i) body += (i ? ",\"f" : "\"f") + std::to_string(i) + "\":1";
    return body + "}}]";
  };
  CHECK(decode(labels(signal_labels_max)).rejected == 0);
  CHECK(reason(labels(signal_labels_max + 1)).starts_with("labels has 61 members"));

  std::string many = "[";
  for (size_t i = 0; i < json_items_max; ++i) many += R"({"kind":"log","body":"x"},)";
  CHECK(decode(many.substr(0, many.size() - 1) + "]").batch.logs.size() == json_items_max);
  const DecodedItems too_many = decode(many + R"({"kind":"log","body":"x"}])");
  CHECK(too_many.items == json_items_max + 1);
  CHECK(too_many.batch.empty());
}

TEST_CASE("a body that is no JSON, or none of ours, is one error") {
  for (const std::string body :
       {"", "{", "[1,]", "\"text\"", "7", R"({"items":7})", R"({"items":[],"more":1})", "\xff"}) {
    INFO(body);
    const auto decoded = decode_items(body, ItemForm::stated);
    REQUIRE_FALSE(decoded.ok());
    CHECK(decoded.error().code() == Code::invalid);
  }
  CHECK_FALSE(decode_items(std::string(100, '[') + std::string(100, ']'), ItemForm::stated).ok());
}

TEST_CASE("other systems' events, metrics and spans are read as they mean them") {
  const DecodedItems event = decode(
      R"({"type":"user.signup","payload":{"email":"a@b.c"},"occurredAt":"2026-11-21T12:00:00Z","idempotencyKey":"k"})",
      ItemForm::event);
  REQUIRE(event.batch.logs.size() == 1);
  CHECK(event.batch.logs[0].time == parse_rfc3339("2026-11-21T12:00:00Z"));
  CHECK(event.entries.at(0).id == "k");

  const DecodedItems metric = decode(
      R"([{"service_name":"shop","metric_type":"latency_ms","value":12,"tags":{"route":"/"},"timestamp":1795262400000}])",
      ItemForm::service_metric);
  REQUIRE(metric.batch.points.size() == 1);
  CHECK(metric.batch.points[0].name == "latency_ms");
  CHECK(metric.batch.points[0].time == parse_rfc3339("2026-11-21T12:00:00Z"));
  CHECK(fields_of(metric.batch, metric.batch.points[0].labels) == Fields{{"route", "/"}, {"service", "shop"}});

  const DecodedItems span = decode(
      R"([{"name":"GET /","trace_id":"abc","kind":"server","duration_ms":3.5,"service_name":"shop","attributes":{"code":200}}])",
      ItemForm::span);
  REQUIRE(span.batch.logs.size() == 1);
  CHECK(span.batch.logs[0].body == "GET /");
  CHECK(span.batch.logs[0].service == "shop");
  const Fields fields = fields_of(span.batch, span.batch.logs[0].fields);
  CHECK(fields.at("event.type") == "span");
  CHECK(fields.at("duration_ms") == "3.5");
  CHECK(fields.at("attributes.code") == "200");
  CHECK(fields.at("kind") == "server");
}

TEST_CASE("a webhook's body is kept whole, and its members can be searched") {
  const auto decoded = decode_webhook(R"({ "action": "opened", "issue": { "number": 3 } })",
                                      {.type = "issue", .source = "forge", .service = "", .id = "delivery-1"});

  REQUIRE(decoded.ok());
  const LogSignal& log = decoded->batch.logs.at(0);
  CHECK(log.body == R"({"action":"opened","issue":{"number":3}})");
  const Fields fields = fields_of(decoded->batch, log.fields);
  CHECK(fields.at("event.type") == "issue");
  CHECK(fields.at("event.source") == "forge");
  CHECK(fields.at("issue.number") == "3");
  CHECK(log.id != no_item_id);
}

TEST_CASE("an event with more members than a row has fields keeps them in its body, and they are counted") {
  std::string body = R"([{"kind":"event","type":"wide","payload":{)";
  for (int i = 0; i < 300; ++i) body += (i ? ",\"f" : "\"f") + std::to_string(i) + "\":1";
  const DecodedItems decoded = decode(body + "}}]");

  CHECK(decoded.rejected == 0);
  CHECK(decoded.batch.logs.at(0).fields.count == signal_fields_max);
  CHECK(decoded.fields_left_out == 301 - signal_fields_max);
}

}  // namespace reeve::server
