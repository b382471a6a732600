// Checkpoints over honest and rewritten audits, and a witness that remembers them.
#include "server/checkpoints.h"

#include <filesystem>

#include "agent/witness.h"
#include "common/base/log.h"
#include "common/warrant/envelope.h"
#include "common/warrant/step.h"
#include "server/store/checksum_vfs.h"
#include "server/store/schema.h"
#include "server/store/store_file.h"
#include "tests/pch.h"
#include "tests/server/store_world.h"

namespace reeve::server::test {
namespace {

using agent::Witness;

AuditEntry numbered(uint64_t n) {
  return {.time = noon + Duration(n * 1s), .actor_kind = "user", .action = "test." + std::to_string(n)};
}

void wait_until(const char* what, const std::function<bool()>& done) {
  INFO(what);
  SystemClock clock;
  const Instant deadline = clock.now() + 20s;
  while (!done()) {
    REQUIRE(clock.now() < deadline);
    std::this_thread::sleep_for(5ms);
  }
}

warrant::Hash root_of_entries(const Store& store) {
  std::vector<warrant::Hash> leaves;
  std::vector<AuditEntry> entries = store.accounts().list_audit({.limit = 100'000}).value();
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    leaves.push_back(warrant::leaf_hash(audit_leaf(*entry)));
  }
  return warrant::merkle_root(leaves);
}

// A store on disk with all that signs its audit, which a test may take away and bring back.
struct Signed {
  explicit Signed(Duration the_interval = 60s) : interval(the_interval) {
    set_log_level(LogLevel::error);
    start();
  }
  ~Signed() { stop(); }

  void start() {
    if (!world.store) world.store = world.open();
    writer = std::make_unique<StoreWriter>(*world.store, counters, StoreWriter::Options{});
    Checkpoints::Options options;
    options.org = "acme";
    options.interval = interval;
    options.slice_entries = 3;
    options.on_signed = [this] { ++signed_count; };
    checkpoints = std::make_unique<Checkpoints>(
        Checkpoints::World{.store = *world.store, .writer = *writer, .counters = counters.audit}, key, options);
  }
  void stop() {
    checkpoints.reset();
    writer.reset();
    world.store.reset();
  }
  void append(uint64_t from, uint64_t to) {
    for (uint64_t n = from; n <= to; ++n) {
      REQUIRE(writer->run([n](Store& store) { return store.accounts().append_audit(numbered(n)); }).ok());
    }
  }
  // As somebody who knows our file format.
  void rewrite(const char* sql) {
    const auto vfs = ChecksumVfs::make("").value();
    StoreFile file(
        {.database = {.path = world.folder.path() + "/store/org.db", .vfs = vfs->name(), .page_bytes = org_page_bytes},
         .schema = org_schema,
         .format = org_format,
         .upgrades = org_upgrades});
    REQUIRE(file.writer().value()->execute("rewrite history", sql).ok());
    file.close();
  }
  // What a linked agent would be sent for its pin; the newest checkpoint is up to date.
  std::optional<wire::AuditHead> head_for(const agent::WitnessPin& pin) {
    REQUIRE(checkpoints->current().ok());
    std::promise<std::optional<wire::AuditHead>> answer;
    REQUIRE(checkpoints->try_head({pin.size, pin.root}, [&](auto head) { answer.set_value(std::move(head)); }));
    return answer.get_future().get();
  }
  void show(Witness& witness) {
    const std::optional<wire::AuditHead> head = head_for(witness.pin());
    if (head) witness.take(*head, noon);
  }
  warrant::Checkpoint decoded() {
    const AuditCheckpoint kept = checkpoints->current().value();
    const warrant::Envelope envelope = warrant::decode_envelope(kept.envelope).value();
    REQUIRE(envelope.payload_type == warrant::type_checkpoint);
    REQUIRE(warrant::signed_by(envelope, key.public_key()));
    const warrant::Checkpoint checkpoint = warrant::decode_checkpoint(envelope.payload).value();
    CHECK(checkpoint.size == kept.size);
    CHECK(checkpoint.root == kept.root);
    return checkpoint;
  }

  Duration interval;
  OnDisk world;
  ServerCounters counters;
  crypto::SigningKey key = crypto::SigningKey::make();
  std::atomic<int> signed_count{0};
  std::unique_ptr<StoreWriter> writer;
  std::unique_ptr<Checkpoints> checkpoints;
};

}  // namespace

TEST_CASE("a checkpoint is signed over every entry there is, and kept") {
  Signed audit;
  CHECK(audit.decoded().size == 0);
  audit.append(1, 10);
  const warrant::Checkpoint ten = audit.decoded();
  CHECK(ten.org == "acme");
  CHECK(ten.size == 10);
  CHECK(ten.root == root_of_entries(*audit.world.store));
  CHECK(audit.world.store->accounts().newest_checkpoint().value().size == 10);
  audit.append(11, 11);
  CHECK(audit.decoded().size == 11);
  CHECK(audit.counters.audit.entries_strange == 0);
}

TEST_CASE("a checkpoint comes by itself with time") {
  Signed audit(40ms);
  audit.append(1, 3);
  wait_until("three entries are signed", [&] {
    const auto newest = audit.world.store->accounts().newest_checkpoint();
    return newest.ok() && newest->size == 3;
  });
  const uint64_t before = audit.counters.audit.checkpoints;
  const int news = audit.signed_count;
  wait_until("more are signed, though nothing is new", [&] { return audit.counters.audit.checkpoints > before + 2; });
  CHECK(audit.signed_count == news);
}

TEST_CASE("a thousand entries do not wait for the time") {
  Signed audit;
  (void)audit.checkpoints->current();
  audit.append(1, checkpoint_entries_max);
  wait_until("a thousand entries are signed",
             [&] { return audit.world.store->accounts().newest_checkpoint().value().size >= checkpoint_entries_max; });
}

TEST_CASE("a restarted server goes on with the same history") {
  Signed audit;
  audit.append(1, 7);
  Witness witness("acme", {.public_key = audit.key.public_key()});
  audit.show(witness);
  audit.stop();
  audit.start();
  audit.show(witness);
  audit.append(8, 20);
  audit.show(witness);
  CHECK(witness.pin().size == 20);
  CHECK(witness.pin().alarm.empty());
}

TEST_CASE("a witness that has the newest checkpoint is sent nothing") {
  Signed audit;
  audit.append(1, 7);
  Witness witness("acme", {});
  audit.show(witness);
  CHECK(witness.pin().size == 7);
  CHECK(witness.pin().public_key == audit.key.public_key());
  CHECK_FALSE(audit.head_for(witness.pin()).has_value());
}

// -- History rewritten
// -------------------------------------------------------------------------------------------------

namespace {

struct Rewriting {
  const char* what;
  const char* sql;
  const char* alarm;
};
// The tree is made anew by the store where it is gone: the hashes then fit the rewritten entries.
const Rewriting rewritings[] = {
    {"a row changed", "UPDATE audit SET actor_name = 'somebody else' WHERE id = 4", "rewritten"},
    {"a row changed and all hashes with it",
     "UPDATE audit SET detail = '{\"a\":2}' WHERE id = 4; DELETE FROM audit_leaves; DELETE FROM audit_nodes",
     "rewritten"},
    {"the newest row changed, with its hashes",
     "UPDATE audit SET time = time + 1 WHERE id = 9; DELETE FROM audit_leaves; DELETE FROM audit_nodes", "rewritten"},
    {"a row deleted", "DELETE FROM audit WHERE id = 4", "shorter"},
    {"the last row deleted", "DELETE FROM audit WHERE id = 9", "shorter"},
    {"a row deleted and all hashes made anew",
     "DELETE FROM audit WHERE id = 4; DELETE FROM audit_leaves; DELETE FROM audit_nodes", "shorter"},
    {"a row deleted and the later ones renumbered",
     "DELETE FROM audit WHERE id = 4; UPDATE audit SET id = id - 1 WHERE id > 4; DELETE FROM audit_leaves; DELETE FROM "
     "audit_nodes; UPDATE numbers SET value = 8 WHERE name = 'last_audit_id'",
     "shorter"},
    {"a row put in behind the last",
     "INSERT INTO audit SELECT 500, time, 'user', '', '', 'forged', '', '{}', '', '' FROM audit WHERE id = 1",
     "rewritten"},
    {"a row put in before the first, with all hashes",
     "INSERT INTO audit SELECT 0, time, 'user', '', '', 'forged', '', '{}', '', '' FROM audit WHERE id = 1; DELETE "
     "FROM "
     "audit_leaves; DELETE FROM audit_nodes",
     "rewritten"},
    {"two rows exchanged, with all hashes",
     "UPDATE audit SET id = 100 WHERE id = 3; UPDATE audit SET id = 3 WHERE id = 4; UPDATE audit SET id = 4 WHERE id = "
     "100; DELETE FROM audit_leaves; DELETE FROM audit_nodes",
     "rewritten"},
    {"the log truncated",
     "DELETE FROM audit WHERE id > 5; DELETE FROM audit_leaves; DELETE FROM audit_nodes; UPDATE numbers SET value = 5 "
     "WHERE name = 'last_audit_id'",
     "shorter"},
    {"all of it deleted", "DELETE FROM audit; DELETE FROM audit_leaves; DELETE FROM audit_nodes", "shorter"},
};

}  // namespace

TEST_CASE("whatever is rewritten while the server is down, a witness alarms") {
  for (const Rewriting& rewriting : rewritings) {
    INFO(rewriting.what);
    Signed audit;
    audit.append(1, 9);
    Witness witness("acme", {});
    audit.show(witness);
    REQUIRE(witness.pin().size == 9);
    audit.stop();
    audit.rewrite(rewriting.sql);
    audit.start();
    Witness later = witness;  // sees it when the log has grown past what it pinned
    audit.show(witness);
    CHECK_THAT(witness.pin().alarm, Catch::Contains(rewriting.alarm));
    audit.append(10, 30);
    audit.show(later);
    CHECK_THAT(later.pin().alarm, Catch::Contains("rewritten"));
    CHECK(later.pin().size == 9);
  }
}

TEST_CASE("whatever is rewritten while the server runs, it says so itself, and a witness alarms") {
  for (const Rewriting& rewriting : rewritings) {
    INFO(rewriting.what);
    Signed audit(60ms);
    audit.append(1, 9);
    Witness witness("acme", {});
    audit.show(witness);
    const uint64_t passes = audit.counters.audit.passes;
    wait_until("a pass over what is honest", [&] { return audit.counters.audit.passes > passes + 1; });
    CHECK(audit.counters.audit.entries_strange == 0);
    audit.rewrite(rewriting.sql);
    wait_until("the server counts it", [&] { return audit.counters.audit.entries_strange > 0; });
    wait_until("the witness alarms", [&] {
      audit.show(witness);
      return !witness.pin().alarm.empty();
    });
  }
}

TEST_CASE("an old copy of the data that is put back makes a witness alarm") {
  for (const uint64_t appended : {0, 3, 30}) {
    Signed audit;
    audit.append(1, 5);
    audit.stop();
    const std::string store = audit.world.folder.path() + "/store";
    std::filesystem::copy(store, audit.world.folder.path() + "/copy", std::filesystem::copy_options::recursive);
    audit.start();
    audit.append(6, 9);
    Witness witness("acme", {});
    audit.show(witness);
    audit.stop();
    std::filesystem::remove_all(store);
    std::filesystem::rename(audit.world.folder.path() + "/copy", store);
    audit.start();
    if (appended > 0) audit.append(100, 100 + appended);
    audit.show(witness);
    CHECK(witness.pin().size == 9);
    CHECK_FALSE(witness.pin().alarm.empty());
  }
}

TEST_CASE("another audit key makes a witness alarm") {
  Signed audit;
  audit.append(1, 5);
  Witness witness("acme", {});
  audit.show(witness);
  audit.stop();
  audit.key = crypto::SigningKey::make();
  audit.start();
  audit.append(6, 6);
  audit.show(witness);
  CHECK_THAT(witness.pin().alarm, Catch::Contains("not signed by the pinned key"));
}

}  // namespace reeve::server::test
