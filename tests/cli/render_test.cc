// Golden outputs of every renderer.
#include "cli/render.h"

#include "tests/cli/fake_world.h"

using namespace reeve;
using namespace reeve::cli;

namespace {

LogLine line_of(const std::string& body, const std::string& level = "info") {
  return {.time = test_now + 120ms,
          .level = level,
          .service = "nginx",
          .host = "web-1",
          .body = body,
          .is_time_suspect = false,
          .json = {}};
}

std::string render(const LogLine& line, const Style& style = {}) {
  LogLayout layout;
  layout.fit(line);
  return render_log_line(line, layout, style);
}

}  // namespace

TEST_CASE("a line shows time, level, origin and body") {
  CHECK(render(line_of("upstream timed out", "error")) ==
        "2026-11-21T02:54:00.120Z ERROR web-1/nginx  upstream timed out\n");
  CHECK(render(line_of("started")) == "2026-11-21T02:54:00.120Z INFO  web-1/nginx  started\n");
}

TEST_CASE("what a line does not say is a dash") {
  LogLine line = line_of("x", "unset");
  line.host = "";
  line.service = "";
  CHECK(render(line) == "2026-11-21T02:54:00.120Z -     -  x\n");
}

TEST_CASE("a suspect time carries a question mark") {
  LogLine line = line_of("x");
  line.is_time_suspect = true;
  CHECK(render(line) == "2026-11-21T02:54:00.120Z? INFO  web-1/nginx  x\n");
}

TEST_CASE("the name column fits the widest name, up to its bound") {
  LogLayout layout;
  LogLine longer = line_of("b");
  longer.service = "postgresql";
  layout.fit(line_of("a"));
  layout.fit(longer);

  CHECK(render_log_line(line_of("a"), layout, {}) == "2026-11-21T02:54:00.120Z INFO  web-1/nginx       a\n");
  CHECK(render_log_line(longer, layout, {}) == "2026-11-21T02:54:00.120Z INFO  web-1/postgresql  b\n");

  longer.service = std::string(500, 's');
  layout.fit(longer);
  CHECK(layout.name_columns() == 32);
}

TEST_CASE("levels are coloured where somebody can see it") {
  CHECK(render(line_of("x", "error"), {.has_colour = true}) ==
        "\x1b[2m2026-11-21T02:54:00.120Z\x1b[0m \x1b[31mERROR\x1b[0m web-1/nginx  x\n");
  CHECK(render(line_of("x", "strange"), {.has_colour = true}) ==
        "\x1b[2m2026-11-21T02:54:00.120Z\x1b[0m STRANGE web-1/nginx  x\n");
}

TEST_CASE("a hostile line is shown, not obeyed") {
  LogLine line = line_of("\x1b]0;owned\x07\x1b[2J\r\nroot@db-1:~# ", "err\x1b[8m");
  line.service = "a\nb";
  line.host =
      "\x9b"
      "1m";

  CHECK(render(line) ==
        "2026-11-21T02:54:00.120Z ERR\\X1B[8M \\x9b1m/a\\nb  \\x1b]0;owned\\x07\\x1b[2J\\x0d\n"
        "  | root@db-1:~# \n");
}

TEST_CASE("series are listed by name and labels") {
  Series memory{.name = "system.memory.usage",
                .unit = "By",
                .kind = "gauge",
                .labels = {{"host", "web-1"}, {"state", "used"}},
                .last = 3221225472.0,
                .last_time = test_now,
                .json = {}};
  Series cpu{.name = "system.cpu.utilization",
             .unit = "1",
             .kind = "gauge",
             .labels = {{"host", "web-1"}, {"state", "user\x1b"}},
             .last = 0.034,
             .last_time = test_now,
             .json = {}};
  Series silent = cpu;
  silent.labels = {{"host", "web-1"}, {"state", "idle"}};
  silent.last.reset();
  silent.last_time.reset();

  CHECK(render_series({memory, cpu, silent}, test_now + 5s) ==
        "NAME                     LAST  SEEN    KIND   LABELS\n"
        "system.cpu.utilization      -  never   gauge  host=web-1 state=idle\n"
        "system.cpu.utilization  3.4 %  5s ago  gauge  host=web-1 state=user\\x1b\n"
        "system.memory.usage     3 GiB  5s ago  gauge  host=web-1 state=used\n");
}

