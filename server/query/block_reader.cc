// The rules of passing by.
#include "server/query/block_reader.h"

namespace reeve::server {

Status BlockReader::pass_by(const BlockRef& block, const Error& error) {
  switch (error.code()) {
    case Code::not_found:
      return {};
    case Code::invalid:
      ++counters_.blocks_too_new;
      return {};
    case Code::corrupt:
      ++counters_.damaged_blocks;
      if (report_) report_({block, error.text()});
      return {};
    default:
      return error;
  }
}

Result<std::optional<wire::BlockHeader>> BlockReader::read_header(const BlockRef& block) {
  const Result<Bytes> bytes = store_.read_header(block);
  if (!bytes.ok()) {
    TRY(pass_by(block, bytes.error()));
    return std::optional<wire::BlockHeader>();
  }
  Result<wire::BlockHeader> header = wire::parse_header(*bytes);
  if (!header.ok()) {
    TRY(pass_by(block, header.error()));
    return std::optional<wire::BlockHeader>();
  }
  return std::optional(std::move(header).value());
}

Result<std::optional<Bytes>> BlockReader::read_block(const BlockRef& block) {
  Result<Bytes> bytes = store_.read_block(block);
  if (bytes.ok()) return std::optional(std::move(bytes).value());
  TRY(pass_by(block, bytes.error()));
  return std::optional<Bytes>();
}

}  // namespace reeve::server
