// Ids of pushed items: stored with their block or not at all, whatever happens in between.
#include <filesystem>
#include <fstream>
#include <set>

#include "server/store/checksum_vfs.h"
#include "server/store/item_ids.h"
#include "server/store/sqlite.h"
#include "tests/pch.h"
#include "tests/server/store_world.h"
#include "tests/sim/sim_clock.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sqlite_vfs.h"

namespace reeve::server::test {
namespace {

namespace fs = std::filesystem;

constexpr Duration day = 24h;

IncomingBlock with_ids(IncomingBlock block, std::vector<ItemId> ids) {
  block.item_ids = std::move(ids);
  return block;
}

std::set<ItemId> known(const Store& store, const std::vector<ItemId>& ids, WallTime since = noon - day) {
  const std::vector<ItemId> found = store.find_items(ids, since).value();
  return {found.begin(), found.end()};
}

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

#define EVERY_STORE InMemory, OnDisk

TEMPLATE_TEST_CASE("an item is known by its id once its block is stored, and no other is", "", EVERY_STORE) {
  TestType world;

  commit(*world.store, {with_ids(make_block(1, 1), {make_id(11), make_id(12)})});

  CHECK(known(*world.store, {make_id(11), make_id(12), make_id(13)}) == std::set<ItemId>{make_id(11), make_id(12)});
  CHECK(known(*world.store, {}).empty());
}

TEMPLATE_TEST_CASE("the ids of a block that is not stored are not known", "", EVERY_STORE) {
  TestType world;
  commit(*world.store, {with_ids(make_block(1, 1), {make_id(11)})});

  commit(*world.store, {with_ids(make_block(1, 1), {make_id(12)}), with_ids(make_block(1, 3), {make_id(13)})});

  CHECK(known(*world.store, {make_id(11), make_id(12), make_id(13)}) == std::set<ItemId>{make_id(11)});
}

TEMPLATE_TEST_CASE("an id counts on the day it came and for the days after that were asked for", "", EVERY_STORE) {
  TestType world;
  commit(*world.store, {with_ids(make_block(1, 1), {make_id(11)})});
  commit(*world.store, {with_ids(make_block(1, 2, 3, day), {make_id(12)})});

  CHECK(known(*world.store, {make_id(11), make_id(12)}, noon).size() == 2);
  CHECK(known(*world.store, {make_id(11), make_id(12)}, noon + day) == std::set<ItemId>{make_id(12)});
  CHECK(known(*world.store, {make_id(11), make_id(12)}, noon + 2 * day).empty());
}

TEMPLATE_TEST_CASE("an id goes with its block's day", "", EVERY_STORE) {
  TestType world;
  commit(*world.store, {with_ids(make_block(1, 1), {make_id(11)})});
  commit(*world.store, {with_ids(make_block(1, 2, 3, day), {make_id(12)})});

  REQUIRE(world.store->drop_days_before("2026-11-22").ok());

  CHECK(known(*world.store, {make_id(11), make_id(12)}) == std::set<ItemId>{make_id(12)});
}

TEST_CASE("ids are there after the store was opened again") {
  OnDisk world;
  commit(*world.store, {with_ids(make_block(1, 1), {make_id(11)})});

  world.reopen();

  CHECK(known(*world.store, {make_id(11), make_id(12)}) == std::set<ItemId>{make_id(11)});
}

// A crash between the day's file and the index.
TEST_CASE("ids of blocks that a crash left out of the index are known once these are indexed") {
  Rewindable world;
  commit(*world.store, {with_ids(make_block(1, 1), {make_id(11)})});
  world.keep("org.db");
  commit(*world.store, {with_ids(make_block(1, 2), {make_id(12)})});

  world.put_back("org.db");

  CHECK(list_blocks(*world.store).size() == 2);
  CHECK(known(*world.store, {make_id(11), make_id(12)}).size() == 2);
}

TEST_CASE("an id whose block a crash left behind for good is not known, and may come again") {
  Rewindable world;
  commit(*world.store, {with_ids(make_block(2, 1), {make_id(11)})});
  world.keep("org.db");
  commit(*world.store, {with_ids(make_block(1, 1), {make_id(12)}), with_ids(make_block(1, 2, 3, day), {make_id(13)})});
  world.store.reset();
  fs::remove(world.file("blocks/2026-11-22.db"));  // so the batch is not whole

  world.put_back("org.db");

  CHECK(list_blocks(*world.store).size() == 1);
  CHECK(known(*world.store, {make_id(11), make_id(12), make_id(13)}) == std::set<ItemId>{make_id(11)});
  commit(*world.store, {with_ids(make_block(3, 1), {make_id(12)})});
  CHECK(known(*world.store, {make_id(12)}).size() == 1);
}

TEST_CASE("after a crash in every n-th change of the disk, the ids known are those of the blocks that are there") {
  for (const auto crash : {sim::SimDisk::Crash::process_killed, sim::SimDisk::Crash::power_cut}) {
    for (uint64_t n = 1;; ++n) {
      Simulated world(n);
      world.disk.stop_after(n);
      {
        auto opened = world.open();
        for (uint8_t sequence = 1; opened.ok() && sequence <= 3; ++sequence) {
          const std::vector<IncomingBlock> batch = {with_ids(make_block(1, sequence, 2), {make_id(sequence)})};
          if (!(*opened)->commit_blocks(batch).ok()) break;
        }
      }
      if (!world.disk.stopped()) break;
      world.disk.restart(crash);

      auto opened = world.open();
      REQUIRE(opened.ok());
      std::set<ItemId> expected;
      for (const BlockRef& block : list_blocks(**opened)) {
        expected.insert(make_id(static_cast<uint8_t>(block.identity.sequence)));
      }
      INFO("crash in change " << n);
      REQUIRE(known(**opened, {make_id(1), make_id(2), make_id(3)}) == expected);
    }
  }
}

TEST_CASE("a day's file that is made anew keeps the ids of the blocks it keeps") {
  OnDisk world;
  std::vector<ItemId> ids;
  for (uint8_t n = 1; n <= 100; ++n) {
    ids.push_back(make_id(n));
    commit(*world.store, {with_ids(make_block(1, n, 20), {make_id(n)})});
  }
  world.store.reset();
  const std::string path = world.folder.path() + "/store/blocks/2026-11-21.db";
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(100);  // the first page: without it SQLite opens nothing
    file.write("damage", 6);
  }

