// Reading and writing the days' files.
#include "server/store/day_files.h"

#include <algorithm>

#include "common/base/log.h"
#include "server/store/replace_file.h"
#include "server/store/rules.h"
#include "server/store/schema.h"
#include "server/store/write_ahead_log.h"

namespace reeve::server {

namespace {

constexpr std::string_view suffix = ".db";
constexpr uint64_t repair_batch_bytes = 16_MiB;
constexpr size_t days_unsealed = 2;  // those that are written to

}  // namespace

DayFiles::DayFiles(const SqliteStoreOptions& options, std::string vfs)
    : options_(options), directory_(options.directory + "/blocks"), vfs_(std::move(vfs)) {}

std::string DayFiles::path(const std::string& day) const {
  return directory_ + "/" + day + std::string(suffix);
}

Status DayFiles::make_directory() {
  TRY(options_.disk.make_directories(directory_));
  return options_.disk.sync_directory(options_.directory);
}

Result<std::vector<std::string>> DayFiles::list() const {
  std::vector<std::string> days;
  for (const sys::DirectoryEntry& entry : TRY(options_.disk.list(directory_))) {
    const std::string_view name = entry.name;
    if (entry.is_directory || !name.ends_with(suffix)) continue;
    std::string day(name.substr(0, name.size() - suffix.size()));
    if (check_day(day).ok()) days.push_back(std::move(day));
  }
  return days;
}

Result<std::shared_ptr<StoreFile>> DayFiles::open(const std::string& day, bool make) {
  std::lock_guard lock(mutex_);
  const auto known = std::find_if(open_.begin(), open_.end(), [&](const Open& open) { return open.day == day; });
  if (known != open_.end()) {
    std::rotate(known, known + 1, open_.end());
    return open_.back().file;
  }

  if (!make) TRY(options_.disk.stat(path(day)));
  // Whoever still reads from the file that goes keeps it until done.
  if (open_.size() >= day_files_open_max) open_.erase(open_.begin());
  open_.push_back({day, std::make_shared<StoreFile>(file_options(day, path(day)))});
  return open_.back().file;
}

StoreFile::Options DayFiles::file_options(const std::string& day, const std::string& path) {
  return {.database = {.path = path,
                       .vfs = vfs_,
                       .read_only = false,
                       .exclusive = options_.exclusive,
                       .page_bytes = day_page_bytes,
                       .on_damage = [this, day] { note_damage(day); }},
          .schema = day_schema,
          .format = day_format,
          .upgrades = day_upgrades,
          .readers_max = options_.readers_max};
}

void DayFiles::forget(const std::string& day) {
  std::shared_ptr<StoreFile> file;
  {
    std::lock_guard lock(mutex_);
    const auto known = std::find_if(open_.begin(), open_.end(), [&](const Open& open) { return open.day == day; });
    if (known == open_.end()) return;
    file = known->file;
    open_.erase(known);
  }
  file->close();
}

namespace {

Status put_blocks(StoreFile& file, const std::vector<DayFiles::Put>& blocks) {
  Database* database = TRY(file.writer());
  Transaction transaction = TRY(Transaction::begin(*database));
  {
    Statement insert = TRY(database->prepare("store a block", R"sql(
        INSERT INTO blocks
          (commit_id, batch_first, batch_last, agent, epoch, lane, sequence, arrival, head, columns, item_ids)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        ON CONFLICT (agent, epoch, lane, sequence) DO UPDATE SET
          commit_id = excluded.commit_id, batch_first = excluded.batch_first, batch_last = excluded.batch_last,
          arrival = excluded.arrival, head = excluded.head, columns = excluded.columns, item_ids = excluded.item_ids
        )sql"));
    for (const DayFiles::Put& put : blocks) {
      const BytesView bytes = put.block->bytes;
      const uint64_t head = TRY(head_bytes(bytes));
      const wire::BlockIdentity& id = put.block->identity;
      const Bytes item_ids = join_item_ids(put.block->item_ids);
      insert.bind(put.commit_id, put.batch.first, put.batch.last, id.agent, id.epoch, static_cast<int>(id.lane),
                  id.sequence, put.block->arrival, Borrowed{bytes.substr(0, head)}, Borrowed{bytes.substr(head)},
                  Borrowed{item_ids});
      TRY(insert.run());
      insert.reset();
      TRY(insert_item_ids(*database, put.commit_id, put.block->item_ids));
    }
  }
  return transaction.commit();
}

}  // namespace

Status DayFiles::put(const std::string& day, const std::vector<Put>& blocks) {
  sealed_.erase(day);
  const std::shared_ptr<StoreFile> file = TRY(open(day, true));
  return put_blocks(*file, blocks);
}

Result<Bytes> DayFiles::read(const BlockRef& block, const char* sql) {
  const std::shared_ptr<StoreFile> file = TRY(open(block.day, false));
  const StoreFile::Reader reader = TRY(file->borrow());
  Statement select = TRY(reader->prepare("read a block", sql));
  select.bind(block.commit_id);
  const bool found = TRY(select.step());
  if (!found) return Error(Code::not_found, file->path() + ": has no block " + std::to_string(block.commit_id));
  Bytes bytes;
  select.append_bytes(0, bytes);
  select.append_bytes(1, bytes);
  return bytes;
}

Result<Bytes> DayFiles::read_head(const BlockRef& block) {
  return read(block, "SELECT head, NULL FROM blocks WHERE commit_id = ?1");
}

Result<Bytes> DayFiles::read_whole(const BlockRef& block) {
  return read(block, "SELECT head, columns FROM blocks WHERE commit_id = ?1");
}

Result<std::vector<FoundItem>> DayFiles::find_items(std::span<const ItemId> ids, const std::string& from) {
  std::vector<FoundItem> found;
  for (const std::string& day : TRY(list())) {
    if (day < from) continue;
    const std::shared_ptr<StoreFile> file = TRY(open(day, false));
    const StoreFile::Reader reader = TRY(file->borrow());
    const std::vector<FoundItem> here = TRY(find_item_ids(*reader.operator->(), ids));
    found.insert(found.end(), here.begin(), here.end());
  }
  return found;
}

Result<uint64_t> DayFiles::last_commit_id(const std::string& day) {
  if (!options_.disk.stat(path(day)).ok()) return uint64_t{0};
  const std::shared_ptr<StoreFile> file = TRY(open(day, false));
  Database* database = TRY(file->writer());
  const int64_t last = TRY(database->query_integer("find the last block", "SELECT max(commit_id) FROM blocks"));
  return static_cast<uint64_t>(last);
}

Result<std::vector<DayFiles::Held>> DayFiles::list_held(const std::string& day, uint64_t after, size_t count_max) {
  const std::shared_ptr<StoreFile> file = TRY(open(day, false));
  Database* database = TRY(file->writer());
  Statement select = TRY(database->prepare("list blocks", R"sql(
      SELECT commit_id, agent, epoch, lane, sequence, arrival, length(head) + length(columns), head, batch_first,
        batch_last
      FROM blocks WHERE commit_id > ?1 ORDER BY commit_id LIMIT ?2)sql"));
  select.bind(after, count_max);

  std::vector<Held> held;
  while (TRY(select.step())) {
    held.push_back({.commit_id = select.count(0),
                    .batch = {select.count(8), select.count(9)},
                    .identity = {.agent = select.uuid(1),
                                 .epoch = select.uuid(2),
                                 .lane = static_cast<wire::Lane>(select.integer(3)),
                                 .sequence = select.count(4)},
                    .arrival = select.time(5),
                    .bytes = select.count(6),
                    .head = select.bytes(7)});
  }
  return held;
}

Status DayFiles::set_aside(const BlockRef& block, const std::string& reason) {
  sealed_.erase(block.day);
  const std::shared_ptr<StoreFile> file = TRY(open(block.day, false));
  Database* database = TRY(file->writer());
  Transaction transaction = TRY(Transaction::begin(*database));
  {
    Statement copy = TRY(database->prepare("set a block aside", R"sql(
        INSERT OR REPLACE INTO set_aside (commit_id, reason, head, columns)
        SELECT commit_id, ?2, head, columns FROM blocks WHERE commit_id = ?1)sql"));
    copy.bind(block.commit_id, reason);
    TRY(copy.run());
    Statement remove = TRY(database->prepare("set a block aside", "DELETE FROM blocks WHERE commit_id = ?1"));
    remove.bind(block.commit_id);
    TRY(remove.run());
  }
  return transaction.commit();
}

// -- Damage and removal ----------------------------------------------------------------------------------------------

void DayFiles::note_damage(const std::string& day) {
  std::lock_guard lock(mutex_);
  damaged_.insert(day);
}

std::vector<std::string> DayFiles::take_damaged() {
  std::lock_guard lock(mutex_);
  const std::set<std::string> days = std::exchange(damaged_, {});
  return {days.begin(), days.end()};
}

Status DayFiles::note_torn_logs() {
  for (const std::string& day : TRY(list())) {
    TRY(sync_log(options_.disk, path(day)));
    const LogContents log = TRY(read_log(options_.disk, path(day), day_page_bytes));
    if (judge_log(log) != LogState::whole) note_damage(day);
  }
  return {};
}

bool DayFiles::is_damaged(const std::string& day) {
  std::lock_guard lock(mutex_);
  return damaged_.contains(day);
}

bool DayFiles::has_damaged() {
  std::lock_guard lock(mutex_);
  return !damaged_.empty();
}

Result<DayFiles::Repaired> DayFiles::repair(const std::string& day,
                                            const std::function<Result<bool>(const SalvagedBlock&)>& wanted) {
  sealed_.erase(day);
  // Closing moves what its log holds into the file, where that still works.
  forget(day);
  TRY(begin_replacement(options_.disk, path(day)));
  StoreFile anew(file_options(day, replacement_path(path(day))));
  TRY(anew.writer());

  std::set<uint64_t> restored;
  std::vector<SalvagedBlock> batch;
  uint64_t batch_bytes = 0;
  const auto flush = [&]() -> Status {
    std::vector<Put> puts;
    puts.reserve(batch.size());
    for (const SalvagedBlock& block : batch) {
      puts.push_back({block.commit_id, {block.batch_first, block.batch_last}, &block.block});
    }
    TRY(put_blocks(anew, puts));
    batch.clear();
    batch_bytes = 0;
    return {};
  };
  const auto keep = [&](SalvagedBlock&& block) -> Status {
    const bool takes = TRY(wanted(block));
    if (!takes || !restored.insert(block.commit_id).second) return {};
    batch_bytes += block.block.bytes.size();
    batch.push_back(std::move(block));
    return batch_bytes < repair_batch_bytes ? Status() : flush();
  };
  TRY(salvage_blocks(options_.disk, path(day), keep));
  TRY(flush());
  anew.close();

  // Readers may have opened the damaged file again; whoever comes between waits or finds no file, and is told so.
  forget(day);
  const std::string damaged = TRY(finish_replacement(options_.disk, path(day)));
  {
    std::lock_guard lock(mutex_);
    damaged_.erase(day);
  }
  log_error("a day's file was damaged and made anew",
            {{"day", day}, {"blocks", restored.size()}, {"damaged_file", damaged}});
  return Repaired{std::move(restored), damaged};
}

Status DayFiles::forget_damaged(const Repaired& repaired) {
  return remove_database(options_.disk, repaired.damaged_file);
}

Status DayFiles::recover_repairs() {
  const std::string ending = replacement_path(std::string(suffix));
  for (const sys::DirectoryEntry& entry : TRY(options_.disk.list(directory_))) {
    if (!entry.name.ends_with(ending)) continue;
    TRY(recover_replacement(options_.disk, path(entry.name.substr(0, entry.name.size() - ending.size()))));
  }
  return {};
}

void DayFiles::seal_old() {
  const Result<std::vector<std::string>> days = list();
  if (!days.ok()) return;
  for (size_t i = 0; i + days_unsealed < days->size(); ++i) {
    const std::string& day = (*days)[i];
    if (sealed_.contains(day)) continue;
    const Status sealed = seal(day);
    if (sealed.ok()) {
      sealed_.insert(day);
    } else {
      log_info("a day's file could not be sealed yet", {{"day", day}, {"reason", sealed.error().text()}});
    }
  }
}

Status DayFiles::seal(const std::string& day) {
  // First: closing any descriptor of a file drops the locks that SQLite holds on it (POSIX).
  forget(day);
  constexpr size_t log_version_at = 18;  // in the file's header: 2 where a write-ahead log is in use
  Bytes header;
  {
    const std::unique_ptr<sys::File> file = TRY(options_.disk.open(path(day), sys::OpenMode::read));
    TRY(file->read_at(0, log_version_at + 1, header));
  }
  if (header.size() > log_version_at && header[log_version_at] == 1) return {};

  StoreFile file(file_options(day, path(day)));
  Database* database = TRY(file.writer());
  return database->execute("seal", "PRAGMA journal_mode=DELETE");
}

Status DayFiles::remove_before(const std::string& day) {
  constexpr size_t day_chars = 10;
  bool removed = false;
  for (const sys::DirectoryEntry& entry : TRY(options_.disk.list(directory_))) {
    const std::string of = entry.name.substr(0, day_chars);
    if (of >= day || !check_day(of).ok()) continue;
    forget(of);
    // Closing may have removed a side file already.
    const Status gone = options_.disk.remove(directory_ + "/" + entry.name);
    if (!gone.ok() && gone.error().code() != Code::not_found) return gone.error();
    removed = true;
  }
  return removed ? options_.disk.sync_directory(directory_) : Status();
}

}  // namespace reeve::server
