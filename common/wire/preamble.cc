// The layout, little-endian; docs/block_format.md has the same table.
//
//      0  magic "RVBK"         24  epoch, 16 bytes       56  columns_bytes, u64
//      4  format version, u16  40  sequence, u64         64  reserved, 12 zero bytes
//      6  kind, u8             48  header_bytes, u32     76  CRC32C of bytes 0 to 75, u32
//      7  lane, u8             52  header's CRC32C, u32
//      8  agent, 16 bytes
#include "common/wire/preamble.h"

#include <algorithm>

#include "common/base/crc32c.h"

namespace reeve::wire {

namespace {

constexpr BytesView magic = "RVBK";
constexpr size_t version_at = 4;
constexpr size_t kind_at = 6;
constexpr size_t lane_at = 7;
constexpr size_t agent_at = 8;
constexpr size_t epoch_at = 24;
constexpr size_t sequence_at = 40;
constexpr size_t header_bytes_at = 48;
constexpr size_t header_crc_at = 52;
constexpr size_t columns_bytes_at = 56;
constexpr size_t reserved_at = 64;
constexpr size_t crc_at = 76;
static_assert(crc_at + sizeof(uint32_t) == preamble_bytes);

void write_crc(Bytes& block) {
  store_le<uint32_t>(block.data() + crc_at, crc32c(BytesView(block.data(), crc_at)));
}

Error corrupt(const std::string& what) {
  return Error(Code::corrupt, "block preamble: " + what);
}

}  // namespace

Bytes encode_preamble(BlockKind kind, uint32_t header_bytes, uint32_t header_crc, uint64_t columns_bytes) {
  Bytes out(preamble_bytes, '\0');
  std::copy(magic.begin(), magic.end(), out.begin());
  store_le<uint16_t>(out.data() + version_at, block_format_version);
  store_le<uint8_t>(out.data() + kind_at, static_cast<uint8_t>(kind));
  store_le<uint32_t>(out.data() + header_bytes_at, header_bytes);
  store_le<uint32_t>(out.data() + header_crc_at, header_crc);
  store_le<uint64_t>(out.data() + columns_bytes_at, columns_bytes);
  write_crc(out);
  return out;
}

uint32_t header_crc_of(BytesView block) {
  check(block.size() >= preamble_bytes, "a preamble was read before its parts are");
  return load_le<uint32_t>(block.data() + header_crc_at);
}

void stamp_block(Bytes& block, const BlockIdentity& identity) {
  check(block.size() >= preamble_bytes && block.starts_with(magic), "only a sealed block is stamped");
  store_le<uint8_t>(block.data() + lane_at, static_cast<uint8_t>(identity.lane));
  std::copy_n(identity.agent.view().data(), 16, block.data() + agent_at);
  std::copy_n(identity.epoch.view().data(), 16, block.data() + epoch_at);
  store_le<uint64_t>(block.data() + sequence_at, identity.sequence);
  write_crc(block);
}

Result<Preamble> parse_preamble(BytesView block) {
  if (block.size() < preamble_bytes)
    return corrupt(std::to_string(block.size()) + " bytes; it has " + std::to_string(preamble_bytes));
  if (!block.starts_with(magic)) return corrupt("does not begin with RVBK but with " + printable(block.substr(0, 4)));
  if (crc32c(block.substr(0, crc_at)) != load_le<uint32_t>(block.data() + crc_at))
    return corrupt("its checksum does not match");

  Preamble preamble;
  preamble.format_version = load_le<uint16_t>(block.data() + version_at);
  if (preamble.format_version == 0) return corrupt("format version 0; the first is 1");
  if (preamble.format_version > block_format_version + 1)
    return Error(Code::invalid, "block preamble: format version " + std::to_string(preamble.format_version) +
                                    "; this program reads up to " + std::to_string(block_format_version + 1));

  const auto kind = load_le<uint8_t>(block.data() + kind_at);
  if (kind > static_cast<uint8_t>(BlockKind::metrics))
    return Error(preamble.format_version > block_format_version ? Code::invalid : Code::corrupt,
                 "block preamble: kind " + std::to_string(kind) + "; known are 0 and 1");
  preamble.kind = static_cast<BlockKind>(kind);

  const auto lane = load_le<uint8_t>(block.data() + lane_at);
  if (lane >= lane_count) return corrupt("lane " + std::to_string(lane) + "; known are 0 to 2");
  preamble.identity.lane = static_cast<Lane>(lane);
  preamble.identity.agent = *Uuid::from_bytes(block.substr(agent_at, 16));
  preamble.identity.epoch = *Uuid::from_bytes(block.substr(epoch_at, 16));
  preamble.identity.sequence = load_le<uint64_t>(block.data() + sequence_at);

  // A later version may use these; in ours they are how a flipped bit is told from a meaning.
  const BytesView reserved = block.substr(reserved_at, crc_at - reserved_at);
  if (preamble.format_version <= block_format_version && reserved.find_first_not_of('\0') != BytesView::npos)
    return corrupt("reserved bytes are not zero");

  preamble.header_bytes = load_le<uint32_t>(block.data() + header_bytes_at);
  preamble.columns_bytes = load_le<uint64_t>(block.data() + columns_bytes_at);
  if (preamble.header_bytes > header_bytes_max)
    return corrupt("a header of " + std::to_string(preamble.header_bytes) + " bytes; allowed are " +
                   std::to_string(header_bytes_max));
  if (preamble.columns_bytes > block_bytes_max - preamble_bytes - preamble.header_bytes)
    return corrupt("columns of " + std::to_string(preamble.columns_bytes) + " bytes; a block has at most " +
                   std::to_string(block_bytes_max));
  return preamble;
}

}  // namespace reeve::wire
