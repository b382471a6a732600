// Built-in actions on files. Folders are opened once, without following any symbolic link, and everything in them is
// then named relative to what was opened.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <memory>
#include <vector>

#include "agent/runner/builtin_impl.h"
#include "common/crypto/digest.h"

namespace reeve::runner {
namespace {

constexpr size_t content_bytes_max = 64_MiB;
constexpr size_t depth_max = 8;
constexpr size_t files_max = 100'000;

struct Content {
  struct stat about {};
  Bytes bytes{};
};

Result<Content> read_file(int folder, const std::string& name) {
  const std::string doing = "read " + name;
  const Descriptor file(openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  Content content;
  if (!file || fstat(file.get(), &content.about) != 0) return errno_error(errno, doing);
  if (!S_ISREG(content.about.st_mode)) return Error(Code::invalid, doing + ": not a regular file");
  if (static_cast<uint64_t>(content.about.st_size) > content_bytes_max)
    return Error(Code::exhausted, doing + ": larger than the allowed 64 MiB");
  if (!read_all(file.get(), content_bytes_max, content.bytes)) return errno_error(errno, doing);
  return content;
}

// Whole and durable under its name, or not there.
Status replace_file(int folder, const std::string& name, BytesView bytes, const struct stat& like) {
  const std::string doing = "write " + name;
  const std::string fresh = "." + name + ".reeve-new";
  unlinkat(folder, fresh.c_str(), 0);  // of an earlier attempt that was cut
  const Descriptor file(openat(folder, fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return errno_error(errno, doing);
  struct stat made {};
  const bool written = write_all(file.get(), bytes) && fstat(file.get(), &made) == 0 &&
                       ((made.st_uid == like.st_uid && made.st_gid == like.st_gid) ||
                        fchown(file.get(), like.st_uid, like.st_gid) == 0) &&
                       fchmod(file.get(), like.st_mode & 07777) == 0 && fsync(file.get()) == 0 &&
                       renameat(folder, fresh.c_str(), folder, name.c_str()) == 0 && fsync(folder) == 0;
  if (written) return {};
  const int error = errno;
  unlinkat(folder, fresh.c_str(), 0);
  return errno_error(error, doing);
}

struct Old {
  timespec changed{};
  std::string folder{};  // relative to the declared one
  std::string name{};
  uint64_t bytes = 0;
  ino_t inode = 0;
};

struct Search {
  dev_t device = 0;
  time_t before = 0;
  std::vector<std::string> suffixes{};
  std::vector<Old> found{};
};

// Files of `folder` and the folders below it, on the same device. Takes the descriptor over.
void search(Descriptor folder, const std::string& path, size_t depth, Search& all) {
  const int at = folder.get();
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(fdopendir(dup(at)), closedir);
  while (const dirent* entry = listing ? readdir(listing.get()) : nullptr) {
    const std::string name = entry->d_name;
    struct stat about {};
    if (name == "." || name == ".." || fstatat(at, name.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (about.st_dev != all.device || all.found.size() >= files_max) continue;
    if (S_ISDIR(about.st_mode) && depth < depth_max) {
      Descriptor below(openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (below) search(std::move(below), path + "/" + name, depth + 1, all);
    }
    const bool wanted = std::any_of(all.suffixes.begin(), all.suffixes.end(), [&name](const std::string& suffix) {
      return name.size() > suffix.size() && name.ends_with(suffix);
    });
    if (S_ISREG(about.st_mode) && wanted && about.st_nlink == 1 && about.st_mtime < all.before)
      all.found.push_back({about.st_mtim, path, name, static_cast<uint64_t>(about.st_blocks) * 512, about.st_ino});
  }
}

Result<std::vector<std::string>> split_suffixes(const std::string& text) {
  std::vector<std::string> suffixes;
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    suffixes.push_back(text.substr(at, comma - at));
    if (suffixes.back().size() < 2 || suffixes.back().find('/') != std::string::npos)
      return Error(Code::invalid,
                   "suffixes holds \"" + printable(suffixes.back()) + "\"; allowed: at least two characters");
    at = comma + 1;
  }
  return suffixes;
}

}  // namespace

Result<Answer> switch_release(const BuiltIn& action) {
  const std::filesystem::path link = action.argument("link");
  const std::string folder = action.argument("folder");
  const std::string release = TRY(name_of(action, "release"));
  const Descriptor releases = TRY(open_folder(folder));
  const Descriptor place = TRY(open_folder(link.parent_path()));
  struct stat about {};
  if (fstatat(releases.get(), release.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(about.st_mode))
    return Error(Code::not_found, "there is no folder " + release + " in " + folder);
  const std::string name = link.filename();
  if (fstatat(place.get(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISLNK(about.st_mode))
    return Error(Code::invalid, link.string() + " is not a symbolic link");
  std::error_code none;
  const std::string before = std::filesystem::read_symlink(link, none);
  const std::string target = folder + "/" + release;
  const std::string fresh = "." + name + ".reeve-new";
  unlinkat(place.get(), fresh.c_str(), 0);  // of an earlier attempt that was cut
  if (symlinkat(target.c_str(), place.get(), fresh.c_str()) != 0 ||
      renameat(place.get(), fresh.c_str(), place.get(), name.c_str()) != 0 || fsync(place.get()) != 0)
    return errno_error(errno, "switch " + link.string());
  return Answer{true, link.string() + ": from " + (before.empty() ? "nothing" : printable(before)) + " to " + target};
}

Result<Answer> free_disk(const BuiltIn& action) {
  const Descriptor folder = TRY(open_folder(action.argument("folder")));
  Search all;
  all.suffixes = TRY(split_suffixes(action.argument("suffixes")));
  const uint64_t older_ms = TRY(number_of(action, "older_than_ms", INT64_MAX));
  const uint64_t bytes_max = TRY(number_of(action, "bytes_max", INT64_MAX));
  struct stat about {};
  if (fstat(folder.get(), &about) != 0) return errno_error(errno, "look at the folder");
  all.device = about.st_dev;
  all.before = time(nullptr) - static_cast<time_t>(older_ms / 1000);
  search(Descriptor(dup(folder.get())), ".", 0, all);
  std::sort(all.found.begin(), all.found.end(), [](const Old& a, const Old& b) {
    return std::tie(a.changed.tv_sec, a.changed.tv_nsec) < std::tie(b.changed.tv_sec, b.changed.tv_nsec);
  });
  uint64_t freed = 0;
  std::string said;
  for (const Old& old : all.found) {
    if (freed + old.bytes > bytes_max) break;
    // The way down again, one folder at a time: any of them may have been replaced since.
    Descriptor at(dup(folder.get()));
    for (const std::filesystem::path& part : std::filesystem::path(old.folder))
      at = Descriptor(openat(at.get(), part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (fstatat(at.get(), old.name.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0 || about.st_ino != old.inode ||
        about.st_dev != all.device || unlinkat(at.get(), old.name.c_str(), 0) != 0)
      continue;
    freed += old.bytes;
    said += "deleted " + printable(old.folder + "/" + old.name) + ", " + std::to_string(old.bytes) + " bytes\n";
  }
  return Answer{true, said + "freed " + std::to_string(freed) + " bytes"};
}

Result<Answer> restore_file(const BuiltIn& action) {
  const std::filesystem::path path = action.argument("path");
  const std::string version = action.argument("version");
  if (version.size() != 2 * crypto::digest_bytes || !from_hex(version))
    return Error(Code::invalid, "version is no SHA-256");
  const Descriptor folder = TRY(open_folder(path.parent_path()));
  const Descriptor versions = TRY(open_folder(action.argument("versions")));
  const Content wanted = TRY(read_file(versions.get(), version));
  if (to_hex(crypto::sha256(wanted.bytes)) != version)
    return Error(Code::corrupt, "version " + version + " has another content");
  const std::string name = path.filename();
  const Result<Content> current = read_file(folder.get(), name);
  if (!current.ok() && current.error().code() != Code::not_found) return current.error();
  std::string before = "nothing";
  if (current.ok()) {
    before = to_hex(crypto::sha256(current->bytes));
    if (before == version) return Answer{true, path.string() + " is version " + version + " already"};
    const Result<Content> kept = read_file(versions.get(), before);
    if (!kept.ok() || kept->bytes != current->bytes)
      TRY(replace_file(versions.get(), before, current->bytes, wanted.about));
  }
  TRY(replace_file(folder.get(), name, wanted.bytes, current.ok() ? current->about : wanted.about));
  return Answer{true, path.string() + ": from " + before + " to " + version};
}

Result<Answer> file_hash(const BuiltIn& action) {
  const std::filesystem::path path = action.argument("path");
  const Descriptor folder = TRY(open_folder(path.parent_path()));
  const Content content = TRY(read_file(folder.get(), path.filename()));
  const std::string found = to_hex(crypto::sha256(content.bytes));
  return Answer{found == action.argument("sha256"), found};
}

Result<Answer> disk_below(const BuiltIn& action) {
  const std::string path = action.argument("path");
  const uint64_t percent = TRY(number_of(action, "percent", 100));
  struct statvfs disk {};
  if (statvfs(path.c_str(), &disk) != 0) return errno_error(errno, "look at the disk of " + path);
  const uint64_t used = disk.f_blocks - disk.f_bfree;
  const uint64_t all = used + disk.f_bavail;
  if (all == 0) return Error(Code::invalid, "the file system of " + path + " has no size");
  return Answer{used * 100 < percent * all, std::to_string(used * 100 / all) + " % of the disk are used"};
}

}  // namespace reeve::runner
