// SQLite's file format, as far as it is needed to find one table's records (sqlite.org/fileformat2.html, sections 1.6,
// 2.1 and 4.1).
//
// A record of `blocks` lies in a leaf page as
//     payload size, row id              varints; the row id is the commit id
//     header size, then one type each   NULL (for the row id), two integers, two 16-byte blobs, three integers, two
//     blobs the values                        what does not fit in the page goes on in a chain of overflow pages
#include "server/store/salvage.h"

#include <array>
#include <unordered_map>

#include "server/store/checksum_vfs.h"
#include "server/store/item_ids.h"
#include "server/store/rules.h"
#include "server/store/schema.h"
#include "server/store/write_ahead_log.h"

namespace reeve::server {

namespace {

constexpr size_t usable_bytes = day_page_bytes - page_reserved_bytes;
constexpr uint64_t record_bytes_max = wire::block_bytes_max + 4096;

constexpr size_t column_count = 11;
enum Column : size_t {
  row_id,
  batch_first,
  batch_last,
  agent,
  epoch,
  lane,
  sequence,
  arrival,
  head,
  columns,
  item_ids
};
constexpr uint64_t type_of_uuid = 16 * 2 + 12;

// SQLite's varints are big-endian, seven bits a byte, and the ninth byte gives eight.
std::optional<uint64_t> take_sqlite_varint(BytesView& in) {
  uint64_t value = 0;
  for (size_t i = 0; i < 9 && i < in.size(); ++i) {
    const auto byte = static_cast<unsigned char>(in[i]);
    value = i == 8 ? value << 8 | byte : value << 7 | (byte & 0x7f);
    if (i == 8 || byte < 0x80) {
      in.remove_prefix(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

uint64_t load_be(BytesView bytes) {
  uint64_t value = 0;
  for (unsigned char byte : bytes) value = value << 8 | byte;
  return value;
}

// Bytes of a value of this type; nothing where the type cannot stand in that column.
std::optional<uint64_t> value_bytes(Column column, uint64_t type) {
  constexpr std::array<uint64_t, 10> integer_bytes = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0};  // by type; 7 is a float
  switch (column) {
    case row_id:
      return type == 0 ? std::optional<uint64_t>(0) : std::nullopt;
    case agent:
    case epoch:
      return type == type_of_uuid ? std::optional<uint64_t>(16) : std::nullopt;
    case item_ids:
      if (type == 0) return 0;
      [[fallthrough]];
    case head:
    case columns:
      return type >= 12 && type % 2 == 0 ? std::optional((type - 12) / 2) : std::nullopt;
    default:
      return type >= 1 && type <= 9 && type != 7 ? std::optional(integer_bytes[type]) : std::nullopt;
  }
}

int64_t integer_of(uint64_t type, BytesView bytes) {
  if (type >= 8) return static_cast<int64_t>(type - 8);
  const uint64_t raw = load_be(bytes);
  const size_t unused_bits = 64 - bytes.size() * 8;
  return static_cast<int64_t>(raw << unused_bits) >> unused_bits;
}

struct RecordHeader {
  std::array<uint64_t, column_count> types{};
  uint64_t header_bytes = 0;
  uint64_t record_bytes = 0;
};

// `in` begins with the header's size.
std::optional<RecordHeader> parse_record_header(BytesView in) {
  RecordHeader header;
  const size_t before = in.size();
  const std::optional<uint64_t> size = take_sqlite_varint(in);
  if (!size) return std::nullopt;
  header.header_bytes = *size;
  header.record_bytes = *size;
  for (size_t i = 0; i < column_count; ++i) {
    // A record of format 1 ends before the ids: as good as none.
    if (i == item_ids && before - in.size() == header.header_bytes) break;
    const std::optional<uint64_t> type = take_sqlite_varint(in);
    if (!type) return std::nullopt;
    const std::optional<uint64_t> bytes = value_bytes(static_cast<Column>(i), *type);
    if (!bytes || *bytes > record_bytes_max) return std::nullopt;
    header.types[i] = *type;
    header.record_bytes += *bytes;
  }
  if (before - in.size() != header.header_bytes || header.record_bytes > record_bytes_max) return std::nullopt;
  return header;
}

// How many of a record's bytes stand in the leaf page itself.
uint64_t local_bytes(uint64_t record_bytes) {
  constexpr uint64_t local_max = usable_bytes - 35;
  constexpr uint64_t local_min = (usable_bytes - 12) * 32 / 255 - 23;
  if (record_bytes <= local_max) return record_bytes;
  const uint64_t fitted = local_min + (record_bytes - local_min) % (usable_bytes - 4);
  return fitted <= local_max ? fitted : local_min;
}

class Salvage {
 public:
  Salvage(sys::File& file, sys::File* log, LogContents frames, const std::function<Status(SalvagedBlock&&)>& keep)
      : file_(file), log_(log), frames_(std::move(frames)), keep_(keep) {}

  Status run() {
    // Chains are followed through what SQLite would take and whatever else of the log is whole; then again through all
    // of it, for a chain may lead through a frame that is hit where the block is not, or through the last commit's.
    bool all_valid = true;
    bool committed = false;
    for (auto frame = frames_.frames.rbegin(); frame != frames_.frames.rend(); ++frame) {
      committed = committed || frame->ends_commit;
      all_valid = all_valid && frame->valid && committed;
      if (frame->valid && committed) in_log_.try_emplace(frame->page, frame->offset);
    }
    TRY(search());
    if (all_valid) return {};
    in_log_.clear();
    for (const LogFrame& frame : frames_.frames) in_log_[frame.page] = frame.offset;
    return search();
  }

 private:
  // Records are looked for in every page of the file and of the log, old ones too: each proves itself.
  Status search() {
    const sys::FileStat stat = TRY(file_.stat());
    Bytes page;
    for (uint64_t at = 0; at < stat.size; at += day_page_bytes) {
      page.clear();
      TRY(file_.read_at(at, day_page_bytes, page));
      TRY(search_page(page));
    }
    for (const LogFrame& frame : frames_.frames) {
      page.clear();
      TRY(log_->read_at(frame.offset, day_page_bytes, page));
      TRY(search_page(page));
    }
    return {};
  }

  // The page as the log has it, else as the file has.
  Status read_page(uint32_t page, Bytes& out) {
    out.clear();
    const auto anew = in_log_.find(page);
    if (anew != in_log_.end()) {
      TRY(log_->read_at(anew->second, day_page_bytes, out));
    } else {
      TRY(file_.read_at(uint64_t{page - 1} * day_page_bytes, day_page_bytes, out));
    }
    return {};
  }

  Status search_page(BytesView page) {
    const BytesView bytes = page.substr(0, std::min(page.size(), usable_bytes));
    // The two ids' types stand side by side in every record's header.
    const char pattern[] = {static_cast<char>(type_of_uuid), static_cast<char>(type_of_uuid)};
    size_t ids = bytes.find(BytesView(pattern, 2));
    for (; ids != BytesView::npos; ids = bytes.find(BytesView(pattern, 2), ids + 1)) {
      constexpr size_t types_before = 4;  // the header's size and three types, a byte each
      if (ids >= types_before) TRY(try_record(bytes, ids - types_before));
    }
    return {};
  }

  // A record's header may begin at `at`; if so, its size and row id stand before it.
  Status try_record(BytesView page, size_t at) {
    const std::optional<RecordHeader> header = parse_record_header(page.substr(at));
    if (!header) return {};
    for (size_t prefix = 2; prefix <= 18 && prefix <= at; ++prefix) {
      BytesView cell = page.substr(at - prefix, prefix);
      const std::optional<uint64_t> size = take_sqlite_varint(cell);
      const std::optional<uint64_t> id = take_sqlite_varint(cell);
      if (!size || !id || !cell.empty() || *size != header->record_bytes) continue;
      std::optional<Bytes> record = TRY(gather(page, at, *size));
      if (record && TRY(try_block(*header, *id, *record))) return {};
    }
    return {};
  }

  // All of a record's bytes, along its chain; nothing where the chain breaks.
  Result<std::optional<Bytes>> gather(BytesView page, size_t at, uint64_t size) {
    const uint64_t local = local_bytes(size);
    const uint64_t link_bytes = local < size ? 4 : 0;
    if (at + local + link_bytes > page.size()) return std::optional<Bytes>();
    Bytes record(page.substr(at, local));
    if (link_bytes == 0) return std::optional(std::move(record));

    uint64_t next = load_be(page.substr(at + local, 4));
    Bytes overflow;
    while (record.size() < size) {
      if (next == 0 || next > UINT32_MAX) return std::optional<Bytes>();
      TRY(read_page(static_cast<uint32_t>(next), overflow));
      const uint64_t count = std::min<uint64_t>(size - record.size(), usable_bytes - 4);
      if (overflow.size() < 4 + count) return std::optional<Bytes>();
      record.append(overflow, 4, count);
      next = load_be(BytesView(overflow).substr(0, 4));
    }
    return std::optional(std::move(record));
  }

  // True when it is a block, and whole.
  Result<bool> try_block(const RecordHeader& header, uint64_t commit_id, BytesView record) {
    std::array<BytesView, column_count> values;
    uint64_t at = header.header_bytes;
    for (size_t i = 0; i < column_count; ++i) {
      const uint64_t bytes = *value_bytes(static_cast<Column>(i), header.types[i]);
      values[i] = record.substr(at, bytes);
      at += bytes;
    }
    const auto integer = [&](Column column) { return integer_of(header.types[column], values[column]); };

    SalvagedBlock salvaged;
    salvaged.commit_id = commit_id;
    salvaged.batch_first = static_cast<uint64_t>(integer(batch_first));
    salvaged.batch_last = static_cast<uint64_t>(integer(batch_last));
    IncomingBlock& block = salvaged.block;
    block.bytes = Bytes(values[head]) + Bytes(values[columns]);
    block.arrival = WallTime{integer(arrival)};
    block.identity = {.agent = Uuid::from_bytes(values[agent]).value_or(Uuid{}),
                      .epoch = Uuid::from_bytes(values[epoch]).value_or(Uuid{}),
                      .lane = static_cast<wire::Lane>(integer(lane)),
                      .sequence = static_cast<uint64_t>(integer(sequence))};
    // Ids that are damaged cost the block nothing: an item may then be stored twice, which is better than not at all.
    block.item_ids = split_item_ids(values[item_ids]).value_or(std::vector<ItemId>{});
    if (!wire::verify_block(block.bytes).ok() || !describe_block(block).ok()) return false;
    TRY(keep_(std::move(salvaged)));
    return true;
  }

  sys::File& file_;
  sys::File* log_;
  const LogContents frames_;
  const std::function<Status(SalvagedBlock&&)>& keep_;
  std::unordered_map<uint32_t, uint64_t> in_log_;  // page -> offset of the copy that counts
};

}  // namespace

Status salvage_blocks(sys::Disk& disk, const std::string& path, const std::function<Status(SalvagedBlock&&)>& keep) {
  const std::unique_ptr<sys::File> file = TRY(disk.open(path, sys::OpenMode::read));
  std::unique_ptr<sys::File> log;
  if (disk.stat(path + "-wal").ok()) log = TRY(disk.open(path + "-wal", sys::OpenMode::read));
  LogContents frames = TRY(read_log(disk, path, day_page_bytes));
  Salvage salvage(*file, log.get(), std::move(frames), keep);
  return salvage.run();
}

}  // namespace reeve::server
