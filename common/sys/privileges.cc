// See privileges.h.
#include "common/sys/privileges.h"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace reeve::sys {

Status become_owner_of(const std::string& directory) {
  struct stat info {};
  if (geteuid() != 0 || stat(directory.c_str(), &info) != 0 || info.st_uid == 0) return {};
  if (setgroups(0, nullptr) == 0 && setgid(info.st_gid) == 0 && setuid(info.st_uid) == 0) return {};
  return Error(Code::denied, "become the owner of " + directory + " (uid " + std::to_string(info.st_uid) +
                                 "): " + std::strerror(errno));
}

}  // namespace reeve::sys
