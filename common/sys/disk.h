// Files, behind an interface: the real disk, or the simulator's, which crashes, tears, fills and rots.
//
// All calls block and belong on a worker thread, never on a loop. Paths are absolute or relative to the process. Errors
// carry the path and the system's reason; a full disk is Code::exhausted, an absent file Code::not_found.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace reeve::sys {

// What stays the same when a file is renamed. An inode number is reused after a deletion, so whoever remembers a file
// across restarts also keeps a hash of its content.
struct FileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  auto operator<=>(const FileIdentity&) const = default;
};

struct FileStat {
  FileIdentity identity;
  uint64_t size = 0;
  WallTime modified;
  bool is_directory = false;
  bool is_regular = false;
};

struct DirectoryEntry {
  std::string name;  // without its directory
  bool is_directory = false;
};

struct DiskSpace {
  uint64_t total_bytes = 0;
  uint64_t free_bytes = 0;       // including what is kept back for root
  uint64_t available_bytes = 0;  // to everybody
};

// An open file; closes when destroyed. One thread at a time.
class File {
 public:
  virtual ~File() = default;

  // Up to `count` bytes from `offset`, appended to `out`; fewer only at the end of the file. Gives how many.
  virtual Result<size_t> read_at(uint64_t offset, size_t count, Bytes& out) = 0;
  // All of `bytes`, or an error; after an error any prefix may have been written.
  virtual Status write_at(uint64_t offset, BytesView bytes) = 0;
  virtual Status truncate(uint64_t size) = 0;
  // fdatasync: after ok, every earlier write survives a power cut. After an error the file must be given up, not
  // synced again: the kernel may have dropped the dirty pages.
  virtual Status sync() = 0;
  virtual Result<FileStat> stat() = 0;
};

enum class OpenMode {
  read,        // must exist
  read_write,  // must exist
  create,      // read and write; made with mode 0600 where absent
  create_new,  // read and write; must not exist
};

// Any thread.
class Disk {
 public:
  virtual ~Disk() = default;

  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual Result<FileStat> stat(const std::string& path) = 0;
  virtual Result<std::vector<DirectoryEntry>> list(const std::string& directory) = 0;  // sorted by name
  virtual Status make_directories(const std::string& path) = 0;                        // mode 0700, parents too
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status remove(const std::string& path) = 0;
  // After ok, files made, renamed and removed in the directory so far stay so after a power cut.
  virtual Status sync_directory(const std::string& path) = 0;
  virtual Result<DiskSpace> space(const std::string& path) = 0;
};

// The host's file system.
Disk& real_disk();

// A whole file, at most `bytes_max` (Code::exhausted beyond).
Result<Bytes> read_file(Disk& disk, const std::string& path, uint64_t bytes_max);

// Replaces the file so that a crash leaves the old content or the new, never a mix: writes beside it, syncs, renames,
// syncs the directory.
Status write_file_atomically(Disk& disk, const std::string& path, BytesView bytes);

// "/var/lib" of "/var/lib/reeve"; "." where there is no slash.
std::string parent_directory(const std::string& path);

}  // namespace reeve::sys