  world.store = world.open();
  REQUIRE(world.store->record_seen({}).ok());  // a writing verb repairs first

  const std::vector<BlockRef> blocks = list_blocks(*world.store);
  std::set<ItemId> expected;
  for (const BlockRef& block : blocks) expected.insert(make_id(static_cast<uint8_t>(block.identity.sequence)));
  CHECK(blocks.size() >= 95);
  CHECK(known(*world.store, ids) == expected);
}

TEST_CASE("a day's file of the format without ids is brought along, and gives its blocks to a repair") {
  OnDisk world;
  const std::string path = world.folder.path() + "/store/blocks/2026-11-21.db";
  commit(*world.store, {make_block(1, 1, 50), make_block(1, 2, 50)});
  world.store.reset();
  {
    const auto vfs = ChecksumVfs::make("").value();
    const auto database = Database::open({.path = path, .vfs = vfs->name()}).value();
    REQUIRE(database->execute("go back", "ALTER TABLE blocks DROP COLUMN item_ids").ok());
    REQUIRE(database->execute("go back", "DROP TABLE item_ids").ok());
    REQUIRE(database->execute("go back", "PRAGMA user_version=1").ok());
  }

  SECTION("a new block brings its ids") {
    world.store = world.open();
    commit(*world.store, {with_ids(make_block(1, 3), {make_id(13)})});
    CHECK(known(*world.store, {make_id(13)}).size() == 1);
    CHECK(list_blocks(*world.store).size() == 3);
  }
  SECTION("a damaged file is made anew in today's format") {
    {
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(100);
      file.write("damage", 6);
    }
    world.store = world.open();
    REQUIRE(world.store->record_seen({}).ok());
    CHECK(list_blocks(*world.store).size() == 2);
    for (const BlockRef& block : list_blocks(*world.store)) CHECK(world.store->read_block(block).ok());
    CHECK(known(*world.store, {make_id(13)}).empty());
  }
}

TEST_CASE("ids join into bytes and back, and a blob of another size is none") {
  const std::vector<ItemId> ids{make_id(1), make_id(2)};

  CHECK(split_item_ids(join_item_ids(ids)) == ids);
  CHECK(split_item_ids("") == std::vector<ItemId>{});
  CHECK_FALSE(split_item_ids("seventeen bytes!!").has_value());
}

}  // namespace reeve::server::test
