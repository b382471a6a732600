#include "tests/sim/sim_disk.h"

#include <set>

#include "common/base/random.h"
#include "tests/pch.h"

namespace reeve::sim {
namespace {

using sys::OpenMode;

std::unique_ptr<sys::File> open(SimDisk& disk, const std::string& path, OpenMode mode = OpenMode::create) {
  auto file = disk.open(path, mode);
  REQUIRE(file.ok());
  return std::move(file).value();
}

Bytes read_all(sys::File& file) {
  Bytes out;
  REQUIRE(file.read_at(0, 1 << 20, out).ok());
  return out;
}

// A durable file of `sectors` sectors of 'a' under /d/f.
void prepare(SimDisk& disk, size_t sectors) {
  REQUIRE(disk.make_directories("/d").ok());
  auto file = open(disk, "/d/f");
  REQUIRE(file->write_at(0, Bytes(sectors * 512, 'a')).ok());
  REQUIRE(file->sync().ok());
  REQUIRE(disk.sync_directory("/d").ok());
}

TEST_CASE("a write is seen at once, and across handles") {
  SeededRandom random(1);
  SimDisk disk(random);
  auto writer = open(disk, "/f");
  auto reader = open(disk, "/f", OpenMode::read);

  REQUIRE(writer->write_at(3, "abc").ok());

  CHECK(read_all(*reader) == BytesView("\0\0\0abc", 6));
  CHECK(reader->write_at(0, "x").error().code() == Code::invalid);
}

TEST_CASE("opening refuses what POSIX refuses") {
  SeededRandom random(1);
  SimDisk disk(random);
  REQUIRE(disk.make_directories("/a/b").ok());
  open(disk, "/a/f");

  CHECK(disk.open("/a/none", OpenMode::read).error().code() == Code::not_found);
  CHECK(disk.open("/none/f", OpenMode::create).error().code() == Code::not_found);
  CHECK(disk.open("/a/f", OpenMode::create_new).error().code() == Code::invalid);
  CHECK(disk.open("/a/b", OpenMode::read).error().code() == Code::invalid);
  CHECK(disk.make_directories("/a/f/c").error().code() == Code::invalid);
  CHECK(disk.remove("/a").error().code() == Code::invalid);
  CHECK(disk.list("/none").error().code() == Code::not_found);
}

TEST_CASE("a renamed file keeps its identity, and open handles follow it") {
  SeededRandom random(1);
  SimDisk disk(random);
  auto file = open(disk, "/old");
  const auto before = file->stat()->identity;

  REQUIRE(disk.rename("/old", "/new").ok());
  REQUIRE(file->write_at(0, "x").ok());

  CHECK(disk.stat("/new")->identity == before);
  CHECK(disk.contents("/new") == "x");
  CHECK(disk.stat("/old").error().code() == Code::not_found);
}

TEST_CASE("a removed file goes on while it is open, then its inode number is used again") {
  SeededRandom random(1);
  SimDisk disk(random);
  auto file = open(disk, "/f");
  const auto identity = file->stat()->identity;
  REQUIRE(disk.remove("/f").ok());
  REQUIRE(disk.sync_directory("/").ok());

  REQUIRE(file->write_at(0, "still here").ok());
  CHECK(read_all(*file) == "still here");
  CHECK(open(disk, "/g")->stat()->identity != identity);

  file.reset();
  CHECK(open(disk, "/h")->stat()->identity == identity);
}

TEST_CASE("a kill keeps every write and kills every handle") {
  SeededRandom random(1);
  SimDisk disk(random);
  prepare(disk, 1);
  auto file = open(disk, "/d/f");
  REQUIRE(file->write_at(0, "bbb").ok());

  disk.stop();
  CHECK(file->write_at(0, "ccc").error().code() == Code::unavailable);
  CHECK(disk.list("/d").error().code() == Code::unavailable);
  disk.restart(SimDisk::Crash::process_killed);

  CHECK(file->write_at(0, "ccc").error().code() == Code::unavailable);
  CHECK(disk.contents("/d/f").substr(0, 4) == "bbba");
}

TEST_CASE("a power cut keeps what was synced, whatever it draws") {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SeededRandom random(seed);
    SimDisk disk(random);
    prepare(disk, 4);
    auto file = open(disk, "/d/f");
    REQUIRE(file->write_at(512, Bytes(512, 'b')).ok());
    REQUIRE(file->sync().ok());
    REQUIRE(file->write_at(1024, Bytes(512, 'c')).ok());

    disk.stop();
    disk.restart(SimDisk::Crash::power_cut);

    REQUIRE(disk.contents("/d/f").size() == 2048);
    CHECK(disk.contents("/d/f").substr(0, 1024) == Bytes(512, 'a') + Bytes(512, 'b'));
    CHECK(disk.contents("/d/f").substr(1536) == Bytes(512, 'a'));
  }
}

TEST_CASE("a power cut tears unsynced writes between sectors, never inside one") {
  std::set<Bytes> seen;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    SeededRandom random(seed);
    SimDisk disk(random);
    prepare(disk, 3);
    auto file = open(disk, "/d/f");
    REQUIRE(file->write_at(0, Bytes(1536, 'b')).ok());
    disk.stop();
    disk.restart(SimDisk::Crash::power_cut);

    const Bytes content(disk.contents("/d/f"));
    REQUIRE(content.size() == 1536);
    Bytes shape;
    for (size_t sector = 0; sector < 3; ++sector) {
      REQUIRE(content.substr(sector * 512, 512) == Bytes(512, content[sector * 512]));
      shape += content[sector * 512];
    }
    seen.insert(shape);
  }
  CHECK(seen == std::set<Bytes>{"aaa", "aab", "aba", "abb", "baa", "bab", "bba", "bbb"});
}

