#include "agent/lua/new_command.h"

#include "agent/lua/golden.h"
#include "agent/parse/table.h"

namespace reeve::agent::lua {

namespace {

// NAME is replaced by the parser's name.
constexpr std::string_view script_text = R"~lua~(-- NAME: says in a line what these lines are.
--
--     2026-03-01T12:00:00Z warn cart: payment of order 4711 took 812 ms
--
-- becomes
--
--     { time = 2026-03-01T12:00:00Z, level = "warn", service = "cart", order = 4711, duration_ms = 812 }
--
-- Patterns are RE2's (github.com/google/re2/wiki/Syntax), in [[...]] so that a backslash is one. Keep them here, above
-- the function: they are compiled once. Globals cannot be set; say local.
local head = [[^(\S+) ([a-z]+) ([\w.-]+): (.*)$]]
local payment = [[^payment of order (\d+) took (\d+) ms$]]

return {
  summary = "Lines of NAME: time, level, service, and what payments took.",

  -- Called for each line. `record.line` is the line; whatever else is set becomes a field, but for time, level, service
  -- and body. emit{body = ...} makes a further record, drop() leaves this one out.
  parse = function(record)
    local time, level, service, message = record.line:match(head)
    if not time then return false end -- not a line of ours: the next parser is asked

    record:set_time(time)
    record.level = level
    record.service = service

    local order, duration = message:match(payment)
    if order then
      record.order = math.tointeger(order)
      record.duration_ms = math.tointeger(duration)
    end
  end,
}
)~lua~";

constexpr std::string_view example_text =
    "2026-03-01T12:00:00Z warn cart: payment of order 4711 took 812 ms\n"
    "2026-03-01T12:00:01Z info cart: session opened\n"
    "something else\n";

std::string with_name(std::string_view text, const std::string& name) {
  std::string filled(text);
  for (size_t at = filled.find("NAME"); at != std::string::npos; at = filled.find("NAME", at + name.size())) {
    filled.replace(at, 4, name);
  }
  return filled;
}

}  // namespace

Result<std::string> write_new_parser(sys::Disk& disk, const std::string& name, const std::string& directory) {
  if (!is_parser_name(name) || name.starts_with("lua:")) {
    return Error(Code::invalid,
                 "\"" + printable(name) + "\" is no name of a parser; allowed: letters, digits, _ and -");
  }
  if (find_parser_kind(name) != nullptr)
    return Error(Code::invalid, "a parser " + name + " is built in; take another name");
  const std::string folder = directory + "/" + name;
  const std::string base = folder + "/" + name;
  if (disk.stat(folder).ok()) return Error(Code::invalid, folder + " is there already");

  const std::string text = with_name(script_text, name);
  const std::unique_ptr<Script> script = TRY_DURING(Script::load(name + ".lua", text, {}, {}), "the skeleton");
  TRY(disk.make_directories(folder));
  TRY(sys::write_file_atomically(disk, base + ".lua", text));
  TRY(sys::write_file_atomically(disk, base + std::string(golden_in), example_text));
  TRY(sys::write_file_atomically(disk, base + std::string(golden_out), golden_results(*script, example_text)));
  return folder;
}

}  // namespace reeve::agent::lua
