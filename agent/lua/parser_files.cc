#include "agent/lua/parser_files.h"

#include <algorithm>
#include <set>

namespace reeve::agent::lua {

namespace {

constexpr std::string_view extension = ".lua";

}  // namespace

FileMark ParserFiles::mark(const std::string& name) const {
  for (const std::string& folder : folders_) {
    for (const std::string& path : {folder + "/" + name + ".lua", folder + "/" + name + "/" + name + ".lua"}) {
      const auto stat = disk_.stat(path);
      if (stat.ok() && stat->is_regular) return {true, path, stat->identity, stat->size, stat->modified};
    }
  }
  return {};
}

Result<ParserFile> ParserFiles::read(const std::string& name) const {
  const FileMark found = mark(name);
  if (found.found) return ParserFile{name, found.path, TRY(sys::read_file(disk_, found.path, file_bytes_max))};
  for (const ShippedParser& shipped : shipped_parsers()) {
    if (shipped.name == name) return ParserFile{name, name + ".lua (shipped)", std::string(shipped.text)};
  }
  return Error(Code::not_found, "there is no " + name + ".lua in the parser folders, and none is shipped");
}

std::vector<ParserFile> ParserFiles::list() const {
  std::set<std::string> names;
  for (const ShippedParser& shipped : shipped_parsers()) names.emplace(shipped.name);
  for (const std::string& folder : folders_) {
    const auto entries = disk_.list(folder);
    if (!entries.ok()) continue;  // a folder that is not there holds no parsers
    for (const sys::DirectoryEntry& entry : *entries) {
      if (entry.is_directory) {
        if (mark(entry.name).found) names.insert(entry.name);
      } else if (entry.name.ends_with(extension) && entry.name.size() > extension.size()) {
        names.insert(entry.name.substr(0, entry.name.size() - extension.size()));
      }
    }
  }
  std::vector<ParserFile> files;
  for (const std::string& name : names) {
    auto file = read(name);
    if (file.ok()) files.push_back(std::move(*file));
  }
  return files;
}

std::vector<std::string> ParserFiles::directories(const std::string& name) const {
  std::vector<std::string> directories;
  for (const std::string& folder : folders_) {
    directories.push_back(folder);
    const auto stat = disk_.stat(folder + "/" + name);
    if (stat.ok() && stat->is_directory) directories.push_back(folder + "/" + name);
  }
  return directories;
}

}  // namespace reeve::agent::lua
