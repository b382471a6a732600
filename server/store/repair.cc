// What the store on disk does about damaged files; docs/decisions/0004-store-damage.md tells why.
//
// A day's file is made anew from the blocks that can still be found in it, and what it lost leaves the index, counted.
// org.db is made anew from the days' files and the entities' copies. Both happen on the writer's thread, before the
// next writing verb; readers go on with the old file meanwhile.
#include <algorithm>

#include "common/base/log.h"
#include "server/store/account_tables.h"
#include "server/store/audit_log.h"
#include "server/store/block_index.h"
#include "server/store/entities.h"
#include "server/store/replace_file.h"
#include "server/store/rules.h"
#include "server/store/sqlite_store_impl.h"

namespace reeve::server {

namespace {

constexpr size_t entries_at_once = 256;
constexpr int rounds_max = 3;

Result<bool> every_block(const SalvagedBlock&) {
  return true;
}

}  // namespace

Status SqliteStore::heal() {
  // Damage may come to light while other damage is repaired; each file is made anew at most once a round.
  for (int round = 1; org_damaged_ || days_.has_damaged(); ++round) {
    if (org_damaged_) TRY(rebuild_index());
    const std::vector<std::string> days = days_.take_damaged();
    for (size_t i = 0; i < days.size(); ++i) {
      Status repaired = repair_day(days[i]);
      if (repaired.ok()) continue;
      for (; i < days.size(); ++i) days_.note_damage(days[i]);
      if (!org_damaged_ || round == rounds_max) return repaired;
    }
  }
  return {};
}

// -- A day -----------------------------------------------------------------------------------------------------------

Status SqliteStore::repair_day(const std::string& day) {
  if (!options_.disk.stat(days_.path(day)).ok()) return {};  // dropped meanwhile
  Database* database = TRY(org_->writer());
  const auto indexed = [&](const SalvagedBlock& block) -> Result<bool> {
    if (block.commit_id > last_commit_id_) return true;  // not indexed yet
    const std::optional<BlockRef> known = TRY(find_block(*database, block.commit_id));
    return known && known->day == day && known->identity == block.block.identity;
  };
  const DayFiles::Repaired repaired = TRY(days_.repair(day, indexed));
  prepared_days_.erase(day);

  uint64_t lost = 0;
  uint64_t damaged = 0;
  const auto take_out = [&](Database& org) -> Status {
    lost = 0;
    uint64_t after = 0;
    for (bool more = true; more;) {
      const std::vector<BlockRef> blocks = TRY(list_of_day(org, day, after, entries_at_once));
      more = blocks.size() == entries_at_once;
      for (const BlockRef& block : blocks) {
        after = block.commit_id;
        if (repaired.commit_ids.contains(block.commit_id)) continue;
        TRY(erase_block(org, block));
        ++lost;
      }
    }
    const int64_t before = TRY(read_number(org, number_damaged));
    damaged = static_cast<uint64_t>(before) + lost;
    return write_number(org, number_damaged, static_cast<int64_t>(damaged));
  };
  TRY(try_write("take lost blocks out", take_out));
  copy_entities({.damaged_blocks = damaged});
  if (lost == 0) return days_.forget_damaged(repaired);
  log_error("blocks of a damaged day are lost", {{"day", day}, {"blocks", lost}});
  return {};
}

// -- The index -------------------------------------------------------------------------------------------------------

Status SqliteStore::rebuild_index() {
  log_error("the index is damaged and is made anew", {{"file", org_path()}});
  const Entities entities = TRY_DURING(copies_.load(), "rebuild the index");
  TRY(begin_replacement(options_.disk, org_path()));
  StoreFile anew(org_options(replacement_path(org_path())));
  Database* index = TRY(anew.writer());
  {
    Transaction transaction = TRY(Transaction::begin(*index));
    for (const Agent& agent : entities.agents) TRY(save_agent(*index, agent));
    for (const StoredToken& token : entities.tokens) TRY(save_token(*index, token));
    for (const ApiKey& key : entities.keys) TRY(save_key(*index, key));
    for (const User& user : entities.users) TRY(save_user(*index, user));
    TRY(write_number(*index, number_last_audit, static_cast<int64_t>(entities.audit_through.value_or(0))));
    for (const IncomingGap& gap : entities.gaps) {
      TRY(insert_gap(*index, gap));
      TRY(save_through(*index, gap.agent, gap.epoch, gap.lane, gap.to));
    }
    for (const auto& [agent, position] : entities.streams) {
      TRY(save_through(*index, agent, position.epoch, position.lane, position.through));
    }
    TRY(transaction.commit());
  }
  for (const std::string& day : TRY(days_.list())) {
    if (days_.is_damaged(day)) TRY(days_.repair(day, every_block));
  }
  TRY(begin_identity_checks(*index));
  for (const std::string& day : TRY(days_.list())) TRY(index_day(*index, day));
  // What was lost together with the index shows as holes in the streams; what was counted before is among them.
  const uint64_t holes = TRY(count_holes(*index));
  TRY(end_identity_checks(*index));
  const uint64_t damaged_blocks = std::max(holes, entities.damaged_blocks.value_or(0));
  TRY(write_number(*index, number_damaged, static_cast<int64_t>(damaged_blocks)));
  last_commit_id_ = std::max<uint64_t>(last_commit_id_, TRY(read_number(*index, number_last_commit)));
  TRY(write_number(*index, number_last_commit, static_cast<int64_t>(last_commit_id_)));
  next_commit_id_ = std::max<uint64_t>(next_commit_id_, last_commit_id_ + 1);
  anew.close();

  if (const std::shared_ptr<StoreFile> old = org()) old->close();
  const std::string damaged = TRY(finish_replacement(options_.disk, org_path()));
  org_damaged_ = false;
  TRY(open_org());
  copies_stale_ = true;
  copy_entities({});
  log_error("the index was made anew", {{"damaged_file", damaged}, {"damaged_blocks", damaged_blocks}});
  return {};
}

Status SqliteStore::index_day(Database& index, const std::string& day) {
  // Whatever can be read now is taken; a day that SQLite cannot read is repaired first.
  Result<std::vector<DayFiles::Held>> held = days_.list_held(day, 0, entries_at_once);
  uint64_t after = 0;
  bool repaired = false;
  while (true) {
    if (!held.ok() && held.error().code() == Code::corrupt && !repaired) {
      TRY(days_.repair(day, every_block));
      repaired = true;
      held = days_.list_held(day, after, entries_at_once);
    }
    if (!held.ok()) return held.error();
    if (held->empty()) return {};

    Transaction transaction = TRY(Transaction::begin(index));
    for (const DayFiles::Held& block : *held) {
      after = block.commit_id;
      Result<BlockRef> ref = describe_head({block.identity, block.arrival, block.head, block.bytes});
      if (!ref.ok()) continue;
      ref->commit_id = block.commit_id;
      ref->day = day;
      if (TRY(find_block(index, ref->commit_id)) || TRY(is_indexed(index, ref->identity))) continue;
      TRY(insert_block(index, *ref));
      TRY(save_through(index, ref->identity.agent, ref->identity.epoch, ref->identity.lane, ref->identity.sequence));
    }
    const int64_t last = TRY(read_number(index, number_last_commit));
    TRY(write_number(index, number_last_commit, std::max<int64_t>(last, static_cast<int64_t>(after))));
    TRY(transaction.commit());
    held = days_.list_held(day, after, entries_at_once);
  }
}

// -- Copies ----------------------------------------------------------------------------------------------------------

Result<Entities> SqliteStore::read_entities(Database& database) {
  Entities all;
  all.agents = TRY(server::list_agents(database));
  all.tokens = TRY(list_tokens(database));
  all.keys = TRY(list_keys(database));
  all.users = TRY(server::list_users(database));
  all.audit_through = static_cast<uint64_t>(TRY(read_number(database, number_last_audit))) + audit_copy_step;
  all.gaps = TRY(list_all_gaps(database));
  for (const auto& [agent, position] : TRY(list_all_streams(database))) all.streams.push_back({agent, position});
  all.damaged_blocks = static_cast<uint64_t>(TRY(read_number(database, number_damaged)));
  return all;
}

void SqliteStore::copy_entities(const Entities& changed) {
  const auto copy = [&]() -> Status {
    if (!copies_stale_ && !copies_.wants_rewrite()) return copies_.append(changed);
    Database* database = TRY(org_->writer());
    const Entities all = TRY(read_entities(*database));
    return copies_.rewrite(all);
  };
  const Status copied = copy();
  copies_stale_ = !copied.ok();
  if (!copied.ok()) log_warn("the entities' copies could not be written", {{"reason", copied.error().text()}});
}

}  // namespace reeve::server
