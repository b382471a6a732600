// What `reeve-agent --list` says of the parsers written in Lua.
#pragma once

#include <string>
#include <vector>

#include "common/sys/disk.h"

namespace reeve::agent::lua {

// A line for each: its name, its summary, and where it lies unless it is shipped. A broken one says why it is off.
std::string list_parsers(sys::Disk& disk, const std::vector<std::string>& folders);

}  // namespace reeve::agent::lua
