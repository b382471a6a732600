#include "agent/lua/script.h"

#include <algorithm>

#include "agent/lua/sandbox_impl.h"

namespace reeve::agent::lua {

namespace {

// Where they lie on the stack for good.
constexpr int parse_index = 1;
constexpr int record_index = 2;
constexpr size_t summary_bytes_max = 200;

// A script that could change its _ENV would have globals of its own, which outlive a line.
Status check_text_of(const std::string& file, std::string_view text, const Limits& limits) {
  if (text.size() > limits.script_bytes_max) {
    return Error(Code::invalid, file + ": has " + std::to_string(text.size()) +
                                    " bytes; allowed: " + std::to_string(limits.script_bytes_max));
  }
  const size_t at = text.find("_ENV");
  if (at == std::string_view::npos) return {};
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(at), '\n');
  return Error(Code::invalid, file + ":" + std::to_string(line) + ": _ENV is not allowed");
}

int install_record(lua_State* state) {
  auto& record = *static_cast<Record*>(lua_touserdata(state, 1));
  lua_rawgeti(state, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  Record::push(state, record);
  lua_rotate(state, -2, 1);
  push_read_only(state);
  lua_rawseti(state, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  return 1;
}

// The script's table is at 1: its parse function and summary are left.
int look_at_table(lua_State* state) {
  if (lua_type(state, 1) != LUA_TTABLE) {
    return luaL_error(state, "returns a %s; allowed: a table with parse and summary", luaL_typename(state, 1));
  }
  lua_pushliteral(state, "parse");
  lua_rawget(state, 1);
  if (lua_type(state, -1) != LUA_TFUNCTION) {
    return luaL_error(state, "the table it returns has %s as parse; allowed: a function", luaL_typename(state, -1));
  }
  lua_pushliteral(state, "summary");
  lua_rawget(state, 1);
  if (!lua_isnil(state, -1) && lua_type(state, -1) != LUA_TSTRING) {
    return luaL_error(state, "the table it returns has %s as summary; allowed: a text", luaL_typename(state, -1));
  }
  return 2;
}

}  // namespace

Result<std::unique_ptr<Script>> Script::load(const std::string& file, std::string_view text, const Limits& limits,
                                             const LocalOffset& local_offset) {
  TRY(check_text_of(file, text, limits));
  std::unique_ptr<Sandbox> sandbox = TRY(Sandbox::open(limits));
  std::unique_ptr<Script> script(new Script(std::move(sandbox), local_offset));
  Sandbox& box = *script->sandbox_;
  lua_State* state = box.state();

  box.begin_run(limits.load_units_max, limits.load_cpu_max);
  lua_pushcfunction(state, install_record);
  lua_pushlightuserdata(state, &script->record_);
  TRY(box.call(1, 1));

  const std::string chunk = "=" + file;
  if (luaL_loadbufferx(state, text.data(), text.size(), chunk.c_str(), "t") != LUA_OK) {
    const char* reason = lua_type(state, -1) == LUA_TSTRING ? lua_tostring(state, -1) : "no memory";
    return Error(Code::invalid, std::string(reason).starts_with(file) ? reason : file + ": " + reason);
  }
  Status ran = box.call(0, 1);
  if (ran.ok()) ran = script->take_table(file);
  if (!ran.ok()) {
    const std::string& reason = ran.error().text();
    return Error(Code::invalid, reason.starts_with(file) ? reason : file + ": " + reason);
  }
  return script;
}

// The stack holds `record` and the table; then parse and record.
Status Script::take_table(const std::string& file) {
  lua_State* state = sandbox_->state();
  lua_pushcfunction(state, look_at_table);
  lua_rotate(state, -2, 1);
  TRY_DURING(sandbox_->call(1, 2), file);
  if (lua_type(state, -1) == LUA_TSTRING) {
    size_t size = 0;
    const char* text = lua_tolstring(state, -1, &size);
    summary_.assign(text, std::min(size, summary_bytes_max));
  }
  lua_pop(state, 1);
  lua_rotate(state, 1, 1);
  check(lua_gettop(state) == record_index, "a script keeps its function and its record on the stack");
  return {};
}

ParseResult Script::parse(Draft& draft, const LineFormat::Emit& emit) {
  lua_State* state = sandbox_->state();
  const Limits& limits = sandbox_->limits();
  draft.save();
  record_.begin(draft);
  sandbox_->begin_run(limits.units_max, limits.cpu_max);
  lua_pushvalue(state, parse_index);
  lua_pushvalue(state, record_index);
  const Status ran = sandbox_->call(1, 1);
  record_.end();
  if (!ran.ok()) {
    breached_ = sandbox_->breached();
    failure_ = ran.error().text();
    draft.restore();
    if (breached_ == Breach::memory) sandbox_->collect_garbage();
    return ParseResult::failed;
  }
  const bool refused = lua_type(state, -1) == LUA_TBOOLEAN && lua_toboolean(state, -1) == 0;
  lua_settop(state, record_index);
  if (refused) {
    draft.restore();
    return ParseResult::unknown;
  }
  for (size_t i = 0; i < record_.emitted(); ++i) emit(record_.emitted_at(i));
  if (record_.dropped()) return ParseResult::dropped;
  return record_.touched() || record_.emitted() > 0 ? ParseResult::parsed : ParseResult::unknown;
}

}  // namespace reeve::agent::lua
