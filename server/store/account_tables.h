// Users, sessions, the audit and remembered answers in org.db; API keys are in entities.h.
//
// Functions over a connection. Those that write belong inside the caller's transaction.
#pragma once

#include <optional>
#include <vector>

#include "common/base/result.h"
#include "server/store/accounts.h"
#include "server/store/sqlite.h"

namespace reeve::server {

constexpr const char* number_last_audit = "last_audit_id";
constexpr uint64_t audit_copy_step = 64;

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

Result<uint64_t> append_audit(Database& database, const AuditEntry& entry);  // gives its id
Result<std::vector<AuditEntry>> list_audit(Database& database, const AuditQuery& query);

Status save_answer(Database& database, const StoredAnswer& answer, WallTime now);
Result<std::optional<StoredAnswer>> find_answer(Database& database, BytesView key_hash, WallTime now);

}  // namespace reeve::server
