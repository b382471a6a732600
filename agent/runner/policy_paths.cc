// See policy_paths.h.
#include "agent/runner/policy_paths.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "common/base/bytes.h"

namespace reeve::runner {

namespace {

constexpr int symlinks_max = 16;

class Descriptor {
 public:
  explicit Descriptor(long number) : number_(static_cast<int>(number)) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

Error denied(std::string_view path, std::string_view what) {
  return Error(Code::denied, printable(path) + " " + std::string(what));
}

Descriptor open_resolved(int folder, const std::string& path, uint64_t resolve) {
  struct open_how how {};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = resolve | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return Descriptor(::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how));
}

// Why a folder or file on the way cannot be relied on; empty: it can.
std::string distrust(const struct stat& at, uint32_t owner) {
  if (at.st_uid != 0 && at.st_uid != owner) return "belongs to user " + std::to_string(at.st_uid);
  const bool sticky = S_ISDIR(at.st_mode) && (at.st_mode & S_ISVTX) != 0;
  if (!S_ISLNK(at.st_mode) && !sticky && (at.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "may be written to by others";
  return {};
}

}  // namespace

bool is_plain_path(std::string_view path) {
  if (path.size() < 2 || path.size() >= PATH_MAX || path.front() != '/') return false;
  if (std::any_of(path.begin(), path.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; })) return false;
  const std::string closed = std::string(path) + "/";
  return closed.find("//") == std::string::npos && closed.find("/./") == std::string::npos &&
         closed.find("/../") == std::string::npos;
}

Status trusted_path(const std::string& path, uint32_t owner) {
  if (!is_plain_path(path)) return denied(path, "is no plain absolute path");
  std::string done = "/";  // walked, and without a symlink
  std::string left = path;
  int symlinks = 0;
  while (true) {
    struct stat at {};
    if (::lstat(done.c_str(), &at) != 0) return errno_error(errno, printable(done));
    if (const std::string why = distrust(at, owner); !why.empty()) return denied(done, why);
    if (S_ISLNK(at.st_mode)) {
      char target[PATH_MAX];
      const ssize_t size = ::readlink(done.c_str(), target, sizeof target);
      if (size <= 0 || ++symlinks > symlinks_max)
        return denied(path, "has too many symlinks, or one that leads nowhere");
      left = std::string(target, static_cast<size_t>(size)) + "/" + left;
      done = target[0] == '/' ? "/" : done.substr(0, std::max<size_t>(1, done.rfind('/')));
      continue;  // the folder it stands in has passed already
    }
    left.erase(0, left.find_first_not_of('/'));
    if (left.empty()) return {};
    const std::string name = left.substr(0, left.find('/'));
    left.erase(0, name.size());
    if (name == "..") {
      done = done.substr(0, std::max<size_t>(1, done.rfind('/')));
    } else if (name != ".") {
      done += (done.size() > 1 ? "/" : "") + name;
    }
  }
}

Status trusted_program(const std::string& path, uint32_t owner) {
  TRY(trusted_path(path, owner));
  struct stat at {};
  if (::stat(path.c_str(), &at) != 0) return errno_error(errno, printable(path));
  if (!S_ISREG(at.st_mode)) return denied(path, "is no regular file");
  if ((at.st_mode & (S_ISUID | S_ISGID)) != 0) return denied(path, "is setuid or setgid");
  if ((at.st_mode & S_IXUSR) == 0) return denied(path, "may not be executed");
  if (::getxattr(path.c_str(), "security.capability", nullptr, 0) >= 0) return denied(path, "has file capabilities");
  return {};
}

Status resolve_below(const std::string& folder, std::string_view path, Below wanted) {
  const bool beneath = is_plain_path(path) && path.starts_with(folder + "/");
  if (!beneath) return denied("\"" + printable(path) + "\"", "is not below " + printable(folder));
  const Descriptor base = open_resolved(AT_FDCWD, folder, 0);
  if (base.number() < 0) return denied(folder, "cannot be walked: " + errno_error(errno, "openat2").text());
  const Descriptor found = open_resolved(base.number(), std::string(path.substr(folder.size() + 1)), RESOLVE_BENEATH);
  if (found.number() < 0) return denied(path, "cannot be walked: " + errno_error(errno, "openat2").text());
  struct stat at {};
  if (::fstat(found.number(), &at) != 0) return errno_error(errno, printable(path));
  if (S_ISDIR(at.st_mode)) return {};
  if (wanted == Below::folder) return denied(path, "is no folder");
  if (!S_ISREG(at.st_mode)) return denied(path, "is neither a regular file nor a folder");
  return {};
}

}  // namespace reeve::runner
