// What the sources of this folder share: Lua's own headers, and the way from a state back to its sandbox.
//
// Lua raises errors by longjmp. A C function therefore holds no object with a destructor where an error can rise;
// texts that must be built live in the sandbox or the record.
#pragma once

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <string_view>

#include "agent/lua/sandbox.h"

// Lua's macros cast as C does.
#pragma GCC diagnostic ignored "-Wold-style-cast"

namespace reeve::agent::lua {

inline Sandbox& sandbox_of(lua_State* state) {
  return **static_cast<Sandbox**>(lua_getextraspace(state));
}

// Pays, or raises.
inline void pay(lua_State* state, uint64_t units) {
  Sandbox& sandbox = sandbox_of(state);
  if (!sandbox.spend(units)) luaL_error(state, "used up: %s", to_string(sandbox.breached()).data());
}

inline std::string_view check_text(lua_State* state, int argument) {
  size_t size = 0;
  const char* text = luaL_checklstring(state, argument, &size);
  return {text, size};
}

// Each puts its library's table, whole and still writable, on the stack.
void push_base(lua_State* state);
void push_string(lua_State* state);
void push_table(lua_State* state);
void push_math(lua_State* state);
void push_utf8(lua_State* state);

// find, match, gmatch and gsub, set into the table on top of the stack.
void add_matching(lua_State* state);

// The table on top of the stack is replaced by an empty one through which it can be read and not be changed.
void push_read_only(lua_State* state);

// As tostring(), but for what would show an address: that gives its type's name.
int to_text(lua_State* state);

}  // namespace reeve::agent::lua
