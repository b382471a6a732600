// `reeve login`: proves that server, CA and key belong together, then remembers them.
#pragma once

#include <string>

#include "cli/world.h"

namespace reeve::cli {

struct LoginOptions {
  std::string url;
  std::string key_file;
  std::string ca_file;         // at most one of these two;
  std::string ca_fingerprint;  // 64 hex digits, lower case
};

Status run_login(World& world, const LoginOptions& options);

}  // namespace reeve::cli
