// The accounts that live in memory: for tests and simulations.
#pragma once

#include <map>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "server/store/accounts.h"
#include "server/store/audit_tree.h"

namespace reeve::server {

// `store` keeps the agents and outlives this. One shared mutex guards everything here; it is never held while calling
// the store.
class MemoryAccounts : public Accounts {
 public:
  explicit MemoryAccounts(Store& store) : store_(store) {}

  Result<bool> add_user(const User& user, const AuditEntry& entry) override;
  Result<UserChanged> change_user(const Uuid& user, const UserChange& change, const AuditEntry& entry) override;
  Status open_session(const Session& session, const AuditEntry& entry) override;
  Status refresh_session(BytesView hash, WallTime now, WallTime expires) override;
  Status end_session(BytesView hash, const AuditEntry& entry) override;
  Status add_api_key(const ApiKey& key, const AuditEntry& entry) override;
  Status revoke_api_key(const Uuid& key, const AuditEntry& entry) override;
  Status note_key_used(BytesView hash, WallTime at) override;
  Status enrol_agent(BytesView token_hash, WallTime now, const Agent& agent, const AuditEntry& entry) override;
  Status revoke_agent(const Uuid& agent, const AuditEntry& entry) override;
  Status add_enrol_token(const EnrolToken& token, const AuditEntry& entry) override;
  Status append_audit(const AuditEntry& entry) override;
  Status note_audit_alarm(const Uuid& agent, const std::string& alarm, const AuditEntry& entry) override;
  Status save_checkpoint(const AuditCheckpoint& checkpoint) override;
  Status save_answer(const StoredAnswer& answer, WallTime now) override;

  Result<User> find_user(const Uuid& user) const override;
  Result<User> find_user_by_email(const std::string& email) const override;
  Result<std::vector<User>> list_users() const override;
  Result<Session> find_session(BytesView hash) const override;
  Result<std::vector<ApiKey>> list_api_keys() const override;
  Result<std::vector<AuditEntry>> list_audit(const AuditQuery& query) const override;
  Result<AuditTree> audit_tree() const override;
  Result<AuditSlice> read_audit(uint64_t from, size_t count) const override;
  Result<std::vector<warrant::Hash>> audit_subtrees(uint64_t size) const override;
  Result<std::vector<warrant::Hash>> prove_audit(uint64_t old_size, uint64_t size) const override;
  Result<AuditCheckpoint> newest_checkpoint() const override;
  Result<StoredAnswer> find_answer(BytesView key_hash, WallTime now) const override;

  // The store's own verbs, told in no audit.
  Status put_api_key(const ApiKey& key);
  Result<ApiKey> find_api_key(BytesView hash) const;

 private:
  void append(const AuditEntry& entry);  // under the mutex
  Status put(const ApiKey& key);         // under the mutex
  AuditNodeAt node_at() const;           // under the mutex

  Store& store_;
  mutable std::shared_mutex mutex_;
  std::map<Uuid, User> users_;
  std::map<Bytes, Session> sessions_;
  std::map<Bytes, ApiKey> keys_;
  std::map<uint64_t, AuditEntry> audit_;
  struct Leaf {
    uint64_t entry_id = 0;
    warrant::Hash hash;
  };
  std::vector<Leaf> leaves_;
  std::map<std::pair<uint32_t, uint64_t>, warrant::Hash> nodes_;  // by level and position, from level 1
  std::vector<AuditCheckpoint> checkpoints_;
  std::map<Bytes, StoredAnswer> answers_;
};

}  // namespace reeve::server
