// `reeve-agent plugin-test`: what any author of a plugin can run, to see whether it keeps what plugins/plugin.h asks.
//
// Each check runs in a process of its own with a deadline, so that a plugin that crashes or hangs fails that check and
// no other. Prints a line for each: PASS, FAIL with what was seen, or NOTE.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/time.h"

namespace reeve::agent {

struct PluginTestOptions {
  std::string path;
  std::vector<std::pair<std::string, std::string>> config;  // one that is good
  Duration check_max = 20s;                                 // for each check
};

// True where none failed. `print` gets whole lines, without their end.
bool test_plugin(const PluginTestOptions& options, const std::function<void(const std::string& line)>& print);

}  // namespace reeve::agent
