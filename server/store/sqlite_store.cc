// The verbs of the store on disk.
#include "server/store/sqlite_store.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "common/base/log.h"
#include "server/store/block_index.h"
#include "server/store/entities.h"
#include "server/store/rules.h"
#include "server/store/schema.h"
#include "server/store/sqlite_store_impl.h"

namespace reeve::server {

namespace {

// Entries read per borrowed connection while visiting: the visitor runs between, and holds none.
constexpr size_t visit_batch_first = 16;
constexpr size_t visit_batch_max = 512;

using StreamKey = std::tuple<Uuid, Uuid, wire::Lane>;

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(const SqliteStoreOptions& options) {
  std::unique_ptr<ChecksumVfs> vfs = TRY_DURING(ChecksumVfs::make(options.vfs), "open the store");
  auto store = std::make_unique<SqliteStore>(options, std::move(vfs));
  TRY_DURING(store->open(), "open the store");
  return std::unique_ptr<Store>(std::move(store));
}

SqliteStore::~SqliteStore() {
  if (org_) org_->close();
}

StoreFile::Options SqliteStore::org_options(const std::string& path) {
  return {.database = {.path = path,
                       .vfs = vfs_->name(),
                       .read_only = false,
                       .exclusive = options_.exclusive,
                       .page_bytes = org_page_bytes,
                       .on_damage = [this] { org_damaged_ = true; }},
          .schema = org_schema,
          .format = org_format,
          .upgrades = org_upgrades,
          .readers_max = options_.readers_max};
}

Status SqliteStore::open_org() {
  auto file = std::make_shared<StoreFile>(org_options(org_path()));
  TRY(file->writer());
  std::lock_guard lock(org_mutex_);
  org_ = std::move(file);
  return {};
}

std::shared_ptr<StoreFile> SqliteStore::org() const {
  std::lock_guard lock(org_mutex_);
  return org_;
}

Status SqliteStore::write(const char* purpose, const std::function<Status(Database&)>& work) {
  TRY_DURING(heal(), purpose);
  Status written = try_write(purpose, work);
  if (written.ok() || !found_damage(written.error())) return written;
  TRY_DURING(heal(), purpose);
  return try_write(purpose, work);
}

Status SqliteStore::try_write(const char* purpose, const std::function<Status(Database&)>& work) {
  Database* database = TRY_DURING(org_->writer(), purpose);
  Transaction transaction = TRY_DURING(Transaction::begin(*database), purpose);
  TRY_DURING(work(*database), purpose);
  TRY_DURING(transaction.commit(), purpose);
  return {};
}

template <typename Work>
auto SqliteStore::read(Work work) const -> decltype(work(std::declval<Database&>())) {
  const std::shared_ptr<StoreFile> file = org();
  const StoreFile::Reader reader = TRY(file->borrow());
  return work(*reader.operator->());
}

Status SqliteStore::read_once(const SqliteAccounts::Work& work) const {
  return read([&](Database& database) { return work(database); });
}

// -- Blocks ----------------------------------------------------------------------------------------------------------

// A batch under way: what each block is, and what becomes of it.
struct SqliteStore::Batch {
  std::vector<BlockRef> refs;
  std::vector<CommitOutcome> outcomes;
  std::map<StreamKey, uint64_t> through;  // as it will be
  uint64_t next_commit_id = 0;

