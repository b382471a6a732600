// Every door over HTTP, from a client's bytes to the answer of a query.
#include <snappy.h>

#include "proto/otlp.pb.h"
#include "proto/remote_write.pb.h"
#include "server/counters.h"
#include "server/doors/intake.h"
#include "tests/pch.h"
#include "tests/server/api_harness.h"
#include "tests/server/stubborn_store.h"

namespace reeve::server {
namespace {

namespace otlp = proto::otlp;
namespace remote = proto::remote_write;

struct Doors : ApiHarness {
  using ApiHarness::ApiHarness;

  size_t logs(const std::string& filter = "") {
    const HttpAnswer found = get("/v1/logs?limit=1000" + filter);
    REQUIRE(found.status == 200);
    return found.json.find("logs")->as_array()->size();
  }
  Json first_log(const std::string& filter = "") {
    return get("/v1/logs?limit=1000" + filter).json.find("logs")->as_array()->at(0);
  }
  HttpAnswer push(const std::string& target, const Bytes& body, const std::string& type, sys::HttpHeaders more = {}) {
    more.push_back({"Content-Type", type});
    return ask({.method = "POST", .target = target, .key = admin_key, .body = body, .headers = std::move(more)});
  }
  uint64_t count(Door door, DoorOutcome outcome) const { return pipeline->counters().doors.of(door, outcome); }
  uint64_t wall_ns() { return static_cast<uint64_t>(clock.wall().ns); }
};

Bytes logs_request(uint64_t time_ns, const std::string& body) {
  otlp::LogsRequest request;
  otlp::LogRecord* record = request.add_resources()->add_scopes()->add_records();
  record->set_time_ns(time_ns);
  record->mutable_body()->set_text(body);
  return request.SerializeAsString();
}

Bytes write_request(const std::vector<std::pair<std::string, std::string>>& labels, double value, int64_t time_ms) {
  remote::WriteRequest request;
  remote::TimeSeries* series = request.add_series();
  for (const auto& [name, text] : labels) {
    remote::Label* label = series->add_labels();
    label->set_name(name);
    label->set_value(text);
  }
  remote::Sample* sample = series->add_samples();
  sample->set_value(value);
  sample->set_time_ms(time_ms);
  Bytes packed;
  const Bytes bytes = request.SerializeAsString();
  snappy::Compress(bytes.data(), bytes.size(), &packed);
  return packed;
}

}  // namespace

TEST_CASE("what is pushed is found by the next query, for the answer came after the commit") {
  Doors doors;

  const HttpAnswer pushed = doors.post("/v1/signals/ingest", R"({"items":[
      {"kind":"log","id":"a","body":"payment failed","level":"error","service":"shop","host":"web-9"},
      {"kind":"metric","name":"cpu","value":1.5,"host":"web-9","labels":{"core":"0"}},
      {"kind":"log"}]})");

  REQUIRE(pushed.status == 200);
  CHECK(pushed.json.int_or("accepted") == 2);
  CHECK(pushed.json.int_or("rejected") == 1);
  const Json::Array& entries = *pushed.json.find("items")->as_array();
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].string_or("id") == "a");
  CHECK(entries[0].string_or("status") == "accepted");
  CHECK(entries[1].int_or("index") == 2);
  CHECK(entries[1].string_or("code") == "invalid");
  const Json log = doors.first_log("&host=web-9&level=error");
  CHECK(log.string_or("body") == "payment failed");
  CHECK(log.string_or("source") == "ingest");
  CHECK(log.string_or("agent") == to_string(door_agent_id("tests")));
  CHECK(doors.get("/v1/metrics/query?name=cpu&label=host:web-9&agg=last").json.find("series")->as_array()->size() == 1);
}

TEST_CASE("the doors are no agent of the fleet, and agents' blocks go on beside them") {
  Doors doors;
  const Identity identity = doors.enrol("web-1");
  REQUIRE(doors.post("/v1/signals/ingest", R"([{"kind":"log","body":"x"}])").status == 200);

  const Json::Array agents = *doors.get("/v1/agents").json.find("agents")->as_array();

  REQUIRE(agents.size() == 1);
  CHECK(agents[0].string_or("id") == to_string(identity.agent));
}

