// Frames and blocks of one agent, for the tests of the ingest session.
#pragma once

#include "common/base/random.h"
#include "common/wire/block.h"
#include "common/wire/frames.h"
#include "server/ingest.h"

namespace reeve::server {

inline const Uuid agent_id = *parse_uuid("0198c2f0-7c1e-7abc-8def-0123456789ab");
inline const Uuid epoch = *parse_uuid("1198c2f0-7c1e-4abc-8def-0123456789ab");
constexpr Instant start{1'000'000'000};
constexpr WallTime arrival{1'763'700'000'000'000'000};

inline Bytes make_block(uint64_t sequence, size_t rows = 3, Uuid agent = agent_id) {
  SeededRandom random(sequence);
  wire::LogBlockBuilder builder("web-1");
  const uint32_t source = builder.add_source({.id = 1, .kind = "file", .name = "/var/log/app.log"});
  for (size_t i = 0; i < rows; ++i) {
    const std::string body = "request " + to_hex(random.bytes(32));
    builder.add({.time = arrival, .level = wire::Level::info, .source = source, .service = "app", .body = body});
  }
  Bytes block = builder.seal({});
  wire::stamp_block(block, {.agent = agent, .epoch = epoch, .lane = wire::Lane::live, .sequence = sequence});
  return block;
}

inline wire::BlockChunk whole(uint64_t sequence, const Bytes& block) {
  return {.lane = wire::Lane::live, .sequence = sequence, .offset = 0, .total = block.size(), .bytes = block};
}

inline wire::Hello hello(uint64_t first_held, uint64_t next) {
  return {.epoch = epoch,
          .lanes = {{.lane = wire::Lane::live, .first_held = first_held, .next = next}},
          .host = "web-1",
          .agent_version = "0.1.0"};
}

}  // namespace reeve::server
