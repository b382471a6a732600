// Follows log files: through appends, rotation, truncation, deletion and restarts, each line handed on exactly once.
//
// Globs say which files. A file is followed by its identity (device, inode, a hash of its beginning), so a rename
// changes nothing: the descriptor is kept until the file was read to its end, has been quiet for a while, and
// everything read from it is durable. What happened while the agent was stopped is put right at the first poll: a file
// that was renamed is found among its neighbours, also under a name that no glob matches, and so are the generations
// that came and went in between; a file that was copied and truncated is finished from its copy. A line without its end
// is held back until the end comes, or until the file is gone for good. Where exactly lines end and what becomes of
// long ones: line_splitter.h.
//
// Reading is fair: 256 KiB of a file, then it is the next one's turn, 1 MiB a poll in all. Offsets always lie at the
// start of a row, so nothing but the position needs remembering. When the stages behind are full, the file itself is
// the buffer.
//
// What it cannot do: read compressed generations; find the bytes that were written between a copy and the truncation
// that followed it; tell a file from one whose first 1024 bytes are the same when inode and size agree as well; know of
// a file that was renamed to what no glob matches, or emptied, before any position of it or its forerunner was durable.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "collectors/collector.h"
#include "collectors/glob.h"
#include "common/sys/disk.h"

namespace reeve::collect {

struct FileConfig {
  std::vector<std::string> include;  // glob.h says what patterns mean
  std::vector<std::string> exclude;

  // Where to begin in a file that lies there at the first start. One that appears later is read from its head, and so
  // is one that appeared while the agent was stopped, in a directory it knew.
  enum class Start { head, end };
  Start start = Start::head;
  uint64_t head_bytes_max = 0;  // from the head, but of a longer file only the last so many bytes; 0: no limit

  uint32_t line_bytes_max = 64 * 1024;  // 16 bytes at least; a longer line becomes several rows
  std::string service;                  // empty: after the path, see service_of_path
  uint32_t line_rules = 0;              // handed on with each source, see Intake::use_line_rules

  Duration scan_interval = 2s;     // directories are looked at this often, and as soon as one changes
  Duration look_interval = 250ms;  // files are, when no watch wakes the collector earlier
  Duration gone_wait = 30s;        // a renamed or deleted file may still be written to for so long
  uint32_t open_files_max = 512;   // further ones are closed while idle
  uint32_t files_max = 20'000;     // further ones wait until others are gone; logged and counted
};

// Since the start, but for the first two.
struct FileCounters {
  uint64_t files = 0;  // followed now
  uint64_t open_files = 0;
  uint64_t rotated = 0;     // no longer found by a glob
  uint64_t truncated = 0;   // shorter than what was read of them, or another content under the same identity
  uint64_t lost = 0;        // could not be found again
  uint64_t unreadable = 0;  // tries that failed
  uint64_t refused = 0;     // beyond files_max
  uint64_t line_cuts = 0;   // rows that end at line_bytes_max
};

struct FileSource;

// One thread: its worker.
class FileCollector : public Collector {
 public:
  // Whether a durable position belongs to a collector with that config: its name is one that the config asks for.
  static bool claims(const FileConfig& config, const wire::SourcePosition& position);

  // `restored`: durable positions; those that are not claimed are left alone. All references outlive this.
  FileCollector(FileConfig config, sys::Disk& disk, Random& random, std::vector<wire::SourcePosition> restored);
  ~FileCollector() override;

  Poll poll(Instant now, WallTime wall, Intake& intake) override;
  void on_durable(std::span<const wire::SourcePosition> positions) override;
  void flush(Intake& intake) override;
  std::vector<std::string> watched_directories() const override;

  FileCounters counters() const;

 private:
  struct Seen {
    std::string path;
    sys::FileStat stat;
  };
  // A file that was renamed: those that had its name after it and were renamed as well may have been missed.
  struct Rotation {
    std::string path;
    sys::FileIdentity identity;
    WallTime modified;
  };

