// The journal's file: records in sectors of 512 bytes, each sector written once.
//
//     sector: mark (1) | CRC32C (4) | index within its record (2) | part of the record (504) | mark (1)
//     record: length of the body (4) | SHA-256 of the record before (32) | body
//
// Little-endian. The CRC is over index and part and is seeded with the sector's number; the mark is 0x52 in this
// format. A sector with a zero for either mark is *unwritten*: a write that was cut short leaves that behind, and so
// does an erasure that was. A new record begins in a new sector: what is durable is never written again with other
// content.
//
// Every record is synced before the next is written, so a crash leaves at most one in doubt, the last. It is *torn* if
// each sector from its first to the file's end is either unwritten or intact with the index it has as part of that one
// record; a torn record is erased. Anything else (a wrong CRC between marks, the head of another record, a wrong hash,
// a wrong length) is damage: Code::corrupt, and nothing is changed. So a flipped bit in any record, the last one
// included, is told from a torn one. What cannot be told is a last record of which whole sectors went back to zeros
// after its sync.
//
// open writes the last record and the room behind it again and syncs, whatever it found: after a kill or a failed sync
// the page cache may show what the disk never got. After an error of append the file must be given up.
//
// One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/sys/disk.h"

namespace reeve::runner {

constexpr size_t journal_body_bytes_max = 64_KiB;
constexpr uint64_t journal_bytes_min = 256_KiB;
constexpr uint64_t journal_bytes_max = 1_GiB;

class JournalFile {
 public:
  // What a record with such a body takes of the file.
  static uint64_t room_of(size_t body_bytes);

  // Writes a file of `bytes` (a multiple of 512 within the limits) with these records beside `path`, synced. It counts
  // once put_in_place has returned ok; after that failed, either file may be in place.
  static Result<std::unique_ptr<JournalFile>> make(sys::Disk& disk, const std::string& path, uint64_t bytes,
                                                   const std::vector<Bytes>& bodies);
  Status put_in_place();

  // Gives the records in order; an error of `replay` is passed on and leaves the file as it is.
  using Replay = std::function<Status(BytesView body)>;
  static Result<std::unique_ptr<JournalFile>> open(sys::Disk& disk, const std::string& path, const Replay& replay);

  Status append(BytesView body);  // durable when it returns ok; the caller has seen to the room
  uint64_t bytes() const { return bytes_; }
  uint64_t bytes_free() const { return bytes_ - end_; }

 private:
  JournalFile(sys::Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  Bytes sectors_of(BytesView body);  // at end_, which it moves on
  Status read(const Replay& replay);

  sys::Disk& disk_;
  std::string path_;
  std::unique_ptr<sys::File> file_{};
  uint64_t bytes_ = 0;
  uint64_t end_ = 0;   // of the last record
  Bytes last_hash_{};  // of the last record; none before the first
};

}  // namespace reeve::runner
