// The fuzzers' corpora, replayed as ordinary tests: seeds, and everything that was ever found.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "common/base/bytes.h"

using namespace reeve;

void fuzz_block(BytesView bytes);
void fuzz_doors(BytesView bytes);
void fuzz_http1(BytesView bytes);
void fuzz_http2(BytesView bytes);
void fuzz_websocket(BytesView bytes);

namespace {

size_t replay(const std::string& name, void (*target)(BytesView bytes)) {
  size_t replayed = 0;
  for (const auto& entry : std::filesystem::directory_iterator(REEVE_SOURCE_DIR "/tests/fuzz/corpus/" + name)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const Bytes bytes((std::istreambuf_iterator<char>(file)), {});
    INFO(entry.path());
    target(bytes);
    // A message that is cut anywhere is one that networks send.
    for (size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 16) target(BytesView(bytes).substr(0, size));
    ++replayed;
  }
  return replayed;
}

}  // namespace

TEST_CASE("the corpus of each fuzz target is read without harm") {
  CHECK(replay("block", fuzz_block) > 0);
  CHECK(replay("doors", fuzz_doors) > 0);
  CHECK(replay("http1", fuzz_http1) > 0);
  CHECK(replay("http2", fuzz_http2) > 0);
  CHECK(replay("websocket", fuzz_websocket) > 0);
}
