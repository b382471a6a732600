// What the store on disk does when it opens: finish drops, and index what a crash left between a day's file and org.db.
//
// Such orphans were never acknowledged, so their agent sends them again in any case; indexing them merely saves that.
// Hence it is enough to look at the newest days, and to index only batches that are there as a whole. The rest stays
// where it lies until its agent sends it again, and is then stored over.
#include <algorithm>
#include <map>
#include <unordered_set>

#include "common/base/log.h"
#include "server/store/account_tables.h"
#include "server/store/audit_log.h"
#include "server/store/block_index.h"
#include "server/store/entities.h"
#include "server/store/replace_file.h"
#include "server/store/rules.h"
#include "server/store/schema.h"
#include "server/store/sqlite_store_impl.h"

namespace reeve::server {

namespace {

constexpr size_t days_searched = 2;  // a batch lies in the newest day, or over the two newest
constexpr size_t held_at_once = 256;

}  // namespace

Status SqliteStore::open() {
  TRY(options_.disk.make_directories(options_.directory));
  TRY(days_.make_directory());
  TRY(recover_replacement(options_.disk, org_path()));
  TRY(days_.recover_repairs());
  const Entities copied = TRY(copies_.load());

  // Before SQLite opens a file: what it would silently leave out of a log is gone afterwards.
  TRY(days_.note_torn_logs());
  TRY(sync_log(options_.disk, org_path()));
  const LogContents org_log = TRY(read_log(options_.disk, org_path(), org_page_bytes));
  TRY(check_org(org_log));

  if (!org_damaged_) {
    const Status opened = open_org();
    if (!opened.ok() && !org_damaged_) return opened.error();
    // An index that is gone is as good as damaged, when there is anything to put into it.
    const bool anything =
        !TRY(days_.list()).empty() || !copied.agents.empty() || !copied.keys.empty() || !copied.users.empty();
    if (opened.ok() && org_->made() && anything) org_damaged_ = true;
  }
  if (!org_damaged_) {
    Database* database = TRY(org_->writer());
    last_commit_id_ = static_cast<uint64_t>(TRY(read_number(*database, number_last_commit)));
  }
  TRY(heal());
  if (judge_log(org_log) == LogState::torn) TRY(add_copied(copied));
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

// The days' pages are checked as they are read; the index must not be found damaged by a query, which cannot repair it.
Status SqliteStore::check_org(const LogContents& log) {
  if (judge_log(log) == LogState::rotten) org_damaged_ = true;
  Result<std::unique_ptr<sys::File>> file = options_.disk.open(org_path(), sys::OpenMode::read);
  if (!file.ok() && file.error().code() == Code::not_found) return {};
  if (!file.ok()) return file.error();
  std::unordered_set<uint32_t> in_log;
  for (size_t i = 0; i < log.taken; ++i) in_log.insert(log.frames[i].page);

  constexpr size_t pages_at_once = 256;
  const Bytes never_written(org_page_bytes, '\0');
  Bytes pages;
  for (uint64_t at = 0; !org_damaged_; at += pages.size()) {
    pages.clear();
    TRY((*file)->read_at(at, pages_at_once * org_page_bytes, pages));
    pages.resize(pages.size() / org_page_bytes * org_page_bytes);
    if (pages.empty()) break;
    for (uint64_t in = 0; in < pages.size(); in += org_page_bytes) {
      const BytesView page = BytesView(pages).substr(in, org_page_bytes);
      const auto number = static_cast<uint32_t>((at + in) / org_page_bytes + 1);
      if (in_log.contains(number) || page_is_whole(page, at + in) || page == never_written) continue;
      org_damaged_ = true;
    }
  }
  return {};
}

// The last commit of org.db's log was lost, perhaps to rot after it was acknowledged: if a copy has it, it counts.
Status SqliteStore::add_copied(const Entities& copied) {
  const auto add = [&](Database& database) -> Status {
    for (const Agent& agent : copied.agents) {
      const Result<Agent> known = server::find_agent(database, agent.id);
      if (!known.ok() && known.error().code() == Code::not_found) TRY(save_agent(database, agent));
      if (known.ok() && agent.revoked) TRY(revoke(database, agent.id));
    }
    for (const StoredToken& token : copied.tokens) {
      const Result<StoredToken> known = find_token(database, token.hash);
      if (!known.ok() || token.used) TRY(save_token(database, token));
    }
    for (const ApiKey& key : copied.keys) {
      const Result<ApiKey> known = find_key(database, key.hash);
      if (!known.ok() || key.revoked) TRY(save_key(database, key));
    }
    for (const User& user : copied.users) {
      const std::optional<User> known = TRY(server::find_user(database, user.id));
      if (!known || known->revision < user.revision) TRY(save_user(database, user));
    }
    const auto audited = static_cast<int64_t>(copied.audit_through.value_or(0));
    const int64_t last_audit = TRY(read_number(database, number_last_audit));
    if (audited > last_audit) TRY(write_number(database, number_last_audit, audited));
    for (const IncomingGap& gap : copied.gaps) {
      const uint64_t through = TRY(find_through(database, gap.agent, gap.epoch, gap.lane));
      const CommitResult place = TRY(place_gap(through, gap));
      if (place != CommitResult::stored) continue;
      TRY(insert_gap(database, gap));
      TRY(save_through(database, gap.agent, gap.epoch, gap.lane, gap.to));
    }
    return {};
  };
  return write("add what a torn log lost", add);
}

Status SqliteStore::start() {
  TRY(finish_drops());
  Database* database = TRY(org_->writer());
  last_commit_id_ = static_cast<uint64_t>(TRY(read_number(*database, number_last_commit)));
  next_commit_id_ = last_commit_id_ + 1;
  const bool lacks_tree = TRY(lacks_audit_tree(*database));
  if (lacks_tree) TRY(try_write("make the audit's tree", make_audit_tree));
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
  std::map<uint64_t, BlockRef> orphans;         // at most what was committed since org.db's log last began anew
  std::map<uint64_t, DayFiles::Batch> batches;  // by the last of their ids
  for (size_t i = days.size() - std::min(days.size(), days_searched); i < days.size(); ++i) {
    TRY(prepare_day(days[i]));
    uint64_t after = last_commit_id_;
    for (bool more = true; more;) {
      const std::vector<DayFiles::Held> held = TRY(days_.list_held(days[i], after, held_at_once));
      more = held.size() == held_at_once;
      for (const DayFiles::Held& block : held) {
        after = block.commit_id;
        Result<BlockRef> ref = describe_head({block.identity, block.arrival, block.head, block.bytes});
        if (!ref.ok()) continue;  // damaged: its batch is not whole
        ref->commit_id = block.commit_id;
        ref->day = days[i];
        orphans[block.commit_id] = *ref;
        batches[block.batch.last] = block.batch;
      }
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
