// Blocks from versions after ours: what is not known is carried and passed by.
#include <catch2/catch.hpp>

#include "common/wire/preamble.h"
#include "tests/wire/sample.h"

using namespace reeve;
using namespace reeve::wire;

namespace {

void append_number(Bytes& message, uint64_t field, uint64_t value) {
  append_varint(message, field << 3);
  append_varint(message, value);
}

void append_text(Bytes& message, uint64_t field, BytesView text) {
  append_varint(message, field << 3 | 2);
  append_varint(message, text.size());
  message += text;
}

void append_fixed32(Bytes& message, uint64_t field, uint32_t value) {
  append_varint(message, field << 3 | 5);
  append_le(message, value);
}

// The sample as a later version might write it: one more column, header fields nobody here knows, its version. Protobuf
// messages may be continued: what is appended is merged.
Bytes block_from_the_future(uint16_t version) {
  const Bytes sample = sample_log_block();
  const Preamble preamble = parse_preamble(sample).value();
  Bytes head = sample.substr(preamble_bytes, preamble.header_bytes);
  Bytes stored = sample.substr(preamble_bytes + preamble.header_bytes);

  const Bytes values = "values of a column type that does not exist yet";
  Bytes column;
  append_number(column, 1, 4711);
  append_text(column, 2, "embedding");
  append_number(column, 3, 99);
  append_number(column, 4, stored.size());
  append_number(column, 5, values.size());
  append_number(column, 6, 1'000);
  append_fixed32(column, 7, crc32c(values));
  append_text(head, 13, column);
  stored += values;

  Bytes sketch;
  append_text(sketch, 1, "latency_ms");
  append_number(sketch, 2, 7);
  append_text(sketch, 3, "quantiles");
  append_text(head, 14, sketch);
  append_text(head, 1000, "later");
  append_fixed32(head, 1001, 42);

  Bytes block =
      encode_preamble(BlockKind::logs, static_cast<uint32_t>(head.size()), crc32c(head), stored.size()) + head + stored;
  store_le<uint16_t>(block.data() + 4, version);
  if (version > block_format_version) block[64] = '\1';  // reserved here, used there
  repair_checksums(block);
  return block;
}

}  // namespace

TEST_CASE("an unknown column type and unknown header fields are carried and passed by") {
  const Bytes block = block_from_the_future(static_cast<uint16_t>(block_format_version + GENERATE(0, 1)));

  REQUIRE(verify_block(block).ok());
  const BlockHeader header = parse_header(block).value();
  CHECK(header.columns.back().type == 4711);
  CHECK(header.columns.back().name == "embedding");
  CHECK(read_log_block(block).value().size() == 5);
}

TEST_CASE("a version two after ours is refused as such") {
  CHECK(verify_block(block_from_the_future(block_format_version + 2)).error().code() == Code::invalid);
}

TEST_CASE("an unknown column is still guarded by its checksum") {
  Bytes block = block_from_the_future(block_format_version);
  block.back() = 'X';

  CHECK(verify_block(block).error().code() == Code::corrupt);
}

TEST_CASE("reserved bytes of the preamble are zero in our version") {
  Bytes block = sample_log_block();
  block[70] = '\1';
  repair_checksums(block);

  CHECK(verify_block(block).error().code() == Code::corrupt);
}

TEST_CASE("a preamble of version 0, of an unknown kind or lane is refused") {
  const auto [at, value] = GENERATE(table<size_t, char>({{4, '\0'}, {6, '\2'}, {7, '\3'}, {0, 'X'}}));
  Bytes block = sample_log_block();
  block[at] = value;
  repair_checksums(block);

  CHECK(parse_preamble(block).error().code() == Code::corrupt);
}
