// The writer's own disk calls never fail: the disk with the logs has room and stays up.
#include "tests/sim/log_writer.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace reeve::sim {

LogWriter::LogWriter(Options options, SimDisk& disk, Ledger& ledger, Random& random)
    : options_(std::move(options)), disk_(disk), ledger_(ledger), random_(random) {
  check(disk_.make_directories(options_.directory).ok(), "the logs' directory can be made");
  reopen();
}

std::string LogWriter::path(size_t generation) const {
  const std::string base = options_.directory + "/l" + std::to_string(options_.name.log) + ".log";
  return generation == 0 ? base : base + "." + std::to_string(generation);
}

void LogWriter::reopen() {
  auto opened = disk_.open(path(0), sys::OpenMode::create);
  check(opened.ok(), "a log file can be opened");
  file_ = std::move(opened).value();
  file_size_ = file_->stat()->size;
  renamed_away_ = false;
  ledger_.begin_file(options_.name);
}

void LogWriter::append(BytesView bytes) {
  check(file_->write_at(file_size_, bytes).ok(), "the logs' disk takes every write");
  file_size_ += bytes.size();
}

void LogWriter::step() {
  delete_stored();
  if (renamed_away_ && random_.one_in(3) && unfinished_.empty()) {
    rotated_.front().end = ledger_.written(options_.name);
    reopen();
  }
  write_lines();

  // Nobody can know of a file that came and went before the agent was first there; nor of a content that did.
  const bool known = ledger_.is_stored(options_.name, options_.rotation == Rotation::rename ? 0 : content_start_);
  const bool may_rotate = known && unfinished_.empty() && !renamed_away_ && rotated_.size() < options_.rotations_max;
  if (options_.rotation == Rotation::none || !may_rotate || !random_.one_in(options_.rotate_one_in)) return;
  options_.rotation == Rotation::rename ? rotate_by_renaming() : rotate_by_copying();
}

void LogWriter::write_lines() {
  Bytes bytes = std::exchange(unfinished_, {});
  if (!bytes.empty()) ledger_.note_written(options_.name);
  for (uint64_t count = random_.below(options_.lines_max_a_step + 1); count > 0; --count) {
    const Bytes line = line_text(options_.name, ledger_.written(options_.name)) + "\n";
    if (count == 1 && random_.one_in(5)) {
      const size_t cut = 1 + random_.below(line.size() - 1);
      bytes += line.substr(0, cut);
      unfinished_ = line.substr(cut);
    } else {
      bytes += line;
      ledger_.note_written(options_.name);
    }
  }
  append(bytes);
}

void LogWriter::finish() {
  if (unfinished_.empty()) return;
  append(std::exchange(unfinished_, {}));
  ledger_.note_written(options_.name);
}

void LogWriter::shift_rotations() {
  for (size_t generation = rotated_.size(); generation > 0; --generation) {
    check(disk_.rename(path(generation), path(generation + 1)).ok(), "an old rotation can be renamed");
    rotated_[generation - 1].path = path(generation + 1);
  }
}

void LogWriter::rotate_by_renaming() {
  if (file_size_ == 0) return;
  shift_rotations();
  check(disk_.rename(path(0), path(1)).ok(), "the log can be renamed");
  rotated_.push_front({.path = path(1), .end = UINT64_MAX});
  renamed_away_ = true;
  if (random_.one_in(2)) return;  // the program goes on writing to it for a while
  rotated_.front().end = ledger_.written(options_.name);
  reopen();
}

void LogWriter::rotate_by_copying() {
  if (file_size_ == 0) return;
  shift_rotations();
  auto copy = disk_.open(path(1), sys::OpenMode::create_new);
  check(copy.ok() && (*copy)->write_at(0, disk_.contents(path(0))).ok(), "the log can be copied");
  check(file_->truncate(0).ok(), "the log can be truncated");
  file_size_ = 0;
  content_start_ = ledger_.written(options_.name);
  rotated_.push_front({.path = path(1), .end = content_start_});
  ledger_.begin_file(options_.name);
}

void LogWriter::delete_stored() {
  if (rotated_.empty() || rotated_.back().end == UINT64_MAX || !random_.one_in(4)) return;
  // The next file's first line, too: an agent that comes back finds newer generations by the oldest one it knows.
  const uint64_t end = rotated_.back().end + 1;
  if (ledger_.written(options_.name) < end || !ledger_.all_stored_before(options_.name, end)) return;
  check(disk_.remove(rotated_.back().path).ok(), "an old rotation can be deleted");
  rotated_.pop_back();
}

}  // namespace reeve::sim
