// status, agents and metrics against a scripted server.
#include "tests/cli/fake_world.h"

using namespace reeve;
using namespace reeve::cli;

namespace {

const std::string me = R"({"org":"default","key_prefix":"rk_abcd","role":"admin","server_version":"0.1.0"})";
const std::string id_1 = "0198c2f0-7c1e-7abc-8def-000000000001";
const std::string id_2 = "0198c2f0-7c1e-7abc-8def-000000000002";

std::string agent(const std::string& id, const std::string& host, const std::string& state, int64_t lag_ms = 0,
                  const std::string& gaps = "") {
  return R"({"id":")" + id + R"(","host":")" + host + R"(","version":"0.1.0","state":")" + state +
         R"(","enrolled":"2026-11-20T00:00:00Z","last_seen":"2026-11-21T02:53:57Z","certificate_not_after":)" +
         R"("2026-12-20T00:00:00Z","spool_bytes":2048,"dropped_total":0,"oldest_unsent_age_ms":)" +
         std::to_string(lag_ms) + R"(,"gaps":[)" + gaps + "]}";
}

std::string agents(const std::vector<std::string>& rows) {
  std::string list;
  for (const std::string& row : rows) list += (list.empty() ? "" : ",") + row;
  return R"({"agents":[)" + list + "]}";
}

}  // namespace

TEST_CASE("status says who is there and what is late or lost") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/readyz", R"({"status":"ok"})");
  fake.server.expect("/v1/me", me);
  fake.server.expect("/v1/agents", agents({agent(id_1, "web-1", "online", 1500),
                                           agent(id_2, "web-2", "offline", 60'000,
                                                 R"({"epoch":"e","lane":"live","from":3,"to":5,"reason":"bad"})")}));

  CHECK(fake.run({"status"}) == 0);

  CHECK(fake.screen.out ==
        "server     http://127.0.0.1:7842 is ready, version 0.1.0\n"
        "org        default, you are admin (key rk_abcd...)\n"
        "agents     1 online, 1 offline\n"
        "lag        1m on web-2; 4 KiB wait on the hosts\n"
        "dropped    0\n"
        "gaps       1\n"
        "           web-2 live 3..5: bad\n");
}

TEST_CASE("status of a fresh server points at the next step") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/readyz", "{}");
  fake.server.expect("/v1/me", me);
  fake.server.expect("/v1/agents", agents({}));

  CHECK(fake.run({"status"}) == 0);

  CHECK(fake.screen.out ==
        "server     http://127.0.0.1:7842 is ready, version 0.1.0\n"
        "org        default, you are admin (key rk_abcd...)\n"
        "agents     none yet; enrol one with: reeve agents token\n"
        "lag        none: the agents have sent all they have\n"
        "dropped    0\n"
        "gaps       none\n");
}

TEST_CASE("a server that takes no data fails the status, with its reason") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/readyz", R"({"detail":"the disk is full"})", 503);
  fake.server.expect("/v1/me", me);
  fake.server.expect("/v1/agents", agents({}));

  CHECK(fake.run({"status"}) == 1);

  CHECK_THAT(fake.screen.out, Catch::StartsWith("server     http://127.0.0.1:7842 does not take data"));
  CHECK(fake.screen.err == "http://127.0.0.1:7842 said no (503): the disk is full\n");
}

TEST_CASE("status as JSON is one object") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/readyz", "{}");
  fake.server.expect("/v1/me", me);
  fake.server.expect("/v1/agents", agents({agent(id_1, "web-1", "online", 1500)}));

  CHECK(fake.run({"status", "--json"}) == 0);

  CHECK(fake.screen.out ==
        R"({"server":"http://127.0.0.1:7842","ready":true,"reason":null,"version":"0.1.0","org":"default",)"
        R"("role":"admin","agents_online":1,"agents_offline":0,"agents_revoked":0,"lag_ms":1500,"spool_bytes":2048,)"
        R"("dropped_total":0,"gaps":0})"
        "\n");
}

TEST_CASE("the enrol command stands alone on standard output") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect_post("/v1/agents/tokens",
                          R"({"token":"t","expires":"2026-11-21T03:04:00Z","ca_fingerprint":"sha256:00",)"
                          R"("command":"reeve-agent enroll --token t"})",
                          201);

  CHECK(fake.run({"agents", "token", "--valid-for", "10m"}) == 0);

  CHECK(fake.server.calls[0].body == R"({"valid_for":"10m"})");
  CHECK(fake.screen.out == "reeve-agent enroll --token t\n");
  CHECK_THAT(fake.screen.err,
             Catch::StartsWith("run this on the new host before 2026-11-21T03:04:00.000Z; it works once\n"
                               "it enrols the agent alone: this machine does not know the org's root keys"));
}

TEST_CASE("an agent is revoked by its id or its host") {
  FakeWorld fake;
  fake.log_in();
  const std::string fleet = agents({agent(id_1, "web-1", "online"), agent(id_2, "web-2", "online")});
  fake.server.expect("/v1/agents", fleet);
  fake.server.expect_post("/v1/agents/" + id_2 + "/revoke", "");
  fake.server.expect("/v1/agents", fleet);
  fake.server.expect_post("/v1/agents/" + id_1 + "/revoke", "{}");

  CHECK(fake.run({"agents", "revoke", "web-2"}) == 0);
  CHECK(fake.run({"agents", "revoke", id_1}) == 0);

  CHECK_THAT(fake.screen.out, Catch::StartsWith("revoked " + id_2 + " on web-2; it is cut off within 5 seconds"));
  CHECK(fake.server.is_done());
}

