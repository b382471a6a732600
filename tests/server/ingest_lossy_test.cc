// The ingest session and a store behind a wire that loses, repeats and swaps frames.
#include "tests/pch.h"
#include "tests/server/ingest_frames.h"

namespace reeve::server {

namespace {

// An agent with `count` blocks that are sent over a wire which loses, repeats and swaps frames, until all are stored.
struct LossyRun {
  SeededRandom random;
  std::unique_ptr<Store> store = make_memory_store();
  std::vector<Bytes> blocks;  // [0] is sequence 1
  uint64_t acked = 0;
  int connections = 0;

  explicit LossyRun(uint64_t seed) : random(seed) {
    for (uint64_t sequence = 1; sequence <= 12; ++sequence)
      blocks.push_back(make_block(sequence, 1 + random.below(40)));
  }

  std::vector<wire::BlockChunk> chunks_after(uint64_t through) {
    std::vector<wire::BlockChunk> chunks;
    for (uint64_t sequence = through + 1; sequence <= blocks.size(); ++sequence) {
      const Bytes& block = blocks[sequence - 1];
      const size_t step = 200 + random.below(2000);
      for (uint64_t offset = 0; offset < block.size(); offset += step) {
        chunks.push_back({.lane = wire::Lane::live,
                          .sequence = sequence,
                          .offset = offset,
                          .total = block.size(),
                          .bytes = block.substr(offset, step)});
      }
    }
    return chunks;
  }

  // False when the session has closed.
  bool perform(IngestSession& session, std::vector<IngestAction> actions) {
    for (IngestAction& action : actions) {
      if (std::get_if<CloseSession>(&action)) return false;
      if (auto* read = std::get_if<ReadStreamState>(&action)) {
        CHECK(read->epoch == epoch);
        if (!perform(session, session.on_stream_state(store->stream_positions(agent_id)))) return false;
      } else if (auto* commit = std::get_if<CommitBlock>(&action)) {
        const auto outcomes = store->commit_blocks({&commit->block, 1});
        REQUIRE(outcomes.ok());
        if (!perform(session, session.on_committed(outcomes->front()))) return false;
      } else if (auto* send = std::get_if<SendToAgent>(&action)) {
        if (random.one_in(10)) continue;  // lost on the way back
        const Result<wire::ServerFrame> frame = wire::parse_server_frame(send->bytes);
        REQUIRE(frame.ok());
        CHECK_FALSE(std::holds_alternative<wire::Reject>(*frame));
        CHECK_FALSE(std::holds_alternative<wire::EpochConflict>(*frame));
        if (const auto* welcome = std::get_if<wire::Welcome>(&*frame)) acked = welcome->lanes.at(0).through;
        if (const auto* ack = std::get_if<wire::Ack>(&*frame)) acked = std::max(acked, ack->lane.through);
      }
    }
    return true;
  }

  void connect_once() {
    ++connections;
    IngestSession session(agent_id, {}, start);
    if (!perform(session, session.on_frame(wire::encode(wire::AgentFrame(hello(acked + 1, blocks.size() + 1))), start,
                                           arrival))) {
      return;
    }
    std::vector<wire::BlockChunk> chunks = chunks_after(acked);
    for (size_t i = 0; i < chunks.size(); ++i) {
      if (random.one_in(40)) continue;
      if (i + 1 < chunks.size() && random.one_in(60)) std::swap(chunks[i], chunks[i + 1]);
      const uint64_t times = random.one_in(15) ? 2 : 1;
      for (uint64_t time = 0; time < times; ++time) {
        if (!perform(session, session.on_frame(wire::encode(wire::AgentFrame(chunks[i])), start, arrival))) return;
      }
    }
  }
};

}  // namespace

TEST_CASE("over a wire that loses, repeats and swaps frames every block is stored exactly once") {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    LossyRun run(seed);
    while (run.acked < run.blocks.size() && run.connections < 1000) run.connect_once();

    REQUIRE(run.acked == run.blocks.size());
    std::map<uint64_t, Bytes> stored;
    REQUIRE(run.store
                ->visit_blocks_by_commit({},
                                         [&](const BlockRef& ref) {
                                           CHECK_FALSE(stored.contains(ref.identity.sequence));
                                           stored[ref.identity.sequence] = *run.store->read_block(ref);
                                           return true;
                                         })
                .ok());
    REQUIRE(stored.size() == run.blocks.size());
    for (const auto& [sequence, bytes] : stored) CHECK(bytes == run.blocks[sequence - 1]);
  }
}

}  // namespace reeve::server
