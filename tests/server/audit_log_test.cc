// The audit's Merkle tree, the same for every store; and what a hand in org.db's rows does to it.
#include <filesystem>

#include "common/warrant/merkle.h"
#include "server/store/accounts.h"
#include "server/store/audit_log.h"
#include "server/store/checksum_vfs.h"
#include "server/store/schema.h"
#include "server/store/store_file.h"
#include "tests/pch.h"
#include "tests/server/store_world.h"

namespace reeve::server::test {
namespace {

using warrant::Hash;

AuditEntry numbered(uint64_t n) {
  return {.time = noon + Duration(n * 1s),
          .actor_kind = "user",
          .actor_id = "1",
          .actor_name = "ada@example.net",
          .action = "test." + std::to_string(n),
          .target = "2",
          .detail = R"({"a":1})",
          .request_id = "r-1",
          .peer = "10.0.0.7"};
}

void append(Store& store, uint64_t from, uint64_t to) {
  for (uint64_t n = from; n <= to; ++n) REQUIRE(store.accounts().append_audit(numbered(n)).ok());
}

// What the tree must be, from the definition and the entries.
std::vector<Hash> leaves_of(const Store& store) {
  std::vector<Hash> leaves;
  std::vector<AuditEntry> entries = store.accounts().list_audit({.limit = 10'000}).value();
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    leaves.push_back(warrant::leaf_hash(audit_leaf(*entry)));
  }
  return leaves;
}

Hash root_of(const Store& store, uint64_t size) {
  warrant::MerkleFrontier tree;
  REQUIRE(tree.restore(size, store.accounts().audit_subtrees(size).value()));
  return tree.root();
}

}  // namespace

#define EVERY_STORE InMemory, OnDisk

TEST_CASE("a leaf's bytes are those of docs/audit.md") {
  const AuditEntry entry{.id = 258,
                         .time = WallTime{-2},
                         .actor_kind = "key",
                         .actor_id = "",
                         .actor_name = "ci",
                         .action = "user.create",
                         .target = "t",
                         .detail = "{}",
                         .request_id = "r",
                         .peer = "::1"};
  CHECK(to_hex(audit_leaf(entry)) ==
        "01"
        "0201000000000000"
        "feffffffffffffff"
        "03000000"
        "6b6579"
        "00000000"
        "02000000"
        "6369"
        "0b000000"
        "757365722e637265617465"
        "01000000"
        "74"
        "02000000"
        "7b7d"
        "01000000"
        "72"
        "03000000"
        "3a3a31");
}

TEST_CASE("what moves from one field to the next is another leaf") {
  AuditEntry one;
  one.actor_id = "ab";
  one.actor_name = "c";
  AuditEntry other = one;
  other.actor_id = "a";
  other.actor_name = "bc";
  CHECK(audit_leaf(one) != audit_leaf(other));
}

TEMPLATE_TEST_CASE("every entry is a leaf, and the tree is that of RFC 6962", "", EVERY_STORE) {
  TestType world;
  const Accounts& accounts = world.store->accounts();
  CHECK(accounts.audit_tree().value().size == 0);
  CHECK(accounts.audit_subtrees(0).value().empty());
  for (uint64_t size = 1; size <= 70; ++size) {
    append(*world.store, size, size);
    const std::vector<Hash> leaves = leaves_of(*world.store);
    REQUIRE(accounts.audit_tree().value().size == size);
    REQUIRE(accounts.audit_tree().value().first_kept == 0);
    REQUIRE(accounts.audit_tree().value().last_entry == size);
    REQUIRE(root_of(*world.store, size) == warrant::merkle_root(leaves));
  }
  const std::vector<Hash> leaves = leaves_of(*world.store);
  for (uint64_t size = 1; size <= 70; ++size) {
    for (uint64_t old_size = 1; old_size <= size; ++old_size) {
      REQUIRE(accounts.prove_audit(old_size, size).value() ==
              warrant::consistency_proof(std::span(leaves).first(size), old_size));
    }
  }
  CHECK(accounts.prove_audit(1, 71).error().code() == Code::not_found);
  CHECK(accounts.audit_subtrees(71).error().code() == Code::not_found);
}

TEMPLATE_TEST_CASE("every verb that tells the audit adds its leaf, and one that fails adds none", "", EVERY_STORE) {
  TestType world;
  Accounts& accounts = world.store->accounts();
  const User user{.id = make_id(1), .email = "ada@example.net", .role = "admin", .created = noon};
  REQUIRE(accounts.add_user(user, numbered(1)).value());
  CHECK(accounts.audit_tree().value().size == 1);
  REQUIRE_FALSE(accounts.add_user(user, numbered(2)).value());
  CHECK(accounts.audit_tree().value().size == 1);
  const ApiKey key{.id = make_id(2), .hash = Bytes(32, 'k'), .role = "admin", .created = noon};
  REQUIRE(accounts.add_api_key(key, numbered(2)).ok());
  REQUIRE(accounts.revoke_api_key(make_id(2), numbered(3)).ok());
  REQUIRE_FALSE(accounts.revoke_api_key(make_id(2), numbered(4)).ok());
  const EnrolToken token{Bytes(32, 't'), noon + 1h};
  REQUIRE(accounts.add_enrol_token(token, numbered(4)).ok());
  const Agent agent{.id = make_id(3), .host = "web-1", .enrolled = noon};
  REQUIRE(accounts.enrol_agent(token.hash, noon, agent, numbered(5)).ok());
  REQUIRE(accounts.note_audit_alarm(make_id(3), "rewritten", numbered(6)).ok());
  CHECK(accounts.note_audit_alarm(make_id(4), "rewritten", numbered(7)).error().code() == Code::not_found);
  CHECK(world.store->find_agent(make_id(3)).value().audit_alarm == "rewritten");
  CHECK(accounts.audit_tree().value().size == 6);
  CHECK(root_of(*world.store, 6) == warrant::merkle_root(leaves_of(*world.store)));
}

TEMPLATE_TEST_CASE("leaves are read in slices with their entries", "", EVERY_STORE) {
  TestType world;
  const Accounts& accounts = world.store->accounts();
  append(*world.store, 1, 10);
  const std::vector<Hash> leaves = leaves_of(*world.store);
  for (const size_t count : {1, 3, 10, 11}) {
    std::vector<AuditLeaf> read;
    while (true) {
      const AuditSlice slice = accounts.read_audit(read.size(), count).value();
      CHECK(slice.strays.empty());
      for (const AuditLeaf& leaf : slice.leaves) read.push_back(leaf);
      if (slice.leaves.size() < count) break;
    }
    REQUIRE(read.size() == 10);
    for (uint64_t i = 0; i < 10; ++i) {
      CHECK(read[i].leaf == i);
      CHECK(read[i].entry_id == i + 1);
      CHECK(read[i].hash == leaves[i]);
      REQUIRE(read[i].entry.has_value());
      CHECK(read[i].entry->action == "test." + std::to_string(i + 1));
    }
  }
  CHECK(accounts.read_audit(10, 5).value().leaves.empty());
}

TEMPLATE_TEST_CASE("checkpoints are kept, the same one once", "", EVERY_STORE) {
  TestType world;
  Accounts& accounts = world.store->accounts();
  CHECK(accounts.newest_checkpoint().error().code() == Code::not_found);
  REQUIRE(accounts.save_checkpoint({.size = 1, .root = Hash(32, 'a'), .time = noon, .envelope = "one"}).ok());
  REQUIRE(accounts.save_checkpoint({.size = 1, .root = Hash(32, 'a'), .time = noon + 1s, .envelope = "two"}).ok());
  CHECK(accounts.newest_checkpoint().value().envelope == "two");
  CHECK(accounts.newest_checkpoint().value().time == noon + 1s);
  REQUIRE(accounts.save_checkpoint({.size = 1, .root = Hash(32, 'b'), .time = noon, .envelope = "three"}).ok());
  CHECK(accounts.newest_checkpoint().value().root == Hash(32, 'b'));
  REQUIRE(accounts.save_checkpoint({.size = 9, .root = Hash(32, 'c'), .time = noon, .envelope = ""}).ok());
  CHECK(accounts.newest_checkpoint().value().size == 9);
}

TEST_CASE("the tree goes on after a restart") {
  OnDisk world;
  append(*world.store, 1, 5);
  world.reopen();
  append(*world.store, 6, 9);
  CHECK(world.store->accounts().audit_tree().value().size == 9);
  CHECK(root_of(*world.store, 9) == warrant::merkle_root(leaves_of(*world.store)));
}

// -- org.db, as somebody with its file and our checksums may change it
// -------------------------------------------------

namespace {

// The file without a store on it.
struct Closed {
  explicit Closed(OnDisk& the_world) : world(the_world) {
    world.store.reset();
    file = std::make_unique<StoreFile>(
        StoreFile::Options{.database = {.path = path(), .vfs = vfs->name(), .page_bytes = org_page_bytes},
                           .schema = org_schema,
                           .format = org_format,
                           .upgrades = org_upgrades});
  }
  ~Closed() {
    file->close();
    file.reset();
    world.store = world.open();
  }
  std::string path() const { return world.folder.path() + "/store/org.db"; }
  Database& database() { return *file->writer().value(); }
  void run(const char* sql) { REQUIRE(database().execute("rewrite history", sql).ok()); }

