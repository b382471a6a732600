#include "agent/lua/record.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>

#include "agent/lua/sandbox_impl.h"
#include "agent/lua/time_format.h"

namespace reeve::agent::lua {

namespace {

constexpr const char* type_name = "record";
constexpr size_t number_bytes_max = 32;

Record* target_of(lua_State* state) {
  return static_cast<Record*>(lua_touserdata(state, lua_upvalueindex(1)));
}

void push_text(lua_State* state, BytesView text) {
  lua_pushlstring(state, text.data(), text.size());
}

void push_optional(lua_State* state, BytesView text) {
  if (text.empty()) {
    lua_pushnil(state);
  } else {
    push_text(state, text);
  }
}

}  // namespace

// What scripts call. Errors rise by longjmp, so nothing here owns anything.
struct RecordFunctions {
  // The value at `index` as a field's text; numbers are written into `buffer`.
  static BytesView value_text(lua_State* state, int index, char (&buffer)[number_bytes_max]) {
    switch (lua_type(state, index)) {
      case LUA_TSTRING: {
        size_t size = 0;
        const char* text = lua_tolstring(state, index, &size);
        return {text, size};
      }
      case LUA_TBOOLEAN:
        return lua_toboolean(state, index) != 0 ? "true" : "false";
      case LUA_TNUMBER: {
        if (lua_isinteger(state, index) != 0) {
          const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, lua_tointeger(state, index));
          return {buffer, static_cast<size_t>(end - buffer)};
        }
        const int size = std::snprintf(buffer, sizeof buffer, "%.14g", lua_tonumber(state, index));
        return {buffer, static_cast<size_t>(size)};
      }
      default:
        luaL_error(state, "a field is a text, a number or a boolean, not a %s", luaL_typename(state, index));
        return {};
    }
  }

  static Record& current(lua_State* state, Record* record) {
    if (record == nullptr || record->draft_ == nullptr)
      luaL_error(state, "there is no line at hand outside of parse()");
    return *record;
  }

  static void pay_output(lua_State* state, Record& record, size_t bytes) {
    Sandbox& sandbox = sandbox_of(state);
    record.output_bytes_ += bytes;
    if (record.output_bytes_ > sandbox.limits().output_bytes_max) {
      sandbox.note_breach(Breach::output);
      luaL_error(state, "used up: output");
    }
  }

  static void set_field(lua_State* state, Record& record, Draft& draft, BytesView key, int value_index) {
    if (key.empty() || key.size() > Record::key_bytes_max) {
      luaL_error(state, "a field's name has 1 to %d bytes, not %d", static_cast<int>(Record::key_bytes_max),
                 static_cast<int>(key.size()));
    }
    if (lua_isnil(state, value_index)) {
      if (draft.field(key)) luaL_error(state, "a field that is set cannot be taken away");
      return;
    }
    char buffer[number_bytes_max];
    const BytesView value = value_text(state, value_index, buffer);
    pay_output(state, record, key.size() + value.size());
    draft.set_field(draft.keep(key), draft.keep(value));
  }

  static void set_level(lua_State* state, Draft& draft, int index) {
    if (lua_isnil(state, index)) {
      draft.level = wire::Level::unset;
      return;
    }
    size_t size = 0;
    const char* text = luaL_checklstring(state, index, &size);
    const std::optional<wire::Level> level = wire::parse_level({text, size});
    if (!level) luaL_error(state, "\"%s\" is no level; allowed: trace, debug, info, warn, error, fatal", text);
    draft.level = *level;
  }

  static void set_time(lua_State* state, Draft& draft, int index) {
    if (lua_isnil(state, index)) {
      draft.time.reset();
    } else {
      draft.time = WallTime{luaL_checkinteger(state, index)};
    }
  }

  // `record.KEY = value`, also of the table given to emit().
  static void set(lua_State* state, Record& record, Draft& draft, BytesView key, int value_index) {
    if (key == "time") return set_time(state, draft, value_index);
    if (key == "level") return set_level(state, draft, value_index);
    if (key == "body" || key == "service") {
      char buffer[number_bytes_max];
      const BytesView text = value_text(state, value_index, buffer);
      pay_output(state, record, text.size());
      if (key == "body") {
        draft.set_body(draft.keep(text));
      } else {
        draft.service = draft.keep(text);
      }
      return;
    }
    if (key == "line") luaL_error(state, "record.line is what was read and cannot be set; set record.body");
    set_field(state, record, draft, key, value_index);
  }

  static BytesView key_at(lua_State* state, int index) {
    if (lua_type(state, index) != LUA_TSTRING)
      luaL_error(state, "a field's name is a text, not a %s", luaL_typename(state, index));
    size_t size = 0;
    const char* text = lua_tolstring(state, index, &size);
    return {text, size};
  }

