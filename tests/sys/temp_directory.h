// A directory of a test's own, gone with it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "common/base/check.h"

namespace reeve {

class TempDirectory {
 public:
  TempDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "reeve-test-XXXXXX").string();
    check(::mkdtemp(pattern.data()) != nullptr, "a test may make a temporary directory");
    path_ = pattern;
  }
  ~TempDirectory() {
    std::error_code ignored;  // a leftover below the temporary directory fails no test
    std::filesystem::remove_all(path_, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

}  // namespace reeve
