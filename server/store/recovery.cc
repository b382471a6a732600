// What the store on disk does when it opens: finish drops, and index what a crash left between a day's file and org.db.
//
// Such orphans were never acknowledged, so their agent sends them again in any case; indexing them merely saves that.
// Hence it is enough to look at the newest days, and at others when they are first written to.
#include <algorithm>

#include "common/base/log.h"
#include "server/store/block_index.h"
#include "server/store/rules.h"
#include "server/store/sqlite_store_impl.h"

namespace reeve::server {

namespace {

constexpr size_t days_prepared_at_start = 2;
constexpr size_t held_batch = 64;

}  // namespace

Status SqliteStore::open() {
  TRY(options_.disk.make_directories(options_.directory));
  TRY(days_.make_directory());
  TRY(open_org());
  TRY(finish_drops());

  Database* database = TRY(org_->writer());
  last_commit_id_ = static_cast<uint64_t>(TRY(read_number(*database, number_last_commit)));
  next_commit_id_ = last_commit_id_ + 1;
  const std::vector<std::string> days = TRY(days_.list());
  const size_t first = days.size() - std::min(days.size(), days_prepared_at_start);
  for (size_t i = first; i < days.size(); ++i) TRY(prepare_day(days[i]));
  return {};
}

Status SqliteStore::finish_drops() {
  Database* database = TRY(org_->writer());
  const std::string oldest = TRY(read_oldest_day(*database));
  for (const std::string& day : TRY(days_.list())) {
    if (day < oldest) TRY(days_.remove(day));
  }
  return {};
}

Status SqliteStore::prepare_day(const std::string& day) {
  if (!prepared_days_.insert(day).second) return {};

  uint64_t indexed = 0;
  uint64_t last = last_commit_id_;
  for (bool more = true; more;) {
    const Result<std::vector<DayFiles::Held>> held = days_.list_held(day, last, held_batch);
    if (!held.ok() && held.error().code() == Code::not_found) return {};  // a day that begins
    if (!held.ok()) {
      prepared_days_.erase(day);
      return held.error();
    }
    more = held->size() == held_batch;
    if (held->empty()) break;

    const Status written = index_held(day, *held, indexed);
    if (!written.ok()) {
      prepared_days_.erase(day);
      return written;
    }
    last = held->back().commit_id;
  }
  if (indexed > 0) log_info("blocks were indexed that a crash had left out", {{"day", day}, {"blocks", indexed}});
  return {};
}

// One transaction. A block that does not follow its stream stays in its file; when its agent sends it again, it is
// stored over what lies there.
Status SqliteStore::index_held(const std::string& day, const std::vector<DayFiles::Held>& held, uint64_t& indexed) {
  const auto index = [&](Database& database) -> Status {
    for (const DayFiles::Held& block : held) {
      Result<BlockRef> ref = describe_head({block.identity, block.arrival, block.head, block.bytes});
      if (!ref.ok()) continue;  // damaged: the agent still has it
      ref->commit_id = block.commit_id;
      ref->day = day;
      const wire::BlockIdentity& id = ref->identity;
      const uint64_t through = TRY(find_through(database, id.agent, id.epoch, id.lane));
      if (place_block(through, id.sequence) != CommitResult::stored) continue;
      TRY(insert_block(database, *ref));
      TRY(save_through(database, id.agent, id.epoch, id.lane, id.sequence));
      ++indexed;
    }
    return write_number(database, number_last_commit, static_cast<int64_t>(held.back().commit_id));
  };
  TRY(write("index what a crash left out", index));
  last_commit_id_ = held.back().commit_id;
  next_commit_id_ = std::max(next_commit_id_, last_commit_id_ + 1);
  return {};
}

}  // namespace reeve::server
