// A program on a simulated host that writes a log, and the logrotate that works on it.
//
// It appends lines, sometimes stopping in the middle of one; it is rotated by renaming (and may go on writing to the
// renamed file until it reopens) or by copying and truncating; old rotations are deleted once the server has all their
// lines and the first of the next file, so that a deletion never excuses a loss. Deleted files' inode numbers come back
// with new ones.
//
// One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "common/base/random.h"
#include "tests/sim/ledger.h"
#include "tests/sim/sim_disk.h"

namespace reeve::sim {

class LogWriter {
 public:
  enum class Rotation { none, rename, copy_and_truncate };

  struct Options {
    LogName name;
    std::string directory;
    Rotation rotation = Rotation::rename;
    uint64_t rotate_one_in = 60;  // steps
    uint64_t lines_max_a_step = 6;
    size_t rotations_max = 4;  // beyond, the writer waits for the server before it rotates again
  };

  // All references outlive the writer.
  LogWriter(Options options, SimDisk& disk, Ledger& ledger, Random& random);

  void step();
  // Ends an unfinished line, so that everything written can be stored.
  void finish();

 private:
  struct Rotated {
    std::string path;
    uint64_t end = 0;  // one past its last line, known once the writer has left it
  };

  void append(BytesView bytes);
  void write_lines();
  void rotate_by_renaming();
  void rotate_by_copying();
  void shift_rotations();
  void delete_stored();
  void reopen();
  std::string path(size_t generation) const;

  const Options options_;
  SimDisk& disk_;
  Ledger& ledger_;
  Random& random_;
  std::unique_ptr<sys::File> file_;
  uint64_t file_size_ = 0;
  uint64_t content_start_ = 0;   // the first line since the last truncation
  Bytes unfinished_;             // the rest of a line that was begun
  bool renamed_away_ = false;    // file_ is not at path(0) any more
  std::deque<Rotated> rotated_;  // newest first: path(1), path(2), ...
};

}  // namespace reeve::sim