  static int index(lua_State* state) {
    const Record& record = current(state, target_of(state));
    const Draft& draft = *record.draft_;
    const BytesView key = key_at(state, 2);
    if (key == "line") {
      push_text(state, draft.line());
    } else if (key == "body") {
      push_text(state, draft.body());
    } else if (key == "time") {
      if (!draft.time) return 0;
      lua_pushinteger(state, draft.time->ns);
    } else if (key == "level") {
      push_optional(state, draft.level == wire::Level::unset ? BytesView() : BytesView(wire::to_string(draft.level)));
    } else if (key == "service") {
      push_optional(state, draft.service);
    } else if (key == "field" || key == "set_field" || key == "set_time") {
      lua_pushvalue(state, 2);
      lua_rawget(state, lua_upvalueindex(2));
    } else {
      return push_field(state, draft, key);
    }
    return 1;
  }

  static int push_field(lua_State* state, const Draft& draft, BytesView key) {
    const std::optional<BytesView> value = draft.field(key);
    if (!value) return 0;
    push_text(state, *value);
    return 1;
  }

  static int new_index(lua_State* state) {
    Record& record = current(state, target_of(state));
    set(state, record, *record.draft_, key_at(state, 2), 3);
    record.touched_ = true;
    return 0;
  }

  static int field_method(lua_State* state) {
    const Record& record = current(state, target_of(state));
    return push_field(state, *record.draft_, key_at(state, 2));
  }

  static int set_field_method(lua_State* state) {
    Record& record = current(state, target_of(state));
    set_field(state, record, *record.draft_, key_at(state, 2), 3);
    record.touched_ = true;
    return 0;
  }

  static int set_time_method(lua_State* state) {
    Record& record = current(state, target_of(state));
    const BytesView text = check_text(state, 2);
    std::optional<WallTime> time;
    if (lua_isnoneornil(state, 3)) {
      std::optional<FoundTime> found = record.times_.scan(text, 0, record.draft_->arrival());
      if (!found) found = record.times_.scan_clf(text, 0);
      if (found) time = found->time;
    } else {
      const BytesView format = check_text(state, 3);
      pay(state, 1 + format.size() / 4);
      time = parse_time(text, format, record.draft_->arrival(), record.local_offset_);
    }
    if (time) {
      record.draft_->time = time;
      record.touched_ = true;
    }
    lua_pushboolean(state, time ? 1 : 0);
    return 1;
  }

  static int emit(lua_State* state) {
    Record& record = current(state, target_of(state));
    luaL_checktype(state, 1, LUA_TTABLE);
    Sandbox& sandbox = sandbox_of(state);
    if (record.emitted_ == sandbox.limits().records_max) {
      sandbox.note_breach(Breach::output);
      return luaL_error(state, "used up: output");
    }
    if (record.emitted_ == record.further_.size()) record.further_.push_back(std::make_unique<Draft>());
    Draft& further = *record.further_[record.emitted_];

    lua_pushliteral(state, "body");
    lua_rawget(state, 1);
    if (lua_type(state, -1) != LUA_TSTRING) return luaL_error(state, "emit() takes a table with a body, a text");
    const BytesView body = key_at(state, -1);
    pay_output(state, record, body.size());
    further.begin({}, record.draft_->arrival());
    further.set_body(further.keep(body));
    further.unwrap();
    further.time = record.draft_->time;
    further.service = further.keep(record.draft_->service);
    lua_pop(state, 1);

    lua_pushnil(state);
    while (lua_next(state, 1) != 0) {
      pay(state, 4);
      const BytesView key = key_at(state, -2);
      if (key != "body") set(state, record, further, key, lua_gettop(state));
      lua_pop(state, 1);
    }
    ++record.emitted_;
    return 0;
  }

  static int drop(lua_State* state) {
    current(state, target_of(state)).dropped_ = true;
    return 0;
  }

  static void push_closure(lua_State* state, Record& record, lua_CFunction function) {
    lua_pushlightuserdata(state, &record);
    lua_pushcclosure(state, function, 1);
  }
};

void Record::begin(Draft& draft) {
  draft_ = &draft;
  touched_ = false;
  dropped_ = false;
  output_bytes_ = 0;
  emitted_ = 0;
}

void Record::push(lua_State* state, Record& record) {
  const auto set = [&](const char* name, lua_CFunction function) {
    RecordFunctions::push_closure(state, record, function);
    lua_setfield(state, -2, name);
  };
  set("emit", RecordFunctions::emit);
  set("drop", RecordFunctions::drop);

  lua_newuserdatauv(state, 0, 0);
  luaL_newmetatable(state, type_name);
  lua_pushlightuserdata(state, &record);
  lua_createtable(state, 0, 3);
  set("field", RecordFunctions::field_method);
  set("set_field", RecordFunctions::set_field_method);
  set("set_time", RecordFunctions::set_time_method);
  lua_pushcclosure(state, RecordFunctions::index, 2);
  lua_setfield(state, -2, "__index");
  set("__newindex", RecordFunctions::new_index);
  lua_pushboolean(state, 0);
  lua_setfield(state, -2, "__metatable");
  lua_setmetatable(state, -2);
}

}  // namespace reeve::agent::lua
