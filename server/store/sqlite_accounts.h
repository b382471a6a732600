// The accounts in org.db, through the doors that the store opens for them: its transactions, its readers, its copies.
#pragma once

#include <functional>
#include <optional>

#include "server/store/accounts.h"
#include "server/store/entity_copies.h"
#include "server/store/sqlite.h"

namespace reeve::server {

class SqliteAccounts : public Accounts {
 public:
  using Work = std::function<Status(Database&)>;
  // All three live as long as the store. `write` runs the work in one transaction, perhaps a second time after a
  // repair.
  struct Doors {
    std::function<Status(const char* purpose, const Work& work)> write;
    std::function<Status(const Work& work)> read;
    std::function<void(const Entities& changed)> copy;
  };
  explicit SqliteAccounts(Doors doors) : doors_(std::move(doors)) {}

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

 private:
  // The work and its audit entry in one transaction; what the work put into `changed` goes to the copies.
  Status change(const char* purpose, const AuditEntry& entry,
                const std::function<Status(Database&, Entities& changed)>& work);
  // `find` through a reader.
  template <typename T>
  Result<T> read(const std::function<Result<T>(Database&)>& find) const;

  const Doors doors_;
};

}  // namespace reeve::server
