// What every store promises; the same tests for the one in memory and the one on disk.
#include <set>

#include "tests/pch.h"
#include "tests/server/store_world.h"

namespace reeve::server::test {
namespace {

using Results = std::vector<CommitResult>;

Results results(const std::vector<CommitOutcome>& outcomes) {
  Results all;
  for (const CommitOutcome& outcome : outcomes) all.push_back(outcome.result);
  return all;
}

IncomingGap make_gap(uint8_t agent, uint64_t from, uint64_t to) {
  return {
      make_id(agent), make_id(static_cast<uint8_t>(agent + 100)), wire::Lane::live, from, to, "spool was full", noon};
}

Agent make_agent(uint8_t n) {
  Agent agent;
  agent.id = make_id(n);
  agent.host = "host-" + std::to_string(n);
  agent.version = "0.1.0";
  agent.enrolled = noon;
  agent.certificate_serial = "0a";
  agent.certificate_not_after = noon + 720h;
  return agent;
}

}  // namespace

#define EVERY_STORE InMemory, OnDisk

TEMPLATE_TEST_CASE("a stored block comes back byte for byte", "", EVERY_STORE) {
  TestType world;
  const IncomingBlock block = make_block(1, 1);

  const auto outcomes = commit(*world.store, {block});

  REQUIRE(results(outcomes) == Results{CommitResult::stored});
  CHECK(outcomes[0].through == 1);
  const std::vector<BlockRef> blocks = list_blocks(*world.store);
  REQUIRE(blocks.size() == 1);
  CHECK(blocks[0].identity == block.identity);
  CHECK(blocks[0].day == "2026-11-21");
  CHECK(blocks[0].rows == 3);
  CHECK(blocks[0].bytes == block.bytes.size());
  CHECK(blocks[0].time_min == noon + 60s);
  CHECK(blocks[0].time_max == noon + 62s);
  CHECK(blocks[0].arrival == block.arrival);
  CHECK(world.store->read_block(blocks[0]).value() == block.bytes);
}

TEMPLATE_TEST_CASE("a header is read without the columns behind it", "", EVERY_STORE) {
  TestType world;
  const IncomingBlock block = make_block(1, 1, 200);
  commit(*world.store, {block});

  const Bytes head = world.store->read_header(list_blocks(*world.store).at(0)).value();

  CHECK(head.size() < block.bytes.size());
  CHECK(wire::parse_header(head).value().rows == 200);
}

TEMPLATE_TEST_CASE("a block that comes again is acknowledged and not stored twice", "", EVERY_STORE) {
  TestType world;
  commit(*world.store, {make_block(1, 1), make_block(1, 2)});

  const auto outcomes = commit(*world.store, {make_block(1, 1), make_block(1, 2), make_block(1, 3)});

  CHECK(results(outcomes) == Results{CommitResult::duplicate, CommitResult::duplicate, CommitResult::stored});
  CHECK(outcomes[0].through == 2);
  CHECK(outcomes[2].through == 3);
  CHECK(list_blocks(*world.store).size() == 3);
}

TEMPLATE_TEST_CASE("a block twice in one batch is stored once", "", EVERY_STORE) {
  TestType world;

  const auto outcomes = commit(*world.store, {make_block(1, 1), make_block(1, 1)});

  CHECK(results(outcomes) == Results{CommitResult::stored, CommitResult::duplicate});
  CHECK(list_blocks(*world.store).size() == 1);
}

TEMPLATE_TEST_CASE("a block beyond the next sequence is not stored", "", EVERY_STORE) {
  TestType world;

  const auto outcomes = commit(*world.store, {make_block(1, 2)});

  CHECK(results(outcomes) == Results{CommitResult::out_of_order});
  CHECK(outcomes[0].through == 0);
  CHECK(list_blocks(*world.store).empty());
}

TEMPLATE_TEST_CASE("lanes, epochs and agents each have their own sequence", "", EVERY_STORE) {
  TestType world;
  IncomingBlock recall = make_block(1, 1);
  recall.identity.lane = wire::Lane::recall;
  wire::stamp_block(recall.bytes, recall.identity);
  IncomingBlock epoch = make_block(1, 1);
  epoch.identity.epoch = make_id(9);
  wire::stamp_block(epoch.bytes, epoch.identity);

  const auto outcomes = commit(*world.store, {make_block(1, 1), recall, epoch, make_block(2, 1)});

  CHECK(results(outcomes) == Results(4, CommitResult::stored));
  CHECK(world.store->stream_positions(make_id(1)).value().size() == 3);
  CHECK(world.store->stream_positions(make_id(2)).value().size() == 1);
  CHECK(world.store->stream_positions(make_id(3)).value().empty());
}

TEMPLATE_TEST_CASE("a block whose stamp is not the one it came with is refused, and its whole batch", "", EVERY_STORE) {
  TestType world;
  IncomingBlock wrong = make_block(1, 2);
  wrong.identity.agent = make_id(2);
  const std::vector<IncomingBlock> batch = {make_block(1, 1), wrong};

  const auto outcomes = world.store->commit_blocks(batch);

  REQUIRE(!outcomes.ok());
  CHECK(outcomes.error().code() == Code::invalid);
  CHECK(list_blocks(*world.store).empty());
  CHECK(world.store->stream_positions(make_id(1)).value().empty());
}

TEMPLATE_TEST_CASE("bytes that are no block are refused", "", EVERY_STORE) {
  TestType world;
  IncomingBlock block = make_block(1, 1);
  block.bytes[90] = static_cast<char>(block.bytes[90] ^ 1);
  const std::vector<IncomingBlock> batch = {block};

  const auto outcomes = world.store->commit_blocks(batch);

  REQUIRE(!outcomes.ok());
  CHECK(outcomes.error().code() == Code::corrupt);
}

// -- gaps ------------------------------------------------------------------------------------------------------------

TEMPLATE_TEST_CASE("a gap moves the position on and is remembered", "", EVERY_STORE) {
  TestType world;
  commit(*world.store, {make_block(1, 1)});

  const CommitOutcome outcome = world.store->commit_gap(make_gap(1, 2, 5)).value();

  CHECK(outcome.result == CommitResult::stored);
  CHECK(outcome.through == 5);
  const auto gaps = world.store->list_gaps(make_id(1)).value();
  REQUIRE(gaps.size() == 1);
  CHECK(gaps[0].gap.from == 2);
  CHECK(gaps[0].gap.to == 5);
  CHECK(gaps[0].gap.reason == "spool was full");
  CHECK(results(commit(*world.store, {make_block(1, 6)})) == Results{CommitResult::stored});
}

TEMPLATE_TEST_CASE("a gap over what is stored already records only what is missing", "", EVERY_STORE) {
  TestType world;
  commit(*world.store, {make_block(1, 1), make_block(1, 2)});

  CHECK(world.store->commit_gap(make_gap(1, 1, 2)).value().result == CommitResult::duplicate);
  CHECK(world.store->commit_gap(make_gap(1, 1, 4)).value().through == 4);

  const auto gaps = world.store->list_gaps(make_id(1)).value();
  REQUIRE(gaps.size() == 1);
  CHECK(gaps[0].gap.from == 3);
}

TEMPLATE_TEST_CASE("a gap beyond the next sequence, an empty or an endless one is not recorded", "", EVERY_STORE) {
  TestType world;

  CHECK(world.store->commit_gap(make_gap(1, 2, 3)).value().result == CommitResult::out_of_order);
  CHECK(world.store->commit_gap(make_gap(1, 3, 2)).error().code() == Code::invalid);
  CHECK(world.store->commit_gap(make_gap(1, 0, 2)).error().code() == Code::invalid);
  CHECK(world.store->commit_gap(make_gap(1, 1, UINT64_MAX)).error().code() == Code::invalid);
  CHECK(world.store->list_gaps(make_id(1)).value().empty());
}

// -- visits ----------------------------------------------------------------------------------------------------------

TEMPLATE_TEST_CASE("a visit by time goes from the newest last time to the oldest and stops when told", "",
                   EVERY_STORE) {
  TestType world;
  // More than one of the batches in which the index is read.
  std::vector<IncomingBlock> blocks;
  for (uint64_t sequence = 1; sequence <= 100; ++sequence) blocks.push_back(make_block(1, sequence, 1));
  blocks.push_back(make_block(2, 1, 1));
  commit(*world.store, blocks);

  const std::vector<BlockRef> all = list_blocks(*world.store);
  REQUIRE(all.size() == 101);
  for (size_t i = 1; i < all.size(); ++i) {
    CHECK(std::tie(all[i - 1].time_max, all[i - 1].commit_id) > std::tie(all[i].time_max, all[i].commit_id));
  }

  size_t visited = 0;
  REQUIRE(world.store->visit_blocks_newest_first({}, [&](const BlockRef&) { return ++visited < 3; }).ok());
  CHECK(visited == 3);
}

TEMPLATE_TEST_CASE("a visit takes the blocks whose times meet the query's, both ends counted right", "", EVERY_STORE) {
  TestType world;
  commit(*world.store, {make_block(1, 1), make_block(1, 2), make_block(1, 3)});  // [60 s, 62 s], [120, 122], [180, 182]

  CHECK(list_blocks(*world.store, {.from = noon + 62s, .to = noon + 120s}).size() == 1);
  CHECK(list_blocks(*world.store, {.from = noon + 62s, .to = noon + 121s}).size() == 2);
  CHECK(list_blocks(*world.store, {.from = noon + 63s, .to = noon + 120s}).empty());
  CHECK(list_blocks(*world.store, {.from = noon + 182s}).size() == 1);
  CHECK(list_blocks(*world.store, {.kind = wire::BlockKind::metrics}).empty());
  CHECK(list_blocks(*world.store, {.agent = make_id(1)}).size() == 3);
  CHECK(list_blocks(*world.store, {.agent = make_id(2)}).empty());
  CHECK(list_blocks(*world.store, {.after_commit_id = 1, .through_commit_id = 2}).size() == 1);
}

TEMPLATE_TEST_CASE("a block that spans long before its end is found by its beginning", "", EVERY_STORE) {
  TestType world;
  const wire::BlockIdentity identity{make_id(1), make_id(101), wire::Lane::live, 1};
  const Bytes bytes =
      make_log_block(identity, {{.time = noon, .body = "first"}, {.time = noon + 9min, .body = "last"}});
  commit(*world.store, {{identity, noon + 10min, bytes}, make_block(2, 1)});

  const auto found = list_blocks(*world.store, {.from = noon, .to = noon + 1s});

  REQUIRE(found.size() == 1);
  CHECK(found[0].identity == identity);
}

TEMPLATE_TEST_CASE("a visit by commit gives what was stored after a commit, in order", "", EVERY_STORE) {
  TestType world;
  commit(*world.store, {make_block(1, 1), make_block(2, 1)});
  const uint64_t before = world.store->last_commit_id().value();
  commit(*world.store, {make_block(2, 2), make_block(1, 2)});

  std::vector<wire::BlockIdentity> seen;
  const auto visited = world.store->visit_blocks_by_commit({.after_commit_id = before}, [&](const BlockRef& block) {
    seen.push_back(block.identity);
    return true;
  });

  REQUIRE(visited.ok());
  CHECK(seen == std::vector{make_block(2, 2).identity, make_block(1, 2).identity});
}

TEMPLATE_TEST_CASE("a visitor may read and even commit while it visits", "", EVERY_STORE) {
  TestType world;
  commit(*world.store, {make_block(1, 1), make_block(1, 2)});

  uint64_t sequence = 2;
  const auto visited = world.store->visit_blocks_newest_first({}, [&](const BlockRef& block) {
    CHECK(world.store->read_header(block).ok());
    commit(*world.store, {make_block(1, ++sequence)});
    return true;
  });

  CHECK(visited.ok());
  CHECK(list_blocks(*world.store).size() == 4);
}

// -- agents, tokens, keys --------------------------------------------------------------------------------------------

TEMPLATE_TEST_CASE("a token enrols one agent, before it expires", "", EVERY_STORE) {
  TestType world;
  Store& store = *world.store;
  REQUIRE(store.add_enrol_token({.hash = "token", .expires = noon + 1h}).ok());

  const Status unknown = store.enrol_agent("other", noon, make_agent(1));
  const Status expired = store.enrol_agent("token", noon + 1h, make_agent(1));
  CHECK(store.list_agents().value().empty());
  const Status first = store.enrol_agent("token", noon, make_agent(1));
  const Status again = store.enrol_agent("token", noon, make_agent(2));

  CHECK(unknown.error().code() == Code::denied);
  CHECK(unknown.error().text().find("unknown") != std::string::npos);
  CHECK(expired.error().code() == Code::denied);
  CHECK(expired.error().text().find("expired") != std::string::npos);
  CHECK(first.ok());
  CHECK(again.error().code() == Code::denied);
  CHECK(again.error().text().find("used") != std::string::npos);
  REQUIRE(store.list_agents().value().size() == 1);
  const Agent agent = store.find_agent(make_id(1)).value();
  CHECK(agent.host == "host-1");
  CHECK(agent.enrolled == noon);
  CHECK(agent.certificate_not_after == noon + 720h);
  CHECK(!agent.revoked);
}

TEMPLATE_TEST_CASE("an agent that exists is not enrolled over, and its token stays good", "", EVERY_STORE) {
  TestType world;
  REQUIRE(world.store->add_enrol_token({.hash = "one", .expires = noon + 1h}).ok());
  REQUIRE(world.store->add_enrol_token({.hash = "two", .expires = noon + 1h}).ok());
  REQUIRE(world.store->enrol_agent("one", noon, make_agent(1)).ok());

  CHECK(world.store->enrol_agent("two", noon, make_agent(1)).error().code() == Code::invalid);
  CHECK(world.store->enrol_agent("two", noon, make_agent(2)).ok());
}

TEMPLATE_TEST_CASE("the same token may be added again until it is used", "", EVERY_STORE) {
  TestType world;
  Store& store = *world.store;
  REQUIRE(store.add_enrol_token({.hash = "token", .expires = noon + 1h}).ok());

  CHECK(store.add_enrol_token({.hash = "token", .expires = noon + 1h}).ok());
  CHECK(store.add_enrol_token({.hash = "token", .expires = noon + 2h}).error().code() == Code::invalid);
  REQUIRE(store.enrol_agent("token", noon, make_agent(1)).ok());
  CHECK(store.add_enrol_token({.hash = "token", .expires = noon + 1h}).error().code() == Code::invalid);
}

TEMPLATE_TEST_CASE("revoking, certificates and sightings change the agent they name", "", EVERY_STORE) {
  TestType world;
  Store& store = *world.store;
  REQUIRE(store.add_enrol_token({.hash = "token", .expires = noon + 1h}).ok());
  REQUIRE(store.enrol_agent("token", noon, make_agent(1)).ok());

  REQUIRE(store.record_certificate(make_id(1), "0b", noon + 900h).ok());
  const std::vector<AgentSeen> seen = {
      {.agent = make_id(1), .at = noon + 5s, .version = "0.2.0", .spool_bytes = 7, .dropped_total = 8},
      {.agent = make_id(1), .at = noon + 3s, .spool_bytes = 9, .oldest_unsent_age_ms = 10},
      {.agent = make_id(5), .at = noon}};
  REQUIRE(store.record_seen(seen).ok());
  REQUIRE(store.revoke_agent(make_id(1)).ok());
  REQUIRE(store.revoke_agent(make_id(1)).ok());

  const Agent agent = store.find_agent(make_id(1)).value();
  CHECK(agent.certificate_serial == "0b");
  CHECK(agent.certificate_not_after == noon + 900h);
  CHECK(agent.last_seen == noon + 5s);
  CHECK(agent.host == "host-1");
  CHECK(agent.version == "0.2.0");
  CHECK(agent.spool_bytes == 9);
  CHECK(agent.dropped_total == 0);
  CHECK(agent.oldest_unsent_age_ms == 10);
  CHECK(agent.revoked);
  CHECK(store.list_agents().value().size() == 1);
}

TEMPLATE_TEST_CASE("what names an agent that is not there is not found", "", EVERY_STORE) {
  TestType world;

  CHECK(world.store->revoke_agent(make_id(1)).error().code() == Code::not_found);
  CHECK(world.store->record_certificate(make_id(1), "0b", noon).error().code() == Code::not_found);
  CHECK(world.store->find_agent(make_id(1)).error().code() == Code::not_found);
}

TEMPLATE_TEST_CASE("an API key is found by its hash alone", "", EVERY_STORE) {
  TestType world;
  const Bytes hash("\0key", 4);
  REQUIRE(world.store->add_api_key({make_id(7), "rv_abc", hash, "admin", noon}).ok());

  const ApiKey key = world.store->find_api_key(hash).value();

  CHECK(key.id == make_id(7));
  CHECK(key.prefix == "rv_abc");
  CHECK(key.role == "admin");
  CHECK(key.created == noon);
  CHECK(world.store->find_api_key("other").error().code() == Code::not_found);
  CHECK(world.store->find_api_key("").error().code() == Code::not_found);
  CHECK(world.store->add_api_key({make_id(8), "rv_def", hash, "viewer", noon}).error().code() == Code::invalid);
}

// -- leaving ---------------------------------------------------------------------------------------------------------

TEMPLATE_TEST_CASE("dropped days are gone with their blocks and gaps, and their sequences stay known", "",
                   EVERY_STORE) {
  TestType world;
  Store& store = *world.store;
  commit(store, {make_block(1, 1), make_block(1, 2), make_block(1, 3, 3, 24h)});
  REQUIRE(store.commit_gap(make_gap(1, 4, 4)).ok());

  CHECK(store.drop_days_before("2026-11-21").value() == 0);
  CHECK(store.drop_days_before("2026-11-22").value() == 2);

  REQUIRE(list_blocks(store).size() == 1);
  CHECK(list_blocks(store)[0].identity.sequence == 3);
  CHECK(store.read_block(list_blocks(store)[0]).ok());
  CHECK(store.list_gaps(make_id(1)).value().empty());
  CHECK(results(commit(store, {make_block(1, 1)})) == Results{CommitResult::duplicate});
  CHECK(store.counters().value().blocks == 1);
}

TEMPLATE_TEST_CASE("a day that is not written like one is refused", "", EVERY_STORE) {
  TestType world;

  CHECK(world.store->drop_days_before("").error().code() == Code::invalid);
  CHECK(world.store->drop_days_before("tomorrow").error().code() == Code::invalid);
  CHECK(world.store->drop_days_before("2026-13-01").error().code() == Code::invalid);
}

TEMPLATE_TEST_CASE("a block of a dropped day is not found", "", EVERY_STORE) {
  TestType world;
  commit(*world.store, {make_block(1, 1)});
  const BlockRef block = list_blocks(*world.store).at(0);
  REQUIRE(world.store->drop_days_before("2026-11-22").value() == 1);

  CHECK(world.store->read_block(block).error().code() == Code::not_found);
  CHECK(world.store->read_header(block).error().code() == Code::not_found);
}

TEMPLATE_TEST_CASE("a damaged block is set aside, counted once, and not taken again", "", EVERY_STORE) {
  TestType world;
  Store& store = *world.store;
  IncomingBlock damaged = make_block(1, 2);
  damaged.bytes.back() = static_cast<char>(damaged.bytes.back() ^ 1);  // in its columns: the header is fine
  commit(store, {make_block(1, 1), damaged});
  const BlockRef block = list_blocks(store).at(0);
  REQUIRE(block.identity.sequence == 2);

  REQUIRE(store.set_aside(block, "a column's checksum").ok());
  REQUIRE(store.set_aside(block, "a column's checksum").ok());

  CHECK(list_blocks(store).size() == 1);
  CHECK(store.read_block(block).error().code() == Code::not_found);
  const StoreCounters counters = store.counters().value();
  CHECK(counters.damaged_blocks == 1);
  CHECK(counters.blocks == 1);
  CHECK(counters.rows == 3);
  CHECK(results(commit(store, {make_block(1, 2)})) == Results{CommitResult::duplicate});
}

TEMPLATE_TEST_CASE("a block that proves whole is not set aside", "", EVERY_STORE) {
  TestType world;
  commit(*world.store, {make_block(1, 1)});

  REQUIRE(world.store->set_aside(list_blocks(*world.store).at(0), "a reader thought so").ok());

  CHECK(list_blocks(*world.store).size() == 1);
  CHECK(world.store->counters().value().damaged_blocks == 0);
}

TEMPLATE_TEST_CASE("the counters follow what is stored", "", EVERY_STORE) {
  TestType world;
  CHECK(world.store->counters().value().blocks == 0);
  CHECK(world.store->last_commit_id().value() == 0);
  const IncomingBlock block = make_block(1, 1, 5);
  commit(*world.store, {block, make_block(2, 1, 2)});

  const StoreCounters counters = world.store->counters().value();

  CHECK(counters.blocks == 2);
  CHECK(counters.rows == 7);
  CHECK(counters.bytes == block.bytes.size() + make_block(2, 1, 2).bytes.size());
  CHECK(world.store->last_commit_id().value() == 2);
}

}  // namespace reeve::server::test
