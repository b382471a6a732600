// The line under way, as a script sees it: `record`, and the functions emit() and drop().
//
//     record.line      as read; cannot be set
//     record.body      what is kept of it; the line, unless somebody says otherwise
//     record.time      nanoseconds since 1970, an integer; nil where no parser has found it
//     record.level     "trace", "debug", "info", "warn", "error", "fatal", or nil
//     record.service   a text, or nil
//     record.status    any other name is a field: reads as text or nil; takes texts, numbers and booleans
//     record["http.status"], record:field(key), record:set_field(key, value)   for names that are none in Lua, or taken
//     record:set_time(text [, format])   true, or false and nothing is changed
//
// Nothing is built before it is asked for. What a script sets goes into the draft at once; who calls it puts the draft
// back when the script fails. What it emits waits here until it has succeeded. One thread.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "agent/parse/parser.h"
#include "agent/parse/time_scanner.h"

struct lua_State;

namespace reeve::agent::lua {

class Record {
 public:
  static constexpr size_t key_bytes_max = 256;

  explicit Record(const LocalOffset& local_offset) : local_offset_(local_offset), times_(local_offset) {}

  // Puts `record` on the stack, and emit() and drop() into the table below it.
  static void push(lua_State* state, Record& record);

  void begin(Draft& draft);
  void end() { draft_ = nullptr; }

  bool touched() const { return touched_; }
  bool dropped() const { return dropped_; }
  // What was emitted, in order; valid until begin().
  size_t emitted() const { return emitted_; }
  Draft& emitted_at(size_t index) { return *further_[index]; }

 private:
  friend struct RecordFunctions;

  LocalOffset local_offset_;
  TimeScanner times_;
  Draft* draft_ = nullptr;  // while a line is parsed
  bool touched_ = false;
  bool dropped_ = false;
  size_t output_bytes_ = 0;
  std::vector<std::unique_ptr<Draft>> further_;  // used again for each line
  size_t emitted_ = 0;
};

}  // namespace reeve::agent::lua
