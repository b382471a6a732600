// Blocks: reading one of any bytes. Checksums are mended first, or a fuzzer would never get behind them.
#include "common/wire/block.h"

#include <algorithm>

#include "common/base/crc32c.h"
#include "common/wire/header_codec.h"
#include "common/wire/preamble.h"
#include "common/wire/search.h"
#include "tests/fuzz/fuzz.h"

using namespace reeve;
using namespace reeve::wire;

namespace {

constexpr size_t header_bytes_at = 48;
constexpr size_t header_crc_at = 52;
constexpr size_t columns_bytes_at = 56;
constexpr size_t preamble_crc_at = 76;

void mend_preamble(Bytes& block, size_t header_bytes) {
  store_le<uint32_t>(block.data() + header_bytes_at, static_cast<uint32_t>(header_bytes));
  store_le<uint32_t>(block.data() + header_crc_at, crc32c(BytesView(block).substr(preamble_bytes, header_bytes)));
  store_le<uint64_t>(block.data() + columns_bytes_at, block.size() - preamble_bytes - header_bytes);
  store_le<uint32_t>(block.data() + preamble_crc_at, crc32c(BytesView(block).substr(0, preamble_crc_at)));
}

void read_block(const Bytes& block) {
  (void)verify_block(block);
  const Result<Preamble> preamble = parse_preamble(block);
  if (!preamble) return;
  if (preamble->kind == BlockKind::metrics) {
    (void)read_metric_block(block, {});
    return;
  }
  LogPredicate predicate;
  predicate.text.push_back(TextMatcher::literal("a", true).value());
  (void)search_log_block(block, predicate);
  (void)read_log_block(block);
}

}  // namespace

FUZZ_TARGET(block, bytes) {
  Bytes block(bytes);
  read_block(block);
  if (block.size() < preamble_bytes) return;
  const size_t rest = block.size() - preamble_bytes;
  const size_t header_bytes = std::min<size_t>(load_le<uint32_t>(block.data() + header_bytes_at), rest);
  mend_preamble(block, header_bytes);
  read_block(block);

  // Once more, with a directory that says what its columns hold.
  Result<BlockHeader> header = parse_header(block);
  if (!header) return;
  const BytesView columns = BytesView(block).substr(preamble_bytes + header_bytes);
  for (ColumnEntry& column : header->columns) {
    if (column.offset > columns.size() || column.stored_bytes > columns.size() - column.offset) return;
    column.crc = crc32c(columns.substr(column.offset, column.stored_bytes));
  }
  const Bytes mended = encode_header(*header, {});
  Bytes whole = block.substr(0, preamble_bytes) + mended + Bytes(columns);
  mend_preamble(whole, mended.size());
  read_block(whole);
}
