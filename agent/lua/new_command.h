// `reeve-agent new parser NAME [DIR]`: a folder with a parser that works, an example and its golden file.
#pragma once

#include <string>

#include "common/base/result.h"
#include "common/sys/disk.h"

namespace reeve::agent::lua {

// Writes DIR/NAME/ with NAME.lua, NAME.in and NAME.out.jsonl, and gives the folder. Invalid: the name, or it is there.
Result<std::string> write_new_parser(sys::Disk& disk, const std::string& name, const std::string& directory);

}  // namespace reeve::agent::lua
