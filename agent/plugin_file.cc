#include "agent/plugin_file.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "agent/plugin_rules.h"
#include "common/crypto/digest.h"

namespace reeve::agent {
namespace {

constexpr uint64_t file_bytes_max = 64_MiB;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

Status check_owner(int descriptor, const std::string& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return errno_error(errno, "look at " + path);
  if (status.st_uid != 0) {
    return Error(Code::denied, path + " belongs to user " + std::to_string(status.st_uid) + "; allowed: root");
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Error(Code::denied, path + " can be written by others than its owner; allowed: by root alone");
  }
  return {};
}

// Walks from the root, a name at a time, so that what was checked is what is opened.
Result<Descriptor> open_path(const std::string& path, PluginOwner owner) {
  if (!path.starts_with('/')) return Error(Code::invalid, path + " is no absolute path");
  Descriptor at(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  std::string walked = "/";
  if (owner == PluginOwner::root) TRY(check_owner(at.get(), walked));
  for (size_t begin = 1; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    const bool last = end == path.size();
    begin = end + 1;
    if (name.empty() || name == "." || name == "..") {
      return Error(Code::invalid, path + " has an empty name, \".\" or \"..\" in it");
    }
    walked += (walked.size() > 1 ? "/" : "") + name;
    const int flags = O_CLOEXEC | O_NOFOLLOW | (last ? O_RDONLY | O_NONBLOCK : O_PATH | O_DIRECTORY);
    Descriptor next(::openat(at.get(), name.c_str(), flags));
    if (next.get() < 0) {
      if (errno == ELOOP || errno == ENOTDIR) {
        return Error(Code::denied, walked + " is a symbolic link, or no folder; name the real path");
      }
      return errno_error(errno, "open " + walked);
    }
    if (owner == PluginOwner::root) TRY(check_owner(next.get(), walked));
    at = std::move(next);
  }
  return at;
}

Result<Bytes> read_all(int descriptor, const std::string& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return errno_error(errno, "look at " + path);
  if (!S_ISREG(status.st_mode)) return Error(Code::invalid, path + " is no regular file");
  if (static_cast<uint64_t>(status.st_size) > file_bytes_max) {
    return Error(Code::invalid, path + " has more than 64 MiB");
  }
  Bytes bytes(static_cast<size_t>(status.st_size), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(descriptor, bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(errno, "read " + path);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace

Result<PluginImage> read_plugin(const std::string& path, PluginOwner owner) {
  const Descriptor file = TRY(open_path(path, owner));
  const Bytes bytes = TRY(read_all(file.get(), path));

  Descriptor memory(::memfd_create("reeve-plugin", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (memory.get() < 0) return errno_error(errno, "make memory for " + path);
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t put = ::write(memory.get(), bytes.data() + done, bytes.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return errno_error(errno, "copy " + path);
    done += static_cast<size_t>(put);
  }
  if (::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return errno_error(errno, "seal the copy of " + path);
  }
  return PluginImage{memory.release(), to_hex(crypto::sha256(bytes))};
}

Result<const reeve_plugin*> load_plugin(const PluginImage& image, const std::string& path) {
  const std::string name = "/proc/self/fd/" + std::to_string(image.descriptor);
  void* const handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* const why = ::dlerror();
    std::string text = why == nullptr ? "" : why;
    // The linker knows the file by our descriptor's name; a person does not.
    if (const size_t at = text.find(name); at != std::string::npos) text.replace(at, name.size(), path);
    return Error(Code::invalid, "load " + path + ": " + printable(text, 400));
  }
  const auto* const table = static_cast<const reeve_plugin*>(::dlsym(handle, "reeve_plugin_v1"));
  const std::string complaint = complaint_about_table(table);
  if (!complaint.empty()) return Error(Code::invalid, path + " is no plugin of this agent's: " + complaint);
  return table;
}

}  // namespace reeve::agent
