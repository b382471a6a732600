// A folder that nobody else may write to, all the way up, and that is gone with its owner: where policies look for
// programs and targets, a clone or a temporary folder may be refused for where it lies.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "common/base/check.h"

namespace reeve::runner {

class OwnedFolder {
 public:
  OwnedFolder() {
    const char* home = std::getenv("HOME");
    path_ = std::string(::geteuid() == 0 ? "/var/lib" : home != nullptr ? home : "/nonexistent") + "/reeve-test-XXXXXX";
    check(::mkdtemp(path_.data()) != nullptr, "a test may make a folder of its own");
    check(::chmod(path_.c_str(), 0755) == 0, "a folder of ours has the mode we give it");
  }
  ~OwnedFolder() {
    std::error_code ignored;  // a leftover fails no test
    std::filesystem::remove_all(path_, ignored);
  }
  OwnedFolder(const OwnedFolder&) = delete;
  OwnedFolder& operator=(const OwnedFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace reeve::runner
