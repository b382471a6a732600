// Searching and following, against a scripted server.
#include "tests/cli/fake_world.h"

using namespace reeve;
using namespace reeve::cli;

namespace {

const std::string noon = "2026-11-21T12:00:00Z";
const std::string noon_1 = "2026-11-21T12:00:01Z";
const std::string noon_2 = "2026-11-21T12:00:02Z";

std::string shown(const std::string& time, const std::string& body) {
  return time.substr(0, 19) + ".000Z INFO  web-1/nginx  " + body + "\n";
}

}  // namespace

TEST_CASE("a search shows the newest line at the bottom") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/logs?limit=100", log_page({log_row(noon_1, "second"), log_row(noon, "first")}));

  CHECK(fake.run({"logs"}) == 0);

  CHECK(fake.screen.out == shown(noon, "first") + shown(noon_1, "second"));
  CHECK(fake.screen.err.empty());
  CHECK(fake.server.calls[0].key == "rk_secret");
  CHECK(fake.server.calls[0].server == "http://127.0.0.1:7842");
}

TEST_CASE("every filter reaches the server under its own name") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/logs?from=-15m&service=s&host=h&source=/x&level=warn&template=" + std::string(32, 'a') +
                         "&text=a&text=b&regex=c+&limit=5",
                     log_page({}));

  CHECK(fake.run({"logs", "a", "b", "--since", "15m", "--service", "s", "--host", "h", "--source", "/x", "--level",
                  "warn", "--template", std::string(32, 'A'), "--regex", "c+", "-n", "5"}) == 0);

  CHECK(fake.screen.err == "no line matches\n");
}

TEST_CASE("a histogram is a line of bars, and one of errors where there are any") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/logs/histogram?from=-1h&service=web",
                     R"({"from":"2026-11-21T11:00:00Z","to":"2026-11-21T12:00:00Z","step_ms":1200000,"total":9,
                         "exact":false,"counted_from":"2026-11-21T11:20:00Z","buckets":[
                         {"time":"x","count":0,"levels":{}},{"time":"x","count":1,"levels":{"info":1}},
                         {"time":"x","count":8,"levels":{"info":5,"error":2,"fatal":1}}]})");

  CHECK(fake.run({"logs", "--histogram", "--since", "1h", "--service", "web"}) == 0);

  CHECK(fake.screen.out ==
        "9 lines from 2026-11-21T11:00:00Z to 2026-11-21T12:00:00Z, per 20m\n  \u2581\u2582\u2588\n"
        "3 of them errors\n  \u2581\u2581\u2588\n");
  CHECK_THAT(fake.screen.err, Catch::Contains("not exact"));
}

TEST_CASE("templates are a table by how often they were said") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/logs/templates?level=warn&limit=100",
                     R"({"templates":[{"template":"00ff","text":"user <*> \u001b[31m","count":12,
                         "last":"2026-11-21T12:00:00Z","levels":{"warn":2,"info":10}}],"truncated":false})");

  CHECK(fake.run({"logs", "--templates", "--level", "warn"}) == 0);

  CHECK(fake.screen.out ==
        "COUNT  WORST  LAST                      TEMPLATE  LINE\n"
        "   12  warn   2026-11-21T12:00:00.000Z  00ff      user <*> \\x1b[31m\n");
}

TEST_CASE("lines, their count and their templates are asked for one at a time") {
  FakeWorld fake;
  fake.log_in();

  CHECK(fake.run({"logs", "--histogram", "--follow"}) == 2);
  CHECK(fake.run({"logs", "--templates", "--histogram"}) == 2);
  CHECK(fake.run({"logs", "--templates", "text"}) == 2);
}

TEST_CASE("ignoring case holds for texts and patterns") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/logs?itext=a&regex=(?i)b&limit=100", log_page({}));

  CHECK(fake.run({"logs", "-i", "a", "--regex", "b"}) == 0);

  CHECK(fake.screen.err == "no line matches in the last hour; --since 7d looks further back\n");
}

TEST_CASE("pages are followed up to the limit") {
  FakeWorld fake;
  fake.log_in();
  const std::vector<std::string> thousand(1000, log_row(noon_1, "x"));
  fake.server.expect("/v1/logs?limit=1000", log_page(thousand, "c1"));
  fake.server.expect("/v1/logs?limit=2&cursor=c1", log_page({log_row(noon, "b"), log_row(noon, "a")}, "c2"));

  CHECK(fake.run({"logs", "--limit", "1002"}) == 0);

  CHECK(fake.screen.out.starts_with(shown(noon, "a") + shown(noon, "b") + shown(noon_1, "x")));
  CHECK(std::count(fake.screen.out.begin(), fake.screen.out.end(), '\n') == 1002);
  CHECK(fake.screen.err.empty());
}

