#include "agent/spool_recovery.h"

#include "tests/agent/spool_fixture.h"

namespace reeve::agent {

TEST_CASE_METHOD(SpoolTest, "blocks, positions, epoch and acknowledgements survive a restart") {
  const Uuid epoch = spool->epoch();
  append("one", {position_at(1, 10)});
  append("two", {position_at(2, 20)});
  append_synced("three", {position_at(1, 30)});
  REQUIRE(spool->acknowledge(Lane::live, 1).ok());

  open();

  CHECK(spool->epoch() == epoch);
  CHECK(first() == 2);
  CHECK(next() == 4);
  CHECK(text_of(spool->read(Lane::live, 3), 5) == "three");
  CHECK(offset_of(*spool, 1) == 30);
  CHECK(offset_of(*spool, 2) == 20);
  CHECK(spool->gaps().empty());
}

TEST_CASE_METHOD(SpoolTest, "after a power cut a synced block is there, whatever became of the others") {
  append_synced("durable", {position_at(1, 10)});
  append("lost", {position_at(1, 20)});

  crash(SimDisk::Crash::power_cut);

  CHECK(text_of(spool->read(Lane::live, 1), 7) == "durable");
  const bool survived = next() == 3;
  CHECK(offset_of(*spool, 1) == (survived ? 20 : 10));
  CHECK(spool->gaps().empty());
}

TEST_CASE_METHOD(SpoolTest, "a torn last frame is cut, its lines are read again and its sequence is used again") {
  append_synced("durable", {position_at(1, 10)});
  append("torn block", {position_at(1, 20)});
  const auto [path, at] = find("torn block");
  disk.damage_end(path, at + 4);

  open();

  CHECK(next() == 2);
  CHECK(offset_of(*spool, 1) == 10);
  CHECK(spool->gaps().empty());
  CHECK(spool->quarantined_total() == 0);
  append_synced("again", {position_at(1, 15)});
  CHECK(text_of(spool->read(Lane::live, 2), 5) == "again");
}

TEST_CASE_METHOD(SpoolTest,
                 "a whole block behind a torn one is cut with it, for its positions hide the torn one's lines") {
  append_synced("durable", {position_at(1, 10)});
  append("torn block", {position_at(1, 20)});
  append("whole block", {position_at(1, 30)});
  damage("torn block");

  open();

  CHECK(next() == 2);
  CHECK(offset_of(*spool, 1) == 10);
}

TEST_CASE_METHOD(SpoolTest, "whole blocks that were never synced are written anew and count") {
  append("one", {position_at(1, 10)});
  append("two", {position_at(1, 20)});

  crash(SimDisk::Crash::process_killed);

  CHECK(next() == 3);
  CHECK(offset_of(*spool, 1) == 20);
  crash(SimDisk::Crash::power_cut);
  CHECK(text_of(spool->read(Lane::live, 2), 3) == "two");
}

TEST_CASE_METHOD(SpoolTest, "a rotten block in the middle becomes a gap and lies in quarantine; nothing else is lost") {
  append_synced("one", {position_at(1, 10)});
  append_synced("rotten", {position_at(1, 20), position_at(2, 5)});
  append_synced("three", {position_at(1, 30)});
  damage("rotten");

  open();

  CHECK(next() == 4);
  REQUIRE(spool->gaps().size() == 1);
  CHECK(spool->gaps()[0].from == 2);
  CHECK(spool->gaps()[0].to == 2);
  CHECK(spool->gaps()[0].reason == "damaged in the spool");
  CHECK(spool->quarantined_total() == 1);
  CHECK(text_of(spool->read(Lane::live, 1), 3) == "one");
  CHECK(spool->read(Lane::live, 2).error().code() == Code::not_found);
  CHECK(text_of(spool->read(Lane::live, 3), 5) == "three");
  // The second copy of its positions, in the checkpoint: source 2 is not read again.
  CHECK(offset_of(*spool, 2) == 5);
  REQUIRE(spool->acknowledge(Lane::live, 3).ok());
  CHECK(spool->gaps().empty());
}

TEST_CASE_METHOD(SpoolTest, "the newest synced block that rots is known to be rot, not a torn write") {
  append_synced("one");
  append_synced("rotten");
  damage("rotten");

  open();

  CHECK(next() == 3);
  REQUIRE(spool->gaps().size() == 1);
  CHECK(spool->gaps()[0].from == 2);
}

TEST_CASE_METHOD(SpoolTest, "a damaged frame header does not hide the frames behind it") {
  append_synced("one");
  append_synced("two");
  append_synced("three");
  const auto [path, at] = find("two");
  const size_t header = disk.contents(path).rfind("Rrve", at);
  disk.flip_bit(path, (header + 8) * 8);  // the payload's size

  open();

  CHECK(next() == 4);
  CHECK(spool->gaps().size() == 1);
  CHECK(text_of(spool->read(Lane::live, 3), 5) == "three");
}

TEST_CASE_METHOD(SpoolTest, "one damaged snapshot of the two is of no consequence") {
  append_synced("one", {position_at(1, 10)});
  REQUIRE(spool->acknowledge(Lane::live, 1).ok());
  open();
  const std::string path = segments().back();
  disk.flip_bit(path, (frame_header_bytes + 20) * 8);
  const Uuid epoch = spool->epoch();

  open();

  CHECK(spool->epoch() == epoch);
  CHECK(first() == 2);
  CHECK(offset_of(*spool, 1) == 10);
  CHECK(spool->gaps().empty());
}

TEST_CASE_METHOD(SpoolTest, "a line that holds a frame of its own cannot forge one") {
  // What a hostile program could know: the format, not the segment's nonce.
  FrameHeader header;
  header.type = FrameType::checkpoint;
  const Bytes payload = encode(Checkpoint{spool->epoch(), {9, 9, 9}, {10, 10, 10}, {}, {}});
  header.payload_bytes = static_cast<uint32_t>(payload.size());
  append_synced("evil " + encode_frame_header(header) + payload);
  append_synced("after");
  damage("evil");

  open();

  CHECK(first() == 1);
  CHECK(next() == 3);
}

TEST_CASE_METHOD(SpoolTest, "empty, foreign and unfinished files are no reason not to open") {
  append_synced("one");
  const auto write = [this](const std::string& name, BytesView bytes) {
    auto file = disk.open(directory + std::string("/") + name, sys::OpenMode::create).value();
    REQUIRE(file->write_at(0, bytes).ok());
  };
  write("000000000090-0000000000000001.segment", "");
  write("000000000091-0000000000000002.segment", std::string(100, 'g'));
  write("000000000092-0000000000000003.segment.new", "unfinished");
  write("notes.txt", "a person's");
  write("99-1.segment", "almost ours");

  open();

  CHECK(next() == 2);
  CHECK(text_of(spool->read(Lane::live, 1), 3) == "one");
  CHECK(disk.has("/spool/notes.txt"));
  CHECK_FALSE(disk.has("/spool/000000000092-0000000000000003.segment.new"));
}

TEST_CASE_METHOD(SpoolTest, "a block that rots while it waits is found when it is read, and becomes a gap") {
  append_synced("one");
  append_synced("two");
  damage("one");

  CHECK(spool->read(Lane::live, 1).error().code() == Code::corrupt);

  REQUIRE(spool->gaps().size() == 1);
  CHECK(spool->gaps()[0].from == 1);
  CHECK(spool->read(Lane::live, 1).error().code() == Code::not_found);
  CHECK(spool->quarantined_total() == 1);
  CHECK(text_of(spool->read(Lane::live, 2), 3) == "two");
}

TEST_CASE_METHOD(SpoolTest, "any bit flipped anywhere in a spool costs at most the block it lies in") {
  for (const char* text : {"one", "two", "three"}) append_synced(text, {position_at(1, 10), position_at(2, 20)});
  spool.reset();
  std::vector<std::pair<std::string, Bytes>> before;
  for (const std::string& path : disk.files()) before.emplace_back(path, Bytes(disk.contents(path)));

  for (const auto& [path, bytes] : before) {
    for (uint64_t bit = 0; bit < bytes.size() * 8; bit += 5) {
      SimDisk copy(random);
      REQUIRE(copy.make_directories(directory).ok());
      for (const auto& [other, content] : before) {
        REQUIRE(copy.open(other, sys::OpenMode::create).value()->write_at(0, content).ok());
      }
      copy.flip_bit(path, bit);

      auto opened = Spool::open(copy, random, agent_id, options);

      INFO("bit " << bit << " of " << path);
      REQUIRE(opened.ok());
      const Spool& damaged = **opened;
      CHECK(damaged.lane(Lane::live).next_durable == 4);
      CHECK(damaged.gaps().size() <= 1);
      CHECK(offset_of(damaged, 1) == 10);
      CHECK(offset_of(damaged, 2) == 20);
    }
  }
}

}  // namespace reeve::agent
