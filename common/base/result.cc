// The words of codes, and the one place where errno becomes one of them.
#include "common/base/result.h"

#include <cerrno>
#include <cstring>

namespace reeve {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::invalid:
      return "invalid";
    case Code::not_found:
      return "not_found";
    case Code::denied:
      return "denied";
    case Code::unavailable:
      return "unavailable";
    case Code::exhausted:
      return "exhausted";
    case Code::corrupt:
      return "corrupt";
    case Code::cancelled:
      return "cancelled";
  }
  return "unknown";
}

namespace {

Code code_of(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return Code::not_found;
    case EACCES:
    case EPERM:
    case EROFS:
      return Code::denied;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return Code::exhausted;
    case EINVAL:
    case EISDIR:
    case ENAMETOOLONG:
    case EEXIST:
      return Code::invalid;
    case ECANCELED:
      return Code::cancelled;
    default:
      return Code::unavailable;
  }
}

}  // namespace

Error errno_error(int error_number, std::string_view doing) {
  char buffer[128];
  return Error(code_of(error_number), std::string(doing) + ": " + strerror_r(error_number, buffer, sizeof buffer));
}

}  // namespace reeve
