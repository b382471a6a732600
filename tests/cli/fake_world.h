// A command line whose server, screen, clock and patience are scripted.
#pragma once

#include <catch2/catch.hpp>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "cli/profile.h"
#include "cli/run.h"
#include "cli/world.h"
#include "common/base/random.h"
#include "common/sys/disk.h"

namespace reeve::cli {

// 2026-11-21T02:54:00Z.
constexpr WallTime test_now{1'795'229'640'000'000'000};

class ManualClock : public Clock {
 public:
  Instant now() override { return Instant{elapsed_.count()}; }
  WallTime wall() override { return test_now + elapsed_; }
  void advance(Duration duration) { elapsed_ += duration; }

 private:
  Duration elapsed_{};
};

// Time passes only when somebody waits for it. Ends after `waits_max` waits, as if Ctrl-C were pressed.
class FakePatience : public Patience {
 public:
  explicit FakePatience(ManualClock& clock) : clock_(clock) {}
  bool wait(Duration duration) override {
    waits.push_back(duration);
    clock_.advance(duration);
    has_ended_ = has_ended_ || waits.size() >= waits_max;
    return !has_ended_;
  }
  bool has_ended() const override { return has_ended_; }
  void end() { has_ended_ = true; }

  size_t waits_max = 1000;
  std::vector<Duration> waits;

 private:
  ManualClock& clock_;
  bool has_ended_ = false;
};

class FakeScreen : public Screen {
 public:
  Status print(std::string_view text) override {
    if (reader_has_gone) return Error(Code::cancelled, "nobody reads");
    out += text;
    return {};
  }
  void say(std::string_view sentence) override { err += std::string(sentence) + "\n"; }
  bool has_colour() const override { return colour; }
  size_t columns() const override { return 80; }

  std::string out;
  std::string err;
  bool colour = false;
  bool reader_has_gone = false;
};

// Types what it was told to, in order. Nothing left to type is a person who is not there.
class FakeKeyboard : public Keyboard {
 public:
  Result<std::string> ask(const std::string& prompt) override {
    prompts.push_back(prompt);
    if (lines.empty()) return Error(Code::unavailable, "there is no terminal to ask on");
    std::string line = lines.front();
    lines.pop_front();
    return line;
  }
  Result<std::string> ask_hidden(const std::string& prompt) override {
    hidden += 1;
    return ask(prompt);
  }

  std::deque<std::string> lines;
  std::vector<std::string> prompts;
  size_t hidden = 0;
};

// Answers the calls it was told of, in order, and remembers them. An unexpected call fails the test.
class FakeServer : public HttpFetch {
 public:
  explicit FakeServer(FakePatience& patience) : patience_(patience) {}

  // `target` is the path with its query, as a person would write it: "/v1/logs?limit=100".
  void expect(const std::string& target, const std::string& body, int status = 200) {
    script_.push_back({"GET " + target, HttpAnswer{.status = status, .request_id = {}, .body = body}});
  }
  void expect_post(const std::string& target, const std::string& body, int status = 200) {
    script_.push_back({"POST " + target, HttpAnswer{.status = status, .request_id = {}, .body = body}});
  }
  void expect_failure(const std::string& target, Error error) {
    script_.push_back({"GET " + target, std::move(error)});
  }
  // The next call finds that the user has pressed Ctrl-C.
  void expect_interrupt(const std::string& target) {
    script_.push_back({"GET " + target, Error(Code::cancelled, "interrupted")});
  }

  Result<HttpAnswer> fetch(const HttpCall& call) override {
    std::string target = call.method + " " + call.path;
    char separator = '?';
    for (const auto& [name, value] : call.query) {
      target += separator + name + "=" + value;
      separator = '&';
    }
    INFO("the call is " << target);
    REQUIRE_FALSE(script_.empty());
    REQUIRE(script_.front().target == target);

    calls.push_back(call);
    Result<HttpAnswer> answer = std::move(script_.front().answer);
    script_.pop_front();
    if (!answer && answer.error().code() == Code::cancelled) patience_.end();
    return answer;
  }

  Result<std::vector<Bytes>> presented_chain(const std::string&) override { return chain; }

  bool is_done() const { return script_.empty(); }

  std::vector<HttpCall> calls;
  std::vector<Bytes> chain;

 private:
  struct Expected {
    std::string target;
    Result<HttpAnswer> answer;
  };
  FakePatience& patience_;
  std::deque<Expected> script_;
};

class FakeWorld {
 public:
  FakeWorld() {
    std::string pattern = (std::filesystem::temp_directory_path() / "reeve_cli_XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    folder = pattern;
    world.environment.folder = folder + "/config";
  }
  ~FakeWorld() { std::filesystem::remove_all(folder); }
  FakeWorld(const FakeWorld&) = delete;
  FakeWorld& operator=(const FakeWorld&) = delete;

  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(folder + "/" + name, std::ios::binary) << content;
    return folder + "/" + name;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(folder + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  void log_in() {
    const Status saved = save_profile(world, {.url = "http://127.0.0.1:7842", .key = "rk_secret", .ca_pem = {}});
    REQUIRE(saved.ok());
  }

  int run(const std::vector<std::string>& arguments) { return cli::run(arguments, world); }

  std::string folder;
  ManualClock clock;
  FakePatience patience{clock};
  FakeServer server{patience};
  FakeScreen screen;
  FakeKeyboard keyboard;
  SeededRandom random{1};
  World world{.http = server,
              .screen = screen,
              .patience = patience,
              .keyboard = keyboard,
              .disk = sys::real_disk(),
              .clock = clock,
              .random = random,
              .environment = {}};
};

// A row of /v1/logs.
inline std::string log_row(const std::string& time, const std::string& body, const std::string& level = "info") {
  return R"({"time":")" + time + R"(","level":")" + level +
         R"(","service":"nginx","host":"web-1","source":"/var/log/syslog","template":"00","body":")" + body +
         R"(","fields":{},"agent":"0198c2f0-7c1e-7abc-8def-0123456789ab"})";
}

// An answer of /v1/logs; `next_cursor` empty on the last page.
inline std::string log_page(const std::vector<std::string>& rows, const std::string& next_cursor = "") {
  std::string list;
  for (const std::string& row : rows) list += (list.empty() ? "" : ",") + row;
  return R"({"logs":[)" + list + R"(],"next_cursor":)" + (next_cursor.empty() ? "null" : "\"" + next_cursor + "\"") +
         R"(,"scanned":{"blocks":3,"blocks_pruned":1,"rows":50,"damaged_blocks":0}})";
}

inline std::string tail_page(const std::vector<std::string>& rows, const std::string& cursor) {
  std::string list;
  for (const std::string& row : rows) list += (list.empty() ? "" : ",") + row;
  return R"({"logs":[)" + list + R"(],"cursor":")" + cursor + "\"}";
}

}  // namespace reeve::cli
