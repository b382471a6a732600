// What the routes that ask answer with: each as its schema says, and exports as their formats demand.
#include "server/api/routes.h"
#include "tests/pch.h"
#include "tests/server/api_harness.h"

namespace reeve::server {
namespace {

struct Said {
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields = {};
};

// A server that has a block of these lines, a second old, and one of metrics.
struct World {
  ApiHarness harness;
  uint64_t sequence = 0;

  void add(Bytes block) {
    const wire::BlockIdentity identity{agent, agent, wire::Lane::live, ++sequence};
    wire::stamp_block(block, identity);
    const IncomingBlock incoming{identity, harness.clock.wall(), std::move(block)};
    const auto outcomes = harness.store->commit_blocks({&incoming, 1});
    REQUIRE(outcomes.ok());
  }
  void say(const std::vector<Said>& lines) {
    wire::LogBlockBuilder builder("web-1");
    const uint32_t source = builder.add_source({.id = 1, .kind = "file", .name = "/var/log/app.log"});
    const WallTime time = harness.clock.wall() - 1s;
    for (const Said& line : lines) {
      std::vector<wire::Field> fields;
      for (const auto& [key, value] : line.fields) fields.push_back({key, value});
      builder.add({.time = time,
                   .level = wire::Level::warn,
                   .source = source,
                   .service = "app",
                   .body = line.body,
                   .fields = fields});
    }
    add(builder.seal({}));
  }
  void measure() {
    wire::MetricBlockBuilder builder("web-1");
    const std::vector<wire::Field> labels{{"cpu", "0"}};
    builder.add({.name = "load", .unit = "1", .labels = labels, .time = harness.clock.wall() - 1s, .value = 2});
    add(builder.seal({}));
  }
  Json get(const std::string& target) {
    const HttpAnswer answer = harness.get(target);
    INFO(target << ": " << answer.response.body);
    REQUIRE(answer.status == 200);
    return answer.json;
  }
  std::string first_id() { return get("/v1/logs").find("logs")->as_array()->front().string_or("id"); }

  const Uuid agent = make_uuid_v7(WallTime{1}, harness.random);
};

}  // namespace

TEST_CASE("every answer to a question is what its schema says") {
  World world;
  world.harness.enrol();
  world.say({{"hello \xff", {{"a", "b"}}}, {"bye"}});
  world.measure();
  const std::map<std::string_view, std::string> wanted{
      {"/v1/logs/context", "?id=" + world.first_id()},
      {"/v1/metrics/query", "?name=load&by=cpu&window=1m"},
      {"/api/metrics/aggregated", "?name=load&agg=sum"},
      {"/v1/logs", "?limit=1"},
      {"/v1/agents", "?limit=1"},
  };

  size_t checked = 0;
  for (const Route* route : routes()) {
    const bool answers_json = route->docs.gives && route->docs.gives_type == "application/json";
    if (route->method != "GET" || route->feed || !answers_json || route->pattern.find('{') != std::string_view::npos) {
      continue;
    }
    const auto query = wanted.find(route->pattern);
    const std::string target = std::string(route->pattern) + (query == wanted.end() ? "" : query->second);
    const HttpAnswer answer = world.harness.get(target);
    INFO(target << ": " << answer.response.body);
    if (answer.status != 200) continue;
    const Status fits = check_against(answer.json, *route->docs.gives);
    CHECK((fits.ok() ? "" : fits.error().text()) == std::string());
    ++checked;
  }
  CHECK(checked >= 12);
}

TEST_CASE("a parameter that a route takes is one that it tells of") {
  World world;
  for (const Route* route : routes()) {
    for (const Parameter& parameter : route->docs.query) {
      std::string name(parameter.name);
      while (name.ends_with('!') || name.ends_with(']') || name.ends_with('[')) name.pop_back();
      const HttpAnswer answer = world.harness.ask({.method = route->feed ? "HEAD" : std::string(route->method),
                                                   .target = std::string(route->pattern) + "?" + name + "=1",
                                                   .key = world.harness.admin_key});
      INFO(route->pattern << " " << name << ": " << answer.response.body);
      CHECK(answer.detail().find("unknown parameter") == std::string::npos);
    }
  }
}

TEST_CASE("an export as CSV is quoted, and nothing in it is a formula") {
  World world;
  world.say({{"plain"}, {"a,b \"c\"\r\nd"}, {"=HYPERLINK(1)"}, {"+1"}, {"-1"}, {"@x"}, {"\tx"}, {""}});

  const HttpAnswer answer = world.harness.get("/v1/logs/export?format=csv");

  CHECK(answer.status == 200);
  CHECK(answer.response.header("Content-Type") == "text/csv; charset=utf-8");
  CHECK_THAT(std::string(answer.response.header("Content-Disposition")), Catch::Contains("attachment"));
  const std::string& text = answer.response.body;
  CHECK(text.starts_with("time,level,service,host,source,template,body,fields,time_suspect,agent,id\r\n"));
  CHECK_THAT(text, Catch::Contains(",plain,,,"));
  CHECK_THAT(text, Catch::Contains(",\"a,b \"\"c\"\"\r\nd\","));
  for (const char* guarded : {"\"'=HYPERLINK(1)\"", "\"'+1\"", "\"'-1\"", "\"'@x\"", "\"'\tx\""}) {
    CHECK_THAT(text, Catch::Contains(guarded));
  }
}

TEST_CASE("an export as NDJSON ends by saying how many rows it has") {
  World world;
  world.say({{"keep 1"}, {"drop"}});
  world.say({{"keep 2"}});

  const HttpAnswer answer = world.harness.get("/v1/logs/export?text=keep");

  CHECK(answer.status == 200);
  std::vector<Json> lines;
  std::istringstream text(answer.response.body);
  for (std::string line; std::getline(text, line);) lines.push_back(*parse_json(line));
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].string_or("body") == "keep 1");
  CHECK(lines[1].string_or("body") == "keep 2");
  CHECK(lines[2].dump() == R"({"end":true,"rows":2})");
}

TEST_CASE("windows and labels of metrics are checked") {
  World world;
  const auto refused = [&](const std::string& query) {
    const HttpAnswer answer = world.harness.get("/v1/metrics/query?name=x&" + query);
    CHECK(answer.status == 400);
    return answer.detail();
  };

  CHECK_THAT(refused("window=7s"), Catch::Contains("10s, 1m, 5m or 15m"));
  CHECK_THAT(refused("window=10s&step=10s"), Catch::Contains("send one of them"));
  CHECK_THAT(refused("by="), Catch::Contains("a label's key"));
}

TEST_CASE("the fleet comes page by page, each agent once") {
  World world;
  for (int n = 0; n < 5; ++n) world.harness.enrol("host-" + std::to_string(n));

  std::vector<std::string> hosts;
  std::string cursor;
  do {
    const Json page = world.get("/v1/agents?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor));
    for (const Json& agent : *page.find("agents")->as_array()) hosts.push_back(agent.string_or("host"));
    cursor = page.string_or("next_cursor");
  } while (!cursor.empty());

  CHECK(hosts == std::vector<std::string>{"host-0", "host-1", "host-2", "host-3", "host-4"});
  CHECK(world.harness.get("/v1/agents?cursor=x").status == 400);
}

}  // namespace reeve::server