TEST_CASE("an item that comes again is accepted again and stored once") {
  Doors doors;
  const Bytes body = R"([{"kind":"log","id":"order-1","body":"once"},{"kind":"log","body":"always"}])";

  const HttpAnswer first = doors.post("/v1/signals/ingest", body);
  const HttpAnswer second = doors.post("/v1/signals/ingest", body);

  CHECK(first.response.body == second.response.body);
  CHECK(doors.logs("&text=once") == 1);
  CHECK(doors.logs("&text=always") == 2);
  CHECK(doors.count(Door::ingest, DoorOutcome::replayed) == 1);
  CHECK(doors.count(Door::ingest, DoorOutcome::stored) == 3);
}

TEST_CASE("the routes of other systems store the same") {
  Doors doors;

  CHECK(doors.post("/ingest/logs", R"([{"body":"a log"}])").status == 200);
  CHECK(doors.post("/ingest/metrics", R"([{"name":"m1","value":1}])").status == 200);
  CHECK(doors.post("/ingest/traces", R"([{"name":"GET /","trace_id":"t"}])").status == 200);
  CHECK(doors.post("/ingest/webhook?type=push", R"({"ref":"main"})").status == 200);
  CHECK(doors.post("/api/v1/events", R"({"type":"user.signup","payload":{}})").status == 200);
  CHECK(doors.post("/api/events", R"([{"type":"user.left"}])").status == 200);
  CHECK(doors.post("/api/metrics", R"({"service_name":"s","metric_type":"m2","value":2})").status == 200);

  CHECK(doors.logs() == 5);
  CHECK(doors.logs("&source=span") == 1);
  CHECK(doors.logs("&source=webhook") == 1);
  CHECK(doors.logs("&source=event") == 2);
  CHECK(doors.get("/v1/metrics").json.find("series")->as_array()->size() == 2);
}

TEST_CASE("a delivery of a webhook that comes again is stored once") {
  Doors doors;
  for (int i = 0; i < 2; ++i) {
    const HttpAnswer taken = doors.ask({.method = "POST",
                                        .target = "/ingest/webhook",
                                        .key = doors.admin_key,
                                        .body = R"({"ref":"main"})",
                                        .headers = {{"X-GitHub-Delivery", "d-1"}}});
    CHECK(taken.status == 200);
  }
  CHECK(doors.logs() == 1);
}

TEST_CASE("who may not write may not push, through any door, and another org sees nothing of it") {
  Doors doors;
  for (const char* target : {"/v1/signals/ingest", "/ingest/logs", "/ingest/webhook", "/api/events", "/api/metrics",
                             "/v1/logs", "/v1/metrics", "/api/v1/write"}) {
    INFO(target);
    CHECK(doors.ask({.method = "POST", .target = target, .key = doors.viewer_key, .body = "[]"}).status == 403);
    CHECK(doors.ask({.method = "POST", .target = target, .body = "[]"}).status == 401);
  }
  REQUIRE(doors.post("/v1/signals/ingest", R"([{"kind":"log","body":"ours"}])").status == 200);
  const HttpAnswer foreign = doors.ask({.target = "/v1/logs", .key = doors.foreign_key});
  CHECK(foreign.json.find("logs")->as_array()->empty());
}

TEST_CASE("a packed body is unpacked, a wrong one refused, one too large is 413") {
  Doors doors;
  Bytes packed;
  const Bytes body = R"([{"kind":"log","body":"packed"}])";
  snappy::Compress(body.data(), body.size(), &packed);

  CHECK(doors.push("/v1/signals/ingest", packed, "application/json", {{"Content-Encoding", "snappy"}}).status == 200);
  CHECK(doors.push("/v1/signals/ingest", "x", "application/json", {{"Content-Encoding", "gzip"}}).status == 400);
  CHECK(doors.push("/v1/signals/ingest", "x", "application/json", {{"Content-Encoding", "br"}}).status == 415);
  const Bytes zeros(20_MiB + 1, ' ');
  snappy::Compress(zeros.data(), zeros.size(), &packed);
  CHECK(doors.push("/v1/signals/ingest", packed, "application/json", {{"Content-Encoding", "snappy"}}).status == 413);
  CHECK(doors.logs() == 1);
}

