// The store that keeps everything in memory: for tests and simulations.
//
// One shared mutex guards everything. Visits copy what matches and call back without the lock, so a visitor may read
// blocks, or commit some.
#include <algorithm>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <tuple>

#include "server/store/memory_accounts.h"
#include "server/store/rules.h"
#include "server/store/store.h"

namespace reeve::server {

namespace {

struct StreamKey {
  Uuid agent;
  Uuid epoch;
  wire::Lane lane;
  auto operator<=>(const StreamKey&) const = default;
};

struct StoredBlock {
  BlockRef ref;
  Bytes bytes;
};

class MemoryStore : public Store {
 public:
  Accounts& accounts() override { return accounts_; }
  const Accounts& accounts() const override { return accounts_; }

  Result<std::vector<CommitOutcome>> commit_blocks(std::span<const IncomingBlock> blocks) override {
    // Everything that can fail comes first, so that the batch is stored wholly or not at all.
    std::vector<BlockRef> refs;
    for (const IncomingBlock& block : blocks) refs.push_back(TRY(describe_block(block)));

    std::unique_lock lock(mutex_);
    std::vector<CommitOutcome> outcomes;
    for (size_t i = 0; i < blocks.size(); ++i) {
      const wire::BlockIdentity& identity = blocks[i].identity;
      const StreamKey stream{identity.agent, identity.epoch, identity.lane};
      uint64_t through = find_through(stream);
      const CommitResult result = place_block(through, identity.sequence);
      if (result == CommitResult::stored) {
        through = streams_[stream] = identity.sequence;
        refs[i].commit_id = ++last_commit_id_;
        blocks_[refs[i].commit_id] = StoredBlock{refs[i], blocks[i].bytes};
        for (const ItemId& id : blocks[i].item_ids) items_[id] = refs[i].commit_id;
      }
      outcomes.push_back({result, through});
    }
    return outcomes;
  }

  Result<CommitOutcome> commit_gap(const IncomingGap& gap) override {
    std::unique_lock lock(mutex_);
    const uint64_t through = find_through({gap.agent, gap.epoch, gap.lane});
    const CommitResult result = TRY(place_gap(through, gap));
    if (result != CommitResult::stored) return CommitOutcome{result, through};

    IncomingGap missing = gap;
    missing.from = through + 1;
    missing.reason.resize(std::min(missing.reason.size(), gap_reason_bytes_max));
    gaps_.push_back(missing);
    streams_[{gap.agent, gap.epoch, gap.lane}] = gap.to;
    return CommitOutcome{result, gap.to};
  }

  Status enrol_agent(BytesView token_hash, WallTime now, const Agent& agent) override {
    std::unique_lock lock(mutex_);
    const auto token = tokens_.find(Bytes(token_hash));
    TRY(check_token(token == tokens_.end() ? std::nullopt : std::optional(token->second), now));
    if (agents_.contains(agent.id))
      return Error(Code::invalid, "agent " + to_string(agent.id) + " is enrolled already");

    token->second.used = true;
    agents_[agent.id] = agent;
    return {};
  }

  Status record_certificate(const Uuid& agent, const std::string& serial, WallTime not_after) override {
    std::unique_lock lock(mutex_);
    Agent* known = find(agent);
    if (known == nullptr) return no_agent(agent);
    known->certificate_serial = serial;
    known->certificate_not_after = not_after;
    return {};
  }

  Status revoke_agent(const Uuid& agent) override {
    std::unique_lock lock(mutex_);
    Agent* known = find(agent);
    if (known == nullptr) return no_agent(agent);
    known->revoked = true;
    return {};
  }

  Status record_audit_alarm(const Uuid& agent, const std::string& alarm) override {
    std::unique_lock lock(mutex_);
    Agent* known = find(agent);
    if (!known) return no_agent(agent);
    known->audit_alarm = alarm;
    return {};
  }

  Status record_seen(std::span<const AgentSeen> seen) override {
    std::unique_lock lock(mutex_);
    for (const AgentSeen& sight : seen) {
      Agent* agent = find(sight.agent);
      if (agent == nullptr) continue;  // the link may outlive the fleet's memory of its agent
      agent->last_seen = std::max(agent->last_seen, sight.at);
      if (!sight.host.empty()) agent->host = sight.host;
      if (!sight.version.empty()) agent->version = sight.version;
      agent->spool_bytes = sight.spool_bytes;
      agent->dropped_total = sight.dropped_total;
      agent->oldest_unsent_age_ms = sight.oldest_unsent_age_ms;
    }
    return {};
  }

  Status add_enrol_token(const EnrolToken& token) override {
    std::unique_lock lock(mutex_);
    std::erase_if(tokens_, [&](const auto& known) { return known.second.expires + token_memory < token.expires; });
    const auto known = tokens_.find(token.hash);
    TRY(check_new_token(known == tokens_.end() ? std::nullopt : std::optional(known->second), token));
    tokens_[token.hash] = {token.expires, false};
    return {};
  }

  Status add_api_key(const ApiKey& key) override { return accounts_.put_api_key(key); }

  Result<uint64_t> drop_days_before(const std::string& day) override {
    TRY(check_day(day));
    std::unique_lock lock(mutex_);
    std::erase_if(gaps_, [&](const IncomingGap& gap) { return format_day(gap.arrival) < day; });
    const uint64_t dropped = std::erase_if(blocks_, [&](const auto& block) { return block.second.ref.day < day; });
    std::erase_if(items_, [&](const auto& item) { return !blocks_.contains(item.second); });
    return dropped;
  }

