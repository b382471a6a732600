#include "common/wire/runner_message.h"

#include <catch2/catch.hpp>

using namespace reeve;
using namespace reeve::wire;

namespace {

Bytes counting(size_t bytes) {
  Bytes made(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) made[i] = static_cast<char>(i * 7 + i / 251);
  return made;
}

}  // namespace

TEST_CASE("a runner's message of any size up to the bound comes through the frames as it was") {
  for (const size_t size : {size_t{1}, size_t{runner_chunk_bytes_max}, size_t{runner_chunk_bytes_max + 1},
                            size_t{runner_message_bytes_max}}) {
    const Bytes message = counting(size);
    RunnerAssembly assembly;
    std::optional<Bytes> whole;
    for (const RunnerMessage& chunk : cut_runner_message(5, message)) {
      REQUIRE_FALSE(whole.has_value());
      const AgentFrame frame = parse_agent_frame(encode(AgentFrame(chunk))).value();
      whole = assembly.add(std::get<RunnerMessage>(frame)).value();
    }
    REQUIRE(whole.has_value());
    CHECK(*whole == message);
  }
}

TEST_CASE("one runner's message follows the other in the same assembly") {
  RunnerAssembly assembly;
  for (uint64_t id = 0; id < 3; ++id) {
    std::optional<Bytes> whole;
    for (const RunnerMessage& chunk : cut_runner_message(id, counting(60'000 + id)))
      whole = assembly.add(chunk).value();
    CHECK(whole->size() == 60'000 + id);
  }
}

TEST_CASE("a runner's chunk that does not follow is corrupt") {
  const std::vector<RunnerMessage> chunks = cut_runner_message(1, counting(120'000));
  REQUIRE(chunks.size() == 3);

  SECTION("it begins in the middle") {
    RunnerAssembly assembly;
    CHECK(assembly.add(chunks[1]).error().code() == Code::corrupt);
  }
  SECTION("it leaves one out") {
    RunnerAssembly assembly;
    REQUIRE(assembly.add(chunks[0]).ok());
    CHECK(assembly.add(chunks[2]).error().code() == Code::corrupt);
  }
  SECTION("it comes twice") {
    RunnerAssembly assembly;
    REQUIRE(assembly.add(chunks[0]).ok());
    CHECK(assembly.add(chunks[0]).error().code() == Code::corrupt);
  }
  SECTION("it is another message's") {
    RunnerAssembly assembly;
    REQUIRE(assembly.add(chunks[0]).ok());
    RunnerMessage other = chunks[1];
    other.id = 2;
    CHECK(assembly.add(other).error().code() == Code::corrupt);
  }
  SECTION("it changes the size") {
    RunnerAssembly assembly;
    REQUIRE(assembly.add(chunks[0]).ok());
    RunnerMessage other = chunks[1];
    ++other.total;
    CHECK(assembly.add(other).error().code() == Code::corrupt);
  }
}

TEST_CASE("a runner's message has bounds, at the limit and one past it") {
  RunnerMessage chunk{.id = 1, .offset = runner_message_bytes_max - 1, .total = runner_message_bytes_max, .bytes = "x"};
  CHECK(parse_server_frame(encode(ServerFrame(chunk))).ok());

  ++chunk.total;
  CHECK(parse_server_frame(encode(ServerFrame(chunk))).error().code() == Code::corrupt);
  chunk = {.id = 1, .offset = 10, .total = 10, .bytes = "x"};
  CHECK(parse_server_frame(encode(ServerFrame(chunk))).error().code() == Code::corrupt);
  chunk = {.id = 1, .offset = UINT64_MAX, .total = 10, .bytes = "x"};
  CHECK(parse_agent_frame(encode(AgentFrame(chunk))).error().code() == Code::corrupt);
  chunk = {.id = 1, .offset = 0, .total = 10, .bytes = {}};
  CHECK(parse_agent_frame(encode(AgentFrame(chunk))).error().code() == Code::corrupt);
}
