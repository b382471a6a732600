#include "common/sys/disk.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/sys/temp_directory.h"

using namespace reeve;
using namespace reeve::sys;

namespace {

void put(const std::string& path, BytesView bytes) {
  const auto file = real_disk().open(path, OpenMode::create);
  REQUIRE(file.ok());
  REQUIRE((*file)->truncate(0).ok());
  REQUIRE((*file)->write_at(0, bytes).ok());
}

}  // namespace

TEST_CASE("what is written is read back, from any offset, and short only at the end") {
  const TempDirectory directory;
  put(directory / "a", BytesView("zero\0one two", 12));

  const auto file = real_disk().open(directory / "a", OpenMode::read);
  REQUIRE(file.ok());
  Bytes out = "kept ";
  CHECK(*(*file)->read_at(0, 5, out) == 5);
  CHECK(out == Bytes("kept zero\0", 10));
  out.clear();
  CHECK(*(*file)->read_at(9, 100, out) == 3);
  CHECK(out == "two");
  CHECK(*(*file)->read_at(100, 5, out) == 0);
  CHECK(out == "two");
  CHECK((*file)->stat()->size == 12);
}

TEST_CASE("a file opened for reading refuses to be written") {
  const TempDirectory directory;
  put(directory / "a", "x");

  const auto file = real_disk().open(directory / "a", OpenMode::read);
  REQUIRE(file.ok());
  const Status written = (*file)->write_at(0, "y");
  REQUIRE_FALSE(written.ok());
  CHECK(written.error().text().find(directory / "a") != std::string::npos);
}

TEST_CASE("open modes make, demand or forbid the file") {
  const TempDirectory directory;
  Disk& disk = real_disk();

  const auto absent = disk.open(directory / "a", OpenMode::read);
  REQUIRE_FALSE(absent.ok());
  CHECK(absent.error().code() == Code::not_found);
  CHECK(absent.error().text().find(directory / "a") != std::string::npos);
  CHECK_FALSE(disk.open(directory / "a", OpenMode::read_write).ok());
  CHECK(disk.open(directory / "a", OpenMode::create_new).ok());
  const auto twice = disk.open(directory / "a", OpenMode::create_new);
  REQUIRE_FALSE(twice.ok());
  CHECK(twice.error().code() == Code::invalid);
  CHECK(disk.open(directory / "a", OpenMode::create).ok());
  CHECK(disk.open(directory / "a", OpenMode::read_write).ok());

  struct stat found;
  REQUIRE(::stat((directory / "a").c_str(), &found) == 0);
  CHECK((found.st_mode & 07777) == 0600);
}

TEST_CASE("opening a fifo for reading does not wait for a writer") {
  const TempDirectory directory;
  REQUIRE(::mkfifo((directory / "pipe").c_str(), 0600) == 0);

  CHECK(real_disk().open(directory / "pipe", OpenMode::read).ok());
  CHECK_FALSE(real_disk().stat(directory / "pipe")->is_regular);
}

TEST_CASE("identity survives a rename and ends with the file") {
  const TempDirectory directory;
  Disk& disk = real_disk();
  put(directory / "a", "x");
  const FileIdentity before = disk.stat(directory / "a")->identity;

  REQUIRE(disk.rename(directory / "a", directory / "b").ok());
  CHECK(disk.stat(directory / "b")->identity == before);
  put(directory / "a", "x");
  CHECK(disk.stat(directory / "a")->identity != before);
}

TEST_CASE("a listing is sorted, without dots, and tells directories from links to them") {
  const TempDirectory directory;
  Disk& disk = real_disk();
  REQUIRE(disk.make_directories(directory / "c/d/e").ok());
  put(directory / "b", "");
  REQUIRE(::symlink("c", (directory / "a").c_str()) == 0);

  const auto entries = disk.list(directory.path());
  REQUIRE(entries.ok());
  REQUIRE(entries->size() == 3);
  CHECK((*entries)[0].name == "a");
  CHECK_FALSE((*entries)[0].is_directory);
  CHECK((*entries)[1].name == "b");
  CHECK_FALSE((*entries)[1].is_directory);
  CHECK((*entries)[2].name == "c");
  CHECK((*entries)[2].is_directory);
  CHECK(disk.list(directory / "absent").error().code() == Code::not_found);
}

TEST_CASE("directories are made with their parents, again without complaint, and never over a file") {
  const TempDirectory directory;
  Disk& disk = real_disk();

  CHECK(disk.make_directories(directory / "a/b//c/").ok());
  CHECK(disk.make_directories(directory / "a/b/c").ok());
  CHECK(disk.stat(directory / "a/b/c")->is_directory);
  put(directory / "file", "");
  CHECK_FALSE(disk.make_directories(directory / "file").ok());
  CHECK_FALSE(disk.make_directories(directory / "file/below").ok());
}

TEST_CASE("a whole file is read up to its bound and refused one byte beyond") {
  const TempDirectory directory;
  put(directory / "a", std::string(100'000, 'x'));

  CHECK(read_file(real_disk(), directory / "a", 100'000)->size() == 100'000);
  const auto refused = read_file(real_disk(), directory / "a", 99'999);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code() == Code::exhausted);
  put(directory / "empty", "");
  CHECK(read_file(real_disk(), directory / "empty", 0)->empty());
}

TEST_CASE("files whose size says zero are read whole") {
  CHECK_FALSE(read_file(real_disk(), "/proc/self/status", 1_MiB)->empty());
}

TEST_CASE("an atomic write replaces the content and leaves nothing beside it") {
  const TempDirectory directory;
  Disk& disk = real_disk();
  put(directory / "a", "a longer old content");
  put(directory / "a.new", "left behind by a crash, and longer than anything that follows");

  REQUIRE(write_file_atomically(disk, directory / "a", "new").ok());
  CHECK(*read_file(disk, directory / "a", 100) == "new");
  CHECK(disk.list(directory.path())->size() == 1);
  CHECK_FALSE(write_file_atomically(disk, directory / "absent/a", "new").ok());
}

TEST_CASE("a full disk is exhausted") {
  const auto full = real_disk().open("/dev/full", OpenMode::read_write);
  REQUIRE(full.ok());
  const Status written = (*full)->write_at(0, "x");
  REQUIRE_FALSE(written.ok());
  CHECK(written.error().code() == Code::exhausted);
}

TEST_CASE("removing, syncing a directory and asking for space work and refuse") {
  const TempDirectory directory;
  Disk& disk = real_disk();
  put(directory / "a", "");

  CHECK(disk.remove(directory / "a").ok());
  CHECK(disk.remove(directory / "a").error().code() == Code::not_found);
  CHECK(disk.sync_directory(directory.path()).ok());
  CHECK_FALSE(disk.sync_directory(directory / "absent").ok());
  const auto space = disk.space(directory.path());
  REQUIRE(space.ok());
  CHECK(space->total_bytes >= space->available_bytes);
  CHECK(space->total_bytes > 0);
}

TEST_CASE("the parent of a path") {
  CHECK(parent_directory("/var/lib/reeve") == "/var/lib");
  CHECK(parent_directory("/var/lib/reeve/") == "/var/lib");
  CHECK(parent_directory("/var") == "/");
  CHECK(parent_directory("/") == "/");
  CHECK(parent_directory("var//lib") == "var");
  CHECK(parent_directory("var") == ".");
  CHECK(parent_directory("") == ".");
}
