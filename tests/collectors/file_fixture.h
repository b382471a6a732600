// A file collector in a directory of its own, with a clock that the test moves.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

#include "collectors/file.h"
#include "tests/collectors/memory_intake.h"
#include "tests/sys/temp_directory.h"

namespace reeve::collect {

struct FileFixture {
  FileFixture() { config.include = {directory / "*.log"}; }

  void append(const std::string& name, std::string_view text) {
    std::ofstream(directory / name, std::ios::app | std::ios::binary) << text;
  }
  void rename(const std::string& from, const std::string& to) {
    std::filesystem::rename(directory / from, directory / to);
  }
  void copy(const std::string& from, const std::string& to) {
    std::filesystem::copy_file(directory / from, directory / to, std::filesystem::copy_options::overwrite_existing);
  }
  void truncate(const std::string& name) { std::filesystem::resize_file(directory / name, 0); }
  void remove(const std::string& name) { std::filesystem::remove(directory / name); }

  FileCollector& start() {
    collector = std::make_unique<FileCollector>(config, *disk, random, durable());
    return *collector;
  }
  // A new process that knows what was handed on so far, all of it durable.
  FileCollector& restart() {
    saved = intake.latest();
    collector.reset();
    return start();
  }

  // Polls until nothing is left to read.
  void settle() {
    for (int polls = 0; polls < 10'000; ++polls) {
      pass(1s);
      const Poll poll = collector->poll(now, wall, intake);
      if (poll.at_end) return;
      if (intake.full()) return;
    }
    FAIL("a collector comes to the end of what exists");
  }
  void pass(Duration duration) {
    now = now + duration;
    wall = wall + duration;
  }
  // Everything handed on is on disk now.
  void make_durable() { collector->on_durable(intake.latest()); }
  std::vector<wire::SourcePosition> durable() const { return saved; }

  // What was handed on since the last call.
  std::vector<Bytes> take() {
    std::vector<Bytes> bodies = intake.bodies();
    intake.rows.clear();
    return bodies;
  }
  std::vector<Bytes> settle_and_take() {
    settle();
    return take();
  }

  TempDirectory directory;
  FileConfig config;
  sys::Disk* disk = &sys::real_disk();
  SeededRandom random{1};
  Instant now{1'000'000'000'000};
  WallTime wall = SystemClock().wall();
  MemoryIntake intake;
  std::vector<wire::SourcePosition> saved;
  std::unique_ptr<FileCollector> collector;
};

using Lines = std::vector<Bytes>;

inline Lines sorted(Lines lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace reeve::collect
