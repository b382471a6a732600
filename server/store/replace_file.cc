// Renames in the order in which a crash does no harm.
#include "server/store/replace_file.h"

#include <string_view>

namespace reeve::server {

namespace {

constexpr int damaged_files_max = 4;  // of one path; the last one's place is taken again

constexpr std::string_view side_files[] = {"-wal", "-shm", "-journal"};

bool exists(sys::Disk& disk, const std::string& path) {
  return disk.stat(path).ok();
}

}  // namespace

std::string replacement_path(const std::string& path) {
  return path + ".new";
}

Status remove_database(sys::Disk& disk, const std::string& path) {
  for (std::string_view side : side_files) {
    const std::string name = path + std::string(side);
    if (exists(disk, name)) TRY(disk.remove(name));
  }
  if (exists(disk, path)) TRY(disk.remove(path));
  return disk.sync_directory(sys::parent_directory(path));
}

Status begin_replacement(sys::Disk& disk, const std::string& path) {
  return remove_database(disk, replacement_path(path));
}

Result<std::string> finish_replacement(sys::Disk& disk, const std::string& path) {
  std::string damaged;
  if (exists(disk, path)) {
    damaged = path + ".damaged";
    for (int n = 2; exists(disk, damaged) && n <= damaged_files_max; ++n) {
      damaged = path + ".damaged-" + std::to_string(n);
    }
    // The side files first: a log without its database is ignored, a database with a foreign log is not.
    for (std::string_view side : side_files) {
      const std::string name = path + std::string(side);
      if (exists(disk, name)) TRY(disk.rename(name, damaged + std::string(side)));
    }
    TRY(disk.rename(path, damaged));
  }
  TRY(disk.rename(replacement_path(path), path));
  TRY(disk.sync_directory(sys::parent_directory(path)));
  return damaged;
}

Status recover_replacement(sys::Disk& disk, const std::string& path) {
  if (!exists(disk, replacement_path(path))) return {};
  if (exists(disk, path)) return begin_replacement(disk, path);
  TRY(disk.rename(replacement_path(path), path));
  return disk.sync_directory(sys::parent_directory(path));
}

}  // namespace reeve::server
