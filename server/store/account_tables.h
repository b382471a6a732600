// Users, sessions and remembered answers in org.db; API keys are in entities.h, the audit is in audit_log.h.
//
// Functions over a connection. Those that write belong inside the caller's transaction.
#pragma once

#include <optional>
#include <vector>

#include "common/base/result.h"
#include "server/store/accounts.h"
#include "server/store/sqlite.h"

namespace reeve::server {

Status save_user(Database& database, const User& user);  // whole, new or known
Result<std::optional<User>> find_user(Database& database, const Uuid& id);
Result<std::optional<User>> find_user_by_email(Database& database, const std::string& email);
Result<std::vector<User>> list_users(Database& database);
Result<uint64_t> count_users(Database& database);
Result<uint64_t> count_active_admins(Database& database);

Status save_session(Database& database, const Session& session);  // new or known
Result<std::optional<Session>> find_session(Database& database, BytesView hash);
Status erase_session(Database& database, BytesView hash);
Status erase_sessions_of(Database& database, const Uuid& user, BytesView but);
Status erase_expired_sessions(Database& database, WallTime now);
Status erase_oldest_sessions(Database& database, const Uuid& user, size_t kept);

Status save_answer(Database& database, const StoredAnswer& answer, WallTime now);
Result<std::optional<StoredAnswer>> find_answer(Database& database, BytesView key_hash, WallTime now);

}  // namespace reeve::server
