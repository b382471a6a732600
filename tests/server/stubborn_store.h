// A memory store that fails or waits when a test says so.
#pragma once

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "server/store/store.h"

namespace reeve::server {

class StubbornStore : public Store {
 public:
  std::unique_ptr<Store> inner = make_memory_store();
  mutable std::atomic<int> listing{0};
  std::optional<Uuid> unwelcome;                 // no transaction with a block of this agent succeeds
  std::atomic<bool> full{false};                 // commits fail
  std::optional<std::shared_future<void>> held;  // listing agents waits for it; set before the store is shared

  Accounts& accounts() override { return inner->accounts(); }
  const Accounts& accounts() const override { return std::as_const(*inner).accounts(); }
  Result<std::vector<CommitOutcome>> commit_blocks(std::span<const IncomingBlock> blocks) override {
    if (full) return Error(Code::exhausted, "the disk is full");
    for (const IncomingBlock& block : blocks) {
      if (block.identity.agent == unwelcome) return Error(Code::invalid, "not this one");
    }
    return inner->commit_blocks(blocks);
  }
  Result<CommitOutcome> commit_gap(const IncomingGap& gap) override { return inner->commit_gap(gap); }
  Status enrol_agent(BytesView token, WallTime now, const Agent& agent) override {
    return inner->enrol_agent(token, now, agent);
  }
  Status record_certificate(const Uuid& agent, const std::string& serial, WallTime not_after) override {
    return inner->record_certificate(agent, serial, not_after);
  }
  Status revoke_agent(const Uuid& agent) override { return inner->revoke_agent(agent); }
  Status record_seen(std::span<const AgentSeen> seen) override { return inner->record_seen(seen); }
  Status record_audit_alarm(const Uuid& agent, const std::string& alarm) override {
    return inner->record_audit_alarm(agent, alarm);
  }
  Status add_enrol_token(const EnrolToken& token) override { return inner->add_enrol_token(token); }
  Status add_api_key(const ApiKey& key) override { return inner->add_api_key(key); }
  Result<uint64_t> drop_days_before(const std::string& day) override { return inner->drop_days_before(day); }
  Status set_aside(const BlockRef& block, const std::string& reason) override {
    return inner->set_aside(block, reason);
  }
  Result<std::vector<StreamPosition>> stream_positions(const Uuid& agent) const override {
    return inner->stream_positions(agent);
  }
  Status visit_blocks_newest_first(const BlockQuery& query,
                                   const std::function<bool(const BlockRef&)>& visit) const override {
    return inner->visit_blocks_newest_first(query, visit);
  }
  Status visit_blocks_by_commit(const BlockQuery& query,
                                const std::function<bool(const BlockRef&)>& visit) const override {
    return inner->visit_blocks_by_commit(query, visit);
  }
  Result<Bytes> read_header(const BlockRef& block) const override { return inner->read_header(block); }
  Result<Bytes> read_block(const BlockRef& block) const override { return inner->read_block(block); }
  Result<uint64_t> last_commit_id() const override { return inner->last_commit_id(); }
  Result<std::vector<ItemId>> find_items(std::span<const ItemId> ids, WallTime since) const override {
    return inner->find_items(ids, since);
  }
  Result<std::vector<Agent>> list_agents() const override {
    ++listing;
    if (held) held->wait();
    return inner->list_agents();
  }
  Result<Agent> find_agent(const Uuid& agent) const override { return inner->find_agent(agent); }
  Result<ApiKey> find_api_key(BytesView hash) const override { return inner->find_api_key(hash); }
  Result<std::vector<GapRecord>> list_gaps(const Uuid& agent) const override { return inner->list_gaps(agent); }
  Result<StoreCounters> counters() const override { return inner->counters(); }
};

}  // namespace reeve::server