TEST_CASE("an unsynced append may come back short, whole, or as zeros") {
  std::set<Bytes> seen;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    SeededRandom random(seed);
    SimDisk disk(random);
    prepare(disk, 1);
    auto file = open(disk, "/d/f");
    REQUIRE(file->write_at(512, Bytes(100, 'b')).ok());
    REQUIRE(file->write_at(612, Bytes(100, 'c')).ok());
    disk.stop();
    disk.restart(SimDisk::Crash::power_cut);

    const BytesView tail = disk.contents("/d/f").substr(512);
    seen.insert(tail.empty() ? "none" : std::to_string(tail.size()) + (tail[0] == 'b' ? " data" : " zeros"));
  }
  CHECK(seen == std::set<Bytes>{"none", "100 data", "100 zeros", "200 data", "200 zeros"});
}

TEST_CASE("an unsynced truncation may or may not have happened") {
  std::set<size_t> seen;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SeededRandom random(seed);
    SimDisk disk(random);
    prepare(disk, 2);
    REQUIRE(open(disk, "/d/f")->truncate(700).ok());
    disk.stop();
    disk.restart(SimDisk::Crash::power_cut);
    seen.insert(disk.contents("/d/f").size());
  }
  CHECK(seen == std::set<size_t>{700, 1024});
}

TEST_CASE("an unsynced rename over a file is wholly done or wholly undone") {
  std::set<Bytes> seen;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SeededRandom random(seed);
    SimDisk disk(random);
    prepare(disk, 1);
    auto fresh = open(disk, "/d/f.new");
    REQUIRE(fresh->write_at(0, "new").ok());
    REQUIRE(fresh->sync().ok());
    REQUIRE(disk.sync_directory("/d").ok());
    REQUIRE(disk.rename("/d/f.new", "/d/f").ok());
    disk.stop();
    disk.restart(SimDisk::Crash::power_cut);

    REQUIRE(disk.has("/d/f"));
    const bool done = disk.contents("/d/f") == "new";
    CHECK(disk.has("/d/f.new") == !done);
    seen.insert(done ? "done" : "undone");
  }
  CHECK(seen.size() == 2);
}

TEST_CASE("a new file's name is lost without a sync of its directory, and kept with one") {
  bool lost = false;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SeededRandom random(seed);
    SimDisk disk(random);
    prepare(disk, 1);
    REQUIRE(open(disk, "/d/kept")->write_at(0, "x").ok());
    REQUIRE(disk.sync_directory("/d").ok());
    auto file = open(disk, "/d/new");
    REQUIRE(file->write_at(0, "x").ok());
    REQUIRE(file->sync().ok());
    disk.stop();
    disk.restart(SimDisk::Crash::power_cut);

    CHECK(disk.has("/d/kept"));
    if (!disk.has("/d/new")) lost = true;
  }
  CHECK(lost);
}

TEST_CASE("syncing a directory makes its own name durable") {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SeededRandom random(seed);
    SimDisk disk(random);
    REQUIRE(disk.make_directories("/var/lib/reeve").ok());
    REQUIRE(disk.make_directories("/var/lib/other").ok());
    REQUIRE(disk.sync_directory("/var/lib/reeve").ok());
    disk.stop();
    disk.restart(SimDisk::Crash::power_cut);
    CHECK(disk.list("/var/lib/reeve").ok());
  }
}

