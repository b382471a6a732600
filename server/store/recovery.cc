// What the store on disk does when it opens: finish drops, and index what a crash left between a day's file and org.db.
//
// Such orphans were never acknowledged, so their agent sends them again in any case; indexing them merely saves that.
// Hence it is enough to look at the newest days, and to index only batches that are there as a whole. The rest stays
// where it lies until its agent sends it again, and is then stored over.
#include <algorithm>
#include <map>

#include "common/base/log.h"
#include "server/store/block_index.h"
#include "server/store/replace_file.h"
#include "server/store/rules.h"
#include "server/store/sqlite_store_impl.h"

namespace reeve::server {

namespace {

constexpr size_t days_searched = 2;           // a batch lies in the newest day, or over the two newest
constexpr size_t orphans_indexed_max = 4096;  // more than a batch ever holds

}  // namespace

Status SqliteStore::open() {
  TRY(options_.disk.make_directories(options_.directory));
  TRY(days_.make_directory());
  TRY(recover_replacement(options_.disk, org_path()));
  TRY(days_.recover_repairs());
  const Entities copied = TRY(copies_.load());

  Status opened = open_org();
  if (!opened.ok() && !org_damaged_) return opened;
  // An index that is gone is as good as damaged, when there is anything to put into it.
  if (opened.ok() && org_->made() && (!TRY(days_.list()).empty() || !copied.agents.empty() || !copied.keys.empty())) {
    org_damaged_ = true;
  }
  TRY(heal());
  Status started = start();
  if (!started.ok() && found_damage(started.error())) {
    TRY(heal());
    started = start();
  }
  TRY(started);
  days_.seal_old();
  copies_stale_ = true;
  copy_entities({});
  return {};
}

Status SqliteStore::start() {
  TRY(finish_drops());
  Database* database = TRY(org_->writer());
  last_commit_id_ = static_cast<uint64_t>(TRY(read_number(*database, number_last_commit)));
  next_commit_id_ = last_commit_id_ + 1;
  return index_orphans();
}

Status SqliteStore::finish_drops() {
  Database* database = TRY(org_->writer());
  const std::string oldest = TRY(read_oldest_day(*database));
  return days_.remove_before(oldest);
}

Status SqliteStore::prepare_day(const std::string& day) {
  if (prepared_days_.contains(day)) return {};
  const uint64_t last = TRY(days_.last_commit_id(day));
  next_commit_id_ = std::max(next_commit_id_, last + 1);
  prepared_days_.insert(day);
  return {};
}

Status SqliteStore::index_orphans() {
  const std::vector<std::string> days = TRY(days_.list());
  std::map<uint64_t, BlockRef> orphans;
  std::map<uint64_t, DayFiles::Batch> batches;  // by the last of their ids
  for (size_t i = days.size() - std::min(days.size(), days_searched); i < days.size(); ++i) {
    TRY(prepare_day(days[i]));
    for (const DayFiles::Held& held : TRY(days_.list_held(days[i], last_commit_id_, orphans_indexed_max))) {
      Result<BlockRef> ref = describe_head({held.identity, held.arrival, held.head, held.bytes});
      if (!ref.ok()) continue;  // damaged: its batch is not whole
      ref->commit_id = held.commit_id;
      ref->day = days[i];
      orphans[held.commit_id] = *ref;
      batches[held.batch.last] = held.batch;
    }
  }

  for (const auto& [last, batch] : batches) {
    std::vector<BlockRef> blocks;
    for (auto orphan = orphans.lower_bound(batch.first); orphan != orphans.end() && orphan->first <= last; ++orphan) {
      blocks.push_back(orphan->second);
    }
    if (blocks.size() == last - batch.first + 1) TRY(index_batch(blocks));
  }
  return {};
}

Status SqliteStore::index_batch(const std::vector<BlockRef>& blocks) {
  bool follows = true;
  const auto index = [&](Database& database) -> Status {
    for (const BlockRef& block : blocks) {
      const wire::BlockIdentity& id = block.identity;
      const uint64_t through = TRY(find_through(database, id.agent, id.epoch, id.lane));
      follows = follows && place_block(through, id.sequence) == CommitResult::stored;
      if (!follows) return Error(Code::cancelled, "the batch does not follow what is indexed");
      TRY(insert_block(database, block));
      TRY(save_through(database, id.agent, id.epoch, id.lane, id.sequence));
    }
    return write_number(database, number_last_commit, static_cast<int64_t>(blocks.back().commit_id));
  };
  const Status written = write("index what a crash left out", index);
  if (!follows) return {};  // an older try, stored since under newer ids
  TRY(written);
  last_commit_id_ = blocks.back().commit_id;
  log_info("blocks were indexed that a crash had left out", {{"blocks", blocks.size()}});
  return {};
}

}  // namespace reeve::server