TEST_CASE("curves share one time axis and sum themselves up") {
  Curves curves{
      .name = "system.cpu.utilization", .unit = "1", .agg = "avg", .step = 10s, .is_truncated = false, .curves = {}};
  curves.curves.push_back({.labels = {{"state", "user"}},
                           .points = {{test_now, 0.0}, {test_now + 10s, 0.07}, {test_now + 40s, 0.035}},
                           .json = {}});
  curves.curves.push_back({.labels = {{"state", "system"}}, .points = {{test_now + 40s, 0.5}}, .json = {}});
  curves.curves.push_back({.labels = {{"state", "idle"}}, .points = {}, .json = {}});

  CHECK(render_curves(curves, 80, {}) ==
        "system.cpu.utilization, avg per 10s\n"
        "2026-11-21T02:54:00.000Z to 2026-11-21T02:54:40.000Z\n"
        "\n"
        "state=user\n"
        "  ▁█  ▅\n"
        "  min 0 %   avg 3.5 %   max 7 %   last 3.5 %\n"
        "\n"
        "state=system\n"
        "      ▁\n"
        "  min 50 %   avg 50 %   max 50 %   last 50 %\n"
        "\n"
        "state=idle\n"
        "  no points\n");
}

TEST_CASE("a rate is per second, and a count has no unit") {
  Curves curves{.name = "x", .unit = "By", .agg = "rate", .step = 10s, .is_truncated = false, .curves = {}};
  curves.curves.push_back({.labels = {}, .points = {{test_now, 2048}}, .json = {}});
  CHECK_THAT(render_curves(curves, 80, {}), Catch::Contains("last 2 KiB/s\n"));

  curves.agg = "count";
  CHECK_THAT(render_curves(curves, 80, {}), Catch::Contains("last 2048\n"));
}

TEST_CASE("points at both ends of time do not break a curve") {
  Curves curves{.name = "x", .unit = "", .agg = "avg", .step = 1ms, .is_truncated = false, .curves = {}};
  curves.curves.push_back({.labels = {}, .points = {{WallTime{INT64_MIN}, 1}, {WallTime{INT64_MAX}, 2}}, .json = {}});

  CHECK(render_curves(curves, 12, {}).find("▁        █") != std::string::npos);
}

TEST_CASE("the fleet is a table, revoked agents last") {
  Agent online{.id = "0198c2f0-7c1e-7abc-8def-0123456789ab",
               .host = "web-1",
               .version = "0.1.0",
               .state = "online",
               .last_seen = test_now - 3s,
               .spool_bytes = 2048,
               .dropped = 0,
               .oldest_unsent_age = 1500ms,
               .gaps = {},
               .json = {}};
  Agent revoked = online;
  revoked.host = "db-1";
  revoked.state = "revoked";
  revoked.last_seen.reset();
  revoked.gaps.push_back({.lane = "live", .from = 3, .to = 5, .reason = "quarantined"});

  CHECK(render_agents({revoked, online}, test_now) ==
        "HOST   STATE    SEEN      LAG  SPOOL  DROPPED  GAPS  VERSION  ID\n"
        "web-1  online   3s ago  1.5 s  2 KiB        0     0  0.1.0    0198c2f0-7c1e-7abc-8def-0123456789ab\n"
        "db-1   revoked  never   1.5 s  2 KiB        0     1  0.1.0    0198c2f0-7c1e-7abc-8def-0123456789ab\n");
}