  // file.cc: looking, reading, and letting go.
  void look_at_directories();
  void look_at_files(Instant now);
  void look_at(FileSource& source, Instant now);
  void enqueue(FileSource& source);
  void read_some(Instant now, Intake& intake);
  size_t read_slice(FileSource& source, Instant now, Intake& intake, bool last);
  size_t skip_hole(FileSource& source, BytesView bytes, BytesView head, Intake& intake);
  void remember_tail(FileSource& source);
  void move_on(FileSource& source, BytesView over, BytesView head, Intake& intake);
  bool ensure_open(FileSource& source);
  void attach(FileSource& source, std::unique_ptr<sys::File> file);
  void close_oldest();
  void complain(FileSource& source, const Error& error);
  void finish_gone(Instant now, Intake& intake);
  void finish(FileSource& source, Intake& intake);
  void erase(uint64_t id);

  // file_scan.cc: which files there are, and which of them are old acquaintances.
  void scan(Instant now, WallTime wall, Intake& intake);
  std::vector<Seen> list_seen(WallTime wall);
  void complain_once(const std::string& about, const char* sentence, const Error& error);
  void adopt_restored(const std::vector<Seen>& seen, Instant now, Intake& intake);
  void note_gone(FileSource& source, Instant now, Intake& intake);
  void note_rotation(const Rotation& rotation);
  bool find_renamed(FileSource& source);
  void give_up(FileSource& source, Intake& intake);
  void add_new(const Seen& seen, Instant now, Intake& intake);
  FileSource& add(std::unique_ptr<FileSource> source, Intake& intake);
  SourceHandle open_at(const wire::SourcePosition& position, Intake& intake) const;
  Result<uint64_t> find_start(sys::File& file, uint64_t size) const;
  void follow_missed_generations(const Rotation& rotation, Instant now, Intake& intake);
  std::vector<Seen> rotated_siblings(const std::string& path);

  // file_copies.cc: files that are emptied, and the copies made of them before.
  void on_content_replaced(FileSource& source, Instant now, Intake& intake);
  bool continue_in_copy(FileSource& source, Instant now, Intake& intake);
  void move_into(FileSource& source, std::unique_ptr<sys::File> file, const Seen& seen, bool at_path, Instant now,
                 Intake& intake);
  bool check_for_copy(FileSource& source, Instant now);
  bool is_copy(FileSource& candidate, FileSource& original, BytesView head);
  bool agrees_with_file(FileSource& candidate, FileSource& original, BytesView head);
  void promote_quiet_shadows(Instant now, Intake& intake);

  const FileConfig config_;
  const Globs globs_;
  sys::Disk& disk_;
  Random& random_;

  std::vector<wire::SourcePosition> restored_;                         // until the first scan
  std::set<std::string> known_directories_;                            // those of `restored_`
  std::unordered_map<uint64_t, std::unique_ptr<FileSource>> sources_;  // by id; at most files_max
  std::map<sys::FileIdentity, uint64_t> by_identity_;
  std::deque<uint64_t> ready_;                   // has something to read; each source at most once
  std::deque<uint64_t> open_order_;              // has a descriptor, the longest opened first
  std::set<uint64_t> gone_;                      // not at a path any more
  std::set<uint64_t> shadows_;                   // those with shadow_of
  std::map<std::string, WallTime> directories_;  // listed at the last scan, and their times as of then
  std::vector<Rotation> rotations_;              // found by the scan that is going on
  std::map<std::string, Rotation> left_;         // path -> what lay there last, while nothing does; at most files_max
  std::set<std::string> complaints_;             // said already; at most 1000, then all may be said again

  bool scanned_ = false;
  bool scan_wanted_ = true;
  Instant last_scan_;
  Instant last_look_;
  FileCounters counters_;
  Bytes chunk_;
};

}  // namespace reeve::collect
