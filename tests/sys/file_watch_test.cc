#include "common/sys/file_watch.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/sys/temp_directory.h"

using namespace reeve;
using namespace reeve::sys;
using Woken = FileWatch::Woken;

namespace {

void append(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::app) << text;
}

// A watch without its pause: the next change is seen at once.
constexpr FileWatch::Options impatient{.pause_min = 0ms};

}  // namespace

TEST_CASE("a wait ends at its time-out when nothing changes") {
  const TempDirectory directory;
  FileWatch watch;
  CHECK(watch.set_directories({directory.path()}) == 1);
  CHECK(watch.wait(0ms) == Woken::time_out);
  CHECK(watch.wait(1ms) == Woken::time_out);
}

TEST_CASE("a made, written, renamed and removed file each end a wait") {
  const TempDirectory directory;
  FileWatch watch(impatient);
  watch.set_directories({directory.path()});

  append(directory / "a", "");
  CHECK(watch.wait(10s) == Woken::change);
  append(directory / "a", "line\n");
  CHECK(watch.wait(10s) == Woken::change);
  std::filesystem::rename(directory / "a", directory / "b");
  CHECK(watch.wait(10s) == Woken::change);
  std::filesystem::remove(directory / "b");
  CHECK(watch.wait(10s) == Woken::change);
  CHECK(watch.wait(0ms) == Woken::time_out);
}

TEST_CASE("a wake before or during the wait ends it, from any thread") {
  FileWatch watch;
  watch.wake();
  watch.wake();
  CHECK(watch.wait(10s) == Woken::wake);
  CHECK(watch.wait(0ms) == Woken::time_out);

  std::thread other([&watch] { watch.wake(); });
  CHECK(watch.wait(10s) == Woken::wake);
  other.join();
}

TEST_CASE("changes in a row wake once a pause, and a wake does not wait for it") {
  const TempDirectory directory;
  FileWatch watch({.pause_min = 3600s});
  watch.set_directories({directory.path()});

  append(directory / "a", "1");
  CHECK(watch.wait(10s) == Woken::change);
  append(directory / "a", "2");
  CHECK(watch.wait(1ms) == Woken::time_out);
  watch.wake();
  CHECK(watch.wait(10s) == Woken::wake);
}

TEST_CASE("directories that are gone from the list are no longer watched, absent ones are tried again") {
  const TempDirectory directory;
  std::filesystem::create_directory(directory / "old");
  FileWatch watch(impatient);
  CHECK(watch.set_directories({directory / "old", directory / "new"}) == 1);

  std::filesystem::create_directory(directory / "new");
  CHECK(watch.set_directories({directory / "new"}) == 1);
  while (watch.wait(0ms) == Woken::change) {
  }
  append(directory / "old/a", "x");
  CHECK(watch.wait(0ms) == Woken::time_out);
  append(directory / "new/a", "x");
  CHECK(watch.wait(10s) == Woken::change);
}

TEST_CASE("a directory removed and made again is watched again") {
  const TempDirectory directory;
  FileWatch watch(impatient);
  std::filesystem::create_directory(directory / "d");
  CHECK(watch.set_directories({directory / "d"}) == 1);

  std::filesystem::remove(directory / "d");
  CHECK(watch.wait(10s) == Woken::change);
  std::filesystem::create_directory(directory / "d");
  CHECK(watch.set_directories({directory / "d"}) == 1);
  append(directory / "d/a", "x");
  CHECK(watch.wait(10s) == Woken::change);
}

TEST_CASE("no more directories are watched than allowed") {
  const TempDirectory directory;
  std::filesystem::create_directory(directory / "a");
  std::filesystem::create_directory(directory / "b");
  FileWatch watch({.directories_max = 1});
  CHECK(watch.set_directories({directory / "a", directory / "b"}) == 1);
}
