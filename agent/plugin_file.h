// Loads a plugin's code: only a file that root alone can write, and only the very bytes whose hash was asked for.
//
// Each folder on the way to the file, and the file itself, must belong to root, be no symbolic link, and be writable by
// nobody else. The file is opened once and copied into sealed memory; the copy is hashed, and the copy is loaded. So
// nothing that happens to the file between check and load makes a difference.
#pragma once

#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "plugins/plugin.h"

namespace reeve::agent {

// A plugin's bytes in sealed memory, and what they are.
struct PluginImage {
  int descriptor = -1;  // stays open: the dynamic linker remembers files by this name
  std::string sha256;   // 64 hex digits
};

enum class PluginOwner {
  root,   // as the agent demands it
  anyone  // for `plugin-test`, which an author runs as himself
};

// Code::denied where somebody else could have written it.
Result<PluginImage> read_plugin(const std::string& path, PluginOwner owner);

// Runs the file's initialisers and gives its table, checked. What was loaded stays: code that a forgotten thread may
// still be in is never unmapped. Code::invalid with a clear text where it is no plugin of ours.
Result<const reeve_plugin*> load_plugin(const PluginImage& image, const std::string& path);

}  // namespace reeve::agent