TEST_CASE("more than the default limit is admitted") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/logs?limit=100", log_page(std::vector<std::string>(100, log_row(noon, "x")), "c1"));

  CHECK(fake.run({"logs"}) == 0);

  CHECK(fake.screen.err == "these are the newest 100 lines that match; --limit shows more, --to earlier ones\n");
}

TEST_CASE("an empty page with a cursor is not the end") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/logs?limit=100", log_page({}, "c1"));
  fake.server.expect("/v1/logs?limit=100&cursor=c1", log_page({log_row(noon, "found")}));

  CHECK(fake.run({"logs"}) == 0);

  CHECK(fake.screen.out == shown(noon, "found"));
}

TEST_CASE("a server whose pages go in a circle is caught") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/logs?limit=100", log_page({}, "c1"));
  fake.server.expect("/v1/logs?limit=100&cursor=c1", log_page({}, "c1"));

  CHECK(fake.run({"logs"}) == 1);

  CHECK(fake.screen.err == "the server's pages go in a circle: a page names itself as the next\n");
}

TEST_CASE("JSON output is the server's rows, one a line, oldest first") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/logs?limit=100", log_page({log_row(noon_1, "b\\u009b"), log_row(noon, "a")}));

  CHECK(fake.run({"logs", "--json"}) == 0);

  CHECK(fake.screen.out == log_row(noon, "a") + "\n" + log_row(noon_1, "b\\u009b") + "\n");
}

TEST_CASE("damaged blocks are admitted") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/logs?from=-1d&limit=100",
                     R"({"logs":[],"next_cursor":null,"scanned":{"blocks":3,"damaged_blocks":2}})");

  CHECK(fake.run({"logs", "--since", "1d"}) == 0);

  CHECK(fake.screen.err == "2 damaged blocks could not be searched; lines may be missing\nno line matches\n");
}

TEST_CASE("the server's no is told with its reason") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/logs?regex=(&limit=100",
                     R"({"title":"Bad Request","status":400,"detail":"regex: unbalanced","request_id":"r1"})", 400);

  CHECK(fake.run({"logs", "--regex", "("}) == 1);

  CHECK(fake.screen.err == "http://127.0.0.1:7842 said no (400): regex: unbalanced (request r1)\n");
}

TEST_CASE("an answer that makes no sense is an error, not a crash") {
  const std::vector<std::pair<std::string, std::string>> answers = {
      {"<html>", "not JSON"},
      {"{}", "it has no list \"logs\""},
      {R"({"logs":{}})", "it has no list \"logs\""},
      {R"({"logs":[{"time":"noon"}]})", "a line's time is \"noon\""},
      {R"({"logs":[7]})", "a line's time is \"\""},
  };
  for (const auto& [answer, reason] : answers) {
    FakeWorld fake;
    fake.log_in();
    fake.server.expect("/v1/logs?limit=100", answer);

    CHECK(fake.run({"logs"}) == 1);

    CHECK_THAT(fake.screen.err, Catch::Contains(reason));
  }
}

TEST_CASE("a reader that has gone is a quiet end") {
  FakeWorld fake;
  fake.log_in();
  fake.screen.reader_has_gone = true;
  fake.server.expect("/v1/logs?limit=100", log_page({log_row(noon, "a")}));

  CHECK(fake.run({"logs"}) == 0);

  CHECK(fake.screen.err.empty());
}

TEST_CASE("Ctrl-C during a search ends with 130 and says nothing") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect_interrupt("/v1/logs?limit=100");

  CHECK(fake.run({"logs"}) == 130);

  CHECK(fake.screen.err.empty());
}

TEST_CASE("following shows the last lines, then what comes, and nothing twice") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/logs/tail", tail_page({}, "t0"));
  fake.server.expect("/v1/logs?limit=10", log_page({log_row(noon_1, "b"), log_row(noon, "a")}));
  fake.server.expect("/v1/logs/tail?cursor=t0&wait=20s", tail_page({log_row(noon_1, "b"), log_row(noon_2, "c")}, "t1"));
  fake.server.expect("/v1/logs/tail?cursor=t1&wait=20s", tail_page({}, "t1"));
  fake.server.expect("/v1/logs/tail?cursor=t1&wait=20s", tail_page({log_row(noon, "a")}, "t2"));
  fake.server.expect_interrupt("/v1/logs/tail?cursor=t2&wait=20s");

  CHECK(fake.run({"logs", "-f"}) == 0);

  CHECK(fake.screen.out == shown(noon, "a") + shown(noon_1, "b") + shown(noon_2, "c") + shown(noon, "a"));
  CHECK(fake.screen.err.empty());
}

TEST_CASE("of two equal lines that come at once, the one not yet shown is shown") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/logs/tail", tail_page({}, "t0"));
  fake.server.expect("/v1/logs?limit=10", log_page({log_row(noon, "a")}));
  fake.server.expect("/v1/logs/tail?cursor=t0&wait=20s", tail_page({log_row(noon, "a"), log_row(noon, "a")}, "t1"));
  fake.server.expect_interrupt("/v1/logs/tail?cursor=t1&wait=20s");

  CHECK(fake.run({"logs", "-f"}) == 0);

  CHECK(fake.screen.out == shown(noon, "a") + shown(noon, "a"));
}

