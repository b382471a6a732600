// A log is a header of 32 bytes, then frames: 24 bytes (page, size after a commit, two salts, checksum) and a page.
// Integers are big-endian; the checksums' own words are little-endian on the hosts that we run on.
#include "server/store/write_ahead_log.h"

#include "common/base/bytes.h"

namespace reeve::server {

namespace {

constexpr uint64_t header_bytes = 32;
constexpr uint64_t frame_header_bytes = 24;
constexpr uint64_t log_bytes_max = 1_GiB;  // commits are bounded, and the log begins anew after each checkpoint

uint32_t load_be(BytesView bytes) {
  return __builtin_bswap32(load_le<uint32_t>(bytes.data()));
}

struct Checksum {
  uint32_t a = 0;
  uint32_t b = 0;
  bool operator==(const Checksum&) const = default;

  // A whole number of 8-byte words.
  Checksum add(BytesView bytes) const {
    Checksum sum = *this;
    for (size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      sum.a += load_le<uint32_t>(bytes.data() + at) + sum.b;
      sum.b += load_le<uint32_t>(bytes.data() + at + 4) + sum.a;
    }
    return sum;
  }
  static Checksum stored(BytesView bytes) { return {load_be(bytes), load_be(bytes.substr(4))}; }
};

}  // namespace

Result<LogContents> read_log(sys::Disk& disk, const std::string& path, uint32_t page_bytes) {
  LogContents log;
  const Result<Bytes> file = sys::read_file(disk, path + "-wal", log_bytes_max);
  if (!file.ok() && file.error().code() == Code::not_found) return log;
  if (!file.ok()) return file.error();
  const BytesView bytes = *file;
  const uint64_t frame_bytes = frame_header_bytes + page_bytes;
  if (bytes.size() < header_bytes + frame_bytes) return log;

  // A damaged header says nothing; then the first frame's salts are those of the log as it last began.
  const Checksum of_header = Checksum().add(bytes.substr(0, 24));
  const bool header_valid = of_header == Checksum::stored(bytes.substr(24, 8));
  const BytesView salts = header_valid ? bytes.substr(16, 8) : bytes.substr(header_bytes + 8, 8);

  // Each frame is judged by the one before, by what that says its checksum is and by what it should be: one of the two
  // is right even where a bit has flipped in the earlier frame.
  Checksum said = of_header;
  Checksum is = of_header;
  bool unbroken = header_valid;
  for (uint64_t at = header_bytes; at + frame_bytes <= bytes.size(); at += frame_bytes) {
    const BytesView header = bytes.substr(at, frame_header_bytes);
    const BytesView page = bytes.substr(at + frame_header_bytes, page_bytes);
    const Checksum stored = Checksum::stored(header.substr(16, 8));
    const Checksum from_said = said.add(header.substr(0, 8)).add(page);
    const Checksum from_is = is.add(header.substr(0, 8)).add(page);
    const bool current = header.substr(8, 8) == salts;
    const bool valid = current && (stored == from_said || stored == from_is);
    unbroken = unbroken && current && stored == from_said;
    said = stored;
    is = valid ? stored : from_said;
    if (!current) continue;  // of an earlier round, or its salts are hit
    log.frames.push_back({load_be(header), at + frame_header_bytes, valid, load_be(header.substr(4)) != 0});
    if (unbroken && log.frames.back().ends_commit) log.taken = log.frames.size();
  }
  return log;
}

Status sync_log(sys::Disk& disk, const std::string& path) {
  const Result<std::unique_ptr<sys::File>> file = disk.open(path + "-wal", sys::OpenMode::read_write);
  if (!file.ok() && file.error().code() == Code::not_found) return {};
  if (!file.ok()) return file.error();
  TRY((*file)->sync());
  return disk.sync_directory(sys::parent_directory(path));
}

LogState judge_log(const LogContents& log) {
  // Frames without a commit are what a killed writer leaves.
  if (log.taken == log.frames.size()) return LogState::whole;
  for (size_t i = log.taken; i + 1 < log.frames.size(); ++i) {
    if (log.frames[i].ends_commit) return LogState::rotten;
  }
  return log.frames.back().ends_commit ? LogState::torn : LogState::whole;
}

}  // namespace reeve::server
