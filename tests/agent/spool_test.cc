#include "agent/spool.h"

#include "tests/agent/spool_fixture.h"

namespace reeve::agent {

TEST_CASE_METHOD(SpoolTest, "a block is shown once it is synced, stamped with its identity") {
  append("one");
  CHECK(next() == 1);
  CHECK(spool->read(Lane::live, 1).error().code() == Code::not_found);

  REQUIRE(spool->sync().ok());

  CHECK(next() == 2);
  const auto block = spool->read(Lane::live, 1);
  CHECK(text_of(block, 3) == "one");
  Bytes expected = block_of("one");
  wire::stamp_block(expected, {agent_id, spool->epoch(), Lane::live, 1});
  CHECK(*block == expected);
}

TEST_CASE_METHOD(SpoolTest, "each lane has its own sequence") {
  append("live 1");
  append("live 2");
  REQUIRE(spool->append(Lane::control, block_of("control 1"), {}).ok());
  REQUIRE(spool->sync().ok());

  CHECK(spool->lane(Lane::live).next_durable == 3);
  CHECK(spool->lane(Lane::control).next_durable == 2);
  CHECK(spool->lane(Lane::recall).next_durable == 1);
  CHECK(text_of(spool->read(Lane::control, 1), 9) == "control 1");
}

TEST_CASE_METHOD(SpoolTest,
                 "segments are deleted when all in them is acknowledged, and with them nothing is forgotten") {
  for (int i = 0; i < 12; ++i) append_synced("block " + std::to_string(i), {position_at(1, 10 + i)}, 1000);
  REQUIRE(segments().size() > 2);

  REQUIRE(spool->acknowledge(Lane::live, 12).ok());

  CHECK(segments().size() == 1);
  open();
  CHECK(first() == 13);
  CHECK(next() == 13);
  CHECK(offset_of(*spool, 1) == 21);
  CHECK(spool->gaps().empty());
}

TEST_CASE_METHOD(SpoolTest, "what was never appended cannot be acknowledged, and what was twice is no error") {
  append_synced("one");

  CHECK(spool->acknowledge(Lane::live, 2).error().code() == Code::invalid);
  CHECK(spool->acknowledge(Lane::live, 1).ok());
  CHECK(spool->acknowledge(Lane::live, 1).ok());
  CHECK(spool->acknowledge(Lane::live, 0).ok());
}

TEST_CASE_METHOD(SpoolTest, "the position of a finished source goes when its last block is acknowledged") {
  append_synced("one", {position_at(1, 10, true)});
  append_synced("two", {position_at(2, 10)});
  CHECK(offset_of(*spool, 1) == 10);

  REQUIRE(spool->acknowledge(Lane::live, 1).ok());

  CHECK(offset_of(*spool, 1) == UINT64_MAX);
  open();
  CHECK(offset_of(*spool, 1) == UINT64_MAX);
  CHECK(offset_of(*spool, 2) == 10);
}

TEST_CASE("a full spool refuses the block, keeps what it has, and goes on when room is made") {
  SpoolTest test;
  test.options.bytes_max = 64_KiB;
  test.open();
  Status last;
  int appended = 0;
  while (last.ok() && appended < 100) {
    last = test.spool->append(Lane::live, block_of("b", 2000), {position_at(1, static_cast<uint64_t>(appended))});
    if (last.ok()) ++appended;
    REQUIRE(test.spool->sync().ok());
  }
  CHECK(last.error().code() == Code::exhausted);
  CHECK(appended >= 5);
  CHECK(test.spool->bytes_held() <= 64_KiB);
  CHECK(test.next() == static_cast<uint64_t>(appended) + 1);

  REQUIRE(test.spool->acknowledge(Lane::live, 4).ok());

  CHECK(test.spool->append(Lane::live, block_of("after", 2000), {}).ok());
}

TEST_CASE_METHOD(SpoolTest,
                 "a full disk refuses the block without half of it staying, and the spool opens on a full disk") {
  append_synced("one", {position_at(1, 10)});
  uint64_t used = 0;
  for (const std::string& path : disk.files()) used += disk.contents(path).size();
  disk.set_bytes_max(used + 500);

  const Status refused = spool->append(Lane::live, block_of("too much", 2000), {position_at(1, 20)});

  CHECK(refused.error().code() == Code::exhausted);
  CHECK(spool->sync().ok());
  disk.set_bytes_max(0);
  open();
  CHECK(text_of(spool->read(Lane::live, 1), 3) == "one");
  CHECK(spool->append(Lane::live, block_of("still"), {}).error().code() == Code::exhausted);
  CHECK(spool->acknowledge(Lane::live, 1).ok());
  disk.set_bytes_max(1_GiB);
  append_synced("later", {position_at(1, 20)});
  CHECK(text_of(spool->read(Lane::live, 2), 5) == "later");
}

TEST_CASE_METHOD(SpoolTest, "a full disk never costs the last segment, nor blocks that were shown before the crash") {
  // Both were found by the simulator: without a segment to write to, all of them counted as old; and blocks that could
  // not be written anew counted as never synced, so the server knew more than the agent.
  append_synced("one", {position_at(1, 10)});
  append("two", {position_at(1, 20)});
  spool.reset();
  disk.set_bytes_max(0);

  open();

  CHECK(next() == 3);
  CHECK(text_of(spool->read(Lane::live, 2), 3) == "two");
  REQUIRE(spool->acknowledge(Lane::live, 2).ok());
  CHECK(segments().size() == 1);
  const Uuid epoch = spool->epoch();
  disk.set_bytes_max(1_GiB);
  open();
  CHECK(spool->epoch() == epoch);
  CHECK(offset_of(*spool, 1) == 20);
}

TEST_CASE_METHOD(SpoolTest, "a failed sync is not repeated on that file: the blocks are written again elsewhere") {
  append_synced("one");
  append("two", {position_at(1, 20)});
  disk.fail_syncs(1);

  REQUIRE(spool->sync().ok());

  CHECK(next() == 3);
  crash(SimDisk::Crash::power_cut);
  CHECK(text_of(spool->read(Lane::live, 2), 3) == "two");
  CHECK(offset_of(*spool, 1) == 20);
}

TEST_CASE_METHOD(SpoolTest, "when the other file cannot be synced either the error stands, and later it works") {
  append("one", {position_at(1, 10)});
  disk.fail_syncs(2);

  CHECK_FALSE(spool->sync().ok());
  CHECK(next() == 1);

  REQUIRE(spool->sync().ok());
  CHECK(next() == 2);
  CHECK(text_of(spool->read(Lane::live, 1), 3) == "one");
}

TEST_CASE_METHOD(SpoolTest, "a block set aside is kept in quarantine and its gap keeps its reason") {
  append_synced("refused");

  REQUIRE(spool->set_aside(Lane::live, 1, "the server does not want it").ok());

  CHECK(spool->gaps().at(0).reason == "the server does not want it");
  bool kept = false;
  for (const std::string& path : disk.files()) {
    kept = kept || (path.starts_with("/spool/quarantine/") && disk.contents(path).find("refused") != BytesView::npos);
  }
  CHECK(kept);
  CHECK(spool->set_aside(Lane::live, 1, "again").error().code() == Code::not_found);
  open();
  CHECK(spool->gaps().at(0).reason == "the server does not want it");
}

TEST_CASE_METHOD(SpoolTest, "a new epoch renumbers what is not acknowledged, gaps included, and survives restarts") {
  for (const char* text : {"one", "two", "three", "four"}) append_synced(text, {position_at(1, 10)});
  REQUIRE(spool->acknowledge(Lane::live, 1).ok());
  REQUIRE(spool->set_aside(Lane::live, 3, "why").ok());
  const Uuid before = spool->epoch();

  REQUIRE(spool->begin_new_epoch().ok());

  const Uuid after = spool->epoch();
  CHECK(after != before);
  CHECK(first() == 1);
  CHECK(next() == 4);
  CHECK(text_of(spool->read(Lane::live, 1), 3) == "two");
  CHECK(spool->gaps().at(0).from == 2);
  append_synced("five");
  open();
  CHECK(spool->epoch() == after);
  CHECK(first() == 1);
  CHECK(next() == 5);
  const auto block = spool->read(Lane::live, 3);
  CHECK(text_of(block, 4) == "four");
  CHECK(wire::parse_preamble(*block)->identity == wire::BlockIdentity{agent_id, after, Lane::live, 3});
  CHECK(text_of(spool->read(Lane::live, 4), 4) == "five");
  CHECK(offset_of(*spool, 1) == 10);

  REQUIRE(spool->begin_new_epoch().ok());
  open();
  CHECK(text_of(spool->read(Lane::live, 1), 3) == "two");
  REQUIRE(spool->acknowledge(Lane::live, 4).ok());
  open();
  CHECK(first() == 5);
  CHECK(next() == 5);
}

TEST_CASE_METHOD(SpoolTest, "another agent on the same folder begins an epoch of its own") {
  append_synced("one");
  const Uuid epoch = spool->epoch();
  spool.reset();
  const Uuid other = parse_uuid("0198c2f0-7c1e-7abc-8def-ffffffffffff").value();

  auto opened = Spool::open(disk, random, other, options);

  REQUIRE(opened.ok());
  CHECK(opened.value()->epoch() != epoch);
  CHECK(text_of(opened.value()->read(Lane::live, 1), 3) == "one");
}

}  // namespace reeve::agent
