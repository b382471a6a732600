// The sandbox's string library: Lua's own, less dump, pack and unpack; byte, format and rep bounded; find, match,
// gmatch and gsub on RE2 (matching.cc). The metatable of strings leads here and is shown to nobody.
#include <cstring>

#include "agent/lua/sandbox_impl.h"

namespace reeve::agent::lua {

namespace {

constexpr lua_Integer values_max = 250;

int call_original(lua_State* state) {
  return lua_tocfunction(state, lua_upvalueindex(1))(state);
}

int string_byte(lua_State* state) {
  const auto size = static_cast<lua_Integer>(check_text(state, 1).size());
  lua_Integer first = luaL_optinteger(state, 2, 1);
  if (first < 0) first = first < -size ? 1 : size + first + 1;
  lua_Integer last = luaL_optinteger(state, 3, first);
  if (last < 0) last = last < -size ? 0 : size + last + 1;
  if (last > size) last = size;
  if (last >= first && last - first >= values_max) {
    return luaL_error(state, "too many values; allowed: %d", static_cast<int>(values_max));
  }
  return call_original(state);
}

int string_rep(lua_State* state) {
  const std::string_view text = check_text(state, 1);
  const lua_Integer count = luaL_checkinteger(state, 2);
  size_t separator = 0;
  (void)luaL_optlstring(state, 3, "", &separator);
  const size_t each = text.size() + separator;
  const size_t bytes_max = sandbox_of(state).limits().string_bytes_max;
  if (count <= 0 || each == 0) {
    lua_pushliteral(state, "");
    return 1;
  }
  if (static_cast<uint64_t>(count) > bytes_max / each) {
    return luaL_error(state, "string.rep would make more than %d bytes", static_cast<int>(bytes_max));
  }
  pay(state, static_cast<uint64_t>(count) / 8);
  return call_original(state);
}

// Lua's own takes no width of more than two digits. What would print an address does not.
int string_format(lua_State* state) {
  const std::string_view format = check_text(state, 1);
  pay(state, format.size() / 8 + static_cast<uint64_t>(lua_gettop(state)));
  const size_t bytes_per_unit = format.find('q') == std::string_view::npos ? 64 : 2;
  for (size_t at = format.find('%'); at != std::string_view::npos; at = format.find('%', at)) {
    at = format.find_first_not_of("-+ #0123456789.", at + 1);
    if (at == std::string_view::npos) break;
    if (format[at] == 'p') return luaL_error(state, "%%p is not allowed in string.format");
    ++at;
  }
  const int arguments = lua_gettop(state);
  for (int argument = 2; argument <= arguments; ++argument) {
    const int type = lua_type(state, argument);
    if (type == LUA_TSTRING) pay(state, lua_rawlen(state, argument) / bytes_per_unit);
    if (type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER || type == LUA_TSTRING) continue;
    lua_pushcfunction(state, to_text);
    lua_pushvalue(state, argument);
    lua_call(state, 1, 1);
    lua_replace(state, argument);
  }
  return call_original(state);
}

// "10" + 1: a text is read as a number first.
int string_arithmetic(lua_State* state) {
  for (const int argument : {1, 2}) {
    if (lua_type(state, argument) == LUA_TSTRING) pay(state, lua_rawlen(state, argument) / 16);
  }
  return call_original(state);
}

void wrap(lua_State* state, const char* name, lua_CFunction wrapper) {
  lua_getfield(state, -1, name);
  lua_pushcclosure(state, wrapper, 1);
  lua_setfield(state, -2, name);
}

}  // namespace

void push_string(lua_State* state) {
  luaL_requiref(state, LUA_STRLIBNAME, luaopen_string, 0);
  for (const char* name : {"dump", "pack", "packsize", "unpack"}) {
    lua_pushnil(state);
    lua_setfield(state, -2, name);
  }
  wrap(state, "byte", string_byte);
  wrap(state, "rep", string_rep);
  wrap(state, "format", string_format);
  add_matching(state);

  lua_pushliteral(state, "");
  lua_getmetatable(state, -1);
  for (const char* name : {"__add", "__sub", "__mul", "__mod", "__pow", "__div", "__idiv", "__unm"}) {
    wrap(state, name, string_arithmetic);
  }
  lua_pushboolean(state, 0);
  lua_setfield(state, -2, "__metatable");
  lua_pop(state, 2);
}

}  // namespace reeve::agent::lua
