// Reading and writing the days' files.
#include "server/store/day_files.h"

#include <algorithm>

#include "common/base/log.h"
#include "server/store/rules.h"
#include "server/store/schema.h"

namespace reeve::server {

namespace {

constexpr std::string_view suffix = ".db";
constexpr std::string_view side_files[] = {"-wal", "-shm", "-journal"};

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
  open_.push_back(
      {day,
       std::make_shared<StoreFile>(StoreFile::Options{
           .database = {.path = path(day), .vfs = vfs_, .exclusive = options_.exclusive, .page_bytes = day_page_bytes},
           .schema = day_schema,
           .format = day_format,
           .readers_max = options_.readers_max})});
  return open_.back().file;
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

Status DayFiles::put(const std::string& day, const Batch& batch, const std::vector<Put>& blocks) {
  const std::shared_ptr<StoreFile> file = TRY(open(day, true));
  Database* database = TRY(file->writer());
  Transaction transaction = TRY(Transaction::begin(*database));
  {
    Statement insert = TRY(database->prepare("store a block", R"sql(
        INSERT INTO blocks (commit_id, batch_first, batch_last, agent, epoch, lane, sequence, arrival, head, columns)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT (agent, epoch, lane, sequence) DO UPDATE SET
          commit_id = excluded.commit_id, batch_first = excluded.batch_first, batch_last = excluded.batch_last,
          arrival = excluded.arrival, head = excluded.head, columns = excluded.columns
        )sql"));
    for (const Put& put : blocks) {
      const BytesView bytes = put.block->bytes;
      const uint64_t head = TRY(head_bytes(bytes));
      const wire::BlockIdentity& id = put.ref->identity;
      insert.bind(put.ref->commit_id, batch.first, batch.last, id.agent, id.epoch, static_cast<int>(id.lane),
                  id.sequence, put.ref->arrival, Borrowed{bytes.substr(0, head)}, Borrowed{bytes.substr(head)});
      TRY(insert.run());
      insert.reset();
    }
  }
  return transaction.commit();
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

Result<std::string> DayFiles::quarantine(const std::string& day) {
  forget(day);
  std::string damaged;
  for (int n = 1; damaged.empty(); ++n) {
    const std::string name = path(day) + ".damaged" + (n == 1 ? "" : "-" + std::to_string(n));
    if (!options_.disk.stat(name).ok()) damaged = name;
  }
  TRY(options_.disk.rename(path(day), damaged));
  for (std::string_view side : side_files) {
    const std::string from = path(day) + std::string(side);
    if (options_.disk.stat(from).ok()) TRY(options_.disk.rename(from, damaged + std::string(side)));
  }
  TRY(options_.disk.sync_directory(directory_));
  log_error("a day's file is damaged and was moved away", {{"day", day}, {"moved_to", damaged}});
  return damaged;
}

Status DayFiles::remove(const std::string& day) {
  forget(day);
  for (std::string_view side : side_files) {
    const std::string name = path(day) + std::string(side);
    if (options_.disk.stat(name).ok()) TRY(options_.disk.remove(name));
  }
  if (options_.disk.stat(path(day)).ok()) TRY(options_.disk.remove(path(day)));
  return options_.disk.sync_directory(directory_);
}

}  // namespace reeve::server
