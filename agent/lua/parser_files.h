// Where parsers written in Lua are found: in the folders of the configuration, in order, then among those that are
// built into the program. In a folder a parser is NAME.lua or NAME/NAME.lua, with its golden files beside it.
//
// Any thread; blocks.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/sys/disk.h"

namespace reeve::agent::lua {

struct ShippedParser {
  std::string_view name;
  std::string_view text;
};
std::span<const ShippedParser> shipped_parsers();

struct ParserFile {
  std::string name;
  std::string path;  // "nginx.lua (shipped)" where it is built in
  std::string text;
};

// Tells whether a file is another than before, without reading it. Two are equal where nothing is there, too.
struct FileMark {
  bool found = false;
  std::string path;
  sys::FileIdentity identity;
  uint64_t size = 0;
  WallTime modified;
  bool operator==(const FileMark&) const = default;
};

class ParserFiles {
 public:
  static constexpr uint64_t file_bytes_max = 1_MiB;

  ParserFiles(sys::Disk& disk, std::vector<std::string> folders) : disk_(disk), folders_(std::move(folders)) {}

  // Not found: in no folder, and not shipped.
  Result<ParserFile> read(const std::string& name) const;
  FileMark mark(const std::string& name) const;
  // Every parser there is, by name; of two with the same name the one that would be used.
  std::vector<ParserFile> list() const;
  // Folders in which that parser would appear or change.
  std::vector<std::string> directories(const std::string& name) const;

 private:
  sys::Disk& disk_;
  std::vector<std::string> folders_;
};

}  // namespace reeve::agent::lua
