#include "agent/plugin_host.h"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <fstream>
#include <mutex>

#include "agent/plugin_test.h"
#include "common/crypto/digest.h"
#include "common/sys/disk.h"
#include "tests/collectors/memory_intake.h"
#include "tests/sys/temp_directory.h"

using namespace reeve;
using namespace reeve::agent;

namespace {

std::string built(const std::string& name) {
  return std::string(REEVE_TEST_PLUGINS) + "/" + name;
}

std::string hash_of(const std::string& path) {
  const auto bytes = sys::read_file(sys::real_disk(), path, 64_MiB);
  REQUIRE(bytes.ok());
  return to_hex(crypto::sha256(*bytes));
}

// A plugin in a collector, polled whenever it has something.
struct Hosted {
  std::mutex mutex;
  std::condition_variable changed;
  bool woken = false;
  SeededRandom random{1};
  SystemClock clock;
  collect::MemoryIntake intake;
  std::unique_ptr<PluginCollector> collector;

  explicit Hosted(const std::string& mode, const std::string& file = "odd.so", std::string sha256 = "",
                  std::vector<wire::SourcePosition> restored = {}) {
    PluginConfig config;
    config.path = built(file);
    config.sha256 = sha256.empty() ? hash_of(config.path) : sha256;
    config.interval = 20ms;
    config.config = {{"mode", mode}};
    collector = std::make_unique<PluginCollector>(config, PluginWorld{.random = random,
                                                                      .restored = std::move(restored),
                                                                      .wake =
                                                                          [this] {
                                                                            const std::lock_guard lock(mutex);
                                                                            woken = true;
                                                                            changed.notify_all();
                                                                          },
                                                                      .owner = PluginOwner::anyone});
  }

