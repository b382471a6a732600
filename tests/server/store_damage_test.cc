// Flipped bits in the store's files: only the blocks they hit are missing, those are counted, and everything goes on.
#include <filesystem>
#include <fstream>
#include <set>

#include "tests/pch.h"
#include "tests/server/store_world.h"

namespace reeve::server::test {
namespace {

namespace fs = std::filesystem;

Bytes read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write_all(const std::string& path, BytesView bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  REQUIRE(out.good());
}

struct Damageable : OnDisk {
  std::map<wire::BlockIdentity, Bytes> blocks;

  std::string directory() const { return folder.path() + "/store"; }
  std::string org() const { return directory() + "/org.db"; }
  std::string day() const { return directory() + "/blocks/2026-11-21.db"; }

  void fill(uint64_t sequences, uint32_t rows) {
    std::vector<IncomingBlock> batch;
    for (uint64_t n = 1; n <= sequences; ++n) {
      for (const uint8_t agent : {uint8_t{1}, uint8_t{2}}) {
        // Arrival moves within one day.
        batch.push_back(make_block(agent, n, rows, -Duration(static_cast<int64_t>(n) * 60'000'000'000)));
        blocks[batch.back().identity] = batch.back().bytes;
      }
      if (n % 20 == 0 || n == sequences) commit(*store, std::exchange(batch, {}));
    }
    REQUIRE(store->add_api_key({make_id(7), "rv_abc", "the key's hash", "admin", noon}).ok());
    REQUIRE(store->add_enrol_token({.hash = "token", .expires = noon + 1h}).ok());
    Agent agent;
    agent.id = make_id(1);
    agent.host = "host-1";
    REQUIRE(store->enrol_agent("token", noon, agent).ok());
    REQUIRE(store->revoke_agent(agent.id).ok());
  }

  void damage(const std::string& path, const std::function<void(Bytes&)>& change) {
    store.reset();
    Bytes bytes = read_all(path);
    change(bytes);
    write_all(path, bytes);
    store = open();
  }

  // What a query does: list, read, report what is damaged; and the writer's next verb. Until nothing more is found.
  std::set<wire::BlockIdentity> settle() {
    for (int round = 0; round < 5; ++round) {
      std::set<wire::BlockIdentity> whole;
      std::vector<BlockRef> damaged;
      const Status visited = store->visit_blocks_newest_first({}, [&](const BlockRef& block) {
        const Result<Bytes> bytes = store->read_block(block);
        if (bytes.ok() && wire::verify_block(*bytes).ok()) {
          CHECK(*bytes == blocks.at(block.identity));
          CHECK(whole.insert(block.identity).second);
        } else {
          if (!bytes.ok()) CHECK(bytes.error().code() == Code::corrupt);
          damaged.push_back(block);
        }
        return true;
      });
      if (!visited.ok()) CHECK(visited.error().code() == Code::corrupt);
      if (visited.ok() && damaged.empty()) return whole;
      for (const BlockRef& block : damaged) REQUIRE(store->set_aside(block, "a test found it").ok());
      REQUIRE(store->record_seen({}).ok());
    }
    FAIL("the store does not settle");
    return {};
  }

  void check_entities() const {
    CHECK(store->find_api_key("the key's hash").value().id == make_id(7));
    CHECK(store->find_agent(make_id(1)).value().revoked);
    CHECK(store->enrol_agent("token", noon, {}).error().text().find("used") != std::string::npos);
  }

  uint64_t damaged_blocks() const { return store->counters().value().damaged_blocks; }
};

}  // namespace

TEST_CASE("an org.db that is gone, empty, cut or full of nonsense is made anew from blocks and copies") {
  Damageable world;
  world.fill(40, 3);
  const auto before = list_blocks(*world.store);
  const uint64_t last = world.store->last_commit_id().value();

  SECTION("gone") {
    world.store.reset();
    fs::remove(world.org());
    world.store = world.open();
  }
  SECTION("empty") {
    world.damage(world.org(), [](Bytes& bytes) { bytes.clear(); });
  }
  SECTION("cut") {
    world.damage(world.org(), [](Bytes& bytes) { bytes.resize(bytes.size() / 2); });
  }
  SECTION("nonsense") {
    world.damage(world.org(), [](Bytes& bytes) { bytes.assign(bytes.size(), 'x'); });
  }
  SECTION("its first page alone") {
    world.damage(world.org(), [](Bytes& bytes) { bytes[40] = static_cast<char>(bytes[40] ^ 4); });
  }

  CHECK(world.settle().size() == 80);
  const auto after = list_blocks(*world.store);
  REQUIRE(after.size() == before.size());
  for (size_t i = 0; i < after.size(); ++i) CHECK(after[i].commit_id == before[i].commit_id);
  CHECK(world.store->last_commit_id().value() == last);
  CHECK(world.damaged_blocks() == 0);
  world.check_entities();
  CHECK(commit(*world.store, {make_block(1, 40)})[0].result == CommitResult::duplicate);
  CHECK(commit(*world.store, {make_block(1, 41)})[0].result == CommitResult::stored);
}

TEST_CASE("gaps and positions outlive the index, and what retention has dropped is not taken again") {
  Damageable world;
  world.fill(3, 3);
  const IncomingGap gap{make_id(1), make_id(101), wire::Lane::live, 4, 9, "spool was full", noon + 48h};
  REQUIRE(world.store->commit_gap(gap).ok());
  REQUIRE(world.store->drop_days_before("2026-11-22").value() == 6);

  world.damage(world.org(), [](Bytes& bytes) { bytes.assign(bytes.size(), 'x'); });

  CHECK(world.store->list_gaps(make_id(1)).value().at(0).gap.reason == "spool was full");
  CHECK(commit(*world.store, {make_block(1, 9)})[0].result == CommitResult::duplicate);
  CHECK(commit(*world.store, {make_block(2, 3)})[0].result == CommitResult::duplicate);
  CHECK(commit(*world.store, {make_block(2, 4)})[0].result == CommitResult::stored);
}

TEST_CASE("a day's file that SQLite can no longer open gives its blocks back") {
  Damageable world;
  world.fill(40, 3);

  SECTION("its header is nonsense") {
    world.damage(world.day(), [](Bytes& bytes) { bytes.replace(0, 100, 100, 'x'); });
  }
  SECTION("its page size is another") {
    world.damage(world.day(), [](Bytes& bytes) { bytes[16] = static_cast<char>(bytes[16] ^ 0x20); });
  }

  CHECK(world.settle().size() == 80);
  CHECK(world.damaged_blocks() == 0);
  CHECK(!fs::exists(world.day() + ".damaged"));  // nothing is lost: there is nothing to look into
  CHECK(commit(*world.store, {make_block(1, 41, 3, -41min)})[0].result == CommitResult::stored);
}

TEST_CASE("blocks of a day's file that is gone are counted, and the day goes on") {
  Damageable world;
  world.fill(5, 3);
  world.store.reset();
  fs::remove(world.day());
  world.store = world.open();

  CHECK(world.settle().empty());
  CHECK(world.damaged_blocks() == 10);
  CHECK(commit(*world.store, {make_block(1, 5)})[0].result == CommitResult::duplicate);
  CHECK(commit(*world.store, {make_block(1, 6, 3, -6min)})[0].result == CommitResult::stored);
  CHECK(world.store->read_block(list_blocks(*world.store).at(0)).ok());
}

namespace {

// The store's files as a kill leaves them: copied while it is open.
struct Killed : Damageable {
  TemporaryFolder copy;
  std::unique_ptr<Store> survivor;

  void kill() { fs::copy(directory(), copy.path() + "/store", fs::copy_options::recursive); }
  void flip(const std::string& name, uint64_t byte) {
    const std::string path = copy.path() + "/store/" + name;
    Bytes bytes = read_all(path);
    REQUIRE(byte < bytes.size());
    bytes[byte] = static_cast<char>(bytes[byte] ^ 1);
    write_all(path, bytes);
  }
  void restart() { store = open_sqlite_store({.directory = copy.path() + "/store", .disk = sys::real_disk()}).value(); }
};

}  // namespace

TEST_CASE("a bit that flips in a log costs what it hits and not what was committed behind it") {
  for (const std::string name : {"org.db-wal", "blocks/2026-11-21.db-wal"}) {
    for (const uint64_t byte : {3ul, 17ul, 25ul, 32ul, 41ul, 50ul, 60ul, 5'000ul, 20'000ul, 60'000ul}) {
      Killed world;
      world.fill(12, 3);
      for (uint64_t n = 13; n <= 20; ++n) {
        const IncomingBlock block = make_block(1, n, 3, -Duration(static_cast<int64_t>(n) * 60'000'000'000));
        world.blocks[block.identity] = block.bytes;
        commit(*world.store, {block});
      }
      world.kill();
      world.flip(name, byte);

      world.restart();

      INFO(name << " at " << byte);
      CHECK(world.settle().size() >= world.blocks.size() - 2);
      CHECK(commit(*world.store, {make_block(1, 20)})[0].result == CommitResult::duplicate);
      world.check_entities();
    }
  }
}

TEST_CASE("an index with a flipped bit is made anew before the first query asks it") {
  Damageable world;
  world.fill(40, 3);
  world.store.reset();
  const uint64_t size = read_all(world.org()).size();

  for (uint64_t byte = 200; byte < size; byte += 4096) {
    world.damage(world.org(), [&](Bytes& bytes) { bytes.at(byte) = static_cast<char>(bytes.at(byte) ^ 1); });
    CHECK(list_blocks(*world.store).size() == 80);
  }
}

TEST_CASE("a large block with a flipped bit is lost alone") {
  Damageable world;
  world.fill(3, 20'000);  // over many pages each
  const Bytes& hit = world.blocks.at(make_block(1, 2, 1).identity);

  world.damage(world.day(), [&](Bytes& bytes) {
    const size_t at = bytes.find(BytesView(hit).substr(hit.size() / 2, 64));
    REQUIRE(at != Bytes::npos);
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
  });

  CHECK(world.settle().size() == 5);
  CHECK(world.damaged_blocks() == 1);
  CHECK(fs::exists(world.day() + ".damaged"));
}

TEST_CASE("a thousand flipped bits all over the store cost only the blocks they hit") {
  constexpr int rounds = 25;
  constexpr int flips = 40;
  size_t lost = 0;
  for (int round = 0; round < rounds; ++round) {
    SeededRandom random(static_cast<uint64_t>(round) + 1);
    Damageable world;
    world.fill(150, 3);  // blocks that lie in one page each, so that each one's bytes can be pointed at
    world.store.reset();

    std::vector<std::pair<std::string, Bytes>> files;
    uint64_t total = 0;
    for (const auto& entry : fs::recursive_directory_iterator(world.directory())) {
      if (!entry.is_regular_file()) continue;
      files.emplace_back(entry.path().string(), read_all(entry.path().string()));
      total += files.back().second.size();
    }
    // Where each block lies, and the few bytes before it that describe it.
    std::map<wire::BlockIdentity, std::pair<size_t, size_t>> places;
    const auto day =
        std::find_if(files.begin(), files.end(), [&](const auto& file) { return file.first == world.day(); });
    REQUIRE(day != files.end());
    for (const auto& [identity, bytes] : world.blocks) {
      const size_t at = day->second.find(bytes);
      REQUIRE(at != Bytes::npos);
      places[identity] = {at - 100, at + bytes.size()};
    }

    std::set<wire::BlockIdentity> hit;
    // A bit of a record's number makes it claim another one's place: one of the two is lost, and not always the one
    // hit.
    size_t renumbered = 0;
    for (int n = 0; n < flips; ++n) {
      uint64_t at = random.below(total);
      auto file = files.begin();
      while (at >= file->second.size()) at -= (file++)->second.size();
      file->second[at] = static_cast<char>(file->second[at] ^ (1 << random.below(8)));
      if (file != day) continue;
      for (const auto& [identity, place] : places) {
        if (at < place.first || at >= place.second) continue;
        hit.insert(identity);
        renumbered += at < place.first + 100 ? 1 : 0;
      }
    }
    for (const auto& [path, bytes] : files) write_all(path, bytes);

    world.store = world.open();
    const std::set<wire::BlockIdentity> whole = world.settle();

    for (const auto& [identity, bytes] : world.blocks) {
      if (!whole.contains(identity) && !hit.contains(identity) && renumbered-- == 0) {
        FAIL("round " << round << ": block " << identity.sequence << " is gone and was not hit");
      }
    }
    const size_t missing = world.blocks.size() - whole.size();
    lost += missing;
    // Where the index was made anew too, a stream's very first and last blocks leave no hole to be counted.
    CHECK(world.damaged_blocks() + 4 >= missing);
    CHECK(world.damaged_blocks() <= missing);
    world.check_entities();
    commit(*world.store, {make_block(9, 1, 3, -1min)});
    world.reopen();
    CHECK(list_blocks(*world.store).size() == whole.size() + 1);
  }
  CHECK(lost > 0);
}

}  // namespace reeve::server::test
