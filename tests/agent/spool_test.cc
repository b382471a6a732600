#include "agent/spool.h"

#include <catch2/catch.hpp>

#include "agent/spool_segment.h"
#include "common/wire/block.h"
#include "common/wire/search.h"
#include "tests/sim/sim_disk.h"

namespace reeve::agent {

namespace {

using sim::SimDisk;
using wire::Lane;

const Uuid agent_id = parse_uuid("0198c2f0-7c1e-7abc-8def-0123456789ab").value();
constexpr const char* directory = "/spool";

// A block of one row: the text, and bytes that do not compress behind it until the block has about that size.
Bytes block_of(std::string_view text, size_t size = 0) {
  wire::LogBlockBuilder builder("web-1");
  SeededRandom noise(size);
  const Bytes body = Bytes(text) + " " + noise.bytes(size);
  wire::LogRecord record;
  record.source = builder.add_source({});
  record.body = body;
  builder.add(record);
  return builder.seal({});
}

std::string text_of(const Result<Bytes>& block, size_t count) {
  if (!block.ok()) return block.error().text();
  const auto rows = wire::read_log_block(*block);
  return rows.ok() ? rows->at(0).body.substr(0, count) : rows.error().text();
}

wire::SourcePosition position_at(uint64_t id, uint64_t offset, bool finished = false) {
  wire::SourcePosition position;
  position.id = id;
  position.kind = "file";
  position.name = "/var/log/" + std::to_string(id);
  position.offset = offset;
  position.finished = finished;
  return position;
}

struct SpoolTest {
  SeededRandom random{7};
  SimDisk disk{random};
  Spool::Options options{.directory = directory, .bytes_max = 1_MiB, .segment_bytes_max = 4_KiB};
  std::unique_ptr<Spool> spool;

  SpoolTest() { open(); }

  void open() {
    spool.reset();
    auto opened = Spool::open(disk, random, agent_id, options);
    if (!opened.ok()) FAIL(opened.error().text());
    spool = std::move(opened).value();
  }

  void crash(SimDisk::Crash how) {
    disk.stop();
    spool.reset();
    disk.restart(how);
    open();
  }

  void append(std::string_view text, std::vector<wire::SourcePosition> positions = {}, size_t size = 0) {
    const Status appended = spool->append(Lane::live, block_of(text, size), positions);
    if (!appended.ok()) FAIL(appended.error().text());
  }

  void append_synced(std::string_view text, std::vector<wire::SourcePosition> positions = {}, size_t size = 0) {
    append(text, std::move(positions), size);
    REQUIRE(spool->sync().ok());
  }

  uint64_t next() const { return spool->lane(Lane::live).next_durable; }
  uint64_t first() const { return spool->lane(Lane::live).first_held; }

  std::vector<std::string> segments() const {
    std::vector<std::string> result;
    for (const std::string& path : disk.files()) {
      if (path.ends_with(".segment")) result.push_back(path);
    }
    return result;
  }

  // Where `text` lies: the file, and the offset in it.
  std::pair<std::string, uint64_t> find(std::string_view text) const {
    for (const std::string& path : segments()) {
      const size_t at = disk.contents(path).find(text);
      if (at != BytesView::npos) return {path, at};
    }
    FAIL("no segment holds " << text);
    return {};
  }

  void damage(std::string_view text) {
    const auto [path, at] = find(text);
    disk.flip_bit(path, at * 8);
  }
};

uint64_t offset_of(const Spool& spool, uint64_t id) {
  for (const wire::SourcePosition& position : spool.positions()) {
    if (position.id == id) return position.offset;
  }
  return UINT64_MAX;
}

}  // namespace

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
