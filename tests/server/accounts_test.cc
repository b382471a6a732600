// What the accounts of every store promise; the same tests for the ones in memory and in org.db.
#include "server/store/accounts.h"

#include <filesystem>

#include "server/store/checksum_vfs.h"
#include "server/store/schema.h"
#include "server/store/store_file.h"
#include "tests/pch.h"
#include "tests/server/store_world.h"

namespace reeve::server::test {
namespace {

AuditEntry entry(const std::string& action, WallTime time = noon) {
  return {.time = time,
          .actor_kind = "user",
          .actor_id = "1",
          .actor_name = "ada@example.net",
          .action = action,
          .target = "2",
          .detail = R"({"a":1})",
          .request_id = "r-1",
          .peer = "10.0.0.7"};
}

User make_user(uint8_t n, const std::string& email, const std::string& role = "viewer") {
  return {.id = make_id(n), .email = email, .name = "Ada", .role = role, .password_hash = "$phc$", .created = noon};
}

Session make_session(uint8_t n, uint8_t user, WallTime created = noon) {
  return {.hash = Bytes(32, static_cast<char>(n)),
          .user = make_id(user),
          .created = created,
          .refreshed = created,
          .expires = created + 12h,
          .peer = "10.0.0.7"};
}

ApiKey make_key(uint8_t n) {
  return {.id = make_id(n),
          .prefix = "rvk_x",
          .hash = Bytes(32, static_cast<char>(n)),
          .role = "engineer",
          .created = noon,
          .label = "ci",
          .scopes = {"signals.read", "signals.write"},
          .expires = noon + 24h,
          .created_by = "ada@example.net"};
}

std::vector<std::string> actions(const Accounts& accounts, const AuditQuery& query = {}) {
  std::vector<std::string> found;
  const std::vector<AuditEntry> entries = accounts.list_audit(query).value();
  for (const AuditEntry& each : entries) found.push_back(each.action);
  return found;
}

using Actions = std::vector<std::string>;

}  // namespace

#define EVERY_STORE InMemory, OnDisk

// -- users -----------------------------------------------------------------------------------------------------------

TEMPLATE_TEST_CASE("a user is found by id and by e-mail in either case", "", EVERY_STORE) {
  TestType world;
  Accounts& accounts = world.store->accounts();
  User ada = make_user(1, "Ada@Example.net", "admin");
  ada.name = "Robert'); DROP TABLE users;--";

  REQUIRE(accounts.add_user(ada, entry("user.create")).value());

  const User found = accounts.find_user_by_email("aDA@example.NET").value();
  CHECK(found.id == ada.id);
  CHECK(found.email == "ada@example.net");
  CHECK(found.name == ada.name);
  CHECK(found.role == "admin");
  CHECK(found.password_hash == "$phc$");
  CHECK(!found.disabled);
  CHECK(found.created == noon);
  CHECK(found.last_sign_in == WallTime{});
  CHECK(accounts.find_user(make_id(1)).value().email == "ada@example.net");
  CHECK(accounts.find_user(make_id(2)).error().code() == Code::not_found);
  CHECK(accounts.find_user_by_email("bob@example.net").error().code() == Code::not_found);
  CHECK(accounts.find_user_by_email("").error().code() == Code::not_found);
}

TEMPLATE_TEST_CASE("an e-mail belongs to one user, and the refusal leaves no trace", "", EVERY_STORE) {
  TestType world;
  Accounts& accounts = world.store->accounts();
  REQUIRE(accounts.add_user(make_user(1, "ada@example.net"), entry("user.create")).value());

  CHECK_FALSE(accounts.add_user(make_user(2, "ADA@example.net"), entry("user.create")).value());
  CHECK_FALSE(accounts.add_user(make_user(1, "bob@example.net"), entry("user.create")).value());

  CHECK(accounts.list_users().value().size() == 1);
  CHECK(actions(accounts) == Actions{"user.create"});
}

TEMPLATE_TEST_CASE("users are listed by e-mail", "", EVERY_STORE) {
  TestType world;
  Accounts& accounts = world.store->accounts();
  REQUIRE(accounts.add_user(make_user(1, "zoe@example.net"), entry("user.create")).value());
  REQUIRE(accounts.add_user(make_user(2, "bob@example.net"), entry("user.create")).value());

  const std::vector<User> users = accounts.list_users().value();

  REQUIRE(users.size() == 2);
  CHECK(users[0].email == "bob@example.net");
  CHECK(users[1].email == "zoe@example.net");
}

TEMPLATE_TEST_CASE("a change changes what it names and nothing else", "", EVERY_STORE) {
  TestType world;
  Accounts& accounts = world.store->accounts();
  REQUIRE(accounts.add_user(make_user(1, "ada@example.net"), entry("user.create")).value());

  const UserChanged changed =
      accounts.change_user(make_id(1), {.role = "manager", .disabled = true}, entry("user.change")).value();

  CHECK(!changed.last_admin);
  const User user = accounts.find_user(make_id(1)).value();
  CHECK(user.role == "manager");
  CHECK(user.disabled);
  CHECK(user.name == "Ada");
  CHECK(user.password_hash == "$phc$");
  CHECK(user.revision == changed.user.revision);
  CHECK(actions(accounts) == Actions{"user.change", "user.create"});
  CHECK(accounts.change_user(make_id(9), {.name = "x"}, entry("user.change")).error().code() == Code::not_found);
  CHECK(actions(accounts).size() == 2);
}

TEMPLATE_TEST_CASE("the last admin can be neither disabled nor demoted", "", EVERY_STORE) {
  TestType world;
  Accounts& accounts = world.store->accounts();
  REQUIRE(accounts.add_user(make_user(1, "ada@example.net", "admin"), entry("user.create")).value());
  REQUIRE(accounts.add_user(make_user(2, "bob@example.net", "admin"), entry("user.create")).value());
  REQUIRE(!accounts.change_user(make_id(2), {.disabled = true}, entry("user.change")).value().last_admin);

  CHECK(accounts.change_user(make_id(1), {.disabled = true}, entry("user.change")).value().last_admin);
  CHECK(accounts.change_user(make_id(1), {.role = "viewer"}, entry("user.change")).value().last_admin);

  CHECK(accounts.find_user(make_id(1)).value().role == "admin");
  CHECK(!accounts.find_user(make_id(1)).value().disabled);
  CHECK(actions(accounts).size() == 3);
  CHECK(!accounts.change_user(make_id(1), {.name = "Ada L."}, entry("user.change")).value().last_admin);
  CHECK(!accounts.change_user(make_id(2), {.disabled = false}, entry("user.change")).value().last_admin);
  CHECK(!accounts.change_user(make_id(1), {.role = "viewer"}, entry("user.change")).value().last_admin);
}

// -- sessions --------------------------------------------------------------------------------------------------------

TEMPLATE_TEST_CASE("a session begins, is refreshed and ends", "", EVERY_STORE) {
  TestType world;
  Accounts& accounts = world.store->accounts();
  REQUIRE(accounts.add_user(make_user(1, "ada@example.net"), entry("user.create")).value());

  REQUIRE(accounts.open_session(make_session(7, 1), entry("session.begin")).ok());
  CHECK(accounts.find_user(make_id(1)).value().last_sign_in == noon);
  const Bytes hash(32, '\7');
  REQUIRE(accounts.refresh_session(hash, noon + 1h, noon + 13h).ok());
  const Session session = accounts.find_session(hash).value();
  CHECK(session.user == make_id(1));
  CHECK(session.created == noon);
  CHECK(session.refreshed == noon + 1h);
  CHECK(session.expires == noon + 13h);
  CHECK(session.peer == "10.0.0.7");

  REQUIRE(accounts.end_session(hash, entry("session.end")).ok());
  CHECK(accounts.find_session(hash).error().code() == Code::not_found);
  CHECK(accounts.end_session(hash, entry("session.end")).error().code() == Code::not_found);
  CHECK(accounts.refresh_session(hash, noon, noon).error().code() == Code::not_found);
  CHECK(actions(accounts) == Actions{"session.end", "session.begin", "user.create"});
}

TEMPLATE_TEST_CASE("nobody unknown or disabled begins a session", "", EVERY_STORE) {
  TestType world;
  Accounts& accounts = world.store->accounts();
  REQUIRE(accounts.add_user(make_user(1, "ada@example.net"), entry("user.create")).value());
  REQUIRE(accounts.change_user(make_id(1), {.disabled = true}, entry("user.change")).ok());

  CHECK(accounts.open_session(make_session(7, 1), entry("session.begin")).error().code() == Code::not_found);
  CHECK(accounts.open_session(make_session(7, 2), entry("session.begin")).error().code() == Code::not_found);
  CHECK(actions(accounts).size() == 2);
}

TEMPLATE_TEST_CASE("a new password ends every session but the one it was set in", "", EVERY_STORE) {
  TestType world;
  Accounts& accounts = world.store->accounts();
  REQUIRE(accounts.add_user(make_user(1, "ada@example.net"), entry("user.create")).value());
  REQUIRE(accounts.add_user(make_user(2, "bob@example.net"), entry("user.create")).value());
  for (const uint8_t n : {5, 6}) REQUIRE(accounts.open_session(make_session(n, 1), entry("session.begin")).ok());
  REQUIRE(accounts.open_session(make_session(7, 2), entry("session.begin")).ok());

  const UserChange change{.password_hash = "$new$", .kept_session = Bytes(32, '\5')};
  REQUIRE(accounts.change_user(make_id(1), change, entry("user.password")).ok());

  CHECK(accounts.find_session(Bytes(32, '\5')).ok());
  CHECK_FALSE(accounts.find_session(Bytes(32, '\6')).ok());
  CHECK(accounts.find_session(Bytes(32, '\7')).ok());
  REQUIRE(accounts.change_user(make_id(1), {.disabled = true}, entry("user.change")).ok());
  CHECK_FALSE(accounts.find_session(Bytes(32, '\5')).ok());
}

TEMPLATE_TEST_CASE("a user's oldest session goes when there are too many, and expired ones with the next", "",
                   EVERY_STORE) {
  TestType world;
  Accounts& accounts = world.store->accounts();
  REQUIRE(accounts.add_user(make_user(1, "ada@example.net"), entry("user.create")).value());
  REQUIRE(accounts.add_user(make_user(2, "bob@example.net"), entry("user.create")).value());
  for (uint8_t n = 1; n <= sessions_per_user_max; ++n) {
    REQUIRE(accounts.open_session(make_session(n, 1, noon + Duration(n * 1s)), entry("session.begin")).ok());
  }
  CHECK(accounts.find_session(Bytes(32, '\1')).ok());

  REQUIRE(accounts.open_session(make_session(100, 1, noon + 60s), entry("session.begin")).ok());
  CHECK_FALSE(accounts.find_session(Bytes(32, '\1')).ok());
  CHECK(accounts.find_session(Bytes(32, '\2')).ok());

  REQUIRE(accounts.open_session(make_session(101, 2, noon + 24h), entry("session.begin")).ok());
  CHECK_FALSE(accounts.find_session(Bytes(32, '\2')).ok());
}

// -- keys ------------------------------------------------------------------------------------------------------------

TEMPLATE_TEST_CASE("an API key keeps its label, scopes and expiry until it is revoked", "", EVERY_STORE) {
  TestType world;
  Accounts& accounts = world.store->accounts();
  REQUIRE(accounts.add_api_key(make_key(7), entry("key.create")).ok());
  CHECK(accounts.add_api_key(make_key(7), entry("key.create")).error().code() == Code::invalid);

  const std::vector<ApiKey> keys = accounts.list_api_keys().value();
  REQUIRE(keys.size() == 1);
  CHECK(keys[0].label == "ci");
  CHECK(keys[0].scopes == std::vector<std::string>{"signals.read", "signals.write"});
  CHECK(keys[0].expires == noon + 24h);
  CHECK(keys[0].last_used == WallTime{});
  CHECK(keys[0].created_by == "ada@example.net");

  REQUIRE(accounts.revoke_api_key(make_id(7), entry("key.revoke")).ok());
  CHECK(accounts.list_api_keys().value().empty());
  CHECK(world.store->find_api_key(Bytes(32, '\7')).value().revoked);
  CHECK(accounts.revoke_api_key(make_id(7), entry("key.revoke")).error().code() == Code::not_found);
  CHECK(actions(accounts) == Actions{"key.revoke", "key.create"});
}

TEMPLATE_TEST_CASE("when a key was last used is written once a minute", "", EVERY_STORE) {
  TestType world;
  Accounts& accounts = world.store->accounts();
  REQUIRE(accounts.add_api_key(make_key(7), entry("key.create")).ok());
  const auto used_after = [&](WallTime at) {
    REQUIRE(accounts.note_key_used(Bytes(32, '\7'), at).ok());
    return world.store->find_api_key(Bytes(32, '\7')).value().last_used;
  };

  CHECK(used_after(noon) == noon);
  CHECK(used_after(noon + 59s) == noon);
  CHECK(used_after(noon + 60s) == noon + 60s);
  CHECK(accounts.note_key_used("unknown", noon).ok());
}

// -- agents ----------------------------------------------------------------------------------------------------------

TEMPLATE_TEST_CASE("what happens to agents stands in the audit, what does not happen does not", "", EVERY_STORE) {
  TestType world;
  Accounts& accounts = world.store->accounts();
  Agent agent;
  agent.id = make_id(1);

  REQUIRE(accounts.add_enrol_token({.hash = "token", .expires = noon + 1h}, entry("agent.token")).ok());
  CHECK(accounts.enrol_agent("other", noon, agent, entry("agent.enrol")).error().code() == Code::denied);
  REQUIRE(accounts.enrol_agent("token", noon, agent, entry("agent.enrol")).ok());
  REQUIRE(accounts.revoke_agent(make_id(1), entry("agent.revoke")).ok());
  CHECK(accounts.revoke_agent(make_id(2), entry("agent.revoke")).error().code() == Code::not_found);

  CHECK(world.store->find_agent(make_id(1)).value().revoked);
  CHECK(actions(accounts) == Actions{"agent.revoke", "agent.enrol", "agent.token"});
}

// -- audit -----------------------------------------------------------------------------------------------------------

TEMPLATE_TEST_CASE("the audit is numbered and paged from the newest", "", EVERY_STORE) {
  TestType world;
  Accounts& accounts = world.store->accounts();
  for (int i = 0; i < 5; ++i) {
    REQUIRE(accounts.append_audit(entry(i % 2 == 0 ? "even" : "odd", noon + Duration(i * 1s))).ok());
  }

  const std::vector<AuditEntry> newest = accounts.list_audit({.limit = 2}).value();
  REQUIRE(newest.size() == 2);
  CHECK(newest[0].id == 5);
  CHECK(newest[1].id == 4);
  CHECK(newest[1].time == noon + 3s);
  CHECK(newest[1].actor_kind == "user");
  CHECK(newest[1].actor_id == "1");
  CHECK(newest[1].actor_name == "ada@example.net");
  CHECK(newest[1].target == "2");
  CHECK(newest[1].detail == R"({"a":1})");
  CHECK(newest[1].request_id == "r-1");
  CHECK(newest[1].peer == "10.0.0.7");
  CHECK(accounts.list_audit({.before_id = 4, .limit = 2}).value().front().id == 3);
  CHECK(actions(accounts, {.action = "odd"}).size() == 2);
  CHECK(actions(accounts, {.from = noon + 1s, .to = noon + 3s}) == Actions{"even", "odd"});
  CHECK(actions(accounts, {.action = "' OR 1=1 --"}).empty());
}

// -- answers ---------------------------------------------------------------------------------------------------------

TEMPLATE_TEST_CASE("an answer is remembered until it expires", "", EVERY_STORE) {
  TestType world;
  Accounts& accounts = world.store->accounts();
  const Bytes sealed("\0sealed", 7);
  const StoredAnswer answer{
      .key_hash = "k", .request_hash = "r", .status = 201, .sealed = sealed, .expires = noon + 24h};
  REQUIRE(accounts.save_answer(answer, noon).ok());

  const StoredAnswer found = accounts.find_answer("k", noon + 23h).value();

  CHECK(found.request_hash == "r");
  CHECK(found.status == 201);
  CHECK(found.sealed == sealed);
  CHECK(accounts.find_answer("k", noon + 24h).error().code() == Code::not_found);
  CHECK(accounts.find_answer("other", noon).error().code() == Code::not_found);
}

// -- on disk alone ---------------------------------------------------------------------------------------------------

TEST_CASE("accounts are there after a restart, and the audit's numbers go on") {
  OnDisk world;
  REQUIRE(world.store->accounts().add_user(make_user(1, "ada@example.net"), entry("user.create")).value());
  REQUIRE(world.store->accounts().open_session(make_session(7, 1), entry("session.begin")).ok());

  world.reopen();

  CHECK(world.store->accounts().find_session(Bytes(32, '\7')).ok());
  REQUIRE(world.store->accounts().append_audit(entry("more")).ok());
  CHECK(world.store->accounts().list_audit({.limit = 1}).value().front().id == 3);
}

TEST_CASE("users and keys outlive the index, and no audit number is given twice") {
  OnDisk world;
  Accounts& before = world.store->accounts();
  REQUIRE(before.add_user(make_user(1, "ada@example.net", "admin"), entry("user.create")).value());
  REQUIRE(before.add_user(make_user(2, "bob@example.net"), entry("user.create")).value());
  REQUIRE(before.change_user(make_id(2), {.disabled = true}, entry("user.change")).ok());
  REQUIRE(before.add_api_key(make_key(7), entry("key.create")).ok());
  REQUIRE(before.add_api_key(make_key(8), entry("key.create")).ok());
  REQUIRE(before.revoke_api_key(make_id(8), entry("key.revoke")).ok());
  world.store.reset();
  for (const char* name : {"org.db", "org.db-wal", "org.db-shm"}) {
    std::filesystem::remove(world.folder.path() + "/store/" + name);
  }

  world.store = world.open();

  const Accounts& after = world.store->accounts();
  REQUIRE(after.list_users().value().size() == 2);
  CHECK(after.find_user_by_email("ada@example.net").value().password_hash == "$phc$");
  CHECK(after.find_user(make_id(2)).value().disabled);
  REQUIRE(after.list_api_keys().value().size() == 1);
  CHECK(after.list_api_keys().value()[0].scopes.size() == 2);
  CHECK(world.store->find_api_key(Bytes(32, '\10')).value().revoked);
  REQUIRE(world.store->accounts().append_audit(entry("more")).ok());
  CHECK(after.list_audit({.limit = 1}).value().front().id > 6);
}

TEST_CASE("a data folder of format 1 opens, with its keys") {
  OnDisk world;
  world.store.reset();
  const std::string path = world.folder.path() + "/store/org.db";
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path + end);
  for (const char* name : {"/store/entities.copy-1", "/store/entities.copy-2"}) {
    std::filesystem::remove(world.folder.path() + name);
  }
  {
    const auto vfs = ChecksumVfs::make("").value();
    StoreFile old({.database = {.path = path, .vfs = vfs->name(), .page_bytes = org_page_bytes},
                   .schema = org_schema,
                   .format = 1});
    Database* database = old.writer().value();
    REQUIRE(database
                ->execute("fill",
                          "INSERT INTO api_keys (hash, id, prefix, role, created) VALUES (X'6b6579', X"
                          "'07070707070707070707070707070707', 'rvk_old', 'admin', 5)")
                .ok());
    old.close();
  }

  world.store = world.open();

  const ApiKey key = world.store->find_api_key("key").value();
  CHECK(key.prefix == "rvk_old");
  CHECK(key.label.empty());
  CHECK(key.scopes.empty());
  CHECK(!key.revoked);
  CHECK(world.store->accounts().list_users().value().empty());
  REQUIRE(world.store->accounts().add_user(make_user(1, "ada@example.net"), entry("user.create")).value());
  world.reopen();
  CHECK(world.store->accounts().list_users().value().size() == 1);
}

}  // namespace reeve::server::test