  bool until(const std::function<bool()>& done) {
    const Instant deadline = clock.now() + 20s;
    while (clock.now() < deadline) {
      at_end = collector->poll(clock.now(), clock.wall(), intake).at_end;
      if (done()) return true;
      std::unique_lock lock(mutex);
      changed.wait_for(lock, 20ms, [this] { return woken; });
      woken = false;
    }
    return false;
  }
  bool at_end = false;
};

struct Tested {
  bool passed;
  std::string lines;
};

Tested test_with(const std::string& mode, const std::string& file = "odd.so") {
  Tested tested{};
  PluginTestOptions options;
  options.path = built(file);
  options.config = {{"mode", mode}};
  options.check_max = 5s;
  tested.passed = test_plugin(options, [&](const std::string& line) { tested.lines += line + "\n"; });
  return tested;
}

bool contains(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("what a plugin emits arrives as records and points, with their fields sorted") {
  Hosted hosted("emit");
  REQUIRE(hosted.until([&] { return hosted.intake.rows.size() >= 2; }));
  const auto& row = hosted.intake.rows.front();
  CHECK(row.body == "polled");
  CHECK(row.time == WallTime{1767225600'000'000'000});
  CHECK(row.level == wire::Level::warn);
  CHECK(row.service == "odd");
  CHECK(row.fields == std::map<std::string, std::string>{{"area", "a"}, {"zone", "z"}});
  const auto& metric = hosted.intake.metrics.at("odd.polls{area=a,zone=z}");
  CHECK(metric.kind == wire::MetricKind::counter);
  CHECK(metric.unit == "1");
  const auto position = hosted.intake.latest().at(0);
  CHECK(position.kind == "plugin");
  CHECK(position.name == built("odd.so"));
  CHECK(position.offset == hosted.intake.rows.size() * 7);
}

TEST_CASE("a plugin's source goes on counting where its durable position stands") {
  wire::SourcePosition before;
  before.id = 9;
  before.kind = "plugin";
  before.name = built("odd.so");
  before.offset = 100;
  Hosted hosted("emit", "odd.so", "", {before});
  REQUIRE(hosted.until([&] { return !hosted.intake.rows.empty(); }));
  CHECK(hosted.intake.latest().at(0).id == 9);
  CHECK(hosted.intake.latest().at(0).offset == 100 + hosted.intake.rows.size() * 7);
}

TEST_CASE("what no plugin may emit is refused and counted, and the rest goes on") {
  Hosted hosted("wrong");
  REQUIRE(hosted.until([&] { return hosted.intake.rows.size() >= 2 && hosted.intake.drops["plugin_invalid"] > 0; }));
  CHECK(hosted.intake.metrics.size() == 1);
}

TEST_CASE("a plugin that emits without end is told that there is no room, and nothing is lost before") {
  Hosted hosted("flood");
  hosted.intake.rows_max = 0;
  REQUIRE(hosted.until([&] { return hosted.at_end; }));  // it has been polled, and came back
  hosted.intake.rows_max = SIZE_MAX;
  REQUIRE(hosted.until([&] { return hosted.intake.rows.size() > 60; }));
  const size_t held = PluginCollector::held_bytes_max / 60'128;
  CHECK(hosted.intake.rows.size() >= held);
}

TEST_CASE("a plugin whose far end is away is polled again later") {
  Hosted hosted("away");
  REQUIRE(hosted.until([&] { return hosted.intake.metrics.contains("odd.polls{area=a,zone=z}"); }));
  CHECK(hosted.intake.metrics.at("odd.polls{area=a,zone=z}").value >= 2);
}

TEST_CASE("a plugin that has more is called again at once") {
  Hosted hosted("more");
  REQUIRE(hosted.until([&] { return hosted.intake.rows.size() >= 5; }));
}

TEST_CASE("a plugin that refuses its configuration, or is not the one with that hash, stays off") {
  Hosted refused("refuse");
  REQUIRE(refused.until([&] { return refused.at_end; }));
  CHECK(refused.intake.rows.empty());

  Hosted other("emit", "odd.so", std::string(64, '0'));
  REQUIRE(other.until([&] { return other.at_end; }));
  CHECK(other.intake.rows.empty());
}

TEST_CASE("a plugin that hangs is left behind, and nobody waits long for it") {
  Hosted hosted("hang");
  CHECK(hosted.until([&] {
    // Reported as soon as poll_max lies behind, without waiting that long here.
    return hosted.collector->poll(hosted.clock.now() + PluginCollector::poll_max + 1s, WallTime{1}, hosted.intake)
               .next.ns > 0;
  }));
  CHECK_FALSE(hosted.at_end);
  hosted.collector->on_stop(hosted.intake);
  CHECK(hosted.intake.rows.empty());
}

TEST_CASE("a table of another version is refused when it is loaded") {
  const auto refusal = [](const std::string& file) {
    const auto image = read_plugin(built(file), PluginOwner::anyone);
    REQUIRE(image.ok());
    const auto table = load_plugin(*image, built(file));
    REQUIRE_FALSE(table.ok());
    return table.error().text();
  };
  CHECK(contains(refusal("odd_abi2.so"), "ABI 2; this agent speaks ABI 1"));
  CHECK(contains(refusal("odd_small.so"), "8 bytes; ABI 1 has 48"));
  CHECK(contains(refusal("odd_name.so"), "its name is \"Odd One\""));

  const TempDirectory directory;
  std::ofstream(directory / "text.so") << "not an object";
  const auto image = read_plugin(directory / "text.so", PluginOwner::anyone);
  REQUIRE(image.ok());
  const auto table = load_plugin(*image, directory / "text.so");
  REQUIRE_FALSE(table.ok());
  CHECK(contains(table.error().text(), "load " + (directory / "text.so")));
}

TEST_CASE("the agent loads only what root alone could have written") {
  const TempDirectory directory;  // below a folder that everybody may write to
  std::ofstream(directory / "a.so") << "x";
  const auto refusal = [](const std::string& path) {
    const auto image = read_plugin(path, PluginOwner::root);
    REQUIRE_FALSE(image.ok());
    return image.error().text();
  };
  const bool shared_folder = contains(refusal(directory / "a.so"), "can be written by others") ||
                             contains(refusal(directory / "a.so"), "belongs to user");
  CHECK(shared_folder);
  CHECK(contains(refusal("plugin.so"), "is no absolute path"));
  CHECK(contains(refusal("/usr/../etc/passwd"), "\"..\""));
  CHECK(contains(refusal("/etc"), "is no regular file"));
  CHECK(contains(refusal("/proc/self/exe"), "symbolic link"));
  CHECK(contains(refusal("/usr/lib/no-such-plugin.so"), "open /usr/lib/no-such-plugin.so"));
}

TEST_CASE("plugin-test passes a plugin that keeps the rules") {
  const Tested good = test_with("emit");
  INFO(good.lines);
  CHECK(good.passed);
  CHECK(contains(good.lines, "PASS it loads, and its table is right: odd: Misbehaves as it is told."));
  CHECK(contains(good.lines, "3 samples, 3 log records"));
  CHECK(contains(good.lines, "sha256: " + hash_of(built("odd.so"))));
  CHECK(contains(good.lines, "10 passed, 0 failed"));
}

TEST_CASE("plugin-test finds what is wrong, and says so") {
  const Tested crash = test_with("crash");
  CHECK_FALSE(crash.passed);
  CHECK(contains(crash.lines, "FAIL it is polled, comes back in time, and emits by the rules: it ended the process"));
  CHECK(contains(crash.lines, "PASS a good configuration opens"));

  CHECK(contains(test_with("exit").lines, "with exit status 7"));
  CHECK(contains(test_with("wrong").lines,
                 "FAIL it is polled, comes back in time, and emits by the rules: it emitted "
                 "what no plugin may: there is no item"));
  CHECK(contains(test_with("nonsense").lines, "poll() gave 42; allowed"));
  CHECK(contains(test_with("refuse").lines,
                 "FAIL a good configuration opens, and closes again: open() gave -1, and it "
                 "logged \"no such thing\""));
  CHECK(contains(test_with("emit", "odd_abi2.so").lines, "FAIL it loads, and its table is right"));
}