TEST_CASE("a host enrolled twice is revoked by id only, but a revoked namesake is no doubt") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/agents", agents({agent(id_1, "web-1", "online"), agent(id_2, "web-1", "offline")}));
  fake.server.expect("/v1/agents", agents({agent(id_1, "web-1", "revoked"), agent(id_2, "web-1", "online")}));
  fake.server.expect_post("/v1/agents/" + id_2 + "/revoke", "{}");

  CHECK(fake.run({"agents", "revoke", "web-1"}) == 1);
  CHECK(fake.screen.err == "\"web-1\" is the host of 2 agents; say which by its id: " + id_1 + ", " + id_2 + "\n");

  CHECK(fake.run({"agents", "revoke", "web-1"}) == 0);
}

TEST_CASE("a host whose only agent is revoked may be revoked again") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/agents", agents({agent(id_1, "web-1", "revoked")}));
  fake.server.expect_post("/v1/agents/" + id_1 + "/revoke", "{}");

  CHECK(fake.run({"agents", "revoke", "web-1"}) == 0);
}

TEST_CASE("an unknown agent is not revoked") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/agents", agents({}));

  CHECK(fake.run({"agents", "revoke", "web-9"}) == 1);

  CHECK(fake.screen.err == "there is no agent \"web-9\", neither by id nor by host; `reeve agents list` shows all\n");
}

TEST_CASE("an id that would change the path is not sent") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/agents", agents({agent("../tokens", "web-1", "online")}));

  CHECK(fake.run({"agents", "revoke", "web-1"}) == 1);

  CHECK_THAT(fake.screen.err, Catch::Contains("which is no id"));
}

TEST_CASE("agents are listed over all pages") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/agents", R"({"agents":[)" + agent(id_1, "web-1", "online") + R"(],"next_cursor":"c"})");
  fake.server.expect("/v1/agents?cursor=c",
                     R"({"agents":[)" + agent(id_2, "web-2", "online") + R"(],"next_cursor":null})");

  CHECK(fake.run({"agents", "list", "--json"}) == 0);

  CHECK(fake.screen.out == agent(id_1, "web-1", "online") + "\n" + agent(id_2, "web-2", "online") + "\n");
}

TEST_CASE("an empty fleet says how it grows") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/agents", agents({}));

  CHECK(fake.run({"agents"}) == 0);

  CHECK(fake.screen.err == "no agent is enrolled yet; `reeve agents token` makes the command that enrols one\n");
}

TEST_CASE("metrics are listed with their last value") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/metrics?match=cpu&label=host:web-1&from=-2h",
                     R"({"series":[{"name":"system.cpu.utilization","unit":"1","kind":"gauge",)"
                     R"("labels":{"host":"web-1"},"last":0.25,"last_time":"2026-11-21T02:53:57Z","points":6}]})");

  CHECK(fake.run({"metrics", "--match", "cpu", "--label", "host:web-1", "--since", "2h"}) == 0);

  CHECK(fake.screen.out ==
        "NAME                    LAST  SEEN    KIND   LABELS\n"
        "system.cpu.utilization  25 %  3s ago  gauge  host=web-1\n");
}

TEST_CASE("a metric is drawn") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/metrics/query?name=x&step=1s&agg=max",
                     R"({"name":"x","unit":"By","step_ms":1000,"agg":"max","truncated":true,"series":[{"labels":)"
                     R"({"host":"web-1"},"points":[["2026-11-21T02:53:57Z",1],["2026-11-21T02:53:58Z",2048]]}]})");

  CHECK(fake.run({"metrics", "x", "--step", "1s", "--agg", "max"}) == 0);

  CHECK(fake.screen.out ==
        "x, max per 1s\n"
        "2026-11-21T02:53:57.000Z to 2026-11-21T02:53:58.000Z\n"
        "\n"
        "host=web-1\n"
        "  ▁█\n"
        "  min 1 B   avg 1 KiB   max 2 KiB   last 2 KiB\n");
  CHECK(fake.screen.err == "there are more series than shown; --label KEY:VALUE narrows them\n");
}

TEST_CASE("a curve as JSON carries what the answer says once for all") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/metrics/query?name=x",
                     R"({"name":"x","unit":"By","step_ms":1000,"agg":"avg","truncated":false,"series":[{"labels":)"
                     R"({"host":"web-1"},"points":[["2026-11-21T02:53:57Z",1.5]]}]})");

  CHECK(fake.run({"metrics", "x", "--json"}) == 0);

  CHECK(fake.screen.out == R"({"name":"x","unit":"By","agg":"avg","step_ms":1000,"labels":{"host":"web-1"},)"
                           R"("points":[["2026-11-21T02:53:57Z",1.5]]})"
                           "\n");
}

TEST_CASE("a metric that is not there is a failure") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/metrics/query?name=typo",
                     R"({"name":"typo","unit":"","step_ms":1000,"agg":"avg","truncated":false,"series":[]})");

  CHECK(fake.run({"metrics", "typo"}) == 1);

  CHECK(fake.screen.err == "no series named \"typo\" has points in that time; `reeve metrics` lists what there is\n");
}

TEST_CASE("a point of the wrong kind is an error, not a crash") {
  for (const char* point : {"7", "[]", R"(["2026-11-21T02:53:57Z"])", R"(["noon",1])", "[1,2]"}) {
    FakeWorld fake;
    fake.log_in();
    fake.server.expect("/v1/metrics/query?name=x",
                       R"({"series":[{"labels":{},"points":[)" + std::string(point) + "]}]}");

    CHECK(fake.run({"metrics", "x"}) == 1);
    CHECK_THAT(fake.screen.err, Catch::Contains("instead of [time, value]"));
  }
}
