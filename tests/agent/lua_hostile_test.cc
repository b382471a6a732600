// Scripts that try to run for ever, to eat the host, or to get out: tests/agent/hostile.
#include <catch2/catch.hpp>

#include "agent/lua/script.h"
#include "tests/agent/hostile_scripts.h"

using namespace reeve;
using namespace reeve::agent;

namespace {

constexpr WallTime arrival{1'772'323'200'000'000'000};
constexpr BytesView line = "GET /cart 200";
constexpr int lines = 3;

// What became of a script over a few lines.
struct Outcome {
  bool loaded = false;
  int arrived = 0;
  int failed = 0;
  int breached = 0;
  int dropped = 0;
  std::string escaped;
};

Outcome run(const HostileScript& hostile) {
  Outcome outcome;
  auto script = lua::Script::load("hostile.lua", hostile.text, {}, {});
  outcome.loaded = script.ok();
  if (!outcome.loaded) return outcome;
  for (int i = 0; i < lines; ++i) {
    Draft draft;
    draft.begin(line, arrival);
    size_t further_bytes = 0;
    const ParseResult result = (*script)->parse(draft, [&](Draft& further) { further_bytes += further.body().size(); });
    ++outcome.arrived;
    outcome.failed += result == ParseResult::failed;
    outcome.breached += result == ParseResult::failed && (*script)->breached() != lua::Breach::none;
    outcome.dropped += result == ParseResult::dropped;
    if (const auto escaped = draft.field("escaped")) outcome.escaped = *escaped;
    CHECK(further_bytes <= lua::Limits().output_bytes_max);
    if (result == ParseResult::failed) {
      // As if nobody had looked at it.
      CHECK(draft.body() == line);
      CHECK(draft.fields().empty());
      CHECK(!draft.time);
    }
    CHECK(draft.line() == line);
  }
  return outcome;
}

size_t run_all(const std::string& file) {
  const std::vector<HostileScript> scripts = read_hostile_scripts(file);
  for (const HostileScript& script : scripts) {
    INFO(script.name);
    const Outcome outcome = run(script);
    CHECK(outcome.escaped.empty());
    CHECK(outcome.arrived == (outcome.loaded ? lines : 0));
    if (script.name.find("drop") == std::string::npos) CHECK(outcome.dropped == 0);
  }
  return scripts.size();
}

}  // namespace

TEST_CASE("no script that runs for ever comes to its end, and none takes a line with it") {
  const std::vector<HostileScript> scripts = read_hostile_scripts("loops.lua");
  REQUIRE(scripts.size() >= 50);
  for (const HostileScript& script : scripts) {
    INFO(script.name);
    const Outcome outcome = run(script);
    CHECK(outcome.loaded);
    CHECK(outcome.failed == lines);
    CHECK(outcome.escaped.empty());
  }
}

TEST_CASE("scripts that eat memory leave every line as it was") {
  CHECK(run_all("memory.lua") >= 60);
}

TEST_CASE("patterns that would bomb another engine cost what they may") {
  CHECK(run_all("patterns.lua") >= 40);
}

TEST_CASE("nothing that a script must not have is there") {
  CHECK(run_all("escapes.lua") >= 75);
}

TEST_CASE("what a script makes of a line has a bound, and wrong kinds are errors of the script") {
  CHECK(run_all("output.lua") >= 50);
}

TEST_CASE("recursion and deep nesting end in an error, whoever does the nesting") {
  CHECK(run_all("recursion.lua") >= 30);
}

TEST_CASE("bytecode is not a script") {
  const std::string header("\x1bLua\x54\x00\x19\x93\r\n\x1a\n\x04\x08\x08", 15);

  const auto script = lua::Script::load("code.lua", header + std::string(200, '\0'), {}, {});

  REQUIRE(!script.ok());
  CHECK(script.error().text().find("binary chunk") != std::string::npos);
}

TEST_CASE("a script of more bytes than allowed is refused before it is read") {
  lua::Limits limits;
  const std::string head = "return {parse = function() end} --";
  const std::string largest = head + std::string(limits.script_bytes_max - head.size(), 'x');

  CHECK(lua::Script::load("large.lua", largest, limits, {}).ok());
  CHECK(!lua::Script::load("large.lua", largest + "x", limits, {}).ok());
}

TEST_CASE("each kind of breach is named") {
  const auto breach_of = [](const std::string& body, lua::Limits limits = {}) {
    auto script = lua::Script::load("x.lua", "return {parse = function(record) " + body + " end}", limits, {});
    REQUIRE(script.ok());
    Draft draft;
    draft.begin(line, arrival);
    CHECK((*script)->parse(draft, [](Draft&) {}) == ParseResult::failed);
    return (*script)->breached();
  };
  lua::Limits patient;
  patient.cpu_max = 60s;
  lua::Limits hasty;
  hasty.units_max = UINT64_MAX;
  hasty.cpu_max = 1ms;

  CHECK(breach_of("while true do end", patient) == lua::Breach::instructions);
  CHECK(breach_of("while true do end", hasty) == lua::Breach::time);
  CHECK(breach_of("local t = {} for i = 1, 1e9 do t[i] = {} end", patient) == lua::Breach::memory);
  CHECK(breach_of("for i = 1, 101 do emit{body = 'x'} end") == lua::Breach::output);
  CHECK(breach_of("error('mine')") == lua::Breach::none);
}

TEST_CASE("__call of __call ends with the stack, not with the day") {
  // One instruction of Lua that moves all arguments up once for each level; the hook never sees it.
  lua::Limits limits;
  limits.cpu_max = 60s;
  auto script = lua::Script::load(
      "call.lua", "return {parse = function() local t = {} setmetatable(t, {__call = t}) t() end}", limits, {});
  REQUIRE(script.ok());
  Draft draft;
  draft.begin(line, arrival);

  CHECK((*script)->parse(draft, [](Draft&) {}) == ParseResult::failed);
  CHECK((*script)->breached() == lua::Breach::memory);
}
