// A disk whose root is a directory of fixtures; it can only be read.
#pragma once

#include <map>
#include <string>

#include "common/sys/disk.h"

namespace reeve::sys {

class RootedDisk : public Disk {
 public:
  explicit RootedDisk(std::string root) : root_(std::move(root)) {}

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    check(mode == OpenMode::read, "fixtures are only read");
    return real_disk().open(root_ + path, mode);
  }
  Result<FileStat> stat(const std::string& path) override { return real_disk().stat(root_ + path); }
  Result<std::vector<DirectoryEntry>> list(const std::string& path) override { return real_disk().list(root_ + path); }
  Result<DiskSpace> space(const std::string& path) override {
    const auto found = spaces.find(path);
    if (found == spaces.end()) return Error(Code::unavailable, "no such fixture: " + path);
    return found->second;
  }
  Status make_directories(const std::string& path) override { return refused(path); }
  Status rename(const std::string& from, const std::string&) override { return refused(from); }
  Status remove(const std::string& path) override { return refused(path); }
  Status sync_directory(const std::string& path) override { return refused(path); }

  std::map<std::string, DiskSpace> spaces;

 private:
  static Error refused(const std::string& path) { return Error(Code::denied, path + " is a fixture"); }

  const std::string root_;
};

}  // namespace reeve::sys
