// Blocks from versions after ours: what is not known is carried and passed by.
#include <catch2/catch.hpp>

#include "common/wire/header_codec.h"
#include "common/wire/preamble.h"
#include "proto/block.pb.h"
#include "tests/wire/sample.h"

using namespace reeve;
using namespace reeve::wire;

namespace {

// The sample as a later version might write it: one more column, header fields nobody here knows, its version.
Bytes block_from_the_future(uint16_t version) {
  const Bytes sample = sample_log_block();
  const Preamble preamble = parse_preamble(sample).value();
  proto::BlockHeader header;
  REQUIRE(header.ParseFromString(sample.substr(preamble_bytes, preamble.header_bytes)));

  const Bytes unknown = "values of a column type that does not exist yet";
  Bytes stored = sample.substr(preamble_bytes + preamble.header_bytes);
  proto::Column& column = *header.add_columns();
  column.set_type(4711);
  column.set_name("embedding");
  column.set_codec(99);
  column.set_offset(stored.size());
  column.set_stored_bytes(unknown.size());
  column.set_raw_bytes(1'000);
  column.set_crc(crc32c(unknown));
  stored += unknown;
  proto::Sketch& sketch = *header.add_sketches();
  sketch.set_name("latency_ms");
  sketch.set_kind(7);
  sketch.set_data("quantiles");

  Bytes head = header.SerializeAsString();
  append_varint(head, 1000 << 3 | 2);  // a length-delimited field with the number 1000
  append_varint(head, 5);
  head += "later";
  append_varint(head, 1001 << 3 | 5);  // and a fixed one
  append_le<uint32_t>(head, 42);

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
