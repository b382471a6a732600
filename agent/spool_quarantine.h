// Where damaged bytes of the spool are set aside for a person to look at.
//
// A folder of at most files_max files and bytes_max bytes; what comes beyond is counted and not kept. Keeping is a
// courtesy: it may fail, and nothing depends on it.
//
// Lives on the disk worker.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/sys/disk.h"

namespace reeve::agent {

class SpoolQuarantine {
 public:
  static constexpr size_t files_max = 64;
  static constexpr uint64_t bytes_max = 64_MiB;

  SpoolQuarantine(sys::Disk& disk, std::string directory) : disk_(disk), directory_(std::move(directory)) {}

  // `name` tells the place the bytes come from; the same place again replaces its file.
  void keep(const std::string& name, BytesView bytes);

  uint64_t total() const { return total_; }  // everything set aside since the spool was opened, kept or not

 private:
  bool has_room(const std::string& name, uint64_t bytes);

  sys::Disk& disk_;
  const std::string directory_;
  uint64_t total_ = 0;
};

}  // namespace reeve::agent
