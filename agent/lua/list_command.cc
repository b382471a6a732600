#include "agent/lua/list_command.h"

#include "agent/lua/parser_files.h"
#include "agent/lua/script.h"

namespace reeve::agent::lua {

std::string list_parsers(sys::Disk& disk, const std::vector<std::string>& folders) {
  constexpr size_t name_width = 10;
  std::string text;
  for (const ParserFile& file : ParserFiles(disk, folders).list()) {
    std::string name = file.name;
    name.resize(std::max(name.size(), name_width), ' ');
    text += "  " + name + " ";
    const auto script = Script::load(file.path.substr(file.path.rfind('/') + 1), file.text, {}, {});
    text += script.ok() ? (*script)->summary() : "OFF: " + script.error().text();
    if (file.path.starts_with('/')) text += " (" + file.path + ")";
    text += "\n";
  }
  return text;
}

}  // namespace reeve::agent::lua
