#include <catch2/catch.hpp>

#include "agent/lua/pattern_cache.h"
#include "agent/lua/script.h"

using namespace reeve;
using namespace reeve::agent;

namespace {

// What `expression` is, as a text.
std::string value_of(const std::string& expression) {
  const std::string text =
      "local function show(...) local t = table.pack(...) for i = 1, t.n do t[i] = tostring(t[i]) end "
      "return table.concat(t, ',') end return {parse = function(record) record.v = show(" +
      expression + ") end}";
  auto script = lua::Script::load("x.lua", text, {}, {});
  if (!script.ok()) return script.error().text();
  Draft draft;
  draft.begin("", WallTime{});
  if ((*script)->parse(draft, [](Draft&) {}) == ParseResult::failed) return (*script)->failure();
  return std::string(draft.field("v").value_or(""));
}

std::vector<std::string> groups_of(std::string_view pattern_text, std::string_view text) {
  std::string reason;
  const auto pattern = lua::Pattern::compile(pattern_text, reason);
  if (!pattern) return {reason};
  lua::Pattern::Groups groups;
  if (!pattern->match(text, 0, groups)) return {};
  std::vector<std::string> result;
  for (size_t i = 0; i <= pattern->groups(); ++i) {
    result.emplace_back(groups[i].data() == nullptr ? "(none)" : std::string(groups[i]));
  }
  return result;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("match, find, gmatch and gsub do what Lua's do, with other patterns") {
  CHECK(value_of("('a=1'):match('(\\\\w)=(\\\\d)')") == "a,1");
  CHECK(value_of("('a=1'):match('\\\\d')") == "1");
  CHECK(value_of("('a=1'):match('x')") == "nil");
  CHECK(value_of("('b'):match('(a)?(b)')") == "nil,b");
  CHECK(value_of("('hello'):find('l+')") == "3,4");
  CHECK(value_of("('hello'):find('(l)(l)')") == "3,4,l,l");
  CHECK(value_of("('a.b'):find('.', 1, true)") == "2,2");
  CHECK(value_of("('hello'):find('l', 4)") == "4,4");
  CHECK(value_of("('hello'):find('l', -2)") == "4,4");
  CHECK(value_of("('hello'):find('l', 10)") == "nil");
  CHECK(value_of("('abc'):gsub('b', '<%0>')") == "a<b>c,1");
  CHECK(value_of("('abc'):gsub('(a)(b)', '%2%1')") == "bac,1");
  CHECK(value_of("('abc'):gsub('', '-')") == "-a-b-c-,4");
  CHECK(value_of("('abc'):gsub('b*', '-')") == "-a-c-,3");
  CHECK(value_of("('abc'):gsub('.', {a = 1, b = true and 'B'})") == "1Bc,3");
  CHECK(value_of("('abc'):gsub('.', function(c) return c:upper() end, 2)") == "ABc,2");
  CHECK(value_of("(function() local s = '' for k, v in ('a=1 b=2'):gmatch('(\\\\w)=(\\\\w)') do s = s .. k .. v end "
                 "return s end)()") == "a1b2");
}

TEST_CASE("a pattern that is none says why") {
  CHECK(value_of("('x'):match('(')").find("pattern \"(\": missing )") != std::string::npos);
  CHECK(value_of("('x'):gsub('x', '%3')").find("followed by one of 0 to 0") != std::string::npos);
}

TEST_CASE("a pattern in pieces finds what it would find whole") {
  // Each has more than four groups and can be cut; the texts are such that a piece may take too much.
  CHECK(groups_of("^(a*)(a*)(b)(c)(d)(e)$", "aabcde") == Texts{"aabcde", "aa", "", "b", "c", "d", "e"});
  CHECK(groups_of("^(.*) (.*) (.*) (.*) (x)(y)$", "1 2 3 4 5 xy") ==
        Texts{"1 2 3 4 5 xy", "1 2", "3", "4", "5", "x", "y"});
  CHECK(groups_of("^(a)(b)(c)(d)(?: (e))?(f)?$", "abcdf") == Texts{"abcdf", "a", "b", "c", "d", "(none)", "f"});
  CHECK(groups_of("^(a)(b)(c)(d)+(e)$", "abcddde") == Texts{"abcddde", "a", "b", "c", "d", "e"});
  CHECK(groups_of("^(a)(b)(c)(d)\\b(e)", "abcde").empty());
  CHECK(groups_of("^(a)(b)(c)(d)|(e)", "e") == Texts{"e", "(none)", "(none)", "(none)", "(none)", "e"});
  CHECK(groups_of("^(a)(b)[(](c)(d)(e)", "ab(cde") == Texts{"ab(cde", "a", "b", "c", "d", "e"});
  CHECK(groups_of("^(?i)(a)(b)(c)(d)(e)", "ABCDE") == Texts{"ABCDE", "A", "B", "C", "D", "E"});
}

TEST_CASE("the cache holds a bounded number and finds each by its text") {
  lua::PatternCache cache;
  for (int i = 0; i < 100; ++i) REQUIRE(cache.find_or_compile("a" + std::to_string(i)) != nullptr);

  CHECK(cache.find_or_compile("a99")->text() == "a99");
  CHECK(!cache.compiled_last());
  CHECK(cache.find_or_compile("a0")->text() == "a0");
  CHECK(cache.compiled_last());
  CHECK(cache.find_or_compile("(") == nullptr);
}
