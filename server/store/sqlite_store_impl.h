// The store on disk, as its own files see it: sqlite_store.cc has the verbs, recovery.cc what happens at opening,
// repair.cc what happens to damaged files.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "server/store/checksum_vfs.h"
#include "server/store/day_files.h"
#include "server/store/entity_copies.h"
#include "server/store/sqlite_accounts.h"
#include "server/store/sqlite_store.h"
#include "server/store/store_file.h"
#include "server/store/write_ahead_log.h"

namespace reeve::server {

class SqliteStore : public Store {
 public:
  SqliteStore(const SqliteStoreOptions& options, std::unique_ptr<ChecksumVfs> vfs)
      : options_(options),
        vfs_(std::move(vfs)),
        days_(options, vfs_->name()),
        copies_(options.disk, options.directory),
        accounts_(
            {.write = [this](const char* purpose, const SqliteAccounts::Work& work) { return write(purpose, work); },
             .read = [this](const SqliteAccounts::Work& work) { return read_once(work); },
             .copy = [this](const Entities& changed) { copy_entities(changed); }}) {}
  ~SqliteStore() override;

  Status open();

  Accounts& accounts() override { return accounts_; }
  const Accounts& accounts() const override { return accounts_; }

  Result<std::vector<CommitOutcome>> commit_blocks(std::span<const IncomingBlock> blocks) override;
  Result<CommitOutcome> commit_gap(const IncomingGap& gap) override;
  Status enrol_agent(BytesView token_hash, WallTime now, const Agent& agent) override;
  Status record_certificate(const Uuid& agent, const std::string& serial, WallTime not_after) override;
  Status revoke_agent(const Uuid& agent) override;
  Status record_seen(std::span<const AgentSeen> seen) override;
  Status record_audit_alarm(const Uuid& agent, const std::string& alarm) override;
  Status add_enrol_token(const EnrolToken& token) override;
  Status add_api_key(const ApiKey& key) override;
  Result<uint64_t> drop_days_before(const std::string& day) override;
  Status set_aside(const BlockRef& block, const std::string& reason) override;

  Result<std::vector<StreamPosition>> stream_positions(const Uuid& agent) const override;
  Status visit_blocks_newest_first(const BlockQuery& query,
                                   const std::function<bool(const BlockRef&)>& visit) const override;
  Status visit_blocks_by_commit(const BlockQuery& query,
                                const std::function<bool(const BlockRef&)>& visit) const override;
  Result<Bytes> read_header(const BlockRef& block) const override;
  Result<Bytes> read_block(const BlockRef& block) const override;
  Result<uint64_t> last_commit_id() const override { return last_commit_id_.load(); }
  Result<std::vector<ItemId>> find_items(std::span<const ItemId> ids, WallTime since) const override;
  Result<std::vector<Agent>> list_agents() const override;
  Result<Agent> find_agent(const Uuid& agent) const override;
  Result<ApiKey> find_api_key(BytesView hash) const override;
  Result<std::vector<GapRecord>> list_gaps(const Uuid& agent) const override;
  Result<StoreCounters> counters() const override;

 private:
  std::string org_path() const { return options_.directory + "/org.db"; }
  StoreFile::Options org_options(const std::string& path);
  Status open_org();
  std::shared_ptr<StoreFile> org() const;

  // Runs `work(Database&)` on the writing connection as one transaction. Damage met on the way is repaired and the work
  // tried once more, so it must set what it gives back, not add to it.
  Status write(const char* purpose, const std::function<Status(Database&)>& work);
  Status try_write(const char* purpose, const std::function<Status(Database&)>& work);
  // Runs `work(Database&)` on a borrowed connection.
  template <typename Work>
  auto read(Work work) const -> decltype(work(std::declval<Database&>()));

  Status read_once(const SqliteAccounts::Work& work) const;

  // Repairs what was found damaged, by readers too. Each writing verb begins with it.
  Status heal();
  bool found_damage(const Error& error) const {
    return error.code() == Code::corrupt && (org_damaged_ || days_.has_damaged());
  }
  Status rebuild_index();
  Status index_day(Database& index, const std::string& day);
  Status repair_day(const std::string& day);
  // Whatever the copies hold, from org.db.
  Result<Entities> read_entities(Database& database);
  // Writes what a verb changed to the copies. Their failure is not the verb's: the next one makes them anew.
  void copy_entities(const Entities& changed);

  Status change_agent(const char* purpose, const Uuid& agent, const std::function<Status(Database&)>& change);
  Result<std::vector<CommitOutcome>> store_blocks(std::span<const IncomingBlock> blocks);
  struct Batch;
  Result<Batch> place(std::span<const IncomingBlock> blocks);
  Status put(Batch& batch, std::span<const IncomingBlock> blocks);

  Status start();  // what follows once org.db is open
  Status check_org(const LogContents& log);
  Status add_copied(const Entities& copied);
  Status finish_drops();
  // Indexes the batches that a crash left between the days' files and org.db, each wholly or not at all.
  Status index_orphans();
  Status index_batch(const std::vector<BlockRef>& blocks);
  // Before the first write to a day: commit ids go on behind what its file may hold.
  Status prepare_day(const std::string& day);
  // A failed read: gone on purpose (Code::not_found), or missing against the index (Code::corrupt).
  Error explain_failed_read(const BlockRef& block, const Error& error) const;

  const SqliteStoreOptions options_;
  const std::unique_ptr<ChecksumVfs> vfs_;  // outlives every connection below
  mutable DayFiles days_;
  EntityCopies copies_;
  SqliteAccounts accounts_;
  bool copies_stale_ = false;
  mutable std::mutex org_mutex_;  // guards the pointer: a rebuild exchanges the file under its readers
  std::shared_ptr<StoreFile> org_;
  mutable std::atomic<bool> org_damaged_ = false;
  std::set<std::string> prepared_days_;
  std::atomic<uint64_t> last_commit_id_ = 0;  // the newest that is in the index
  uint64_t next_commit_id_ = 1;               // beyond every one in any file that was written to
};

}  // namespace reeve::server
