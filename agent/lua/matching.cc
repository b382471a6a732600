// string.find, match, gmatch and gsub with RE2's patterns, for a known price.
//
//     match(text, pattern [, from])       the groups, or the whole match where there are none; nil without a match
//     find(text, pattern [, from, plain]) where it begins and ends, then the groups
//     gmatch(text, pattern)               an iterator over match()'s results
//     gsub(text, pattern, by [, count])   `by` a text with %0 to %9, a table or a function; the text and how often
//
// A group that took no part is nil. Where a match may begin is counted in bytes from 1, as everywhere in Lua.
#include <algorithm>
#include <cstring>

#include "agent/lua/sandbox_impl.h"

namespace reeve::agent::lua {

namespace {

constexpr uint64_t steps_per_unit = 256;
constexpr uint64_t steps_max = 50'000'000;  // of one match, at worst: a third of a second
constexpr uint64_t steps_long = 1'000'000;  // worth a look at the clock
constexpr uint64_t compile_units = 2000;

// A match reads the text in one step for each byte, and what it found once more for the groups. That is what it costs;
// that RE2 may be slower when a pattern has very many states is left to the clock.
bool find_match(lua_State* state, const Pattern& pattern, std::string_view text, size_t from, Pattern::Groups& groups) {
  const size_t rest = text.size() - from;
  const uint64_t worst = pattern.steps_per_byte() * (rest + 1);
  if (worst > steps_max)
    luaL_error(state, "this pattern is too much work for a text of %d bytes", static_cast<int>(rest));
  const bool found = pattern.match(text, from, groups);
  const uint64_t steps = found ? rest + groups[0].size() * pattern.steps_per_byte() : rest;
  if (worst > steps_long) sandbox_of(state).look_at_clock();
  pay(state, 1 + steps / steps_per_unit);
  return found;
}

const Pattern& check_pattern(lua_State* state, std::string_view text) {
  PatternCache& patterns = sandbox_of(state).patterns();
  const Pattern* pattern = patterns.find_or_compile(text);
  if (patterns.compiled_last()) pay(state, compile_units + (pattern ? pattern->steps_per_byte() : 0));
  if (pattern == nullptr) luaL_error(state, "%s", patterns.error().c_str());
  return *pattern;
}

// The byte where to begin, from 0; more than the text's size: nowhere.
size_t check_begin(lua_State* state, int argument, size_t size) {
  const lua_Integer from = luaL_optinteger(state, argument, 1);
  if (from > 0) return static_cast<uint64_t>(from) - 1 > size ? size + 1 : static_cast<size_t>(from) - 1;
  if (from == 0 || from < -static_cast<lua_Integer>(size)) return 0;
  return size - static_cast<size_t>(-from);
}

void push_group(lua_State* state, std::string_view group) {
  if (group.data() == nullptr) {
    lua_pushnil(state);
  } else {
    lua_pushlstring(state, group.data(), group.size());
  }
}

int push_groups(lua_State* state, const Pattern& pattern, const Pattern::Groups& groups) {
  const size_t count = pattern.groups();
  luaL_checkstack(state, static_cast<int>(count) + 2, "too many groups");
  if (count == 0) {
    push_group(state, groups[0]);
    return 1;
  }
  for (size_t i = 1; i <= count; ++i) push_group(state, groups[i]);
  return static_cast<int>(count);
}

int string_match(lua_State* state) {
  const std::string_view text = check_text(state, 1);
  const std::string_view pattern_text = check_text(state, 2);
  const size_t begin = check_begin(state, 3, text.size());
  const Pattern& pattern = check_pattern(state, pattern_text);
  Pattern::Groups groups;
  if (begin <= text.size()) {
    if (find_match(state, pattern, text, begin, groups)) return push_groups(state, pattern, groups);
  }
  lua_pushnil(state);
  return 1;
}

int string_find(lua_State* state) {
  const std::string_view text = check_text(state, 1);
  const std::string_view pattern_text = check_text(state, 2);
  const size_t begin = check_begin(state, 3, text.size());
  if (begin > text.size()) {
    lua_pushnil(state);
    return 1;
  }
  if (lua_toboolean(state, 4) != 0) {
    pay(state, (text.size() - begin) / 64);
    const void* found = memmem(text.data() + begin, text.size() - begin, pattern_text.data(), pattern_text.size());
    if (found == nullptr) {
      lua_pushnil(state);
      return 1;
    }
    const auto at = static_cast<const char*>(found) - text.data();
    lua_pushinteger(state, at + 1);
    lua_pushinteger(state, at + static_cast<lua_Integer>(pattern_text.size()));
    return 2;
  }
  const Pattern& pattern = check_pattern(state, pattern_text);
  Pattern::Groups groups;
  if (!find_match(state, pattern, text, begin, groups)) {
    lua_pushnil(state);
    return 1;
  }
  const auto at = groups[0].data() - text.data();
  lua_pushinteger(state, at + 1);
  lua_pushinteger(state, at + static_cast<lua_Integer>(groups[0].size()));
  return 2 + (pattern.groups() == 0 ? 0 : push_groups(state, pattern, groups));
}

// Upvalues: text, pattern, where to go on (-1: done).
int next_match(lua_State* state) {
  const std::string_view text = check_text(state, lua_upvalueindex(1));
  const std::string_view pattern_text = check_text(state, lua_upvalueindex(2));
  const lua_Integer from = lua_tointeger(state, lua_upvalueindex(3));
  if (from < 0 || static_cast<size_t>(from) > text.size()) return 0;
  const Pattern& pattern = check_pattern(state, pattern_text);
  Pattern::Groups groups;
  lua_Integer next = -1;
  const bool found = find_match(state, pattern, text, static_cast<size_t>(from), groups);
  if (found) next = groups[0].data() - text.data() + static_cast<lua_Integer>(groups[0].size());
  if (found && groups[0].empty()) ++next;
  lua_pushinteger(state, next);
  lua_replace(state, lua_upvalueindex(3));
  return found ? push_groups(state, pattern, groups) : 0;
}

int string_gmatch(lua_State* state) {
  (void)check_text(state, 1);
  (void)check_pattern(state, check_text(state, 2));
  lua_settop(state, 2);
  lua_pushinteger(state, 0);
  lua_pushcclosure(state, next_match, 3);
  return 1;
}

// "%1" and the like, into the buffer.
void add_template(lua_State* state, luaL_Buffer& out, std::string_view by, const Pattern& pattern,
                  const Pattern::Groups& groups) {
  size_t at = 0;
  while (at < by.size()) {
    const size_t percent = std::min(by.find('%', at), by.size());
    luaL_addlstring(&out, by.data() + at, percent - at);
    if (percent == by.size()) return;
    const char c = percent + 1 < by.size() ? by[percent + 1] : '\0';
    if (c == '%') {
      luaL_addchar(&out, '%');
    } else if (c >= '0' && c <= '9' && static_cast<size_t>(c - '0') <= std::max<size_t>(pattern.groups(), 1)) {
      const size_t index = pattern.groups() == 0 ? 0 : static_cast<size_t>(c - '0');
      luaL_addlstring(&out, groups[index].data(), groups[index].size());
    } else {
      luaL_error(state, "in what gsub puts in, %% is followed by one of 0 to %d, or by %%",
                 static_cast<int>(std::min<size_t>(pattern.groups(), 9)));
    }
    at = percent + 2;
  }
}

// What stands for the match, by a table or a function; false or nil keeps it. One value is pushed.
void push_value(lua_State* state, const Pattern& pattern, const Pattern::Groups& groups) {
  if (lua_type(state, 3) == LUA_TTABLE) {
    push_group(state, groups[pattern.groups() == 0 ? 0 : 1]);
    if (lua_isnil(state, -1)) return;
    lua_gettable(state, 3);
  } else {
    lua_pushvalue(state, 3);
    lua_call(state, push_groups(state, pattern, groups), 1);
  }
}

int string_gsub(lua_State* state) {
  const std::string_view text = check_text(state, 1);
  const std::string_view pattern_text = check_text(state, 2);
  const int by_type = lua_type(state, 3);
  luaL_argexpected(
      state, by_type == LUA_TNUMBER || by_type == LUA_TSTRING || by_type == LUA_TFUNCTION || by_type == LUA_TTABLE, 3,
      "string/function/table");
  const bool by_text = by_type == LUA_TNUMBER || by_type == LUA_TSTRING;
  const std::string_view by = by_text ? check_text(state, 3) : std::string_view();
  const lua_Integer count_max = luaL_optinteger(state, 4, static_cast<lua_Integer>(text.size()) + 1);
  luaL_Buffer out;
  luaL_buffinit(state, &out);
  size_t from = 0;     // looks for the next match from here
  size_t written = 0;  // the text before is in `out`
  lua_Integer count = 0;
  while (count < count_max && from <= text.size()) {
    // Asked again each time: a function may have used other patterns.
    const Pattern& pattern = check_pattern(state, pattern_text);
    Pattern::Groups groups;
    if (!find_match(state, pattern, text, from, groups)) break;
    const auto begin = static_cast<size_t>(groups[0].data() - text.data());
    const size_t size = groups[0].size();
    if (size == 0 && count > 0 && begin == written) {  // nothing, right behind a match
      ++from;
      continue;
    }
    ++count;
    luaL_addlstring(&out, text.data() + written, begin - written);
    if (by_text) {
      add_template(state, out, by, pattern, groups);
    } else {
      push_value(state, pattern, groups);
      if (lua_toboolean(state, -1) == 0) {
        lua_pop(state, 1);
        lua_pushlstring(state, text.data() + begin, size);
      } else if (lua_isstring(state, -1) == 0) {
        return luaL_error(state, "gsub puts in texts, not a %s", luaL_typename(state, -1));
      }
      luaL_addvalue(&out);
    }
    written = begin + size;
    from = size == 0 ? written + 1 : written;
  }
  if (written < text.size()) luaL_addlstring(&out, text.data() + written, text.size() - written);
  luaL_pushresult(&out);
  lua_pushinteger(state, count);
  return 2;
}

}  // namespace

void add_matching(lua_State* state) {
  static constexpr luaL_Reg functions[] = {{"find", string_find},
                                           {"gmatch", string_gmatch},
                                           {"gsub", string_gsub},
                                           {"match", string_match},
                                           {nullptr, nullptr}};
  luaL_setfuncs(state, functions, 0);
}

}  // namespace reeve::agent::lua
