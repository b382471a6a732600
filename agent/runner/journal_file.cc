// See journal_file.h.
#include "agent/runner/journal_file.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/base/crc32c.h"
#include "common/crypto/digest.h"

namespace reeve::runner {
namespace {

constexpr size_t sector_bytes = 512;
constexpr char mark = 0x52;
constexpr size_t crc_at = 1;
constexpr size_t index_at = crc_at + 4;
constexpr size_t part_at = index_at + 2;
constexpr size_t end_mark_at = sector_bytes - 1;
constexpr size_t part_bytes = end_mark_at - part_at;
constexpr size_t length_bytes = 4;
constexpr size_t record_head_bytes = length_bytes + crypto::digest_bytes;

uint32_t crc_of(BytesView sector, uint64_t position) {
  return crc32c(sector.substr(index_at, end_mark_at - index_at), static_cast<uint32_t>(position / sector_bytes));
}

bool is_written(BytesView content, uint64_t position) {
  return content[position] != '\0' && content[position + end_mark_at] != '\0';
}

// What the sector at `position` holds of a record; empty unless it is intact and the index-th of its record.
BytesView part_of(BytesView content, uint64_t position, uint64_t index) {
  const BytesView sector = content.substr(position, sector_bytes);
  const bool intact = sector.front() == mark && sector.back() == mark &&
                      load_le<uint32_t>(sector.data() + crc_at) == crc_of(sector, position) &&
                      load_le<uint16_t>(sector.data() + index_at) == index;
  return intact ? sector.substr(part_at, part_bytes) : BytesView();
}

}  // namespace

uint64_t JournalFile::room_of(size_t body_bytes) {
  return (record_head_bytes + body_bytes + part_bytes - 1) / part_bytes * sector_bytes;
}

Bytes JournalFile::sectors_of(BytesView body) {
  check(body.size() <= journal_body_bytes_max, "a journal record is within its bound");
  check(room_of(body.size()) <= bytes_free(), "room for a journal record is made before it is written");
  Bytes record;
  append_le(record, static_cast<uint32_t>(body.size()));
  record += last_hash_;
  record.resize(record_head_bytes, '\0');
  record += body;
  last_hash_ = crypto::sha256(record);

  Bytes sectors;
  for (size_t offset = 0; offset < record.size(); offset += part_bytes, end_ += sector_bytes) {
    Bytes sector(sector_bytes, '\0');
    sector.front() = sector.back() = mark;
    store_le(sector.data() + index_at, static_cast<uint16_t>(offset / part_bytes));
    record.copy(sector.data() + part_at, part_bytes, offset);
    store_le(sector.data() + crc_at, crc_of(sector, end_));
    sectors += sector;
  }
  return sectors;
}

Result<std::unique_ptr<JournalFile>> JournalFile::make(sys::Disk& disk, const std::string& path, uint64_t bytes,
                                                       const std::vector<Bytes>& bodies) {
  check(bytes >= journal_bytes_min && bytes <= journal_bytes_max && bytes % sector_bytes == 0,
        "a journal has whole sectors within its limits");
  std::unique_ptr<JournalFile> made(new JournalFile(disk, path));
  made->bytes_ = bytes;
  Bytes content;
  for (const Bytes& body : bodies) content += made->sectors_of(body);
  content.resize(bytes, '\0');
  made->file_ = TRY(disk.open(path + ".new", sys::OpenMode::create));
  TRY(made->file_->truncate(0));
  TRY(made->file_->write_at(0, content));
  TRY(made->file_->sync());
  return made;
}

Status JournalFile::put_in_place() {
  TRY(disk_.rename(path_ + ".new", path_));
  return disk_.sync_directory(sys::parent_directory(path_));
}

Result<std::unique_ptr<JournalFile>> JournalFile::open(sys::Disk& disk, const std::string& path, const Replay& replay) {
  std::unique_ptr<JournalFile> opened(new JournalFile(disk, path));
  opened->file_ = TRY(disk.open(path, sys::OpenMode::read_write));
  TRY_DURING(opened->read(replay), "read the journal " + path);
  TRY(disk.sync_directory(sys::parent_directory(path)));
  return opened;
}

Status JournalFile::read(const Replay& replay) {
  bytes_ = TRY(file_->stat()).size;
  if (bytes_ < journal_bytes_min || bytes_ > journal_bytes_max || bytes_ % sector_bytes != 0) {
    return Error(Code::corrupt, "no journal has " + std::to_string(bytes_) + " bytes");
  }
  Bytes content;
  TRY(file_->read_at(0, bytes_, content));
  if (content.size() != bytes_) return Error(Code::corrupt, "it is shorter than it was");

  uint64_t last = 0;
  last_hash_.resize(crypto::digest_bytes, '\0');
  while (end_ < bytes_) {
    const Error damaged(Code::corrupt, "damaged in the record at byte " + std::to_string(end_));
    Bytes record(part_of(content, end_, 0));
    const uint32_t length = record.empty() ? 0 : load_le<uint32_t>(record.data());
    const uint64_t room = room_of(length);
    if (length > journal_body_bytes_max || room > bytes_free()) return damaged;
    for (uint64_t at = sector_bytes; at < room; at += sector_bytes) {
      record += part_of(content, end_ + at, at / sector_bytes);
    }
    if (record.size() < room / sector_bytes * part_bytes) {  // the end, or a torn record, or damage
      for (uint64_t at = end_; at < bytes_; at += sector_bytes) {
        if (is_written(content, at) && part_of(content, at, (at - end_) / sector_bytes).empty()) return damaged;
      }
      break;
    }
    record.resize(record_head_bytes + length);
    if (record.compare(length_bytes, crypto::digest_bytes, last_hash_) != 0) return damaged;
    TRY(replay(BytesView(record).substr(record_head_bytes)));
    last_hash_ = crypto::sha256(record);
    last = std::exchange(end_, end_ + room);
  }
  if (end_ == 0) return Error(Code::corrupt, "it has no first record");

  Bytes again = content.substr(last, end_ - last);
  again.append(std::min(bytes_free(), room_of(journal_body_bytes_max)), '\0');
  TRY(file_->write_at(last, again));
  return file_->sync();
}

Status JournalFile::append(BytesView body) {
  const uint64_t position = end_;
  TRY(file_->write_at(position, sectors_of(body)));
  return file_->sync();
}

}  // namespace reeve::runner