TEST_CASE("the n-th change dies under way: it may have taken effect, and all later calls fail") {
  std::set<Bytes> seen;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SeededRandom random(seed);
    SimDisk disk(random);
    prepare(disk, 1);
    auto file = open(disk, "/d/f");
    disk.stop_after(2);

    REQUIRE(file->write_at(0, "1").ok());
    CHECK(file->write_at(1, "2").error().code() == Code::unavailable);
    CHECK(disk.stopped());
    CHECK(file->sync().error().code() == Code::unavailable);
    disk.restart(SimDisk::Crash::process_killed);
    seen.insert(Bytes(disk.contents("/d/f").substr(0, 3)));
  }
  CHECK(seen == std::set<Bytes>{"1aa", "12a"});
}

TEST_CASE("a full disk takes a prefix at most, and says so") {
  SeededRandom random(1);
  SimDisk disk(random);
  prepare(disk, 2);
  auto file = open(disk, "/d/g");

  disk.set_bytes_max(1024 + 10);
  REQUIRE(file->write_at(0, "0123456789").ok());
  CHECK(disk.space("/d")->available_bytes == 0);
  CHECK(file->write_at(10, "x").error().code() == Code::exhausted);
  CHECK(file->stat()->size == 10);
  CHECK(file->write_at(5, "56789").ok());

  REQUIRE(disk.remove("/d/f").ok());
  REQUIRE(disk.sync_directory("/d").ok());
  CHECK(file->write_at(10, "x").ok());
}

TEST_CASE("pages of a failed sync are lost at the next power cut although a later sync said ok") {
  std::set<Bytes> seen;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SeededRandom random(seed);
    SimDisk disk(random);
    prepare(disk, 1);
    auto file = open(disk, "/d/f");
    REQUIRE(file->write_at(0, Bytes(512, 'b')).ok());
    disk.fail_syncs(1);
    CHECK(!file->sync().ok());
    CHECK(file->sync().ok());
    CHECK(disk.contents("/d/f") == Bytes(512, 'b'));

    disk.stop();
    disk.restart(SimDisk::Crash::power_cut);
    seen.insert(Bytes(disk.contents("/d/f").substr(0, 1)));
  }
  CHECK(seen == std::set<Bytes>{"a", "b"});
}

TEST_CASE("a failed sync of a directory leaves its names undecided, and the next one settles them") {
  std::set<bool> seen;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SeededRandom random(seed);
    SimDisk disk(random);
    prepare(disk, 1);
    open(disk, "/d/new");
    disk.fail_directory_syncs(1);
    CHECK(disk.sync_directory("/d").error().code() == Code::unavailable);
    if (seed % 2 == 1) CHECK(disk.sync_directory("/d").ok());
    disk.stop();
    disk.restart(SimDisk::Crash::power_cut);
    if (seed % 2 == 1) CHECK(disk.has("/d/new"));
    seen.insert(disk.has("/d/new"));
  }
  CHECK(seen.size() == 2);
}

TEST_CASE("a page lost by a failed sync is saved when it is written again") {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SeededRandom random(seed);
    SimDisk disk(random);
    prepare(disk, 1);
    auto file = open(disk, "/d/f");
    REQUIRE(file->write_at(0, "b").ok());
    disk.fail_syncs(1);
    CHECK(!file->sync().ok());
    REQUIRE(file->write_at(0, "c").ok());
    REQUIRE(file->sync().ok());
    disk.stop();
    disk.restart(SimDisk::Crash::power_cut);
    CHECK(disk.contents("/d/f")[0] == 'c');
  }
}

TEST_CASE("rot flips exactly the bit asked for, and survives a crash") {
  SeededRandom random(1);
  SimDisk disk(random);
  prepare(disk, 1);

  disk.flip_bit("/d/f", 8 * 7 + 1);
  disk.stop();
  disk.restart(SimDisk::Crash::power_cut);
  CHECK(disk.contents("/d/f").substr(6, 3) == "aca");

  disk.damage_end("/d/f", 7);
  CHECK(disk.contents("/d/f") == "aaaaaaa");
}

TEST_CASE("the same seed gives the same crash") {
  const auto crash = [](uint64_t seed) {
    SeededRandom random(seed);
    SimDisk disk(random);
    prepare(disk, 8);
    auto file = open(disk, "/d/f");
    for (uint64_t i = 0; i < 8; ++i) REQUIRE(file->write_at(i * 300, Bytes(400, static_cast<char>('b' + i))).ok());
    disk.stop();
    disk.restart(SimDisk::Crash::power_cut);
    return Bytes(disk.contents("/d/f"));
  };
  CHECK(crash(5) == crash(5));
  std::set<Bytes> different;
  for (uint64_t seed = 0; seed < 10; ++seed) different.insert(crash(seed));
  CHECK(different.size() > 3);
}

}  // namespace
}  // namespace reeve::sim
