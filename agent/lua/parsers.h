// The Lua parsers of one worker: each loaded once, loaded anew when its file changes, and off when it cannot be
// trusted.
//
// A new version is compiled and tried, on the last line the old one saw, beside the old one; where it is broken the old
// one stays. A parser whose first version is broken, or whose file is gone, is off. So is one that used up what it was
// given breaches_max times within breach_window. Each of that is one event in the log, with file, line and reason; a
// parser that is off says so of every line, and the lines travel on as they are. Only a new version turns it on again.
//
// One thread: the worker's. Lives as long as the formats it made.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/lua/parser_files.h"
#include "agent/lua/script.h"
#include "agent/parse/parser.h"

namespace reeve::agent::lua {

struct LuaCounters {
  uint64_t lines = 0;
  uint64_t errors = 0;    // of the script
  uint64_t breaches = 0;  // of its sandbox
  uint64_t off_lines = 0;
  uint64_t loads = 0;
  uint64_t refused_loads = 0;
};

class LuaParsers {
 public:
  struct Options {
    std::vector<std::string> folders;
    Limits limits{};
    LocalOffset local_offset{};
    uint32_t breaches_max = 10;
    Duration breach_window = 60s;
    Duration look_interval = 200ms;  // between two looks at the files
  };

  LuaParsers(sys::Disk& disk, Options options);
  ~LuaParsers();

  // Of a name as in the configuration: "nginx" or "lua:nginx". A parser that is broken or not there is off, no error.
  Result<std::unique_ptr<LineFormat>> make(std::string_view name);

  // Loads what has changed. Cheap: a few stats each look_interval.
  void refresh(Instant now);
  std::vector<std::string> watched_directories() const;

  const LuaCounters& counters() const { return counters_; }

 private:
  struct Slot;
  class Format;
  static constexpr size_t sample_bytes_max = 64_KiB;

  void load(Slot& slot);
  void turn_off(Slot& slot, std::string reason);
  Status try_on_sample(Script& script, const std::string& sample) const;
  ParseResult parse(Slot& slot, Draft& draft, const LineFormat::Emit& emit);

  const Options options_;
  const ParserFiles files_;
  std::map<std::string, std::unique_ptr<Slot>, std::less<>> slots_;  // as many as the configuration names
  Instant looked_at_{INT64_MIN};
  LuaCounters counters_;
};

}  // namespace reeve::agent::lua
