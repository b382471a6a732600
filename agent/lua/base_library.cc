// The sandbox's base, table, math and utf8 libraries: Lua's own, less what reaches out, and bounded where their work
// grows with their arguments.
//
// Missing on purpose: load, loadfile, dofile, require (code from texts), print, warn (a parser has no terminal),
// collectgarbage, rawset (would write through read-only tables), _G, math.randomseed. A metatable with __gc is refused:
// Lua runs finalizers without hooks. xpcall calls its handler after unwinding, because Lua itself would run it inside
// of the hook, where nothing is counted.
#include <algorithm>
#include <bit>

#include "agent/lua/sandbox_impl.h"

namespace reeve::agent::lua {

namespace {

constexpr lua_Integer values_max = 250;  // that one call may return
constexpr lua_Integer random_seed = 42;

void remove_fields(lua_State* state, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    lua_pushnil(state);
    lua_setfield(state, -2, name);
  }
}

// The function of that name in the table on top, to be called after paying.
lua_CFunction function_of(lua_State* state, const char* name) {
  lua_getfield(state, -1, name);
  lua_CFunction function = lua_tocfunction(state, -1);
  lua_pop(state, 1);
  return function;
}

// Wraps are told the original by their first upvalue, a C function.
int call_original(lua_State* state) {
  return lua_tocfunction(state, lua_upvalueindex(1))(state);
}

void wrap(lua_State* state, const char* name, lua_CFunction wrapper) {
  lua_pushcfunction(state, function_of(state, name));
  lua_pushcclosure(state, wrapper, 1);
  lua_setfield(state, -2, name);
}

// -- base ------------------------------------------------------------------------------------------------------------

int set_metatable(lua_State* state) {
  luaL_checktype(state, 1, LUA_TTABLE);
  luaL_argexpected(state, lua_isnil(state, 2) || lua_istable(state, 2), 2, "nil or table");
  if (luaL_getmetafield(state, 1, "__metatable") != LUA_TNIL)
    return luaL_error(state, "cannot change a protected metatable");
  if (lua_istable(state, 2)) {
    lua_pushliteral(state, "__gc");
    lua_rawget(state, 2);
    if (!lua_isnil(state, -1)) return luaL_error(state, "__gc is not allowed");
    lua_pop(state, 1);
  }
  lua_settop(state, 2);
  lua_setmetatable(state, 1);
  return 1;
}

int protected_call(lua_State* state) {
  luaL_checktype(state, 2, LUA_TFUNCTION);
  const int arguments = lua_gettop(state) - 2;
  lua_pushvalue(state, 1);
  lua_rotate(state, 3, 1);  // handler stays at 2; the function before its arguments
  if (lua_pcall(state, arguments, LUA_MULTRET, 0) == LUA_OK) {
    lua_pushboolean(state, 1);
    lua_replace(state, 2);
    return lua_gettop(state) - 1;
  }
  pay(state, 1);
  lua_pushboolean(state, 0);
  lua_pushvalue(state, 2);
  lua_pushvalue(state, 3);
  lua_call(state, 1, 1);
  return 2;
}

int select_values(lua_State* state) {
  pay(state, static_cast<uint64_t>(lua_gettop(state)));
  return call_original(state);
}

int to_number(lua_State* state) {
  if (lua_type(state, 1) == LUA_TSTRING) pay(state, lua_rawlen(state, 1) / 16);
  return call_original(state);
}

// -- table -----------------------------------------------------------------------------------------------------------

// With a metatable, one step of the library could be any number of steps of ours.
uint64_t check_plain(lua_State* state, int argument) {
  luaL_checktype(state, argument, LUA_TTABLE);
  if (lua_getmetatable(state, argument) != 0) luaL_argerror(state, argument, "a table without a metatable expected");
  return lua_rawlen(state, argument);
}

int table_insert(lua_State* state) {
  const uint64_t size = check_plain(state, 1);
  if (lua_gettop(state) > 2) pay(state, size / 4);
  return call_original(state);
}

int table_remove(lua_State* state) {
  const uint64_t size = check_plain(state, 1);
  if (lua_gettop(state) > 1) pay(state, size / 4);
  return call_original(state);
}

// The number of places from arguments `first` to `last`, at most as many as a table can have.
uint64_t check_range(lua_State* state, int first, lua_Integer first_default, int last, lua_Integer last_default) {
  const lua_Integer from = luaL_optinteger(state, first, first_default);
  const lua_Integer to = luaL_optinteger(state, last, last_default);
  if (to < from) return 0;
  const uint64_t places = static_cast<uint64_t>(to) - static_cast<uint64_t>(from);
  if (places >= 1'000'000) luaL_error(state, "too many places; allowed: 1000000");
  return places + 1;
}

int table_concat(lua_State* state) {
  const auto size = static_cast<lua_Integer>(check_plain(state, 1));
  pay(state, check_range(state, 3, 1, 4, size));
  return call_original(state);
}

int table_unpack(lua_State* state) {
  const auto size = static_cast<lua_Integer>(check_plain(state, 1));
  const uint64_t count = check_range(state, 2, 1, 3, size);
  if (count > values_max) luaL_error(state, "too many values; allowed: %d", static_cast<int>(values_max));
  pay(state, count / 4);
  return call_original(state);
}

int table_move(lua_State* state) {
  (void)check_plain(state, 1);
  if (!lua_isnoneornil(state, 5)) (void)check_plain(state, 5);
  luaL_checkinteger(state, 2);
  luaL_checkinteger(state, 3);
  pay(state, check_range(state, 2, 1, 3, 0));
  return call_original(state);
}

int table_sort(lua_State* state) {
  const uint64_t size = check_plain(state, 1);
  pay(state, size * static_cast<uint64_t>(std::bit_width(size)) / 2);
  return call_original(state);
}

// -- utf8 ------------------------------------------------------------------------------------------------------------

int utf8_scan(lua_State* state) {
  pay(state, check_text(state, 1).size() / 16);
  return call_original(state);
}

int utf8_codepoint(lua_State* state) {
  const auto size = static_cast<lua_Integer>(check_text(state, 1).size());
  lua_Integer first = luaL_optinteger(state, 2, 1);
  lua_Integer last = luaL_optinteger(state, 3, first);
  if (first < 0) first = std::max<lua_Integer>(size + first + 1, 1);
  if (last < 0) last = size + last + 1;
  last = std::min(last, size);
  if (first > 0 && last >= first && last - first >= values_max) {
    return luaL_error(state, "too many bytes; allowed: %d", static_cast<int>(values_max));
  }
  return call_original(state);
}

int refuse_write(lua_State* state) {
  return luaL_error(state, "globals and libraries cannot be changed; say local");
}

}  // namespace

