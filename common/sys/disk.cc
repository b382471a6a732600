// What can be said of every disk in terms of its interface.
#include "common/sys/disk.h"

#include <algorithm>

#include "common/base/check.h"

namespace reeve::sys {

Result<Bytes> read_file(Disk& disk, const std::string& path, uint64_t bytes_max) {
  check(bytes_max < UINT64_MAX, "a file read whole has a bound");
  const std::unique_ptr<File> file = TRY(disk.open(path, OpenMode::read));

  // Not by the file's size: files under /proc say 0 and hold something.
  Bytes content;
  for (size_t step = 16_KiB;; step = 256_KiB) {
    const size_t wanted = std::min<uint64_t>(step, bytes_max + 1 - content.size());
    const size_t got = TRY(file->read_at(content.size(), wanted, content));
    if (content.size() > bytes_max) {
      return Error(Code::exhausted, "read " + path + ": it is longer than the " + std::to_string(bytes_max) +
                                        " bytes that are allowed here");
    }
    if (got < wanted) return content;
  }
}

Status write_file_atomically(Disk& disk, const std::string& path, BytesView bytes) {
  // One fixed name, so that what a crash leaves behind is overwritten by the next try and never piles up.
  const std::string beside = path + ".new";
  {
    const std::unique_ptr<File> file = TRY(disk.open(beside, OpenMode::create));
    TRY(file->truncate(0));
    TRY(file->write_at(0, bytes));
    TRY(file->sync());
  }
  TRY(disk.rename(beside, path));
  return disk.sync_directory(parent_directory(path));
}

std::string parent_directory(const std::string& path) {
  size_t end = path.size();
  while (end > 1 && path[end - 1] == '/') --end;
  const size_t slash = path.rfind('/', end - 1);
  if (end == 0 || slash == std::string::npos) return ".";
  size_t parent_end = slash;
  while (parent_end > 1 && path[parent_end - 1] == '/') --parent_end;
  return path.substr(0, std::max<size_t>(parent_end, 1));
}

}  // namespace reeve::sys
