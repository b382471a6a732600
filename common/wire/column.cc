// zstd, behind the bounds. Our own checksums cover the stored bytes, so zstd's is off.
#include "common/wire/column.h"

#include <zstd.h>

#include <algorithm>

#include "common/base/crc32c.h"
#include "common/wire/header_codec.h"
#include "common/wire/preamble.h"

namespace reeve::wire {

namespace {

// Below this a frame's own header eats the gain.
constexpr size_t compress_bytes_min = 32;

// A buffer below this is kept whatever was in it.
constexpr size_t kept_bytes_min = 256_KiB;

constexpr std::string_view name_of(ColumnType type) {
  switch (type) {
    case ColumnType::time:
      return "time";
    case ColumnType::source:
      return "source";
    case ColumnType::level:
      return "level";
    case ColumnType::service:
      return "service";
    case ColumnType::body_bytes:
      return "body_bytes";
    case ColumnType::body:
      return "body";
    case ColumnType::shape:
      return "shape";
    case ColumnType::fields:
      return "fields";
    case ColumnType::series:
      return "series";
    case ColumnType::value:
      return "value";
  }
  return "";
}

Error corrupt(ColumnType type, const std::string& what) {
  return Error(Code::corrupt, "column " + std::string(name_of(type)) + ": " + what);
}

struct DecompressContext {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  ~DecompressContext() { ZSTD_freeDCtx(context); }
};

// One context for each thread that ever reads; about 100 KiB.
ZSTD_DCtx* decompress_context() {
  thread_local DecompressContext holder;
  check(holder.context != nullptr, "zstd has memory for its context");
  return holder.context;
}

}  // namespace

struct ColumnWriter::Context {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ~Context() { ZSTD_freeCCtx(context); }
};

ColumnWriter::ColumnWriter() : context_(std::make_unique<Context>()) {
  check(context_->context != nullptr, "zstd has memory for its context");
}

ColumnWriter::~ColumnWriter() = default;

void ColumnWriter::begin(int zstd_level) {
  directory_.clear();
  columns_.clear();
  const size_t result = ZSTD_CCtx_setParameter(context_->context, ZSTD_c_compressionLevel, zstd_level);
  check(!ZSTD_isError(result), "zstd takes any level");
}

void ColumnWriter::add(ColumnType type, BytesView raw) {
  check(raw.size() <= column_raw_bytes_max, "a builder keeps its columns within their bound");
  ColumnEntry entry;
  entry.type = static_cast<uint32_t>(type);
  entry.name = name_of(type);
  entry.offset = columns_.size();
  entry.raw_bytes = raw.size();
  entry.codec = static_cast<uint32_t>(ColumnCodec::raw);

  if (raw.size() >= compress_bytes_min) {
    // Not initialised: of the bound's pages only those that the frame fills are ever touched.
    const size_t room = ZSTD_compressBound(raw.size());
    const auto frame = std::make_unique_for_overwrite<char[]>(room);
    const size_t stored = ZSTD_compress2(context_->context, frame.get(), room, raw.data(), raw.size());
    check(!ZSTD_isError(stored), "zstd fits its own bound");
    if (stored < raw.size()) {
      entry.codec = static_cast<uint32_t>(ColumnCodec::zstd);
      columns_.append(frame.get(), stored);
    }
  }
  if (entry.codec == static_cast<uint32_t>(ColumnCodec::raw)) columns_.append(raw);

  entry.stored_bytes = columns_.size() - entry.offset;
  entry.crc = crc32c(BytesView(columns_).substr(entry.offset));
  directory_.push_back(std::move(entry));
}

Bytes ColumnWriter::take_block(BlockKind kind, BlockHeader& header, const HeaderCounters& counters) {
  header.columns = std::move(directory_);
  const Bytes head = encode_header(header, counters);
  Bytes block = encode_preamble(kind, static_cast<uint32_t>(head.size()), crc32c(head), columns_.size());
  block.reserve(block.size() + head.size() + columns_.size());
  block += head;
  block += columns_;
  check(block.size() <= block_bytes_max, "a builder keeps its block within its bound");
  directory_.clear();
  clear_buffer(columns_);
  return block;
}

void clear_buffer(Bytes& buffer) {
  if (buffer.capacity() > kept_bytes_min && buffer.size() < buffer.capacity() / 8) Bytes().swap(buffer);
  buffer.clear();
}

Result<ColumnReader> ColumnReader::open(BytesView block, const BlockHeader& header) {
  const Preamble preamble = TRY(parse_preamble(block));
  const uint64_t begin = preamble_bytes + preamble.header_bytes;
  if (block.size() != begin + preamble.columns_bytes)
    return Error(Code::corrupt, "block: " + std::to_string(block.size()) + " bytes; its preamble says " +
                                    std::to_string(begin + preamble.columns_bytes));
  return ColumnReader(block.substr(begin), header);
}

const ColumnEntry* ColumnReader::find(ColumnType type) const {
  const auto found = std::ranges::find(header_->columns, static_cast<uint32_t>(type), &ColumnEntry::type);
  return found == header_->columns.end() ? nullptr : &*found;
}

uint64_t ColumnReader::raw_bytes(ColumnType type) const {
  const ColumnEntry* entry = find(type);
  return entry ? entry->raw_bytes : 0;
}

Status ColumnReader::read(ColumnType type, uint64_t bytes_max, Bytes& out) const {
  const ColumnEntry* entry = find(type);
  if (!entry) return corrupt(type, "absent");
  bytes_max = std::min(bytes_max, column_raw_bytes_max);
  if (entry->raw_bytes > bytes_max)
    return corrupt(
        type, "says it has " + std::to_string(entry->raw_bytes) + " bytes; allowed are " + std::to_string(bytes_max));
  if (entry->offset > columns_.size() || entry->stored_bytes > columns_.size() - entry->offset)
    return corrupt(type, "lies outside of its block");
  const BytesView stored = columns_.substr(entry->offset, entry->stored_bytes);
  if (crc32c(stored) != entry->crc) return corrupt(type, "its checksum does not match");

  if (entry->codec == static_cast<uint32_t>(ColumnCodec::raw)) {
    if (stored.size() != entry->raw_bytes)
      return corrupt(type, "has " + std::to_string(stored.size()) + " bytes; the directory says " +
                               std::to_string(entry->raw_bytes));
    out.assign(stored);
    return {};
  }
  if (entry->codec != static_cast<uint32_t>(ColumnCodec::zstd))
    return Error(Code::invalid, "column " + std::string(name_of(type)) + ": codec " + std::to_string(entry->codec) +
                                    "; known are 0 and 1");

  // The frame, the directory and what comes out must all agree on the size.
  if (ZSTD_getFrameContentSize(stored.data(), stored.size()) != entry->raw_bytes)
    return corrupt(type, "its frame does not say that it has " + std::to_string(entry->raw_bytes) + " bytes");
  if (ZSTD_findFrameCompressedSize(stored.data(), stored.size()) != stored.size())
    return corrupt(type, "is not exactly one zstd frame");
  out.resize(entry->raw_bytes);
  const size_t written =
      ZSTD_decompressDCtx(decompress_context(), out.data(), out.size(), stored.data(), stored.size());
  if (ZSTD_isError(written)) return corrupt(type, std::string("zstd: ") + ZSTD_getErrorName(written));
  if (written != entry->raw_bytes)
    return corrupt(
        type, "gave " + std::to_string(written) + " bytes; the directory says " + std::to_string(entry->raw_bytes));
  return {};
}

}  // namespace reeve::wire
