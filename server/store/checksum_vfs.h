// Puts a CRC32C into every page of a database file, so that no flipped bit is ever read as truth.
//
// SQLite itself checks only its log. This file system stands between SQLite and the real one: a page that is written
// gets the checksum of its bytes and its place into the eight bytes at its end that the file keeps free; a page that is
// read and does not match is an input/output error (SQLITE_IOERR_DATA, for us Code::corrupt). The log keeps SQLite's
// own checksums, which cover it from the write to the checkpoint.
//
// It refuses nothing else and passes everything on. A file must have been made through it: Database sees to that.
#pragma once

#include <memory>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"

struct sqlite3_vfs;

namespace reeve::server {

constexpr int page_reserved_bytes = 8;

// Whether a page, read from `offset` of a file, carries the right checksum.
bool page_is_whole(BytesView page, uint64_t offset);

// Registered with SQLite while it lives; it outlives every connection opened through it. Any thread.
class ChecksumVfs {
 public:
  // `base` is SQLite's name of the file system below; empty: the host's. Code::not_found where there is none.
  static Result<std::unique_ptr<ChecksumVfs>> make(const std::string& base);
  ~ChecksumVfs();
  ChecksumVfs(const ChecksumVfs&) = delete;
  ChecksumVfs& operator=(const ChecksumVfs&) = delete;

  const std::string& name() const { return name_; }

 private:
  ChecksumVfs(std::string name, sqlite3_vfs* base);

  const std::string name_;
  std::unique_ptr<sqlite3_vfs> vfs_;
};

}  // namespace reeve::server