  OnDisk& world;
  std::unique_ptr<ChecksumVfs> vfs = ChecksumVfs::make("").value();
  std::unique_ptr<StoreFile> file;
};

}  // namespace

TEST_CASE("a file of an older release gets the leaves of its entries, in their order") {
  OnDisk world;
  append(*world.store, 1, 100);
  {
    Closed closed(world);
    closed.run("DELETE FROM audit_leaves; DELETE FROM audit_nodes; DELETE FROM audit WHERE id <= 30");
  }
  const Accounts& accounts = world.store->accounts();
  CHECK(accounts.audit_tree().value().size == 70);
  CHECK(root_of(*world.store, 70) == warrant::merkle_root(leaves_of(*world.store)));
  append(*world.store, 101, 130);
  CHECK(root_of(*world.store, 100) == warrant::merkle_root(leaves_of(*world.store)));
  CHECK(accounts.read_audit(0, 1).value().leaves[0].entry_id == 31);
}

TEST_CASE("an upgrade from format 2 keeps the audit and gives it a tree") {
  OnDisk world;
  append(*world.store, 1, 3);
  {
    Closed closed(world);
    closed.run(
        "DROP TABLE audit_leaves; DROP TABLE audit_nodes; DROP TABLE audit_checkpoints;"
        "ALTER TABLE agents DROP COLUMN audit_alarm; DROP TABLE signed_versions; DROP TABLE runners;"
        "DROP TABLE fix_plans; DROP TABLE fix_steps; DROP TABLE fix_approvals; DROP TABLE fix_receipts;"
        "DROP TABLE fix_commands; DROP TABLE fix_checks; PRAGMA user_version=2");
  }
  CHECK(world.store->accounts().audit_tree().value().size == 3);
  CHECK(root_of(*world.store, 3) == warrant::merkle_root(leaves_of(*world.store)));
}

TEST_CASE("a number that was skipped is told by an entry of its own") {
  OnDisk world;
  append(*world.store, 1, 3);
  {
    Closed closed(world);
    closed.run("UPDATE numbers SET value = 10 WHERE name = 'last_audit_id'");
  }
  append(*world.store, 4, 5);
  const std::vector<AuditEntry> entries = world.store->accounts().list_audit({.limit = 3}).value();
  CHECK(entries[0].id == 13);
  CHECK(entries[1].id == 12);
  CHECK(entries[1].action == "test.4");
  CHECK(entries[2].id == 11);
  CHECK(entries[2].action == audit_skip_action);
  CHECK(entries[2].detail == R"({"from":4,"to":10})");
  CHECK(root_of(*world.store, 6) == warrant::merkle_root(leaves_of(*world.store)));
}

TEST_CASE("a counter that was set back gives no number twice") {
  OnDisk world;
  append(*world.store, 1, 3);
  {
    Closed closed(world);
    closed.run("UPDATE numbers SET value = 1 WHERE name = 'last_audit_id'");
  }
  append(*world.store, 4, 4);
  CHECK(world.store->accounts().list_audit({.limit = 1}).value().front().id == 4);
}

TEST_CASE("entries that were put in have no leaf") {
  OnDisk world;
  append(*world.store, 1, 6);
  {
    Closed closed(world);
    closed.run(
        "DELETE FROM audit WHERE id = 3;"
        "INSERT INTO audit SELECT 0, time, 'user', '', '', 'forged', '', '{}', '', '' FROM audit WHERE id = 1;"
        "INSERT INTO audit SELECT 900, time, 'user', '', '', 'forged', '', '{}', '', '' FROM audit WHERE id = 1;");
  }
  const Accounts& accounts = world.store->accounts();
  const AuditSlice first = accounts.read_audit(0, 3).value();
  REQUIRE(first.leaves.size() == 3);
  CHECK(first.leaves[1].entry.has_value());
  CHECK_FALSE(first.leaves[2].entry.has_value());
  REQUIRE(first.strays.size() == 1);
  CHECK(first.strays[0].id == 0);
  const AuditSlice last = accounts.read_audit(3, 4).value();
  CHECK(last.leaves.size() == 3);
  REQUIRE(last.strays.size() == 1);
  CHECK(last.strays[0].id == 900);
}

TEST_CASE("beyond its most the oldest entries go, their leaves stay, and proofs keep working") {
  OnDisk world;
  append(*world.store, 1, 4);
  const Hash early = root_of(*world.store, 4);
  {
    // As if a million had been written: the numbers jump, which is told.
    Closed closed(world);
    const std::string sql =
        "UPDATE numbers SET value = " + std::to_string(audit_entries_max + 1) + " WHERE name = 'last_audit_id'";
    REQUIRE(closed.database().execute("jump", sql.c_str()).ok());
  }
  append(*world.store, 5, 5);  // takes the numbers max + 2 and max + 3
  const Accounts& accounts = world.store->accounts();
  const AuditTree tree = accounts.audit_tree().value();
  CHECK(tree.size == 6);
  CHECK(tree.last_entry == audit_entries_max + 3);
  CHECK(tree.first_kept == 3);  // of the leaf of entry 4
  const AuditSlice slice = accounts.read_audit(0, 10).value();
  CHECK_FALSE(slice.leaves[2].entry.has_value());
  CHECK(slice.leaves[2].hash.size() == 32);
  CHECK(slice.leaves[3].entry.has_value());
  CHECK(warrant::verify_consistency(4, early, 6, root_of(*world.store, 6), accounts.prove_audit(4, 6).value()));
}

}  // namespace reeve::server::test
