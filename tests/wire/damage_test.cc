// Foreign bytes: cut, flipped, and changed with their checksums made right again.
#include <zstd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "common/wire/block_limits.h"
#include "common/wire/decode.h"
#include "common/wire/header_codec.h"
#include "common/wire/preamble.h"
#include "tests/wire/sample.h"

using namespace reeve;
using namespace reeve::wire;

#if defined(__SANITIZE_ADDRESS__)
// The compiler brings the function but not its header.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*, size_t),
                                                         void (*on_free)(const volatile void*));
#endif

namespace {

// The largest single piece of memory that anybody asked for; told by the sanitizer, where there is one.
size_t largest_allocation = 0;

void note_allocation(const volatile void*, size_t bytes) {
  largest_allocation = std::max(largest_allocation, bytes);
}
void note_free(const volatile void*) {}

#if defined(__SANITIZE_ADDRESS__)
const bool watching_allocations = __sanitizer_install_malloc_and_free_hooks(note_allocation, note_free) > 0;
#else
const bool watching_allocations = false;
#endif

// A block of these columns, every checksum right.
Bytes assemble(BlockHeader header, const std::vector<std::pair<uint32_t, Bytes>>& columns) {
  Bytes stored;
  for (size_t i = 0; i < columns.size(); ++i) {
    ColumnEntry& entry = header.columns[i];
    entry.offset = stored.size();
    entry.stored_bytes = columns[i].second.size();
    entry.crc = crc32c(columns[i].second);
    stored += columns[i].second;
  }
  const Bytes head = encode_header(header, {});
  return encode_preamble(BlockKind::logs, static_cast<uint32_t>(head.size()), crc32c(head), stored.size()) + head +
         stored;
}

// The sample's columns as they lie in it.
std::vector<std::pair<uint32_t, Bytes>> columns_of(const Bytes& block, const BlockHeader& header) {
  const uint64_t begin = preamble_bytes + parse_preamble(block).value().header_bytes;
  std::vector<std::pair<uint32_t, Bytes>> columns;
  for (const ColumnEntry& entry : header.columns)
    columns.emplace_back(entry.type, block.substr(begin + entry.offset, entry.stored_bytes));
  return columns;
}

size_t index_of(const BlockHeader& header, ColumnType type) {
  for (size_t i = 0; i < header.columns.size(); ++i)
    if (header.columns[i].type == static_cast<uint32_t>(type)) return i;
  FAIL("no such column");
  return 0;
}

Bytes compressed(const Bytes& raw) {
  Bytes out(ZSTD_compressBound(raw.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), raw.data(), raw.size(), 1));
  return out;
}

// Everything a reader does with a block. The answers do not matter; that there is one does.
void read_everything(const Bytes& block) {
  (void)parse_preamble(block);  // each of these may be refused
  (void)parse_header(block);
  (void)verify_block(block);
  (void)read_log_block(block);
  (void)read_metric_block(block, {});
  LogPredicate predicate;
  predicate.service = "db";
  predicate.level_min = Level::warn;
  predicate.text.push_back(TextMatcher::literal("timed", true).value());
  (void)search_log_block(block, predicate);
}

}  // namespace

TEST_CASE("every single flipped bit of a block is found") {
  const Bytes block = GENERATE(sample_log_block(), sample_metric_block());
  size_t unnoticed = 0;
  for (size_t bit = 0; bit < 8 * block.size(); ++bit) {
    Bytes damaged = block;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    if (verify_block(damaged).ok()) ++unnoticed;
  }
  CHECK(unnoticed == 0);
}

TEST_CASE("a block cut anywhere is refused, and so is one byte too many") {
  const Bytes block = GENERATE(sample_log_block(), sample_metric_block());
  size_t unnoticed = 0;
  for (size_t size = 0; size < block.size(); ++size) {
    const Bytes cut = block.substr(0, size);
    if (verify_block(cut).ok()) ++unnoticed;
    read_everything(cut);
  }
  CHECK(unnoticed == 0);
  CHECK(verify_block(block + '\0').error().code() == Code::corrupt);
}

TEST_CASE("the header needs nothing behind it") {
  const Bytes block = sample_log_block();
  const size_t end = preamble_bytes + parse_preamble(block).value().header_bytes;

  CHECK(parse_header(BytesView(block).substr(0, end)).ok());
  CHECK(parse_header(BytesView(block).substr(0, end - 1)).error().code() == Code::corrupt);
}

TEST_CASE("mutated blocks with wrong checksums are refused") {
  SeededRandom random(GENERATE(1, 2));
  const Bytes sample = random.one_in(2) ? sample_log_block() : sample_metric_block();
  size_t unnoticed = 0;
  for (int i = 0; i < 5'000; ++i) {
    Bytes damaged = sample;
    for (uint64_t n = 0; n <= random.below(8); ++n)
      damaged[random.below(damaged.size())] = static_cast<char>(random.next());
    if (damaged != sample && verify_block(damaged).ok()) ++unnoticed;
    read_everything(damaged);
  }
  CHECK(unnoticed == 0);
}

