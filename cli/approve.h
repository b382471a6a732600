// `reeve approve`: shows exactly what a signature would cover, and makes it.
//
// The server is not believed. Its step bytes are fetched once, decoded strictly, hashed here, and everything that is
// shown as fact comes from those bytes; whatever else the server says is shown as its words, and where the two differ
// that is said loudly. The signature covers the root hash of those very bytes, so what was not shown was not approved.
#pragma once

#include <string>

#include "cli/world.h"
#include "common/base/result.h"

namespace reeve::cli {

struct ApproveOptions {
  std::string plan;  // a UUID
  std::string key_file;
  std::string pass_file;
  std::string pkcs11_module;
  std::string token;
  std::string key_label;
  std::string pin_file;
  std::string comment;
  bool veto = false;
  bool yes = false;
};

Status run_approve(World& world, const ApproveOptions& options);

}  // namespace reeve::cli
