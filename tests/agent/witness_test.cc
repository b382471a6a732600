#include "agent/witness.h"

#include <catch2/catch.hpp>

#include "common/warrant/envelope.h"
#include "common/warrant/merkle.h"
#include "common/warrant/step.h"
#include "tests/sim/sim_disk.h"

namespace reeve::agent {

namespace {

constexpr WallTime noon{1'795'262'400'000'000'000};

// An audit log and the key that signs it.
struct Log {
  crypto::SigningKey key = crypto::SigningKey::make();
  std::vector<warrant::Hash> leaves;

  void grow(uint64_t count, const std::string& with = "entry ") {
    for (uint64_t i = 0; i < count; ++i) leaves.push_back(warrant::leaf_hash(with + std::to_string(leaves.size())));
  }
  warrant::Checkpoint checkpoint() const {
    return {.org = "acme", .size = leaves.size(), .root = warrant::merkle_root(leaves), .at_ms = noon.ns / 1'000'000};
  }
  wire::AuditHead head(const warrant::Checkpoint& of, uint64_t pinned) const {
    wire::AuditHead head;
    head.envelope = warrant::encode(warrant::sign(warrant::type_checkpoint, warrant::encode(of), key));
    head.public_key = key.public_key();
    if (pinned > 0 && pinned < leaves.size()) head.proof = warrant::consistency_proof(leaves, pinned);
    return head;
  }
  wire::AuditHead head(uint64_t pinned) const { return head(checkpoint(), pinned); }
};

// A witness of `size` entries of the log.
Witness witness_of(Log& log, uint64_t size) {
  log.grow(size);
  Witness witness("acme", {.public_key = log.key.public_key()});
  REQUIRE(witness.take(log.head(0), noon));
  REQUIRE(witness.pin().size == size);
  return witness;
}

std::string alarm_after(Witness& witness, const wire::AuditHead& head) {
  const WitnessPin before = witness.pin();
  const bool changed = witness.take(head, noon + 1s);
  CHECK(changed == (witness.pin() != before));
  if (!witness.pin().alarm.empty()) {
    CHECK(witness.pin().size == before.size);
    CHECK(witness.pin().root == before.root);
    CHECK(witness.pin().public_key == before.public_key);
    CHECK(witness.pin().alarmed == noon + 1s);
  }
  return witness.pin().alarm;
}

}  // namespace

TEST_CASE("a witness follows a log that only grows") {
  Log log;
  Witness witness = witness_of(log, 1);
  for (uint64_t step = 0; step < 40; ++step) {
    const uint64_t pinned = witness.pin().size;
    log.grow(step % 5);
    CHECK(alarm_after(witness, log.head(pinned)).empty());
    CHECK(witness.pin().size == log.leaves.size());
    CHECK(witness.pin().root == warrant::merkle_root(log.leaves));
  }
  CHECK(witness.pin().at == noon);
  CHECK(witness.frame().size == log.leaves.size());
  CHECK(witness.frame().alarm.empty());
}

TEST_CASE("the first key that is shown is believed where enrolment gave none, and only that one from then on") {
  Log log;
  log.grow(3);
  Witness witness("acme", {});
  REQUIRE(witness.take(log.head(0), noon));
  CHECK(witness.pin().public_key == log.key.public_key());
  Log other;
  other.leaves = log.leaves;
  other.grow(1);
  CHECK_THAT(alarm_after(witness, other.head(3)), Catch::Contains("not signed by the pinned key"));
}

TEST_CASE("a key that enrolment gave is the only one from the start") {
  Log log;
  log.grow(3);
  Witness witness("acme", {.public_key = crypto::SigningKey::make().public_key()});
  CHECK_THAT(alarm_after(witness, log.head(0)), Catch::Contains("not signed by the pinned key"));
  CHECK(witness.pin().size == 0);
}

TEST_CASE("an empty log is pinned as nothing, and may grow") {
  Log log;
  Witness witness("acme", {});
  CHECK(alarm_after(witness, log.head(0)).empty());
  CHECK(witness.pin().size == 0);
  CHECK(witness.pin().root.empty());
  log.grow(2);
  CHECK(alarm_after(witness, log.head(0)).empty());
  CHECK(witness.pin().size == 2);
}

TEST_CASE("a log that became shorter raises the alarm") {
  Log log;
  Witness witness = witness_of(log, 9);
  log.leaves.pop_back();
  CHECK_THAT(alarm_after(witness, log.head(9)), Catch::Contains("shorter"));
}

TEST_CASE("another log of the same length raises the alarm") {
  Log log;
  Witness witness = witness_of(log, 9);
  log.leaves[4] = warrant::leaf_hash("changed");
  CHECK_THAT(alarm_after(witness, log.head(9)), Catch::Contains("rewritten"));
}

TEST_CASE("a longer log that does not begin with what was pinned raises the alarm, whatever its proof") {
  for (const int proof : {0, 1, 2}) {
    Log log;
    Witness witness = witness_of(log, 9);
    const Log honest = log;
    log.leaves[4] = warrant::leaf_hash("changed");
    log.grow(5);
    wire::AuditHead head = log.head(9);
    if (proof == 1) head.proof.clear();
    if (proof == 2) {
      Log grown = honest;
      grown.grow(5);
      head.proof = warrant::consistency_proof(grown.leaves, 9);
    }
    CHECK_THAT(alarm_after(witness, head), Catch::Contains("rewritten"));
  }
}

TEST_CASE("what is no checkpoint of this org raises the alarm") {
  Log log;
  log.grow(3);
  const auto alarm_of = [&](const wire::AuditHead& head) {
    Witness witness("acme", {.public_key = log.key.public_key()});
    return alarm_after(witness, head);
  };
  wire::AuditHead head = log.head(0);
  head.envelope.resize(head.envelope.size() - 1);
  CHECK_FALSE(alarm_of(head).empty());
  head.envelope.clear();
  CHECK_FALSE(alarm_of(head).empty());

  warrant::Checkpoint foreign = log.checkpoint();
  foreign.org = "other";
  CHECK_THAT(alarm_of(log.head(foreign, 0)), Catch::Contains("org other"));

  head = log.head(0);
  head.envelope = warrant::encode(warrant::sign(warrant::type_freshness, warrant::encode(log.checkpoint()), log.key));
  CHECK_THAT(alarm_of(head), Catch::Contains("type"));
  head.envelope = warrant::encode(warrant::sign(warrant::type_checkpoint, "no checkpoint", log.key));
  CHECK_FALSE(alarm_of(head).empty());
}

TEST_CASE("an alarm stays, and nothing is pinned any more") {
  Log log;
  Witness witness = witness_of(log, 9);
  const Log honest = log;
  log.leaves[4] = warrant::leaf_hash("changed");
  const std::string alarm = alarm_after(witness, log.head(9));
  REQUIRE_FALSE(alarm.empty());
  Log grown = honest;
  grown.grow(3);
  CHECK_FALSE(witness.take(grown.head(9), noon + 1h));
  CHECK(witness.pin().alarm == alarm);
  CHECK(witness.pin().alarmed == noon + 1s);
  CHECK(witness.pin().size == 9);
  CHECK(witness.frame().alarm == alarm);
}

TEST_CASE("a pin outlives the agent, with its alarm") {
  SeededRandom random(1);
  sim::SimDisk disk(random);
  const std::string path = "/data/witness.json";
  REQUIRE(disk.make_directories("/data").ok());
  CHECK_FALSE(load_witness(disk, path, noon).has_value());
  WitnessPin pin{.public_key = Bytes(32, 'k'), .size = 4, .root = Bytes(32, 'r'), .at = noon};
  REQUIRE(save_witness(disk, path, pin).ok());
  CHECK(load_witness(disk, path, noon + 1h) == pin);
  pin.alarm = "rewritten";
  pin.alarmed = noon;
  REQUIRE(save_witness(disk, path, pin).ok());
  CHECK(load_witness(disk, path, noon + 1h) == pin);
  REQUIRE(save_witness(disk, path, {}).ok());
  CHECK(load_witness(disk, path, noon + 1h) == WitnessPin{});
}

TEST_CASE("a pin that cannot be read is an alarm") {
  SeededRandom random(1);
  sim::SimDisk disk(random);
  const std::string path = "/data/witness.json";
  REQUIRE(disk.make_directories("/data").ok());
  for (const char* text :
       {"", "{", "{}", R"({"size":3,"root":"","audit_key":""})", R"({"size":-1,"root":"","audit_key":""})",
        R"({"size":0,"root":"00","audit_key":""})", R"({"size":0,"root":"","audit_key":"00"})"}) {
    INFO(text);
    REQUIRE(sys::write_file_atomically(disk, path, text).ok());
    const std::optional<WitnessPin> pin = load_witness(disk, path, noon);
    REQUIRE(pin.has_value());
    CHECK_THAT(pin->alarm, Catch::Contains("cannot be read"));
  }
}

TEST_CASE("what is pinned is described for people") {
  CHECK_THAT(describe(std::nullopt), Catch::Contains("nothing is pinned"));
  CHECK_THAT(describe(WitnessPin{.size = 4, .root = Bytes(32, 'r'), .at = noon}),
             Catch::Contains("4 entries") && Catch::Contains("alarm       none"));
  CHECK_THAT(describe(WitnessPin{.alarm = "it was \x1b rewritten", .alarmed = noon}),
             Catch::Contains("rewritten") && !Catch::Contains("\x1b"));
}

}  // namespace reeve::agent