TEST_CASE("mutated headers with right checksums never hurt") {
  SeededRandom random(GENERATE(3, 4));
  const Bytes sample = GENERATE(sample_log_block(), sample_metric_block());
  const size_t header_bytes = parse_preamble(sample).value().header_bytes;
  for (int i = 0; i < 3'000; ++i) {
    Bytes damaged = sample;
    for (uint64_t n = 0; n <= random.below(4); ++n)
      damaged[preamble_bytes + random.below(header_bytes)] = static_cast<char>(random.next());
    if (random.one_in(4)) damaged[random.below(76)] = static_cast<char>(random.next());
    repair_checksums(damaged);
    read_everything(damaged);
  }
}

TEST_CASE("mutated columns with right checksums never hurt") {
  SeededRandom random(GENERATE(5, 6, 7));
  const Bytes sample = sample_log_block();
  const BlockHeader header = parse_header(sample).value();
  const auto columns = columns_of(sample, header);
  for (int i = 0; i < 4'000; ++i) {
    BlockHeader changed = header;
    auto bytes = columns;
    const size_t at = random.below(bytes.size());
    Bytes& column = bytes[at].second;
    for (uint64_t n = 0; n <= random.below(4) && !column.empty(); ++n)
      column[random.below(column.size())] = static_cast<char>(random.next());
    if (random.one_in(3)) column = random.bytes(random.below(64));
    if (random.one_in(2)) changed.columns[at].raw_bytes = column.size();
    if (random.one_in(8)) changed.columns[at].codec ^= 1;
    if (random.one_in(8)) changed.columns[at].raw_bytes = random.below(column_raw_bytes_max + 2);
    if (random.one_in(8)) changed.rows = static_cast<uint32_t>(random.below(1'000));
    const Bytes block = assemble(changed, bytes);
    largest_allocation = 0;
    read_everything(block);
    CHECK(largest_allocation <= column_raw_bytes_max + 1);
  }
}

TEST_CASE("raw columns of random numbers never hurt") {
  SeededRandom random(8);
  const BlockHeader header = parse_header(sample_log_block()).value();
  for (int i = 0; i < 3'000; ++i) {
    BlockHeader changed = header;
    changed.rows = static_cast<uint32_t>(random.below(6));
    std::vector<std::pair<uint32_t, Bytes>> bytes;
    for (ColumnEntry& entry : changed.columns) {
      Bytes column;
      if (entry.type == static_cast<uint32_t>(ColumnType::time)) column.push_back('\1');
      for (uint64_t n = 0; n < changed.rows + random.below(2); ++n) append_varint(column, random.below(4));
      entry.codec = 0;
      entry.raw_bytes = column.size();
      bytes.emplace_back(entry.type, column);
    }
    read_everything(assemble(changed, bytes));
  }
}

TEST_CASE("a small column that says it is a gibibyte is refused by the envelope") {
  const Bytes sample = sample_log_block();
  BlockHeader header = parse_header(sample).value();
  auto columns = columns_of(sample, header);
  ColumnEntry& body = header.columns[index_of(header, ColumnType::body)];
  body.raw_bytes = GENERATE(uint64_t{1_GiB}, column_raw_bytes_max + 1, UINT64_MAX);

  const Bytes block = assemble(header, columns);

  largest_allocation = 0;
  CHECK(verify_block(block).error().code() == Code::corrupt);
  CHECK(read_log_block(block).error().code() == Code::corrupt);
  CHECK(largest_allocation < 64_KiB);
}

TEST_CASE("a zip bomb within the bound of a column costs no more than that bound, and only where its rows add up") {
  const Bytes sample = sample_log_block();
  BlockHeader header = parse_header(sample).value();
  auto columns = columns_of(sample, header);
  const size_t body = index_of(header, ColumnType::body);
  columns[body].second = compressed(Bytes(column_raw_bytes_max, '\0'));
  REQUIRE(columns[body].second.size() < 30'000);
  REQUIRE((!watching_allocations || largest_allocation >= column_raw_bytes_max));  // making the bomb was noticed
  header.columns[body].codec = static_cast<uint32_t>(ColumnCodec::zstd);
  header.columns[body].raw_bytes = column_raw_bytes_max;
  const Bytes block = assemble(header, columns);

  largest_allocation = 0;
  CHECK(verify_block(block).ok());
  CHECK(read_log_block(block).error().code() == Code::corrupt);
  CHECK(largest_allocation < 64_KiB);
}

TEST_CASE("a frame that holds more, or less, than the directory says is refused") {
  const Bytes sample = sample_log_block();
  BlockHeader header = parse_header(sample).value();
  auto columns = columns_of(sample, header);
  const size_t body = index_of(header, ColumnType::body);
  const uint64_t honest = header.columns[body].raw_bytes;
  header.columns[body].codec = static_cast<uint32_t>(ColumnCodec::zstd);
  columns[body].second = compressed(Bytes(GENERATE(1'000'000, 1), 'x'));
  header.columns[body].raw_bytes = honest;

  const Bytes block = assemble(header, columns);

  REQUIRE(verify_block(block).ok());  // the envelope is in order; only the column is not
  CHECK(read_log_block(block).error().code() == Code::corrupt);
}

TEST_CASE("a frame that lies about its own size is refused") {
  const Bytes sample = sample_log_block();
  BlockHeader header = parse_header(sample).value();
  auto columns = columns_of(sample, header);
  const size_t body = index_of(header, ColumnType::body);
  Bytes frame = compressed(Bytes(100'000, 'x'));
  // Frame header: magic, descriptor, then the content size; here 4 bytes in a single-segment frame.
  REQUIRE(ZSTD_getFrameContentSize(frame.data(), frame.size()) == 100'000);
  REQUIRE(load_le<uint32_t>(frame.data() + 5) == 100'000);
  store_le<uint32_t>(frame.data() + 5, static_cast<uint32_t>(header.columns[body].raw_bytes));
  header.columns[body].codec = static_cast<uint32_t>(ColumnCodec::zstd);
  columns[body].second = frame;

  CHECK(read_log_block(assemble(header, columns)).error().code() == Code::corrupt);
}

TEST_CASE("two frames in one column are refused") {
  const Bytes sample = sample_log_block();
  BlockHeader header = parse_header(sample).value();
  auto columns = columns_of(sample, header);
  const size_t body = index_of(header, ColumnType::body);
  header.columns[body].codec = static_cast<uint32_t>(ColumnCodec::zstd);
  columns[body].second = compressed(Bytes(header.columns[body].raw_bytes, 'x')) + compressed("more");

  CHECK(read_log_block(assemble(header, columns)).error().code() == Code::corrupt);
}

TEST_CASE("columns that overlap, leave holes or come twice are refused") {
  const Bytes sample = sample_log_block();
  const BlockHeader header = parse_header(sample).value();
  const uint64_t begin = preamble_bytes + parse_preamble(sample).value().header_bytes;
  const Bytes stored = sample.substr(begin);
  const auto refused = [&stored](const BlockHeader& changed) {
    const Bytes head = encode_header(changed, {});
    const Bytes block =
        encode_preamble(BlockKind::logs, static_cast<uint32_t>(head.size()), crc32c(head), stored.size()) + head +
        stored;
    return parse_header(block).ok() ? Code::not_found : parse_header(block).error().code();
  };

  BlockHeader overlapping = header;
  overlapping.columns[1].offset -= 1;
  CHECK(refused(overlapping) == Code::corrupt);
  BlockHeader beyond = header;
  beyond.columns.back().stored_bytes += 1;
  CHECK(refused(beyond) == Code::corrupt);
  BlockHeader wrapping = header;
  wrapping.columns.back().stored_bytes = UINT64_MAX;
  CHECK(refused(wrapping) == Code::corrupt);
  BlockHeader twice = header;
  twice.columns[1].type = twice.columns[0].type;
  CHECK(refused(twice) == Code::corrupt);
  BlockHeader short_of = header;
  short_of.columns.pop_back();
  CHECK(refused(short_of) == Code::corrupt);
}

TEST_CASE("a header of countless empty messages is refused before they become objects") {
  const char field = GENERATE('\x42', '\x4a', '\x52', '\x62', '\x6a', '\x72', '\x7a');  // 8, 9, 10, 12 to 15
  Bytes head;
  while (head.size() < 4'000'000) head.append({field, '\0'});
  const Bytes block = encode_preamble(BlockKind::logs, static_cast<uint32_t>(head.size()), crc32c(head), 0) + head;

  CHECK(parse_header(block).error().code() == Code::corrupt);
  CHECK(parse_header(block).error().text().find("more than") != std::string::npos);
}

TEST_CASE("more rows than a block may have are refused") {
  BlockHeader header = parse_header(sample_log_block()).value();
  header.columns.clear();
  header.rows = rows_max;
  CHECK(parse_header(assemble(header, {})).ok());
  header.rows = rows_max + 1;
  CHECK(parse_header(assemble(header, {})).error().code() == Code::corrupt);
}

TEST_CASE("rows that no column holds are refused without making room for them") {
  const Bytes sample = sample_log_block();
  BlockHeader header = parse_header(sample).value();
  header.rows = rows_max;
  CHECK(read_log_block(assemble(header, columns_of(sample, header))).error().code() == Code::corrupt);
}
