// See spool_quarantine.h.
#include "agent/spool_quarantine.h"

#include "common/base/log.h"

namespace reeve::agent {

void SpoolQuarantine::keep(const std::string& name, BytesView bytes) {
  ++total_;
  Status kept = disk_.make_directories(directory_);
  if (kept.ok() && !has_room(name, bytes.size())) kept = Error(Code::exhausted, "the quarantine is full");
  if (kept.ok()) kept = sys::write_file_atomically(disk_, directory_ + "/" + name, bytes);

  if (kept.ok()) {
    log_warn("damaged spool bytes are set aside", {{"file", directory_ + "/" + name}, {"bytes", bytes.size()}});
  } else {
    log_warn("damaged spool bytes are dropped",
             {{"place", name}, {"bytes", bytes.size()}, {"reason", kept.error().text()}});
  }
}

bool SpoolQuarantine::has_room(const std::string& name, uint64_t bytes) {
  const auto entries = disk_.list(directory_);
  if (!entries.ok()) return false;
  size_t files = 0;
  uint64_t held = 0;
  for (const sys::DirectoryEntry& entry : *entries) {
    if (entry.name == name) continue;
    ++files;
    const auto stat = disk_.stat(directory_ + "/" + entry.name);
    if (stat.ok()) held += stat->size;
  }
  return files < files_max && bytes <= bytes_max && held <= bytes_max - bytes;
}

}  // namespace reeve::agent
