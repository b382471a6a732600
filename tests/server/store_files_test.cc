// The store's own small parts: page checksums and the entities' copies.
#include <filesystem>
#include <fstream>

#include "server/store/checksum_vfs.h"
#include "server/store/entity_copies.h"
#include "server/store/replace_file.h"
#include "server/store/sqlite.h"
#include "tests/pch.h"
#include "tests/server/store_world.h"

namespace reeve::server::test {
namespace {

namespace fs = std::filesystem;

void flip_bit(const std::string& path, uint64_t byte) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(byte));
  const auto flipped = static_cast<char>(file.get() ^ 1);
  file.seekp(static_cast<std::streamoff>(byte));
  file.put(flipped);
  REQUIRE(file.good());
}

void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

Agent make_agent(uint8_t n, const std::string& host) {
  Agent agent;
  agent.id = make_id(n);
  agent.host = host;
  return agent;
}

}  // namespace

TEST_CASE("a flipped bit anywhere in a database file is an error and not an answer") {
  TemporaryFolder folder;
  const auto vfs = ChecksumVfs::make("").value();
  const std::string path = folder.path() + "/a.db";
  {
    const auto database = Database::open({.path = path, .vfs = vfs->name()}).value();
    REQUIRE(database->execute("fill", "CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT)").ok());
    REQUIRE(database->execute("fill", "INSERT INTO t VALUES (1, printf('%10000c', 'x'))").ok());
  }
  const uint64_t size = fs::file_size(path);
  REQUIRE(size >= 4 * 4096);

  for (uint64_t byte = 17; byte < size; byte += 97) {
    flip_bit(path, byte);
    bool damaged = false;
    const auto database =
        Database::open({.path = path, .vfs = vfs->name(), .read_only = true, .on_damage = [&] { damaged = true; }});
    REQUIRE(database.ok());
    const auto sum = (*database)->query_integer("sum up", "SELECT sum(n + length(text)) FROM t");
    if (sum.ok()) FAIL("byte " << byte << " may be anything");
    CHECK(sum.error().code() == Code::corrupt);
    CHECK(damaged);
    flip_bit(path, byte);
  }

  const auto database = Database::open({.path = path, .vfs = vfs->name(), .read_only = true}).value();
  CHECK(database->query_integer("sum up", "SELECT sum(n + length(text)) FROM t").value() == 10'001);
}

TEST_CASE("a file that was not made with checksums is damaged, not trusted") {
  TemporaryFolder folder;
  const auto vfs = ChecksumVfs::make("").value();
  write_text(folder.path() + "/a.db", "SQLite format 3" + std::string(5000, '\0'));

  const auto database = Database::open({.path = folder.path() + "/a.db", .vfs = vfs->name()});

  REQUIRE(!database.ok());
  CHECK(database.error().code() == Code::corrupt);
}

// -- copies ----------------------------------------------------------------------------------------------------------

TEST_CASE("the copies give back everything that was written, the newest of each thing") {
  TemporaryFolder folder;
  EntityCopies copies(sys::real_disk(), folder.path());
  CHECK(copies.load().value().agents.empty());
  Agent agent = make_agent(1, "web-1\n\xff");
  agent.certificate_serial = "0a";
  agent.certificate_not_after = noon;
  REQUIRE(copies.rewrite({.agents = {agent, make_agent(2, "web-2")}}).ok());
  agent.revoked = true;
  REQUIRE(copies.append({.agents = {agent}, .tokens = {{"hash", noon, true}}}).ok());
  REQUIRE(copies.append({.keys = {{make_id(7), "rv_", "key", "admin", noon}}}).ok());
  const IncomingGap gap{make_id(1), make_id(9), wire::Lane::recall, 4, 6, "full", noon};
  REQUIRE(copies.append({.gaps = {gap}, .streams = {{make_id(1), {make_id(9), wire::Lane::live, 8}}}}).ok());
  REQUIRE(copies.append({.damaged_blocks = 3}).ok());

  const Entities all = EntityCopies(sys::real_disk(), folder.path()).load().value();

  REQUIRE(all.agents.size() == 2);
  CHECK(all.agents[0].host == "web-1\n\xff");
  CHECK(all.agents[0].revoked);
  CHECK(all.agents[0].certificate_serial == "0a");
  CHECK(all.agents[0].certificate_not_after == noon);
  CHECK(!all.agents[1].revoked);
  CHECK(all.tokens.at(0).used);
  CHECK(all.keys.at(0).role == "admin");
  CHECK(all.gaps.at(0).from == 4);
  CHECK(all.gaps.at(0).lane == wire::Lane::recall);
  CHECK(all.gaps.at(0).reason == "full");
  CHECK(all.streams.at(0).position.through == 8);
  CHECK(all.damaged_blocks == 3);
}

TEST_CASE("a damaged frame is passed by, and the other copy has it") {
  TemporaryFolder folder;
  Entities all;
  for (uint8_t n = 1; n <= 20; ++n) all.agents.push_back(make_agent(n, "host"));
  REQUIRE(EntityCopies(sys::real_disk(), folder.path()).rewrite(all).ok());
  const uint64_t size = fs::file_size(folder.path() + "/entities.copy-1");

  for (uint64_t byte = 0; byte < size; byte += 61) {
    flip_bit(folder.path() + "/entities.copy-1", byte);
    flip_bit(folder.path() + "/entities.copy-2", (byte + size / 2) % size);
    CHECK(EntityCopies(sys::real_disk(), folder.path()).load().value().agents.size() == 20);
    flip_bit(folder.path() + "/entities.copy-1", byte);
    flip_bit(folder.path() + "/entities.copy-2", (byte + size / 2) % size);
  }
  fs::remove(folder.path() + "/entities.copy-2");
  CHECK(EntityCopies(sys::real_disk(), folder.path()).load().value().agents.size() == 20);
  flip_bit(folder.path() + "/entities.copy-1", size / 2);
  CHECK(EntityCopies(sys::real_disk(), folder.path()).load().value().agents.size() == 19);
}

TEST_CASE("what is newer in one copy counts, though the other could not be written") {
  TemporaryFolder folder;
  EntityCopies copies(sys::real_disk(), folder.path());
  REQUIRE(copies.rewrite({.agents = {make_agent(1, "old")}}).ok());
  fs::copy_file(folder.path() + "/entities.copy-1", folder.path() + "/kept");
  REQUIRE(copies.rewrite({.agents = {make_agent(1, "new")}}).ok());
  fs::copy_file(folder.path() + "/kept", folder.path() + "/entities.copy-1", fs::copy_options::overwrite_existing);

  CHECK(EntityCopies(sys::real_disk(), folder.path()).load().value().agents.at(0).host == "new");
}

// -- replacing -------------------------------------------------------------------------------------------------------

TEST_CASE("a replacement takes the file's name, and a few damaged ones are kept") {
  TemporaryFolder folder;
  const std::string path = folder.path() + "/a.db";
  for (const std::string round : {"one", "two", "three", "four", "five"}) {
    write_text(path, "damaged " + round);
    write_text(path + "-wal", "log " + round);
    REQUIRE(begin_replacement(sys::real_disk(), path).ok());
    write_text(replacement_path(path), "new");
    REQUIRE(finish_replacement(sys::real_disk(), path).ok());
  }

  CHECK(read_text(path) == "new");
  CHECK(!fs::exists(path + "-wal"));
  CHECK(read_text(path + ".damaged") == "damaged one");
  CHECK(read_text(path + ".damaged-2") == "damaged two");
  CHECK(read_text(path + ".damaged-2-wal") == "log two");
  CHECK(read_text(path + ".damaged-4") == "damaged five");
  CHECK(!fs::exists(path + ".damaged-5"));
}

TEST_CASE("after a crash a replacement counts only where the file is gone already") {
  TemporaryFolder folder;
  const std::string path = folder.path() + "/a.db";
  write_text(path, "old");
  write_text(replacement_path(path), "half done");
  REQUIRE(recover_replacement(sys::real_disk(), path).ok());
  CHECK(read_text(path) == "old");
  CHECK(!fs::exists(replacement_path(path)));

  fs::remove(path);
  write_text(replacement_path(path), "whole");
  REQUIRE(recover_replacement(sys::real_disk(), path).ok());
  CHECK(read_text(path) == "whole");
  REQUIRE(recover_replacement(sys::real_disk(), path).ok());
  CHECK(read_text(path) == "whole");
}

}  // namespace reeve::server::test
