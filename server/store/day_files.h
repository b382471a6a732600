// The files that hold the blocks, one per arrival day, opened when needed and closed when many are open.
//
// A block's bytes lie in two columns: `head` (preamble and header) and `columns`, so that pruning by header never reads
// the rest. The commit_id is the key; agent, epoch, lane and sequence are unique beside it.
//
// Any thread may read; put, remove and what follows them belong to the store's writer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/sys/disk.h"
#include "server/store/item_ids.h"
#include "server/store/salvage.h"
#include "server/store/sqlite_store.h"
#include "server/store/store.h"
#include "server/store/store_file.h"

namespace reeve::server {

constexpr size_t day_files_open_max = 12;

class DayFiles {
 public:
  // `vfs` is the checksumming one above options.vfs.
  DayFiles(const SqliteStoreOptions& options, std::string vfs);

  Status make_directory();
  // Days that have a file, ascending.
  Result<std::vector<std::string>> list() const;

  // Commit ids that were stored together, both included.
  struct Batch {
    uint64_t first = 0;
    uint64_t last = 0;
  };
  struct Put {
    uint64_t commit_id = 0;
    Batch batch;
    const IncomingBlock* block = nullptr;
  };
  // One transaction: puts each block's bytes at its commit_id. A block of the same identity that was put before and
  // never indexed is replaced.
  Status put(const std::string& day, const std::vector<Put>& blocks);

  Result<Bytes> read_head(const BlockRef& block);
  Result<Bytes> read_whole(const BlockRef& block);

  // What the files of `from` and later days know of these ids; their blocks may never have been indexed.
  Result<std::vector<FoundItem>> find_items(std::span<const ItemId> ids, const std::string& from);

  // What a day's file says of itself, by ascending commit_id beyond `after`; head is preamble and header.
  struct Held {
    uint64_t commit_id = 0;
    Batch batch;
    wire::BlockIdentity identity;
    WallTime arrival;
    uint64_t bytes = 0;
    Bytes head;
  };
  Result<uint64_t> last_commit_id(const std::string& day);  // 0: no file, or nothing in it
  Result<std::vector<Held>> list_held(const std::string& day, uint64_t after, size_t count_max);

  // Moves a block's bytes, as far as they can be read, out of the way; they stay in the file for an investigation.
  Status set_aside(const BlockRef& block, const std::string& reason);

  // Days whose files proved damaged since the last call.
  std::vector<std::string> take_damaged();
  bool has_damaged();
  bool is_damaged(const std::string& day);
  void note_damage(const std::string& day);  // any thread
  // Notes the days whose logs SQLite would not take whole. Before any of them is opened.
  Status note_torn_logs();

  // Puts a new file in place of a damaged one, with every block that is still whole and that `wanted` takes. The
  // damaged file stays beside it until forget_damaged.
  struct Repaired {
    std::set<uint64_t> commit_ids;
    std::string damaged_file;
  };
  Result<Repaired> repair(const std::string& day, const std::function<Result<bool>(const SalvagedBlock&)>& wanted);
  Status forget_damaged(const Repaired& repaired);  // nothing was lost: there is nothing to look into
  // Finishes or undoes the repairs that a crash cut.
  Status recover_repairs();

  // The files of earlier days, their damaged ones too.
  Status remove_before(const std::string& day);

  // Takes the write-ahead log from days that are over, so that they can be read where nothing can be written: opening a
  // file with a log makes a shared index beside it, and a full disk has no room for one. What fails is tried again.
  void seal_old();

  std::string path(const std::string& day) const;

 private:
  Result<std::shared_ptr<StoreFile>> open(const std::string& day, bool make);
  StoreFile::Options file_options(const std::string& day, const std::string& path);
  void forget(const std::string& day);  // closes it
  Result<Bytes> read(const BlockRef& block, const char* sql);
  Status seal(const std::string& day);

  struct Open {
    std::string day;
    std::shared_ptr<StoreFile> file;
  };

  const SqliteStoreOptions options_;
  const std::string directory_;
  const std::string vfs_;
  std::mutex mutex_;
  std::vector<Open> open_;  // the last used is last
  std::set<std::string> damaged_;
  std::set<std::string> sealed_;  // the writer's alone
};

}  // namespace reeve::server
