#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "agent/lua/golden.h"
#include "agent/lua/list_command.h"
#include "agent/lua/new_command.h"
#include "agent/lua/parsers.h"
#include "agent/lua/test_command.h"
#include "agent/parse/line_chain.h"
#include "agent/worker_plan.h"
#include "common/base/log.h"

using namespace reeve;
using namespace reeve::agent;

namespace {

constexpr WallTime arrival{1'772'323'200'000'000'000};

// A folder of parsers, and the parsers of one worker that looks there.
struct Folder {
  std::filesystem::path path;
  int64_t now_ns = 0;
  int saves = 0;

  Folder() {
    set_log_descriptor(-1);
    std::string pattern = (std::filesystem::temp_directory_path() / "reeve-lua-XXXXXX").string();
    path = mkdtemp(pattern.data());
  }
  ~Folder() {
    std::filesystem::remove_all(path);
    set_log_descriptor(2);
  }

  void save(const std::string& name, const std::string& body) {
    std::ofstream(path / (name + ".lua")) << "return {summary = 'Of a test.', parse = function(record) " << body
                                          << std::string(static_cast<size_t>(++saves), ' ') << "\nend}";
  }
  lua::LuaParsers::Options options() const {
    lua::LuaParsers::Options options;
    options.folders = {path.string()};
    return options;
  }
  Instant later() { return Instant{now_ns += 1'000'000'000}; }
};

struct Line {
  ParseResult result;
  std::string version;
  std::string failure;
};

Line parse(LineFormat& format, WallTime at = arrival, BytesView text = "line") {
  Draft draft;
  draft.begin(text, at);
  const ParseResult result = format.parse(draft, [](Draft&) {});
  return {result, std::string(draft.field("v").value_or("")), std::string(format.failure())};
}

std::unique_ptr<LineFormat> make(lua::LuaParsers& parsers, std::string_view name) {
  auto made = parsers.make(name);
  REQUIRE(made.ok());
  return std::move(*made);
}

}  // namespace

TEST_CASE("a parser is loaded anew when its file is saved") {
  Folder folder;
  folder.save("shop", "record.v = 1");
  lua::LuaParsers parsers(sys::real_disk(), folder.options());
  const auto shop = make(parsers, "shop");
  REQUIRE(parse(*shop).version == "1");

  folder.save("shop", "record.v = 2");
  parsers.refresh(folder.later());

  CHECK(parse(*shop).version == "2");
  CHECK(parsers.counters().loads == 2);
}

TEST_CASE("a broken new version is refused and the old one stays") {
  Folder folder;
  folder.save("shop", "record.v = 1");
  lua::LuaParsers parsers(sys::real_disk(), folder.options());
  const auto shop = make(parsers, "shop");
  REQUIRE(parse(*shop).version == "1");

  folder.save("shop", "record.v = ");
  parsers.refresh(folder.later());
  CHECK(parse(*shop).version == "1");
  // Compiles, and fails on the last line seen.
  folder.save("shop", "record.v = record.line + 1");
  parsers.refresh(folder.later());
  CHECK(parse(*shop).version == "1");
  CHECK(parsers.counters().refused_loads == 2);

  folder.save("shop", "record.v = 3");
  parsers.refresh(folder.later());
  CHECK(parse(*shop).version == "3");
}

TEST_CASE("a parser that is broken from the first, or not there, is off until it is mended") {
  Folder folder;
  folder.save("shop", "record.v = ");
  lua::LuaParsers parsers(sys::real_disk(), folder.options());
  const auto shop = make(parsers, "lua:shop");
  const auto absent = make(parsers, "absent");

  CHECK(parse(*shop).result == ParseResult::failed);
  CHECK(parse(*shop).failure.starts_with("parser shop is off: shop.lua:2: unexpected symbol near 'end'"));
  CHECK(parse(*absent).failure.starts_with("parser absent is off: there is no absent.lua"));

  folder.save("shop", "record.v = 1");
  folder.save("absent", "record.v = 2");
  parsers.refresh(folder.later());
  CHECK(parse(*shop).version == "1");
  CHECK(parse(*absent).version == "2");
}

TEST_CASE("a parser whose file goes away is off, and a shipped one of the same name takes over") {
  Folder folder;
  folder.save("shop", "record.v = 1");
  folder.save("nginx", "record.v = 'mine'");
  lua::LuaParsers parsers(sys::real_disk(), folder.options());
  const auto shop = make(parsers, "shop");
  const auto nginx = make(parsers, "nginx");
  REQUIRE(parse(*nginx).version == "mine");

  std::filesystem::remove(folder.path / "shop.lua");
  std::filesystem::remove(folder.path / "nginx.lua");
  parsers.refresh(folder.later());

  CHECK(parse(*shop).result == ParseResult::failed);
  CHECK(parse(*nginx).result == ParseResult::unknown);
}

TEST_CASE("ten breaches within a minute turn a parser off, nine do not") {
  Folder folder;
  folder.save("greedy", "if record.line == 'bad' then while true do pcall(error) end end record.v = 1");
  lua::LuaParsers::Options options = folder.options();
  options.limits.units_max = 10'000;
  lua::LuaParsers parsers(sys::real_disk(), options);
  const auto greedy = make(parsers, "greedy");

  for (int i = 0; i < 9; ++i) CHECK(parse(*greedy, arrival, "bad").result == ParseResult::failed);
  CHECK(parse(*greedy).version == "1");
  // Those before are older than the window by then.
  CHECK(parse(*greedy, arrival + 61s, "bad").result == ParseResult::failed);
  CHECK(parse(*greedy, arrival + 61s).version == "1");

  for (int i = 0; i < 9; ++i) (void)parse(*greedy, arrival + 62s, "bad");
  CHECK(parse(*greedy, arrival + 62s).result == ParseResult::failed);
  CHECK(parse(*greedy).failure.find("is off: 10 breaches within 1m") != std::string::npos);
}

TEST_CASE("errors of a script are counted and never turn it off") {
  Folder folder;
  folder.save("clumsy", "if record.line == 'bad' then error('no') end record.v = 1");
  lua::LuaParsers parsers(sys::real_disk(), folder.options());
  const auto clumsy = make(parsers, "clumsy");

  for (int i = 0; i < 100; ++i) CHECK(parse(*clumsy, arrival, "bad").failure == "clumsy.lua:1: no");

  CHECK(parse(*clumsy).version == "1");
  CHECK(parsers.counters().errors == 100);
}

TEST_CASE("a line that a script fails on goes on with parse_error, and the next parser sees it") {
  Folder folder;
  folder.save("first", "error('no')");
  folder.save("second", "record.v = 1");
  lua::LuaParsers parsers(sys::real_disk(), folder.options());
  LineRules rules;
  rules.parse = {"first", "second"};
  std::vector<ParserCounters> counters;
  LineChain chain(
      rules, {}, [&](std::string_view name) { return parsers.make(name); }, counters);
  Draft draft;
  draft.begin("line", arrival);

  CHECK(chain.parse(draft, [](Draft&) {}));
  CHECK(draft.field("parse_error") == "first.lua:1: no");
  CHECK(draft.field("v") == "1");
  CHECK(draft.body() == "line");
}

TEST_CASE("the shipped parsers pass their golden files") {
  const lua::TestAnswer answer =
      lua::test_parsers(sys::real_disk(), {.directory = std::string(REEVE_SOURCE_DIR) + "/lua"});

  INFO(answer.text);
  CHECK(answer.failures == 0);
  CHECK(answer.parsers == static_cast<int>(lua::shipped_parsers().size()));
  CHECK(answer.records >= 30);
}

TEST_CASE("a new parser passes at once, and a changed one shows the difference") {
  Folder folder;
  const auto made = lua::write_new_parser(sys::real_disk(), "shop", folder.path.string());
  REQUIRE(made.ok());
  const auto test = [&](bool update = false) {
    return lua::test_parsers(sys::real_disk(), {.directory = folder.path.string(), .update = update});
  };
  CHECK(test().failures == 0);
  CHECK(test().records == 3);

  std::ofstream(folder.path / "shop" / "shop.out.jsonl") << "{}\n{}\n{}\n";
  CHECK(test().failures == 3);
  CHECK(test().text.find("  - {}\n  + {\"time\":\"2026-03-01T12:00:00Z\"") != std::string::npos);
  CHECK(test(true).failures == 0);
  CHECK(test().failures == 0);

  CHECK(!lua::write_new_parser(sys::real_disk(), "shop", folder.path.string()).ok());
  CHECK(!lua::write_new_parser(sys::real_disk(), "json", folder.path.string()).ok());
  CHECK(!lua::write_new_parser(sys::real_disk(), "../x", folder.path.string()).ok());
}

TEST_CASE("the list shows a folder's parsers beside the shipped ones, and which are broken") {
  Folder folder;
  folder.save("shop", "record.v = 1");
  folder.save("bad", "record.v =");

  const std::string list = lua::list_parsers(sys::real_disk(), {folder.path.string()});

  CHECK(list.find("shop       Of a test. (" + folder.path.string()) != std::string::npos);
  CHECK(list.find("bad        OFF: bad.lua:2:") != std::string::npos);
  CHECK(list.find("postgresql PostgreSQL") != std::string::npos);
}

TEST_CASE("golden records are lines, or what stands between ---") {
  using Views = std::vector<std::string_view>;
  CHECK(lua::split_golden_records("a\nb\n") == Views{"a", "b"});
  CHECK(lua::split_golden_records("a\nb\n---\nc\n") == Views{"a\nb", "c"});
  CHECK(lua::split_golden_records("---\na\n---\n") == Views{"a"});
  CHECK(lua::split_golden_records("").empty());
}

TEST_CASE("inputs that name a script are read apart, and each position goes with its input") {
  collect::CollectorConfigs inputs;
  const auto file = [](const std::string& path, uint32_t rules) {
    collect::FileConfig config;
    config.include = {path};
    config.line_rules = rules;
    return config;
  };
  inputs.file = {file("/a/*.log", 0), file("/b/*.log", 2), file("/c/*.log", 1), file("/b/x.log", 0)};
  std::vector<LineRules> rules(3);
  rules[1].parse = {"json"};
  rules[2].parse = {"json", "nginx"};
  std::vector<wire::SourcePosition> restored(3);
  const auto set = [](wire::SourcePosition& position, uint64_t id, const char* kind, const char* name) {
    position.id = id;
    position.kind = kind;
    position.name = name;
  };
  set(restored[0], 1, "file", "/a/x.log");
  set(restored[1], 2, "file", "/b/x.log");
  set(restored[2], 3, "journal", "journal");

  const std::vector<WorkerShare> shares = plan_workers(inputs, rules, restored);

  REQUIRE(shares.size() == 2);
  CHECK(shares[0].inputs.file.size() == 3);
  REQUIRE(shares[1].inputs.file.size() == 1);
  CHECK(shares[1].inputs.file[0].include[0] == "/b/*.log");
  const auto ids = [](const WorkerShare& share) {
    std::vector<uint64_t> all;
    for (const auto& position : share.restored) all.push_back(position.id);
    return all;
  };
  CHECK(ids(shares[0]) == std::vector<uint64_t>{1, 3});
  CHECK(ids(shares[1]) == std::vector<uint64_t>{2, 3});
}

TEST_CASE("scripts have a bounded number of workers and then share") {
  collect::CollectorConfigs inputs;
  collect::FileConfig config;
  config.include = {"/a"};
  config.line_rules = 1;
  inputs.file.assign(10, config);
  std::vector<LineRules> rules(2);
  rules[1].parse = {"nginx"};

  const std::vector<WorkerShare> shares = plan_workers(inputs, rules, {});

  REQUIRE(shares.size() == 1 + script_workers_max);
  CHECK(shares[0].inputs.file.empty());
  CHECK(shares[1].inputs.file.size() == 3);
}

TEST_CASE("what workers counted is added up, parser by parser") {
  BatcherCounters one;
  one.rows = 3;
  one.dropped_bytes["x"] = 5;
  one.parsers = {{.name = "json", .parsed = 3}};
  BatcherCounters two;
  two.rows = 4;
  two.dropped_bytes["x"] = 6;
  two.parsers = {{.name = "nginx", .failed = 1}, {.name = "json", .parsed = 4}};

  const BatcherCounters sum = sum_of({one, two});

  CHECK(sum.rows == 7);
  CHECK(sum.dropped_bytes.at("x") == 11);
  REQUIRE(sum.parsers.size() == 2);
  CHECK(sum.parsers[0].parsed == 7);
  CHECK(sum.parsers[1].failed == 1);
}
