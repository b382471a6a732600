// The real disk: POSIX files behind the interface of disk.h.
//
// Reads and writes are positional and run until done, so a signal or a short transfer is nobody else's concern. Files
// are opened close-on-exec and, for reading, non-blocking: a FIFO that slipped into a glob cannot hang its worker.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/sys/disk.h"

namespace reeve::sys {
namespace {

Error failed(std::string_view doing, const std::string& path) {
  const int error_number = errno;  // before the text below may change it
  return errno_error(error_number, std::string(doing) + " " + path);
}

FileStat to_file_stat(const struct stat& from) {
  FileStat to;
  to.identity = {.device = from.st_dev, .inode = from.st_ino};
  to.size = static_cast<uint64_t>(std::max<off_t>(from.st_size, 0));
  to.modified = WallTime{from.st_mtim.tv_sec * 1'000'000'000 + from.st_mtim.tv_nsec};
  to.is_directory = S_ISDIR(from.st_mode);
  to.is_regular = S_ISREG(from.st_mode);
  return to;
}

class PosixFile : public File {
 public:
  PosixFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  ~PosixFile() override { ::close(descriptor_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  Result<size_t> read_at(uint64_t offset, size_t count, Bytes& out) override {
    const size_t before = out.size();
    out.resize(before + count);
    size_t got = 0;
    while (got < count) {
      const ssize_t n = ::pread(descriptor_, out.data() + before + got, count - got, static_cast<off_t>(offset + got));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        const Error error = failed("read", path_);
        out.resize(before);
        return error;
      }
      if (n == 0) break;
      got += static_cast<size_t>(n);
    }
    out.resize(before + got);
    return got;
  }

  Status write_at(uint64_t offset, BytesView bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed("write", path_);
      bytes.remove_prefix(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
    return {};
  }

  Status truncate(uint64_t size) override {
    if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) return failed("truncate", path_);
    return {};
  }

  Status sync() override {
    if (::fdatasync(descriptor_) != 0) return failed("sync", path_);
    return {};
  }

  Result<FileStat> stat() override {
    struct stat found;
    if (::fstat(descriptor_, &found) != 0) return failed("stat", path_);
    return to_file_stat(found);
  }

 private:
  const int descriptor_;
  const std::string path_;
};

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::read:
      return O_RDONLY | O_NONBLOCK | O_NOCTTY;
    case OpenMode::read_write:
      return O_RDWR;
    case OpenMode::create:
      return O_RDWR | O_CREAT;
    case OpenMode::create_new:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  check(false, "an open mode is one of four");
  return 0;
}

bool is_directory_entry(const dirent& entry, int directory) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
  // Some file systems do not tell the type in the listing. Symbolic links stay what they are, as they do above.
  struct stat found;
  return ::fstatat(directory, entry.d_name, &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(found.st_mode);
}

class PosixDisk : public Disk {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int descriptor;
    do {
      descriptor = ::open(path.c_str(), flags_of(mode) | O_CLOEXEC, 0600);
    } while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) return failed("open", path);
    return std::unique_ptr<File>(std::make_unique<PosixFile>(descriptor, path));
  }

  Result<FileStat> stat(const std::string& path) override {
    struct stat found;
    if (::stat(path.c_str(), &found) != 0) return failed("stat", path);
    return to_file_stat(found);
  }

  Result<std::vector<DirectoryEntry>> list(const std::string& directory) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> handle(::opendir(directory.c_str()), ::closedir);
    if (!handle) return failed("list", directory);

    std::vector<DirectoryEntry> entries;
    errno = 0;
    while (const dirent* entry = ::readdir(handle.get())) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") {
        entries.push_back(
            {.name = std::string(name), .is_directory = is_directory_entry(*entry, ::dirfd(handle.get()))});
      }
      errno = 0;
    }
    if (errno != 0) return failed("list", directory);

    std::sort(entries.begin(), entries.end(),
              [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
    return entries;
  }

  Status make_directories(const std::string& path) override {
    if (::mkdir(path.c_str(), 0700) == 0) return {};
    if (errno == ENOENT) {
      const std::string parent = parent_directory(path);
      if (parent == path) return failed("make directory", path);
      TRY(make_directories(parent));
      if (::mkdir(path.c_str(), 0700) == 0) return {};
    }
    if (errno != EEXIST) return failed("make directory", path);
    const FileStat found = TRY(stat(path));
    if (!found.is_directory) return errno_error(ENOTDIR, "make directory " + path);
    return {};
  }

  Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return failed("rename to " + to + " from", from);
    return {};
  }

  Status remove(const std::string& path) override {
    if (::remove(path.c_str()) != 0) return failed("remove", path);
    return {};
  }

  Status sync_directory(const std::string& path) override {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return failed("open directory", path);
    const int synced = ::fsync(descriptor);
    const Error error = failed("sync directory", path);
    ::close(descriptor);
    if (synced != 0) return error;
    return {};
  }

  Result<DiskSpace> space(const std::string& path) override {
    struct statvfs found;
    if (::statvfs(path.c_str(), &found) != 0) return failed("ask for the space of", path);
    return DiskSpace{.total_bytes = uint64_t{found.f_blocks} * found.f_frsize,
                     .free_bytes = uint64_t{found.f_bfree} * found.f_frsize,
                     .available_bytes = uint64_t{found.f_bavail} * found.f_frsize};
  }
};

}  // namespace

Disk& real_disk() {
  static PosixDisk disk;
  return disk;
}

}  // namespace reeve::sys
