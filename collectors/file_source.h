// One followed file: where it lies, what proves that it is still the same, and how far it was read.
//
// A file is known by device and inode, which survive a rename, and by a hash of its first 1024 bytes, because inodes
// are given out again. While it is open, its descriptor is the file, whatever happens to its names.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "collectors/collector.h"
#include "common/sys/disk.h"

namespace reeve::collect {

constexpr uint32_t fingerprint_bytes_max = 1024;

// FNV-1a, 64 bits: short inputs only, and continued as a young file grows. `seed` continues an earlier one.
constexpr uint64_t fingerprint_seed = 0xcbf29ce484222325;
uint64_t fingerprint_of(BytesView bytes, uint64_t seed = fingerprint_seed);

struct FileSource {
  wire::SourcePosition position;
  SourceHandle handle = 0;
  std::string path;     // where it lay when last seen
  bool at_path = true;  // a glob finds it; false: renamed away or deleted, and followed to its end

  std::unique_ptr<sys::File> file;  // closed while idle, when there are many
  uint64_t size = 0;                // when last looked at, as the next
  WallTime modified;
  Instant last_growth;      // or when it was found to be gone
  uint64_t looked_to = 0;   // up to here there is no further line end after `position.offset`
  bool queued = false;      // waits for its turn to be read
  bool in_hole = false;     // everything so far was NUL
  bool complained = false;  // its trouble was logged
  uint64_t durable_offset = 0;

  // A copy of that other source's file, not read while it is unclear which of the two goes on.
  uint64_t shadow_of = 0;
  bool maybe_copy = false;  // to be compared with its neighbours before its first byte is read

  // The bytes just before `position.offset`, to tell a copy of this file from one that only begins alike. Not kept
  // across restarts.
  uint64_t tail_hash = 0;
  uint32_t tail_bytes = 0;

  // The name under which a file that lies at `path` now is written: its own from before it was renamed, but not that of
  // a deleted file whose inode it got.
  std::string written_name() const;

  sys::FileIdentity identity() const { return {.device = position.device, .inode = position.inode}; }
  void set_identity(const sys::FileIdentity& identity) {
    position.device = identity.device;
    position.inode = identity.inode;
  }
  bool unread() const { return size > std::max(position.offset, looked_to); }
};

// Up to 1024 bytes from the beginning of a file.
Result<Bytes> read_head(sys::File& file);

// Whether a file that begins with `head` and is `size` bytes long can be the one that this position is in.
bool head_agrees(const wire::SourcePosition& position, BytesView head, uint64_t size);

// Lets the fingerprint cover the first min(1024, offset) bytes, as far as `head` goes; `head` agrees with the position.
void extend_fingerprint(wire::SourcePosition& position, BytesView head);

// Whether the bytes before `offset` in `file` are those that were read there from the source.
bool tail_agrees(const FileSource& source, sys::File& file);

// The place to begin at when only the last `bytes_max` bytes of a file are wanted: the first line start among them.
Result<uint64_t> find_start_near_end(sys::File& file, uint64_t size, uint64_t bytes_max);

// The beginning of the line that is being written at the end of a file; at most `line_bytes_max` bytes before `size`.
Result<uint64_t> find_start_of_last_line(sys::File& file, uint64_t size, uint32_t line_bytes_max);

// What rows of a file are called: below a directory named "log" the directory next to it ("/var/log/nginx/access.log"
// is of "nginx"), otherwise the file's name up to its first dot or rotation number ("/srv/shop.log.1" is of "shop").
std::string service_of_path(std::string_view path);

}  // namespace reeve::collect