  Status set_aside(const BlockRef& block, const std::string&) override {
    std::unique_lock lock(mutex_);
    const auto stored = blocks_.find(block.commit_id);
    if (stored == blocks_.end() || is_whole(stored->second.ref, stored->second.bytes)) return {};
    blocks_.erase(stored);
    ++damaged_blocks_;
    return {};
  }

  Result<std::vector<StreamPosition>> stream_positions(const Uuid& agent) const override {
    std::shared_lock lock(mutex_);
    std::vector<StreamPosition> positions;
    for (const auto& [key, through] : streams_) {
      if (key.agent == agent) positions.push_back({key.epoch, key.lane, through});
    }
    return positions;
  }

  Status visit_blocks_newest_first(const BlockQuery& query,
                                   const std::function<bool(const BlockRef&)>& visit) const override {
    std::vector<BlockRef> found = find_blocks(query);
    std::sort(found.begin(), found.end(), [](const BlockRef& a, const BlockRef& b) {
      return std::tie(a.time_max, a.commit_id) > std::tie(b.time_max, b.commit_id);
    });
    for (const BlockRef& block : found) {
      if (!visit(block)) break;
    }
    return {};
  }

  Status visit_blocks_by_commit(const BlockQuery& query,
                                const std::function<bool(const BlockRef&)>& visit) const override {
    for (const BlockRef& block : find_blocks(query)) {
      if (!visit(block)) break;
    }
    return {};
  }

  Result<Bytes> read_header(const BlockRef& block) const override {
    Bytes bytes = TRY(read_block(block));
    bytes.resize(TRY(head_bytes(bytes)));
    return bytes;
  }

  Result<Bytes> read_block(const BlockRef& block) const override {
    std::shared_lock lock(mutex_);
    const auto stored = blocks_.find(block.commit_id);
    if (stored == blocks_.end()) {
      return Error(Code::not_found, "block " + std::to_string(block.commit_id) + " is not stored (any more)");
    }
    return stored->second.bytes;
  }

  Result<uint64_t> last_commit_id() const override {
    std::shared_lock lock(mutex_);
    return last_commit_id_;
  }

  Result<std::vector<ItemId>> find_items(std::span<const ItemId> ids, WallTime since) const override {
    std::shared_lock lock(mutex_);
    const std::string day = format_day(since);
    std::vector<ItemId> found;
    for (const ItemId& id : ids) {
      const auto item = items_.find(id);
      if (item == items_.end()) continue;
      const auto block = blocks_.find(item->second);
      if (block != blocks_.end() && block->second.ref.day >= day) found.push_back(id);
    }
    return found;
  }

  Result<std::vector<Agent>> list_agents() const override {
    std::shared_lock lock(mutex_);
    std::vector<Agent> agents;
    for (const auto& [id, agent] : agents_) agents.push_back(agent);
    return agents;
  }

  Result<Agent> find_agent(const Uuid& agent) const override {
    std::shared_lock lock(mutex_);
    const auto known = agents_.find(agent);
    if (known == agents_.end()) return no_agent(agent);
    return known->second;
  }

  Result<ApiKey> find_api_key(BytesView hash) const override { return accounts_.find_api_key(hash); }

  Result<std::vector<GapRecord>> list_gaps(const Uuid& agent) const override {
    std::shared_lock lock(mutex_);
    std::vector<GapRecord> gaps;
    for (auto gap = gaps_.rbegin(); gap != gaps_.rend() && gaps.size() < gaps_listed_max; ++gap) {
      if (gap->agent == agent) gaps.push_back({*gap});
    }
    return gaps;
  }

  Result<StoreCounters> counters() const override {
    std::shared_lock lock(mutex_);
    StoreCounters counters;
    counters.blocks = blocks_.size();
    for (const auto& [id, block] : blocks_) {
      counters.rows += block.ref.rows;
      counters.bytes += block.ref.bytes;
    }
    counters.damaged_blocks = damaged_blocks_;
    return counters;
  }

 private:
  static Error no_agent(const Uuid& agent) { return Error(Code::not_found, "there is no agent " + to_string(agent)); }

  Agent* find(const Uuid& agent) {
    const auto known = agents_.find(agent);
    return known == agents_.end() ? nullptr : &known->second;
  }

  uint64_t find_through(const StreamKey& stream) const {
    const auto known = streams_.find(stream);
    return known == streams_.end() ? 0 : known->second;
  }

  // By commit_id, ascending: the map's own order.
  std::vector<BlockRef> find_blocks(const BlockQuery& query) const {
    std::shared_lock lock(mutex_);
    std::vector<BlockRef> found;
    for (const auto& [id, block] : blocks_) {
      if (matches(query, block.ref)) found.push_back(block.ref);
    }
    return found;
  }

  mutable std::shared_mutex mutex_;
  std::map<uint64_t, StoredBlock> blocks_;
  std::map<ItemId, uint64_t> items_;  // the block each came with
  uint64_t last_commit_id_ = 0;
  uint64_t damaged_blocks_ = 0;
  std::map<StreamKey, uint64_t> streams_;
  std::vector<IncomingGap> gaps_;
  std::map<Uuid, Agent> agents_;
  std::map<Bytes, TokenState> tokens_;
  MemoryAccounts accounts_{*this};
};

}  // namespace

std::unique_ptr<Store> make_memory_store() {
  return std::make_unique<MemoryStore>();
}

}  // namespace reeve::server
