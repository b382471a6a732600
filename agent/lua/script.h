// One parser written in Lua: a file that returns a table with a function parse(record).
//
//     -- GET /cart 200
//     -- { method = "GET", path = "/cart", status = 200 }
//     local pattern = [[^([A-Z]+) (\S+) (\d+)$]]
//     return {
//       summary = "Requests of the shop.",
//       parse = function(record)
//         local method, path, status = record.line:match(pattern)
//         if not method then return false end     -- not a line of mine; the record stays as it was
//         record.method, record.path, record.status = method, path, math.tointeger(status)
//       end,
//     }
//
// parse() says false, or changes nothing, for a line it does not know. It runs in a sandbox of its own; a script that
// fails leaves the record as it was. Globals cannot be set, so a script keeps nothing but what its own local variables
// at the top hold; parsers are pure and hold constants there. One thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "agent/lua/record.h"
#include "agent/lua/sandbox.h"
#include "agent/parse/parser.h"

namespace reeve::agent::lua {

class Script {
 public:
  // `file` is how complaints name it: "nginx.lua:12: ...". The text is compiled, run, and its table looked at.
  static Result<std::unique_ptr<Script>> load(const std::string& file, std::string_view text, const Limits& limits,
                                              const LocalOffset& local_offset);

  ParseResult parse(Draft& draft, const LineFormat::Emit& emit);
  // Of the last line that failed.
  const std::string& failure() const { return failure_; }
  Breach breached() const { return breached_; }

  const std::string& summary() const { return summary_; }
  uint64_t units_used() const { return sandbox_->units_used(); }

 private:
  Script(std::unique_ptr<Sandbox> sandbox, const LocalOffset& local_offset)
      : record_(local_offset), sandbox_(std::move(sandbox)) {}

  Status take_table(const std::string& file);

  Record record_;
  std::unique_ptr<Sandbox> sandbox_;  // its closures point to record_
  std::string summary_;
  std::string failure_;
  Breach breached_ = Breach::none;
};

}  // namespace reeve::agent::lua