TEST_CASE("more items than a request may have are 413, and none is stored") {
  Doors doors;
  std::string body = "[";
  for (int i = 0; i <= 10'000; ++i) body += R"({"kind":"log","body":"x"},)";
  body.back() = ']';

  const HttpAnswer refused = doors.post("/v1/signals/ingest", body);

  CHECK(refused.status == 413);
  CHECK(refused.detail() == "the body has 10001 items; at most 10000 are taken");
  CHECK(doors.logs() == 0);
}

// -- OpenTelemetry

TEST_CASE("OTLP logs come in as Protobuf and as JSON, and are answered in the same") {
  Doors doors;

  const HttpAnswer binary =
      doors.push("/v1/logs", logs_request(doors.wall_ns(), "from protobuf"), "application/x-protobuf");
  const HttpAnswer text = doors.push(
      "/v1/logs", R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"from json"}}]}]}]})",
      "application/json; charset=utf-8");

  CHECK(binary.status == 200);
  CHECK(binary.response.header("Content-Type") == "application/x-protobuf");
  CHECK(binary.response.body.empty());
  CHECK(text.status == 200);
  CHECK(text.response.body == "{}");
  CHECK(doors.logs("&source=otlp") == 2);
}

TEST_CASE("the same OTLP request again is stored once, and not mistaken for another of the same text") {
  Doors doors;
  const uint64_t now = doors.wall_ns();
  const auto send = [&](uint64_t time_ns) {
    return doors.push("/v1/logs", logs_request(time_ns, "x"), "application/x-protobuf").status;
  };

  CHECK(send(now) == 200);
  CHECK(send(now) == 200);
  CHECK(send(now + 1) == 200);
  // Without a time nothing tells a repetition from a second event.
  CHECK(send(0) == 200);
  CHECK(send(0) == 200);

  CHECK(doors.logs() == 4);
}

TEST_CASE("what OTLP cannot leave here is told as a partial success") {
  Doors doors;
  const Bytes body = R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[
      {"name":"g","gauge":{"dataPoints":[{"asDouble":1},{"asDouble":"NaN"}]}}]}]}]})";

  const HttpAnswer text = doors.push("/v1/metrics", body, "application/json");

  CHECK(text.status == 200);
  CHECK(text.json.find("partialSuccess")->string_or("rejectedDataPoints") == "1");
  CHECK(text.json.find("partialSuccess")->string_or("errorMessage") == "a point of \"g\" is not a finite number");
  CHECK(doors.get("/v1/metrics").json.find("series")->as_array()->size() == 1);
}

TEST_CASE("every refusal of an OTLP route is a Status in the request's type") {
  Doors doors;
  const auto status_of = [](const HttpAnswer& answer) {
    otlp::ErrorStatus status;
    REQUIRE(status.ParseFromString(answer.response.body));
    return status;
  };

  const HttpAnswer wrong = doors.push("/v1/logs", "no protobuf", "application/x-protobuf");
  CHECK(wrong.status == 400);
  CHECK(wrong.response.header("Content-Type") == "application/x-protobuf");
  CHECK(status_of(wrong).code() == 3);
  const HttpAnswer stranger = doors.ask({.method = "POST", .target = "/v1/logs", .key = "rvk_nobody"});
  CHECK(stranger.status == 401);
  CHECK(status_of(stranger).code() == 16);
  const HttpAnswer json = doors.push("/v1/logs", "{", "application/json");
  CHECK(json.status == 400);
  CHECK(json.json.int_or("code") == 3);
  CHECK(json.json.string_or("message").starts_with("the body is not JSON"));
  CHECK(doors.push("/v1/logs", "x", "text/plain").status == 415);
  CHECK(doors.push("/v1/metrics", "x", "application/x-protobuf", {{"Content-Encoding", "gzip"}}).status == 400);
}

// -- Prometheus

TEST_CASE("remote_write stores samples with their labels, counters by their suffix, and answers 204") {
  Doors doors;
  const int64_t now_ms = doors.clock.wall().ns / 1'000'000;
  const sys::HttpHeaders snappy_encoded{{"Content-Encoding", "snappy"}};
  const auto write = [&](const Bytes& body) {
    return doors.push("/api/v1/write", body, "application/x-protobuf", snappy_encoded);
  };

  const HttpAnswer taken =
      write(write_request({{"__name__", "http_requests_total"}, {"instance", "a:1"}, {"job", "web"}}, 7, now_ms));

  CHECK(taken.status == 204);
  CHECK(taken.response.body.empty());
  const Json series = doors.get("/v1/metrics?name=http_requests_total").json.find("series")->as_array()->at(0);
  CHECK(series.string_or("kind") == "counter");
  CHECK(series.find("labels")->string_or("job") == "web");
  CHECK(series.find("last")->as_number() == 7);
}

