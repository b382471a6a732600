// The rules of passing by.
#include "server/query/block_reader.h"

#include <utility>

namespace reeve::server {
namespace {

// Of a header alone. Most are far smaller; the bound of the format is met by nobody honest.
constexpr uint64_t header_bytes_assumed = 64_KiB;

}  // namespace

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

Result<OpenedLogPtr> BlockReader::open(const BlockRef& block) {
  if (cache_) {
    if (OpenedLogPtr known = cache_->find(block.commit_id)) return known;
  }
  std::optional<wire::BlockHeader> header = TRY(read_header(block));
  if (!header) return OpenedLogPtr();
  auto log = std::make_shared<OpenedLog>();
  log->header = std::move(*header);
  if (cache_) cache_->keep(block.commit_id, log, header_bytes_assumed);
  return log;
}

Status BlockReader::ask(const BlockRef& block, const OpenedLogPtr& log, const wire::LogPredicate& predicate,
                        const std::function<Status(wire::LogBlock& opened)>& question) {
  if (!wire::may_match(log->header, predicate)) {
    ++counters_.blocks_pruned;
    return {};
  }

  const std::lock_guard lock(log->mutex);
  if (!log->block) {
    std::optional<Bytes> bytes = TRY(read_block(block));
    if (!bytes) return {};
    counters_.bytes += bytes->size();
    Result<wire::LogBlock> opened = wire::LogBlock::open(std::move(*bytes), log->header);
    if (!opened.ok()) return pass_by(block, opened.error());
    log->block = std::move(*opened);
    if (cache_) cache_->keep(block.commit_id, log, log->block->bytes_at_most());
  }
  ++counters_.blocks;
  counters_.rows += log->header.rows;
  const Status asked = question(*log->block);
  return asked.ok() ? asked : pass_by(block, asked.error());
}

}  // namespace reeve::server
