// Proves the VFS against SQLite alone, before the store stands on it: what COMMIT said is there survives every crash.
#include "tests/sim/sqlite_vfs.h"

#include <sqlite3.h>

#include "tests/pch.h"
#include "tests/sim/sim_clock.h"

namespace reeve::sim {
namespace {

class Connection {
 public:
  Connection(const SqliteVfs& vfs, const char* path) {
    opened_ = sqlite3_open_v2(path, &handle_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs.name().c_str());
  }
  ~Connection() { sqlite3_close(handle_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int opened() const { return opened_; }
  int run(const std::string& sql) { return sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr); }

  std::string value(const std::string& sql) {
    std::string out = "nothing";
    const auto keep = [](void* to, int, char** values, char**) {
      *static_cast<std::string*>(to) = values[0] == nullptr ? "null" : values[0];
      return 0;
    };
    if (sqlite3_exec(handle_, sql.c_str(), keep, &out, nullptr) != SQLITE_OK) return sqlite3_errmsg(handle_);
    return out;
  }

 private:
  sqlite3* handle_ = nullptr;
  int opened_ = 0;
};

constexpr const char* prepare =
    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    "PRAGMA wal_autocheckpoint=4; CREATE TABLE IF NOT EXISTS t(n INTEGER PRIMARY KEY, bytes BLOB)";

struct World {
  explicit World(uint64_t seed) : random(seed), disk(random), vfs(disk, random, clock) {
    REQUIRE(disk.make_directories("/data").ok());
    REQUIRE(disk.sync_directory("/data").ok());
  }
  SimClock clock;
  SeededRandom random;
  SimDisk disk;
  SqliteVfs vfs;
};

TEST_CASE("a second exclusive connection to the same file is told that it is busy") {
  World world(1);
  Connection first(world.vfs, "/data/a.db");
  REQUIRE(first.run(prepare) == SQLITE_OK);
  Connection second(world.vfs, "/data/a.db");
  CHECK(second.run("SELECT * FROM t") == SQLITE_BUSY);
}

TEST_CASE("a full simulated disk is SQLITE_FULL, and what was there stays") {
  World world(1);
  Connection database(world.vfs, "/data/a.db");
  REQUIRE(database.run(prepare) == SQLITE_OK);
  REQUIRE(database.run("INSERT INTO t VALUES(1, 'x')") == SQLITE_OK);
  world.disk.set_bytes_max(0);
  CHECK(database.run("INSERT INTO t VALUES(2, randomblob(20000))") == SQLITE_FULL);
  CHECK(database.value("SELECT count(*) FROM t") == "1");
}

TEST_CASE("SQLite over the simulated disk keeps every commit through a crash in every n-th change") {
  for (const auto crash : {SimDisk::Crash::process_killed, SimDisk::Crash::power_cut}) {
    for (uint64_t n = 1;; ++n) {
      World world(n);
      int committed = 0;
      world.disk.stop_after(n);
      {
        Connection database(world.vfs, "/data/a.db");
        if (database.opened() == SQLITE_OK && database.run(prepare) == SQLITE_OK) {
          while (committed < 8) {
            const std::string insert = "INSERT INTO t VALUES(" + std::to_string(committed + 1) + ", randomblob(6000))";
            if (database.run(insert) != SQLITE_OK) break;
            ++committed;
          }
        }
      }
      if (!world.disk.stopped()) break;
      world.disk.restart(crash);

      INFO("crash in change " << n << ", " << (crash == SimDisk::Crash::power_cut ? "power cut" : "process killed"));
      Connection database(world.vfs, "/data/a.db");
      REQUIRE(database.run(prepare) == SQLITE_OK);
      REQUIRE(database.value("PRAGMA integrity_check") == "ok");
      const int found = std::stoi(database.value("SELECT count(*) FROM t"));
      REQUIRE((found == committed || found == committed + 1));
    }
  }
}

TEST_CASE("with a disk that lies about syncs the same test loses commits") {
  int lost = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    World world(seed);
    world.disk.lie_about_syncs(true);
    {
      Connection database(world.vfs, "/data/a.db");
      REQUIRE(database.run(prepare) == SQLITE_OK);
      REQUIRE(database.run("INSERT INTO t VALUES(1, 'x')") == SQLITE_OK);
      world.disk.stop();
    }
    world.disk.restart(SimDisk::Crash::power_cut);
    Connection database(world.vfs, "/data/a.db");
    if (database.run(prepare) != SQLITE_OK || database.value("SELECT count(*) FROM t") != "1") ++lost;
  }
  CHECK(lost > 0);
}

}  // namespace
}  // namespace reeve::sim
