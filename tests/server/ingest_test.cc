// The ingest session alone: frames by hand, the store answering when the test says so.
#include "tests/pch.h"
#include "tests/server/ingest_frames.h"

namespace reeve::server {
namespace {

// One session, and what it asked for last.
struct Scene {
  IngestCounters counters;
  IngestSession session;
  std::vector<IngestAction> actions;

  explicit Scene(IngestSession::Options options = {}) : session(agent_id, with(options, counters), start) {}

  static IngestSession::Options with(IngestSession::Options options, IngestCounters& counters) {
    options.counters = &counters;
    return options;
  }

  Scene& send(const wire::AgentFrame& frame) {
    actions = session.on_frame(wire::encode(frame), start, arrival);
    return *this;
  }
  Scene& greet(uint64_t through = 0, uint64_t first_held = 1, uint64_t next = 100) {
    send(hello(first_held, next));
    actions = session.on_stream_state(
        std::vector<StreamPosition>{{.epoch = epoch, .lane = wire::Lane::live, .through = through}});
    return *this;
  }
  Scene& committed(CommitResult result, uint64_t through) {
    actions = session.on_committed(CommitOutcome{.result = result, .through = through});
    return *this;
  }

  template <typename Action>
  const Action* find() const {
    for (const IngestAction& action : actions) {
      if (const auto* found = std::get_if<Action>(&action)) return found;
    }
    return nullptr;
  }
  // The first frame of that kind among what is sent now.
  template <typename Frame>
  std::optional<Frame> sent() const {
    for (const IngestAction& action : actions) {
      const auto* send_action = std::get_if<SendToAgent>(&action);
      if (!send_action) continue;
      Result<wire::ServerFrame> frame = wire::parse_server_frame(send_action->bytes);
      REQUIRE(frame.ok());
      if (auto* found = std::get_if<Frame>(&*frame)) return *found;
    }
    return std::nullopt;
  }
  std::string closed() const {
    const auto* close = find<CloseSession>();
    return close ? close->reason : "";
  }
};

}  // namespace

TEST_CASE("a hello is answered with where the stream stands and the first credit") {
  Scene scene;

  scene.send(hello(1, 8));
  REQUIRE(scene.find<ReadStreamState>() != nullptr);
  CHECK(scene.find<ReadStreamState>()->epoch == epoch);
  REQUIRE(scene.find<UpdateAgent>() != nullptr);
  CHECK(scene.find<UpdateAgent>()->seen.host == "web-1");

  scene.actions = scene.session.on_stream_state(
      std::vector<StreamPosition>{{.epoch = epoch, .lane = wire::Lane::live, .through = 5}});
  const auto welcome = scene.sent<wire::Welcome>();
  REQUIRE(welcome);
  CHECK(welcome->epoch == epoch);
  CHECK(welcome->credit_bytes == 8_MiB);
  REQUIRE(welcome->lanes.size() == 1);
  CHECK(welcome->lanes[0].through == 5);
}

TEST_CASE("a block is acknowledged only after it is committed") {
  Scene scene;
  const Bytes block = make_block(1);

  scene.greet().send(whole(1, block));

  REQUIRE(scene.find<CommitBlock>() != nullptr);
  CHECK(scene.find<CommitBlock>()->block.bytes == block);
  CHECK(scene.find<CommitBlock>()->block.arrival == arrival);
  CHECK_FALSE(scene.sent<wire::Ack>());

  scene.committed(CommitResult::stored, 1);
  const auto ack = scene.sent<wire::Ack>();
  REQUIRE(ack);
  CHECK(ack->lane.through == 1);
}

TEST_CASE("a block that comes in chunks is put together in order") {
  Scene scene;
  const Bytes block = make_block(1, 5000);
  REQUIRE(block.size() > 2 * wire::chunk_bytes_max);
  scene.greet();

  for (uint64_t offset = 0; offset < block.size(); offset += wire::chunk_bytes_max) {
    CHECK_FALSE(scene.find<CommitBlock>());
    scene.send(wire::BlockChunk{.lane = wire::Lane::live,
                                .sequence = 1,
                                .offset = offset,
                                .total = block.size(),
                                .bytes = block.substr(offset, wire::chunk_bytes_max)});
  }

  REQUIRE(scene.find<CommitBlock>());
  CHECK(scene.find<CommitBlock>()->block.bytes == block);
}

TEST_CASE("a chunk that comes twice is used once") {
  Scene scene;
  const Bytes block = make_block(1);
  const size_t half = block.size() / 2;
  const wire::BlockChunk first{
      .lane = wire::Lane::live, .sequence = 1, .offset = 0, .total = block.size(), .bytes = block.substr(0, half)};
  const wire::BlockChunk second{
      .lane = wire::Lane::live, .sequence = 1, .offset = half, .total = block.size(), .bytes = block.substr(half)};

  scene.greet().send(first).send(first).send(second);

  REQUIRE(scene.find<CommitBlock>());
  CHECK(scene.find<CommitBlock>()->block.bytes == block);
}

TEST_CASE("a lost chunk ends the connection") {
  Scene scene;
  const Bytes block = make_block(1, 50);

  scene.greet().send(wire::BlockChunk{
      .lane = wire::Lane::live, .sequence = 1, .offset = 0, .total = block.size(), .bytes = block.substr(0, 100)});
  scene.send(wire::BlockChunk{
      .lane = wire::Lane::live, .sequence = 1, .offset = 200, .total = block.size(), .bytes = block.substr(200, 100)});

  CHECK(scene.closed() == "live block 1 lost the bytes from 100 to 200");
  CHECK(scene.send(whole(1, block)).actions.empty());
}

TEST_CASE("a block that is stored already is acknowledged again and not committed") {
  Scene scene;

  scene.greet(5).send(whole(4, make_block(4)));

  CHECK_FALSE(scene.find<CommitBlock>());
  REQUIRE(scene.sent<wire::Ack>());
  CHECK(scene.sent<wire::Ack>()->lane.through == 5);
  CHECK(scene.counters.blocks_duplicate == 1);
}

TEST_CASE("a block that is on its way to the store is neither committed twice nor acknowledged early") {
  Scene scene;

  scene.greet().send(whole(1, make_block(1))).send(whole(1, make_block(1)));

  CHECK(scene.actions.empty());
}

TEST_CASE("a block beyond the next one ends the connection") {
  Scene scene;

  scene.greet(5).send(whole(7, make_block(7)));

  CHECK(scene.closed() == "live block 7 came where 6 was expected");
}

TEST_CASE("a store that knows more than the agent makes the agent begin a new epoch") {
  Scene scene;

  scene.greet(7, 1, 7);

  REQUIRE(scene.sent<wire::EpochConflict>());
  CHECK(scene.sent<wire::EpochConflict>()->epoch == epoch);
  CHECK_FALSE(scene.sent<wire::Welcome>());
  CHECK_FALSE(scene.closed().empty());
  CHECK(scene.counters.epoch_conflicts == 1);
}

TEST_CASE("a store that knows everything the agent has sent is no conflict") {
  Scene scene;

  scene.greet(6, 7, 7);

  CHECK(scene.sent<wire::Welcome>());
}

TEST_CASE("an unknown epoch starts at its beginning") {
  Scene scene;
  scene.send(hello(1, 3));

  scene.actions = scene.session.on_stream_state(std::vector<StreamPosition>{
      {.epoch = *parse_uuid("2198c2f0-7c1e-4abc-8def-0123456789ab"), .lane = wire::Lane::live, .through = 900}});

  REQUIRE(scene.sent<wire::Welcome>());
  CHECK(scene.sent<wire::Welcome>()->lanes[0].through == 0);
}

TEST_CASE("a gap moves the lane on once it is committed") {
  Scene scene;

  scene.greet(5, 9).send(wire::Gap{.lane = wire::Lane::live, .from = 6, .to = 8, .reason = "dropped: spool full"});
  REQUIRE(scene.find<CommitGap>());
  CHECK(scene.find<CommitGap>()->gap.from == 6);
  CHECK(scene.find<CommitGap>()->gap.to == 8);
  CHECK_FALSE(scene.sent<wire::Ack>());

  scene.committed(CommitResult::stored, 8);
  CHECK(scene.sent<wire::Ack>()->lane.through == 8);
  CHECK(scene.send(whole(9, make_block(9))).find<CommitBlock>());
  CHECK(scene.counters.sequences_missing == 3);
}

TEST_CASE("a gap over what is stored is cut to what is not") {
  Scene scene;

  scene.greet(5, 9).send(wire::Gap{.lane = wire::Lane::live, .from = 3, .to = 8, .reason = "rot"});

  REQUIRE(scene.find<CommitGap>());
  CHECK(scene.find<CommitGap>()->gap.from == 6);
}

TEST_CASE("a gap that lies wholly in what is stored is acknowledged again") {
  Scene scene;

  scene.greet(5).send(wire::Gap{.lane = wire::Lane::live, .from = 2, .to = 4, .reason = "rot"});

  CHECK_FALSE(scene.find<CommitGap>());
  CHECK(scene.sent<wire::Ack>()->lane.through == 5);
}

TEST_CASE("a gap beyond the next sequence, backwards, or without an end is refused") {
  CHECK_FALSE(Scene().greet(5).send(wire::Gap{.lane = wire::Lane::live, .from = 7, .to = 8}).closed().empty());
  CHECK_FALSE(Scene().greet(5).send(wire::Gap{.lane = wire::Lane::live, .from = 8, .to = 6}).closed().empty());
  CHECK_FALSE(Scene().greet(5).send(wire::Gap{.lane = wire::Lane::live, .from = 0, .to = 6}).closed().empty());
  CHECK_FALSE(Scene().greet(5).send(wire::Gap{.lane = wire::Lane::live, .from = 6, .to = UINT64_MAX}).closed().empty());
}

TEST_CASE("a flipped bit makes a reject, and the lane goes on after the agent's gap") {
  Scene scene;
  Bytes block = make_block(1);
  block[block.size() - 5] ^= 1;

  scene.greet().send(whole(1, block));
  const auto reject = scene.sent<wire::Reject>();
  REQUIRE(reject);
  CHECK(reject->sequence == 1);
  CHECK_FALSE(reject->reason.empty());
  CHECK_FALSE(scene.find<CommitBlock>());
  CHECK(scene.counters.blocks_rejected == 1);

  // What was on its way behind the refused block is passed by, not taken for loss.
  CHECK(scene.send(whole(2, make_block(2))).actions.empty());

  scene.send(wire::Gap{.lane = wire::Lane::live, .from = 1, .to = 1, .reason = "rejected"});
  CHECK(scene.find<CommitGap>());
  scene.committed(CommitResult::stored, 1);
  CHECK(scene.send(whole(2, make_block(2))).find<CommitBlock>());
}

TEST_CASE("every single flipped bit of a block is refused") {
  const Bytes block = make_block(1, 1);
  for (size_t bit = 0; bit < block.size() * 8; bit += 7) {
    Bytes flipped = block;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    Scene scene;
    scene.greet().send(whole(1, flipped));
    INFO("bit " << bit);
    CHECK(scene.sent<wire::Reject>());
    CHECK_FALSE(scene.find<CommitBlock>());
  }
}

TEST_CASE("a block of another agent, epoch or sequence is refused") {
  const Uuid stranger = *parse_uuid("0198c2f0-7c1e-7abc-8def-ffffffffffff");

  CHECK(Scene().greet().send(whole(1, make_block(1, 3, stranger))).sent<wire::Reject>());
  CHECK(Scene().greet().send(whole(1, make_block(2))).sent<wire::Reject>());
}

TEST_CASE("a block is taken up to the bound of its size and refused beyond") {
  const Bytes block = make_block(1, 2000);
  REQUIRE(block.size() > wire::chunk_bytes_max);
  wire::BlockChunk chunk = whole(1, block);
  chunk.bytes.resize(wire::chunk_bytes_max);

  CHECK_FALSE(Scene({.credit_bytes = block.size()}).greet().send(chunk).sent<wire::Reject>());
  CHECK(Scene({.credit_bytes = block.size() - 1}).greet().send(chunk).sent<wire::Reject>());
}

TEST_CASE("a chunk that is empty or ends behind its block is refused") {
  wire::BlockChunk chunk = whole(1, make_block(1));
  chunk.total -= 1;
  CHECK_FALSE(Scene().greet().send(chunk).closed().empty());
}

TEST_CASE("an agent that sends more than its credit is cut off") {
  const Bytes block = make_block(1, 800);
  Scene scene({.credit_bytes = std::max<uint64_t>(block.size() * 2 - 1, wire::chunk_bytes_max)});
  REQUIRE(block.size() <= wire::chunk_bytes_max);

  scene.greet().send(whole(1, block));
  CHECK(scene.find<CommitBlock>());
  scene.send(whole(2, make_block(2, 800)));

  CHECK(scene.closed().find("credit") != std::string::npos);
}

TEST_CASE("frames before hello, a second hello and a block before the welcome end the connection") {
  CHECK(Scene().send(wire::AgentStatus{}).closed() == "the first frame is not Hello");
  CHECK(Scene().greet().send(hello(1, 2)).closed() == "a second Hello on one connection");
  CHECK(Scene().send(hello(1, 2)).send(whole(1, make_block(1))).closed() == "a block before Welcome");
}

TEST_CASE("a hello that cannot be true is refused with what is wrong") {
  wire::Hello other_version = hello(1, 2);
  other_version.version = 99;
  CHECK(Scene().send(other_version).closed() == "the agent speaks link version 99, this server speaks 1");

  CHECK_FALSE(Scene().send(hello(5, 4)).closed().empty());
  CHECK_FALSE(Scene().send(hello(0, 4)).closed().empty());
}

TEST_CASE("bytes that are no frame end the connection and are counted") {
  Scene scene;
  scene.actions = scene.session.on_frame("\xff\xff\xff\xff", start, arrival);
  CHECK_FALSE(scene.closed().empty());
  CHECK(scene.counters.frames_bad == 1);
}

TEST_CASE("a commit that fails ends the connection with the reason") {
  Scene scene;
  scene.greet().send(whole(1, make_block(1)));

  scene.actions = scene.session.on_committed(Error(Code::exhausted, "the disk is full"));

  CHECK(scene.closed() == "not stored: the disk is full");
}

TEST_CASE("answers that come after the end are taken in silence") {
  Scene scene;
  scene.greet().send(whole(1, make_block(1))).send(whole(9, make_block(9)));
  REQUIRE_FALSE(scene.closed().empty());

  CHECK(scene.committed(CommitResult::stored, 1).actions.empty());
}

TEST_CASE("silence up to the idle timeout is borne, and not beyond") {
  Scene scene;
  scene.greet();

  CHECK(scene.session.tick(start + 30s - 1ns).empty());
  scene.actions = scene.session.tick(start + 30s);

  CHECK(scene.closed() == "nothing heard for 30s");
}

TEST_CASE("one certificate is signed at a time, and its answer goes back") {
  Scene scene;
  scene.greet().send(wire::RenewRequest{.csr_pem = "csr"});
  REQUIRE(scene.find<SignCertificate>());

  scene.send(wire::RenewRequest{.csr_pem = "again"});
  CHECK_FALSE(scene.find<SignCertificate>());
  CHECK_FALSE(scene.sent<wire::RenewResponse>()->error.empty());

  scene.actions = scene.session.on_certificate(std::string("pem"));
  CHECK(scene.sent<wire::RenewResponse>()->certificate_pem == "pem");
}

TEST_CASE("a live hint reaches an open session alone") {
  Scene scene;
  CHECK(scene.session.send_live_hint(10s).empty());
  scene.greet();
  scene.actions = scene.session.send_live_hint(10s);
  CHECK(scene.sent<wire::LiveHint>()->for_ms == 10'000);
}

TEST_CASE("a runner's message is put together and handed on, after Welcome alone") {
  Scene scene;
  scene.greet();
  CHECK(scene.find<SessionOpened>() != nullptr);
  scene.send(wire::RunnerMessage{.id = 0, .offset = 0, .total = 5, .bytes = "he"});
  CHECK(scene.find<RunnerSaid>() == nullptr);
  scene.send(wire::RunnerMessage{.id = 0, .offset = 2, .total = 5, .bytes = "llo"});
  REQUIRE(scene.find<RunnerSaid>() != nullptr);
  CHECK(scene.find<RunnerSaid>()->message == "hello");

  scene.send(wire::RunnerMessage{.id = 1, .offset = 3, .total = 5, .bytes = "lo"});
  CHECK_FALSE(scene.closed().empty());
  CHECK(scene.counters.frames_bad == 1);

  Scene early;
  early.send(hello(1, 1));
  early.send(wire::RunnerMessage{.id = 0, .offset = 0, .total = 2, .bytes = "he"});
  CHECK_FALSE(early.closed().empty());
}

}  // namespace reeve::server