int to_text(lua_State* state) {
  luaL_checkany(state, 1);
  const int type = lua_type(state, 1);
  const bool plain = type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER || type == LUA_TSTRING;
  if (plain || luaL_getmetafield(state, 1, "__tostring") != LUA_TNIL) {
    luaL_tolstring(state, 1, nullptr);
  } else {
    lua_pushstring(state, lua_typename(state, type));
  }
  return 1;
}

void push_read_only(lua_State* state) {
  lua_createtable(state, 0, 0);
  lua_createtable(state, 0, 3);
  lua_rotate(state, -3, -1);
  lua_setfield(state, -2, "__index");
  lua_pushcfunction(state, refuse_write);
  lua_setfield(state, -2, "__newindex");
  lua_pushboolean(state, 0);
  lua_setfield(state, -2, "__metatable");
  lua_setmetatable(state, -2);
}

void push_base(lua_State* state) {
  luaL_requiref(state, LUA_GNAME, luaopen_base, 0);
  remove_fields(state, {"collectgarbage", "dofile", "load", "loadfile", "print", "rawset", "warn", LUA_GNAME});
  lua_pushcfunction(state, set_metatable);
  lua_setfield(state, -2, "setmetatable");
  lua_pushcfunction(state, protected_call);
  lua_setfield(state, -2, "xpcall");
  lua_pushcfunction(state, to_text);
  lua_setfield(state, -2, "tostring");
  wrap(state, "select", select_values);
  wrap(state, "tonumber", to_number);
}

void push_table(lua_State* state) {
  luaL_requiref(state, LUA_TABLIBNAME, luaopen_table, 0);
  wrap(state, "insert", table_insert);
  wrap(state, "remove", table_remove);
  wrap(state, "concat", table_concat);
  wrap(state, "unpack", table_unpack);
  wrap(state, "move", table_move);
  wrap(state, "sort", table_sort);
}

void push_math(lua_State* state) {
  luaL_requiref(state, LUA_MATHLIBNAME, luaopen_math, 0);
  // The same numbers in every state, so that a parser's golden files hold.
  lua_getfield(state, -1, "randomseed");
  lua_pushinteger(state, random_seed);
  lua_call(state, 1, 0);
  remove_fields(state, {"randomseed"});
}

void push_utf8(lua_State* state) {
  luaL_requiref(state, LUA_UTF8LIBNAME, luaopen_utf8, 0);
  remove_fields(state, {"charpattern"});  // is of Lua's own patterns
  wrap(state, "len", utf8_scan);
  wrap(state, "offset", utf8_scan);
  wrap(state, "codepoint", utf8_codepoint);
}

}  // namespace reeve::agent::lua
