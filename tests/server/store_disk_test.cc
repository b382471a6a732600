// What only the store on disk can promise: what survives a restart, a crash between its files, a full disk.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "server/store/checksum_vfs.h"
#include "server/store/sqlite.h"
#include "tests/pch.h"
#include "tests/server/store_world.h"
#include "tests/sim/sim_clock.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sqlite_vfs.h"

namespace reeve::server::test {
namespace {

namespace fs = std::filesystem;

// A store whose files can be put back to how they were: what a crash between two commits leaves.
struct Rewindable : OnDisk {
  std::string file(const std::string& name) const { return folder.path() + "/store/" + name; }

  void keep(const std::string& name) {
    store.reset();
    fs::copy_file(file(name), folder.path() + "/kept", fs::copy_options::overwrite_existing);
    store = open();
  }
  void put_back(const std::string& name) {
    store.reset();
    fs::copy_file(folder.path() + "/kept", file(name), fs::copy_options::overwrite_existing);
    store = open();
  }
};

}  // namespace

TEST_CASE("a store that is opened again shows what it showed") {
  OnDisk world;
  commit(*world.store, {make_block(1, 1), make_block(1, 2), make_block(2, 1, 3, 24h)});
  REQUIRE(world.store->add_enrol_token({.hash = "token", .expires = noon + 1h}).ok());
  Agent agent;
  agent.id = make_id(1);
  agent.host = "host-1";
  REQUIRE(world.store->enrol_agent("token", noon, agent).ok());
  const auto before = list_blocks(*world.store);

  world.reopen();

  const auto after = list_blocks(*world.store);
  REQUIRE(after.size() == 3);
  for (size_t i = 0; i < after.size(); ++i) {
    CHECK(after[i].commit_id == before[i].commit_id);
    CHECK(after[i].identity == before[i].identity);
    CHECK(world.store->read_block(after[i]).ok());
  }
  CHECK(world.store->last_commit_id().value() == 3);
  CHECK(world.store->find_agent(make_id(1)).value().host == "host-1");
  CHECK(world.store->enrol_agent("token", noon, agent).error().code() == Code::denied);
  CHECK(commit(*world.store, {make_block(1, 2)})[0].result == CommitResult::duplicate);
  CHECK(commit(*world.store, {make_block(1, 3)})[0].result == CommitResult::stored);
  CHECK(world.store->last_commit_id().value() == 4);
}

TEST_CASE("blocks that a crash left out of the index are indexed at the next start") {
  Rewindable world;
  commit(*world.store, {make_block(1, 1)});
  world.keep("org.db");
  commit(*world.store, {make_block(1, 2), make_block(2, 1)});

  world.put_back("org.db");

  CHECK(list_blocks(*world.store).size() == 3);
  CHECK(world.store->last_commit_id().value() == 3);
  const auto again = commit(*world.store, {make_block(1, 2), make_block(2, 1), make_block(2, 2)});
  CHECK(again[0].result == CommitResult::duplicate);
  CHECK(again[1].result == CommitResult::duplicate);
  CHECK(again[2].result == CommitResult::stored);
  for (const BlockRef& block : list_blocks(*world.store)) CHECK(world.store->read_block(block).ok());
}

TEST_CASE("a batch over two days of which a crash kept one is not indexed, and stored once when it comes again") {
  Rewindable world;
  const IncomingBlock today = make_block(1, 1);
  const IncomingBlock tomorrow = make_block(1, 2, 3, 24h);
  commit(*world.store, {make_block(2, 1)});
  world.keep("org.db");
  commit(*world.store, {today, tomorrow});
  world.store.reset();
  fs::remove(world.file("blocks/2026-11-22.db"));

  world.put_back("org.db");

  CHECK(list_blocks(*world.store).size() == 1);
  const auto again = commit(*world.store, {today, tomorrow});
  CHECK(again[0].result == CommitResult::stored);
  CHECK(again[1].result == CommitResult::stored);
  const auto blocks = list_blocks(*world.store);
  REQUIRE(blocks.size() == 3);
  CHECK(world.store->read_block(blocks[0]).value() == tomorrow.bytes);
  world.reopen();
  CHECK(list_blocks(*world.store).size() == 3);
}

TEST_CASE("a day whose file outlived its drop is removed at the next start") {
  Rewindable world;
  commit(*world.store, {make_block(1, 1), make_block(1, 2, 3, 24h)});
  world.keep("blocks/2026-11-21.db");
  REQUIRE(world.store->drop_days_before("2026-11-22").value() == 1);
  CHECK(!fs::exists(world.file("blocks/2026-11-21.db")));

  std::ofstream(world.file("blocks/2026-11-21.db.damaged")) << "kept for a look";
  world.put_back("blocks/2026-11-21.db");

  CHECK(!fs::exists(world.file("blocks/2026-11-21.db.damaged")));
  CHECK(!fs::exists(world.file("blocks/2026-11-21.db")));
  CHECK(list_blocks(*world.store).size() == 1);
}

TEST_CASE("a block that arrives for a dropped day, the clock set back, survives the next start") {
  OnDisk world;
  REQUIRE(world.store->drop_days_before("2026-12-01").ok());
  commit(*world.store, {make_block(1, 1)});

  world.reopen();

  REQUIRE(list_blocks(*world.store).size() == 1);
  CHECK(world.store->read_block(list_blocks(*world.store)[0]).ok());
}

TEST_CASE("more days than files are held open are all read") {
  OnDisk world;
  for (uint64_t n = 1; n <= 30; ++n) commit(*world.store, {make_block(1, n, 1, 24h * static_cast<int>(n))});

  for (int round = 0; round < 2; ++round) {
    const auto blocks = list_blocks(*world.store);
    REQUIRE(blocks.size() == 30);
    for (const BlockRef& block : blocks) CHECK(world.store->read_block(block).ok());
  }
}

TEST_CASE("days that are over need no log to be read, and take late blocks all the same") {
  OnDisk world;
  for (uint64_t n = 1; n <= 4; ++n) commit(*world.store, {make_block(1, n, 1, 24h * static_cast<int>(n))});
  world.reopen();
  const std::string blocks = world.folder.path() + "/store/blocks/";

  CHECK(!fs::exists(blocks + "2026-11-22.db-wal"));
  for (const BlockRef& block : list_blocks(*world.store)) CHECK(world.store->read_block(block).ok());
  CHECK(!fs::exists(blocks + "2026-11-22.db-shm"));

  commit(*world.store, {make_block(1, 5, 1, 24h)});
  for (const BlockRef& block : list_blocks(*world.store)) CHECK(world.store->read_block(block).ok());
  world.reopen();
  CHECK(list_blocks(*world.store).size() == 5);
  CHECK(!fs::exists(blocks + "2026-11-22.db-wal"));
}

TEST_CASE("readers on other threads see whole commits while the writer goes on") {
  OnDisk world;
  constexpr uint64_t batches = 60;
  std::atomic<bool> done = false;
  std::atomic<uint64_t> wrong = 0;
  std::atomic<uint64_t> rounds = 0;
  const auto look = [&] {
    while (!done) {
      const uint64_t last = world.store->last_commit_id().value();
      uint64_t seen = 0;
      const Status visited = world.store->visit_blocks_by_commit({}, [&](const BlockRef& block) {
        ++seen;
        if (!world.store->read_header(block).ok() || !world.store->read_block(block).ok()) ++wrong;
        return true;
      });
      if (!visited.ok() || seen < last) ++wrong;
      ++rounds;
    }
  };
  std::vector<std::thread> readers;
  for (int n = 0; n < 6; ++n) readers.emplace_back(look);

  for (uint64_t n = 1; n <= batches; ++n) commit(*world.store, {make_block(1, n), make_block(2, n)});
  done = true;
  for (std::thread& reader : readers) reader.join();

  CHECK(wrong == 0);
  CHECK(rounds > 0);
  CHECK(list_blocks(*world.store).size() == 2 * batches);
}

TEST_CASE("a store of a newer format is refused with the numbers of both") {
  OnDisk world;
  world.store.reset();
  {
    const auto vfs = ChecksumVfs::make("").value();
    const auto database = Database::open({.path = world.folder.path() + "/store/org.db", .vfs = vfs->name()}).value();
    REQUIRE(database->execute("pretend", "PRAGMA user_version=9").ok());
  }

  const auto opened = open_sqlite_store({.directory = world.folder.path() + "/store", .disk = sys::real_disk()});

  REQUIRE(!opened.ok());
  CHECK(opened.error().code() == Code::invalid);
  CHECK(opened.error().text().find("org.db: written in format 9 by a newer release") != std::string::npos);
}

TEST_CASE("a folder in the place of a file is an error that names it") {
  TemporaryFolder folder;
  fs::create_directories(folder.path() + "/store/org.db");

  const auto opened = open_sqlite_store({.directory = folder.path() + "/store", .disk = sys::real_disk()});

  REQUIRE(!opened.ok());
  CHECK(opened.error().text().find("org.db") != std::string::npos);
}

TEST_CASE("an unknown file system is named") {
  const auto opened = open_sqlite_store({.directory = "/nowhere", .disk = sys::real_disk(), .vfs = "no-such-thing"});

  REQUIRE(!opened.ok());
  CHECK(opened.error().code() == Code::not_found);
  CHECK(opened.error().text().find("no-such-thing") != std::string::npos);
}

// -- on the simulated disk -------------------------------------------------------------------------------------------

namespace {

struct Simulated {
  explicit Simulated(uint64_t seed) : random(seed), disk(random), vfs(disk, random, clock) {}