TEST_CASE("following with filters and without a beginning") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/logs/tail?service=nginx&itext=x", tail_page({}, "t0"));
  fake.server.expect("/v1/logs/tail?service=nginx&itext=x&cursor=t0&wait=20s", tail_page({log_row(noon, "X")}, "t1"));
  fake.server.expect_interrupt("/v1/logs/tail?service=nginx&itext=x&cursor=t1&wait=20s");

  CHECK(fake.run({"logs", "-f", "-i", "x", "--service", "nginx", "-n", "0", "--json"}) == 0);

  CHECK(fake.screen.out == log_row(noon, "X") + "\n");
}

TEST_CASE("following outlives the server, goes on from the same place, and says both once") {
  FakeWorld fake;
  fake.log_in();
  const Error refused(Code::unavailable, "cannot reach http://127.0.0.1:7842: connection refused");
  fake.server.expect("/v1/logs/tail", tail_page({}, "t0"));
  fake.server.expect_failure("/v1/logs/tail?cursor=t0&wait=20s", refused);
  fake.server.expect_failure("/v1/logs/tail?cursor=t0&wait=0s", refused);
  fake.server.expect("/v1/logs/tail?cursor=t0&wait=0s", R"({"detail":"starting"})", 503);
  fake.server.expect("/v1/logs/tail?cursor=t0&wait=0s", tail_page({log_row(noon, "a")}, "t1"));
  fake.server.expect_interrupt("/v1/logs/tail?cursor=t1&wait=20s");

  CHECK(fake.run({"logs", "-f", "-n", "0"}) == 0);

  CHECK(fake.screen.out == shown(noon, "a"));
  CHECK(fake.screen.err ==
        "cannot reach http://127.0.0.1:7842: connection refused; trying again until it answers, Ctrl-C ends\n"
        "the server answers again; nothing is skipped\n");
  REQUIRE(fake.patience.waits.size() == 3);
  CHECK(fake.patience.waits[0] <= 250ms);
  CHECK(fake.patience.waits[2] > fake.patience.waits[0]);
}

TEST_CASE("the pauses between tries have a ceiling, and Ctrl-C ends them") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/logs/tail", tail_page({}, "t0"));
  fake.server.expect_failure("/v1/logs/tail?cursor=t0&wait=20s", Error(Code::unavailable, "away"));
  for (int i = 1; i < 20; ++i)
    fake.server.expect_failure("/v1/logs/tail?cursor=t0&wait=0s", Error(Code::unavailable, "away"));
  fake.patience.waits_max = 20;

  CHECK(fake.run({"logs", "-f", "-n", "0"}) == 0);

  CHECK(*std::max_element(fake.patience.waits.begin(), fake.patience.waits.end()) <= 5s);
  CHECK(fake.server.is_done());
}

TEST_CASE("a server that comes back without its past is followed from now, which is said") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/logs/tail", tail_page({}, "t0"));
  fake.server.expect_failure("/v1/logs/tail?cursor=t0&wait=20s", Error(Code::unavailable, "away"));
  fake.server.expect("/v1/logs/tail?cursor=t0&wait=0s", R"({"detail":"cursor: not one of ours"})", 400);
  fake.server.expect("/v1/logs/tail", tail_page({}, "n0"));
  fake.server.expect_interrupt("/v1/logs/tail?cursor=n0&wait=20s");

  CHECK(fake.run({"logs", "-f", "-n", "0"}) == 0);

  CHECK(fake.screen.err ==
        "away; trying again until it answers, Ctrl-C ends\n"
        "the server is back but does not know where this left off (http://127.0.0.1:7842 said no (400): cursor: not "
        "one of ours); going on from now, lines in between are not shown\n");
}

TEST_CASE("following ends when the key is no longer accepted") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect("/v1/logs/tail", tail_page({}, "t0"));
  fake.server.expect("/v1/logs/tail?cursor=t0&wait=20s", R"({"detail":"no such key"})", 401);

  CHECK(fake.run({"logs", "-f", "-n", "0"}) == 1);

  CHECK(fake.screen.err == "http://127.0.0.1:7842 does not accept the API key: no such key\n");
}

TEST_CASE("following a server that is not there from the start fails at once") {
  FakeWorld fake;
  fake.log_in();
  fake.server.expect_failure("/v1/logs/tail", Error(Code::unavailable, "cannot reach http://127.0.0.1:7842: refused"));

  CHECK(fake.run({"logs", "-f"}) == 1);

  CHECK(fake.screen.err == "cannot reach http://127.0.0.1:7842: refused\n");
}
