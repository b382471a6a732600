// What a configuration says of one plugin.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/base/time.h"

namespace reeve::agent {

struct PluginConfig {
  std::string path;    // absolute, without symbolic links
  std::string sha256;  // of the file: 64 hex digits
  Duration interval = 10s;
  std::vector<std::pair<std::string, std::string>> config;  // the plugin's own, sorted by key
};

}  // namespace reeve::agent