TEST_CASE("remote_write leaves stale marks and NaN out, and says what was wrong with a bad sample") {
  Doors doors;
  const int64_t now_ms = doors.clock.wall().ns / 1'000'000;
  const sys::HttpHeaders snappy_encoded{{"Content-Encoding", "snappy"}};
  const auto write = [&](const Bytes& body) {
    return doors.push("/api/v1/write", body, "application/x-protobuf", snappy_encoded);
  };

  CHECK(write(write_request({{"__name__", "up"}}, std::bit_cast<double>(0x7ff0000000000002), now_ms)).status == 204);
  CHECK(write(write_request({{"__name__", "up"}}, std::nan(""), now_ms)).status == 204);
  const HttpAnswer nameless = write(write_request({{"job", "web"}}, 1, now_ms));
  CHECK(nameless.status == 400);
  CHECK(nameless.detail() == "1 samples were not taken: a series has no label __name__");
  CHECK(write(write_request({{"__name__", "up"}}, 1, -5)).status == 400);

  CHECK(doors.get("/v1/metrics").json.find("series")->as_array()->empty());
  CHECK(doors.count(Door::remote_write, DoorOutcome::stale) == 1);
  CHECK(doors.count(Door::remote_write, DoorOutcome::not_finite) == 1);
  CHECK(doors.count(Door::remote_write, DoorOutcome::invalid) == 2);
}

TEST_CASE("remote_write of another version, type or packing is 415") {
  Doors doors;
  const sys::HttpHeaders snappy_encoded{{"Content-Encoding", "snappy"}};
  const Bytes body = write_request({{"__name__", "up"}}, 1, 0);

  CHECK(doors.push("/api/v1/write", body, "application/x-protobuf;proto=io.prometheus.write.v2.Request", snappy_encoded)
            .status == 415);
  CHECK(doors.push("/api/v1/write", body, "application/json", snappy_encoded).status == 415);
  CHECK(doors.push("/api/v1/write", body, "application/x-protobuf").status == 415);
  CHECK(doors.push("/api/v1/write", "not snappy", "application/x-protobuf", snappy_encoded).status == 400);
}

TEST_CASE("what came through the doors stands in the server's own metrics") {
  Doors doors;
  REQUIRE(doors.post("/v1/signals/ingest", R"([{"kind":"log","body":"x"},{"kind":"log"}])").status == 200);

  const Bytes text = doors.ask({.target = "/metrics"}).response.body;

  CHECK(text.find("reeve_door_items_total{door=\"ingest\",outcome=\"stored\"} 1\n") != std::string::npos);
  CHECK(text.find("reeve_door_items_total{door=\"ingest\",outcome=\"invalid\"} 1\n") != std::string::npos);
}

// -- When the store takes nothing

TEST_CASE("a full disk is 503 with Retry-After, in each door's own words, and the items come in when there is room") {
  auto owned = std::make_unique<StubbornStore>();
  StubbornStore& store = *owned;
  Doors doors(std::move(owned));
  const Bytes item = R"([{"kind":"log","id":"a","body":"x"}])";
  store.full = true;

  const HttpAnswer refused = doors.post("/v1/signals/ingest", item);
  const HttpAnswer otlp_refused = doors.push("/v1/logs", logs_request(doors.wall_ns(), "y"), "application/x-protobuf");

  CHECK(refused.status == 503);
  CHECK(refused.response.header("Retry-After") == "1");
  CHECK(refused.response.header("Content-Type") == "application/problem+json");
  CHECK(otlp_refused.status == 503);
  CHECK(otlp_refused.response.header("Retry-After") == "1");
  otlp::ErrorStatus status;
  REQUIRE(status.ParseFromString(otlp_refused.response.body));
  CHECK(status.code() == 14);
  store.full = false;
  doors.wait_for("the store takes commits again", [&] { return doors.post("/v1/signals/ingest", item).status == 200; });
  CHECK(doors.logs() == 1);
}

}  // namespace reeve::server