  Result<std::unique_ptr<Store>> open() {
    return open_sqlite_store({.directory = "/store", .disk = disk, .vfs = vfs.name(), .exclusive = true});
  }

  sim::SimClock clock;
  SeededRandom random;
  sim::SimDisk disk;
  sim::SqliteVfs vfs;
};

}  // namespace

TEST_CASE("a full disk refuses a commit, keeps nothing of it, goes on answering, and takes it once there is room") {
  Simulated world(1);
  const std::unique_ptr<Store> store = world.open().value();
  commit(*store, {make_block(1, 1)});
  uint64_t used = 0;
  for (const std::string& file : world.disk.files()) used += world.disk.contents(file).size();
  const std::vector<IncomingBlock> batch = {make_block(1, 2, 5000), make_block(1, 3, 5000)};

  // From no room at all to nearly enough: the disk fills in the day's file, in org.db, wherever.
  for (const uint64_t room : {0_KiB, 4_KiB, 20_KiB, 40_KiB, 80_KiB}) {
    world.disk.set_bytes_max(used + room);
    const auto refused = store->commit_blocks(batch);
    if (refused.ok()) break;
    CHECK(refused.error().code() == Code::exhausted);
    REQUIRE(list_blocks(*store).size() == 1);
    CHECK(store->read_block(list_blocks(*store)[0]).ok());
    CHECK(store->stream_positions(make_id(1)).value().at(0).through == 1);
  }
  world.disk.set_bytes_max(1_GiB);
  const auto taken = store->commit_blocks(batch);

  REQUIRE(taken.ok());
  CHECK(list_blocks(*store).size() == 3);
  for (const BlockRef& block : list_blocks(*store)) CHECK(store->read_block(block).ok());
}

TEST_CASE("what was committed is there after a crash in every n-th change of the disk") {
  for (const auto crash : {sim::SimDisk::Crash::process_killed, sim::SimDisk::Crash::power_cut}) {
    for (uint64_t n = 1;; ++n) {
      Simulated world(n);
      uint64_t committed = 0;
      world.disk.stop_after(n);
      {
        auto opened = world.open();
        if (opened.ok()) {
          for (uint64_t sequence = 1; sequence <= 4; ++sequence) {
            const std::vector<IncomingBlock> batch = {make_block(1, sequence, 2, sequence > 2 ? 24h : 0h)};
            if (!(*opened)->commit_blocks(batch).ok()) break;
            committed = sequence;
          }
        }
      }
      if (!world.disk.stopped()) break;  // all of it, the closing too, took less changes
      world.disk.restart(crash);

      auto opened = world.open();
      if (!opened.ok()) FAIL("crash in change " << n << ": " << opened.error().text());
      const auto blocks = list_blocks(**opened);
      REQUIRE(blocks.size() >= committed);
      REQUIRE(blocks.size() <= committed + 1);
      for (const BlockRef& block : blocks) REQUIRE((*opened)->read_block(block).ok());
      for (uint64_t sequence = 1; sequence <= 4; ++sequence) {
        commit(**opened, {make_block(1, sequence, 2, sequence > 2 ? 24h : 0h)});
      }
      REQUIRE(list_blocks(**opened).size() == 4);
    }
  }
}

}  // namespace reeve::server::test
