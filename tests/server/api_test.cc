// The API over real sockets: who may ask, what is refused and how, and the answers of each resource.
#include "server/api/routes.h"
#include "tests/pch.h"
#include "tests/server/api_harness.h"

namespace reeve::server {
namespace {

// The route's path with something plausible in each hole.
std::string concrete(std::string_view pattern) {
  std::string path(pattern);
  const size_t hole = path.find("{id}");
  if (hole != std::string::npos) path.replace(hole, 4, "0198c2f0-7c1e-7abc-8def-0123456789ab");
  return path;
}

struct BadInput {
  std::string method;
  std::string target;
  Bytes body;
  int status;
  std::string detail;  // somewhere in the problem's detail
};

}  // namespace

TEST_CASE("every route asks for its credential and its permission") {
  ApiHarness harness;
  for (const Route* each : routes()) {
    const Route& route = *each;
    INFO(route.method << " " << route.pattern);
    // A live one's answer has no end, but a head.
    Asked asked{.method = route.feed ? "HEAD" : std::string(route.method),
                .target = concrete(route.pattern),
                .key = {},
                .body = {},
                .headers = {}};
    const HttpAnswer without = harness.ask(asked);
    asked.key = "rvk_wrong";
    const HttpAnswer wrong = harness.ask(asked);
    asked.key = harness.viewer_key;
    const HttpAnswer viewer = harness.ask(asked);
    asked.key = harness.admin_key;
    const HttpAnswer admin = harness.ask(asked);

    if (route.permission == Permission::none) {
      CHECK(without.status != 401);
      CHECK(without.status == admin.status);
      continue;
    }
    CHECK(without.status == 401);
    CHECK(without.response.header("WWW-Authenticate") == "Bearer");
    if (route.tell_error == nullptr) CHECK(without.response.header("Content-Type") == "application/problem+json");
    CHECK(wrong.status == 401);
    CHECK((viewer.status == 403) == !may(Role::viewer, route.permission));
    CHECK(admin.status != 401);
    CHECK((admin.status == 403) == !may(Role::admin, route.permission));
  }
}

TEST_CASE("each role may do what the table of roles says, and no more") {
  // viewer, engineer, manager, approver, admin
  const std::map<std::string, std::string> expected{
      {"none", "xxxxx"},       {"signals.read", "xxxxx"},     {"incidents.write", ".x.xx"}, {"fixes.plan", ".x.xx"},
      {"fixes.stop", ".xxxx"}, {"approvals.submit", "...x."}, {"reports.read", "..xxx"},    {"agents.write", "....x"},
      {"org.admin", "....x"},  {"signals.write", ".x.xx"},
  };
  std::map<std::string, std::string> found;
  for (const Grant& grant : grants) {
    for (size_t role = 0; role < role_names.size(); ++role) {
      found[std::string(grant.name)] += may(static_cast<Role>(role), grant.permission) ? "x" : ".";
    }
  }
  CHECK(found == expected);
}

TEST_CASE("a credential of another shape is refused") {
  ApiHarness harness;
  for (const std::string authorization : {"Basic YTpi", "Bearer", "bearer x", "Bearer "}) {
    const HttpAnswer answer = harness.ask({.target = "/v1/me", .headers = {{"Authorization", authorization}}});
    CHECK(answer.status == 401);
  }
  const HttpAnswer huge =
      harness.ask({.target = "/v1/me", .headers = {{"Authorization", "Bearer " + std::string(300, 'x')}}});
  CHECK(huge.status == 401);
}

TEST_CASE("bad input is answered with what is wrong and what is allowed") {
  ApiHarness harness;
  const std::vector<BadInput> inputs{
      {"GET", "/v1/nothing", "", 404, "no route /v1/nothing"},
      {"GET", "/v1/agents/tokens/more", "", 404, "no route"},
      {"POST", "/v1/agents", "", 405, "GET, HEAD"},
      {"DELETE", "/v1/agents/tokens", "", 405, "takes POST"},
      {"GET", "/v1/logs", "{}", 400, "no body"},
      {"GET", "/v1/logs?colour=red", "", 400, "unknown parameter \"colour\"; allowed are from, to"},
      {"GET", "/v1/logs?limit=5&limit=6", "", 400, "stands 2 times"},
      {"GET", "/v1/logs?limit=0", "", 400, "from 1 to 1000"},
      {"GET", "/v1/logs?limit=1001", "", 400, "from 1 to 1000"},
      {"GET", "/v1/logs?limit=ten", "", 400, "\"ten\""},
      {"GET", "/v1/logs?from=yesterday", "", 400, "a time like"},
      {"GET", "/v1/logs?from=-5parsecs", "", 400, "a time like"},
      {"GET", "/v1/logs?from=-1h&to=-2h", "", 400, "is not before"},
      {"GET", "/v1/logs?level=loud", "", 400, "trace, debug, info"},
      {"GET", "/v1/logs?template=abc", "", 400, "32 hex digits"},
      {"GET", "/v1/logs?regex=(", "", 400, "regex"},
      {"GET", "/v1/logs?cursor=nonsense", "", 400, "cursor"},
      {"GET", "/v1/logs?text=%zz", "", 400, ""},
      {"GET", "/v1/logs/tail?cursor=nonsense", "", 400, "cursor"},
      {"GET", "/v1/logs/tail?wait=31s", "", 400, "to 30s"},
      {"GET", "/v1/logs/tail?from=-1h", "", 400, "unknown parameter"},
      {"GET", "/v1/metrics?label=nocolon", "", 400, "key:value"},
      {"GET", "/v1/metrics/query", "", 400, "\"name\" is missing"},
      {"GET", "/v1/metrics/query?name=x&agg=median", "", 400, "avg, min, max"},
      {"GET", "/v1/metrics/query?name=x&step=1ms", "", 400, "step"},
      {"GET", "/readyz?page=2", "", 400, "takes none"},
      {"POST", "/v1/agents/tokens", "{\"valid_for\":\"2h\"}", 400, "from 1s to 1h"},
      {"POST", "/v1/agents/tokens", "{\"valid_for\":5}", 400, "from 1s to 1h"},
      {"POST", "/v1/agents/tokens", "{\"valid\":\"1h\"}", 400, "unknown member \"valid\""},
      {"POST", "/v1/agents/tokens", "{\"valid_for\":", 400, "not JSON"},
      {"POST", "/v1/agents/tokens", "[]", 400, "not a JSON object"},
      {"POST", "/v1/agents/banana/revoke", "", 400, "is not an agent's id"},
      {"POST", "/v1/agents/0198c2f0-7c1e-7abc-8def-0123456789ab/revoke", "", 404, ""},
      {"POST", "/v1/enroll", "{}", 400, "member \"token\" is missing"},
      {"POST", "/v1/enroll", "{\"token\":\"x\",\"csr\":\"no\",\"host\":\"h\"}", 400, "csr"},
  };
  for (const BadInput& input : inputs) {
    INFO(input.method << " " << input.target << " " << input.body);
    const HttpAnswer answer =
        harness.ask({.method = input.method, .target = input.target, .key = harness.admin_key, .body = input.body});
    CHECK(answer.status == input.status);
    CHECK(answer.response.header("Content-Type") == "application/problem+json");
    CHECK_THAT(answer.detail(), Catch::Contains(input.detail));
    CHECK(answer.json.string_or("request_id") == answer.response.header("X-Request-Id"));
  }
}

TEST_CASE("a wrong method is told which are right") {
  ApiHarness harness;
  CHECK(harness.ask({.method = "PUT", .target = "/v1/logs"}).response.header("Allow") == "GET, HEAD, POST");
  CHECK(harness.ask({.method = "GET", .target = "/v1/enroll"}).response.header("Allow") == "POST");
}

TEST_CASE("a body is read up to its limit and refused beyond") {
  ApiHarness harness;
  const auto padded = [](size_t bytes) { return "{" + std::string(bytes - 2, ' ') + "}"; };
  CHECK(harness.post("/v1/agents/tokens", padded(64_KiB)).status == 201);
  CHECK(harness.post("/v1/agents/tokens", padded(64_KiB + 1)).status == 413);
}

TEST_CASE("a request id is taken where it is one, and made where it is not") {
  ApiHarness harness;
  const auto id_for = [&](const std::string& sent) {
    return std::string(
        harness.ask({.target = "/healthz", .headers = {{"X-Request-Id", sent}}}).response.header("X-Request-Id"));
  };
  CHECK(id_for("abc-1.2_Z") == "abc-1.2_Z");
  CHECK(id_for(std::string(64, 'a')) == std::string(64, 'a'));
  CHECK(parse_uuid(id_for(std::string(65, 'a'))));
  CHECK(parse_uuid(id_for("a b")));
}

TEST_CASE("HEAD is answered like GET, without the body") {
  ApiHarness harness;
  const HttpAnswer answer = harness.ask({.method = "HEAD", .target = "/healthz"});
  CHECK(answer.status == 200);
  CHECK(answer.response.body.empty());
}

TEST_CASE("health, readiness and who is asking") {
  ApiHarness harness;
  CHECK(harness.get("/healthz").json.string_or("status") == "ok");
  CHECK(harness.get("/readyz").status == 200);

  const HttpAnswer me = harness.get("/v1/me");
  CHECK(me.json.string_or("org") == "tests");
  CHECK(me.json.string_or("key_prefix") == "rvk_admin-");
  CHECK(me.json.string_or("role") == "admin");
  CHECK_FALSE(me.json.string_or("server_version").empty());
}

TEST_CASE("the server's own counters come as Prometheus text") {
  ApiHarness harness;
  const HttpAnswer answer = harness.get("/metrics");
  CHECK(answer.status == 200);
  CHECK_THAT(std::string(answer.response.header("Content-Type")), Catch::StartsWith("text/plain; version=0.0.4"));
  CHECK_THAT(answer.response.body, Catch::Contains("reeve_dropped_total{stage=\"ingest\",reason=\"rejected\"} 0\n"));
  CHECK_THAT(answer.response.body, Catch::Contains("# TYPE reeve_link_sessions gauge\n"));
}

TEST_CASE("the API over TLS is the same API") {
  ApiHarness harness(nullptr, true);
  CHECK(harness.get("/v1/me").status == 200);
  CHECK_THAT(harness.post("/v1/agents/tokens", "").json.string_or("command"),
             Catch::Contains("--server https://127.0.0.1:"));
}

TEST_CASE("an empty store answers every question with nothing") {
  ApiHarness harness;
  CHECK(harness.get("/v1/logs").json.find("logs")->as_array()->empty());
  CHECK(harness.get("/v1/logs").json.find("next_cursor")->is_null());
  CHECK(harness.get("/v1/metrics").json.find("series")->as_array()->empty());
  CHECK(harness.get("/v1/metrics/query?name=x").json.find("series")->as_array()->empty());
  CHECK(harness.get("/v1/agents").json.find("agents")->as_array()->empty());
  CHECK_FALSE(harness.get("/v1/logs/tail").json.string_or("cursor").empty());
}

TEST_CASE("following waits as long as it was asked to when nothing comes") {
  ApiHarness harness;
  const std::string cursor = harness.get("/v1/logs/tail").json.string_or("cursor");

  const Instant before = harness.clock.now();
  const HttpAnswer answer = harness.get("/v1/logs/tail?wait=1s&cursor=" + sys::percent_encode(cursor));

  CHECK(answer.status == 200);
  CHECK(answer.json.find("logs")->as_array()->empty());
  CHECK(harness.clock.now() - before >= 1s);
}

}  // namespace reeve::server