  bool stores(size_t i) const { return outcomes[i].result == CommitResult::stored; }
};

Result<SqliteStore::Batch> SqliteStore::place(std::span<const IncomingBlock> blocks) {
  Batch batch;
  for (const IncomingBlock& block : blocks) batch.refs.push_back(TRY(describe_block(block)));
  const size_t days_before = prepared_days_.size();
  for (const BlockRef& ref : batch.refs) TRY(prepare_day(ref.day));
  if (prepared_days_.size() > days_before) days_.seal_old();

  Database* database = TRY(org_->writer());
  batch.next_commit_id = next_commit_id_;
  for (BlockRef& ref : batch.refs) {
    const wire::BlockIdentity& id = ref.identity;
    const StreamKey stream{id.agent, id.epoch, id.lane};
    if (!batch.through.contains(stream)) {
      const uint64_t known = TRY(find_through(*database, id.agent, id.epoch, id.lane));
      batch.through[stream] = known;
    }
    uint64_t& through = batch.through[stream];
    const CommitResult result = place_block(through, id.sequence);
    if (result == CommitResult::stored) {
      through = id.sequence;
      ref.commit_id = batch.next_commit_id++;
    }
    batch.outcomes.push_back({result, through});
  }
  return batch;
}

Status SqliteStore::put(Batch& batch, std::span<const IncomingBlock> blocks) {
  const DayFiles::Batch ids{next_commit_id_, batch.next_commit_id - 1};
  std::map<std::string, std::vector<DayFiles::Put>> by_day;
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (batch.stores(i)) by_day[batch.refs[i].day].push_back({batch.refs[i].commit_id, ids, &blocks[i]});
  }
  // Never handed out twice, even when a later step fails: what lies in a day's file keeps its id.
  next_commit_id_ = batch.next_commit_id;
  for (const auto& [day, puts] : by_day) TRY(days_.put(day, puts));
  return {};
}

Result<std::vector<CommitOutcome>> SqliteStore::commit_blocks(std::span<const IncomingBlock> blocks) {
  TRY_DURING(heal(), "commit blocks");
  Result<std::vector<CommitOutcome>> outcomes = store_blocks(blocks);
  if (outcomes.ok() || !found_damage(outcomes.error())) return outcomes;
  TRY_DURING(heal(), "commit blocks");
  return store_blocks(blocks);
}

Result<std::vector<CommitOutcome>> SqliteStore::store_blocks(std::span<const IncomingBlock> blocks) {
  Batch batch = TRY_DURING(place(blocks), "commit blocks");
  if (batch.next_commit_id == next_commit_id_) return batch.outcomes;  // nothing new
  TRY_DURING(put(batch, blocks), "commit blocks");

  const auto index = [&](Database& database) -> Status {
    std::string oldest = TRY(read_oldest_day(database));
    for (size_t i = 0; i < blocks.size(); ++i) {
      if (!batch.stores(i)) continue;
      TRY(insert_block(database, batch.refs[i]));
      // The clock was set back behind a dropped day: the day counts again, or the next start removes it.
      if (batch.refs[i].day < oldest) {
        oldest = batch.refs[i].day;
        TRY(write_oldest_day(database, oldest));
      }
    }
    for (const auto& [stream, through] : batch.through) {
      const auto& [agent, epoch, lane] = stream;
      if (through > 0) TRY(save_through(database, agent, epoch, lane, through));
    }
    return write_number(database, number_last_commit, static_cast<int64_t>(batch.next_commit_id - 1));
  };
  TRY(try_write("commit blocks", index));
  last_commit_id_ = batch.next_commit_id - 1;
  return batch.outcomes;
}

Result<CommitOutcome> SqliteStore::commit_gap(const IncomingGap& gap) {
  CommitOutcome outcome;
  IncomingGap missing = gap;
  missing.reason.resize(std::min(missing.reason.size(), gap_reason_bytes_max));
  const auto record = [&](Database& database) -> Status {
    const uint64_t through = TRY(find_through(database, gap.agent, gap.epoch, gap.lane));
    outcome.through = through;
    outcome.result = TRY(place_gap(through, gap));
    if (outcome.result != CommitResult::stored) return {};
    missing.from = through + 1;
    TRY(insert_gap(database, missing));
    outcome.through = gap.to;
    return save_through(database, gap.agent, gap.epoch, gap.lane, gap.to);
  };
  TRY(write("commit a gap", record));
  if (outcome.result == CommitResult::stored) copy_entities({.gaps = {missing}});
  return outcome;
}

Result<uint64_t> SqliteStore::drop_days_before(const std::string& day) {
  TRY(check_day(day));
  // What is dropped can no longer tell how far its streams had come: the copies must.
  copies_stale_ = true;
  copy_entities({});

  uint64_t blocks = 0;
  const auto drop = [&](Database& database) -> Status {
    blocks = TRY(erase_days_before(database, day));
    const std::string oldest = TRY(read_oldest_day(database));
    if (day <= oldest) return {};
    return write_oldest_day(database, day);
  };
  // The index first: from here on a restart finishes what is left of the files.
  TRY(write("drop days", drop));
  TRY_DURING(finish_drops(), "drop days");
  return blocks;
}

Status SqliteStore::set_aside(const BlockRef& block, const std::string& reason) {
  TRY_DURING(heal(), "set a block aside");
  Database* database = TRY(org_->writer());
  const std::optional<BlockRef> known = TRY(find_block(*database, block.commit_id));
  if (!known || known->identity != block.identity) return {};  // already out
  const Result<Bytes> bytes = days_.read_whole(*known);
  if (bytes.ok() && is_whole(*known, *bytes)) return {};

  if (!bytes.ok() && days_.has_damaged()) return heal();  // takes out every block that its file has lost
  // The bytes first: a crash in between leaves an entry without a block, which is met and set aside again.
  Status moved = days_.set_aside(*known, reason);
  if (!moved.ok() && moved.error().code() != Code::not_found) return moved;
  log_warn("a damaged block was set aside", {{"commit_id", block.commit_id}, {"day", block.day}, {"reason", reason}});
  uint64_t damaged = 0;
  const auto take_out = [&](Database& org) -> Status {
    TRY(erase_block(org, *known));
    const int64_t before = TRY(read_number(org, number_damaged));
    damaged = static_cast<uint64_t>(before) + 1;
    return write_number(org, number_damaged, before + 1);
  };
  TRY(write("set a block aside", take_out));
  copy_entities({.damaged_blocks = damaged});
  return {};
}

// -- Entities --------------------------------------------------------------------------------------------------------

Status SqliteStore::enrol_agent(BytesView token_hash, WallTime now, const Agent& agent) {
  Entities changed{.agents = {agent}};
  const auto work = [&](Database& database) -> Status {
    TRY(enrol(database, token_hash, now, agent));
    const StoredToken token = TRY(find_token(database, token_hash));
    changed.tokens = {token};
    return {};
  };
  TRY(write("enrol an agent", work));
  copy_entities(changed);
  return {};
}

Status SqliteStore::change_agent(const char* purpose, const Uuid& agent,
                                 const std::function<Status(Database&)>& change) {
  Entities changed;
  const auto work = [&](Database& database) -> Status {
    TRY(change(database));
    const Agent now = TRY(server::find_agent(database, agent));
    changed.agents = {now};
    return {};
  };
  TRY(write(purpose, work));
  copy_entities(changed);
  return {};
}

Status SqliteStore::record_certificate(const Uuid& agent, const std::string& serial, WallTime not_after) {
  return change_agent("record a certificate", agent,
                      [&](Database& database) { return save_certificate(database, agent, serial, not_after); });
}

Status SqliteStore::revoke_agent(const Uuid& agent) {
  return change_agent("revoke an agent", agent, [&](Database& database) { return revoke(database, agent); });
}

Status SqliteStore::record_seen(std::span<const AgentSeen> seen) {
  return write("record what was seen", [&](Database& database) -> Status {
    for (const AgentSeen& sight : seen) TRY(save_seen(database, sight));
    return {};
  });
}

Status SqliteStore::record_audit_alarm(const Uuid& agent, const std::string& alarm) {
  return write("note an agent's alarm", [&](Database& database) { return save_audit_alarm(database, agent, alarm); });
}

Status SqliteStore::add_enrol_token(const EnrolToken& token) {
  TRY(write("add an enrolment token", [&](Database& database) { return add_token(database, token); }));
  copy_entities({.tokens = {{token.hash, token.expires, false}}});
  return {};
}

Status SqliteStore::add_api_key(const ApiKey& key) {
  TRY(write("add an API key", [&](Database& database) { return add_key(database, key); }));
  copy_entities({.keys = {key}});
  return {};
}

// -- Reading ---------------------------------------------------------------------------------------------------------

Result<std::vector<StreamPosition>> SqliteStore::stream_positions(const Uuid& agent) const {
  return read([&](Database& database) { return list_streams(database, agent); });
}

Status SqliteStore::visit_blocks_newest_first(const BlockQuery& query,
                                              const std::function<bool(const BlockRef&)>& visit) const {
  NewestMark below;
  for (size_t count = visit_batch_first;; count = std::min(count * 2, visit_batch_max)) {
    const std::vector<BlockRef> blocks =
        TRY(read([&](Database& database) { return list_newest_first(database, query, below, count); }));
    for (const BlockRef& block : blocks) {
      if (!visit(block)) return {};
    }
    if (blocks.size() < count) return {};
    below = {blocks.back().time_max.ns, blocks.back().commit_id};
  }
}

Status SqliteStore::visit_blocks_by_commit(const BlockQuery& query,
                                           const std::function<bool(const BlockRef&)>& visit) const {
  uint64_t after = query.after_commit_id;
  for (size_t count = visit_batch_first;; count = std::min(count * 2, visit_batch_max)) {
    const std::vector<BlockRef> blocks =
        TRY(read([&](Database& database) { return list_by_commit(database, query, after, count); }));
    for (const BlockRef& block : blocks) {
      if (!visit(block)) return {};
    }
    if (blocks.size() < count) return {};
    after = blocks.back().commit_id;
  }
}

// A day's file may know an id whose block the index does not: a crash or a failed commit left it behind.
Result<std::vector<ItemId>> SqliteStore::find_items(std::span<const ItemId> ids, WallTime since) const {
  if (ids.empty()) return std::vector<ItemId>();
  const std::vector<FoundItem> found = TRY(days_.find_items(ids, format_day(since)));
  std::vector<ItemId> stored;
  if (found.empty()) return stored;
  const Status looked_up = read([&](Database& database) -> Status {
    for (const FoundItem& item : found) {
      const std::optional<BlockRef> block = TRY(find_block(database, item.commit_id));
      if (block) stored.push_back(item.id);
    }
    return {};
  });
  if (!looked_up.ok()) return looked_up.error();
  return stored;
}

Error SqliteStore::explain_failed_read(const BlockRef& block, const Error& error) const {
  if (error.code() != Code::not_found) return error;
  const Result<std::optional<BlockRef>> known =
      read([&](Database& database) { return find_block(database, block.commit_id); });
  if (!known.ok()) return known.error();
  if (!known->has_value()) return error;
  return Error(Code::corrupt, error.text() + ", though the index says so");
}

Result<Bytes> SqliteStore::read_header(const BlockRef& block) const {
  Result<Bytes> bytes = days_.read_head(block);
  if (!bytes.ok()) return explain_failed_read(block, bytes.error());
  TRY(check_stamp(block, *bytes));
  return bytes;
}

Result<Bytes> SqliteStore::read_block(const BlockRef& block) const {
  Result<Bytes> bytes = days_.read_whole(block);
  if (!bytes.ok()) return explain_failed_read(block, bytes.error());
  TRY(check_stamp(block, *bytes));
  return bytes;
}

Result<std::vector<Agent>> SqliteStore::list_agents() const {
  return read([](Database& database) { return server::list_agents(database); });
}

Result<Agent> SqliteStore::find_agent(const Uuid& agent) const {
  return read([&](Database& database) { return server::find_agent(database, agent); });
}

Result<ApiKey> SqliteStore::find_api_key(BytesView hash) const {
  return read([&](Database& database) { return find_key(database, hash); });
}

Result<std::vector<GapRecord>> SqliteStore::list_gaps(const Uuid& agent) const {
  return read([&](Database& database) { return server::list_gaps(database, agent); });
}

Result<StoreCounters> SqliteStore::counters() const {
  return read([](Database& database) { return read_counters(database); });
}

}  // namespace reeve::server
