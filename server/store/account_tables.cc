// The accounts' statements.
#include "server/store/account_tables.h"

namespace reeve::server {

namespace {

#define USER_COLUMNS "id, email, name, role, password_hash, disabled, created, last_sign_in, revision"
#define SESSION_COLUMNS "hash, user, created, refreshed, expires, peer"

User read_user(const Statement& row) {
  return {.id = row.uuid(0),
          .email = row.bytes(1),
          .name = row.bytes(2),
          .role = row.bytes(3),
          .password_hash = row.bytes(4),
          .disabled = row.integer(5) != 0,
          .created = row.time(6),
          .last_sign_in = row.time(7),
          .revision = row.count(8)};
}

Result<std::optional<User>> take_user(Statement& select) {
  const bool found = TRY(select.step());
  if (!found) return std::optional<User>();
  return std::optional(read_user(select));
}

}  // namespace

// -- Users -----------------------------------------------------------------------------------------------------------

Status save_user(Database& database, const User& user) {
  Statement write = TRY(database.prepare(
      "save a user", "INSERT OR REPLACE INTO users (" USER_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"));
  write.bind(user.id, user.email, user.name, user.role, user.password_hash, user.disabled, user.created,
             user.last_sign_in, user.revision);
  return write.run();
}

Result<std::optional<User>> find_user(Database& database, const Uuid& id) {
  Statement select = TRY(database.prepare("find a user", "SELECT " USER_COLUMNS " FROM users WHERE id = ?1"));
  select.bind(id);
  return take_user(select);
}

Result<std::optional<User>> find_user_by_email(Database& database, const std::string& email) {
  Statement select =
      TRY(database.prepare("find a user by e-mail", "SELECT " USER_COLUMNS " FROM users WHERE email = ?1"));
  select.bind(email);
  return take_user(select);
}

Result<std::vector<User>> list_users(Database& database) {
  Statement select = TRY(database.prepare("list users", "SELECT " USER_COLUMNS " FROM users ORDER BY email"));
  std::vector<User> users;
  while (TRY(select.step())) users.push_back(read_user(select));
  return users;
}

Result<uint64_t> count_users(Database& database) {
  const int64_t count = TRY(database.query_integer("count users", "SELECT count(*) FROM users"));
  return static_cast<uint64_t>(count);
}

Result<uint64_t> count_active_admins(Database& database) {
  const int64_t count =
      TRY(database.query_integer("count admins", "SELECT count(*) FROM users WHERE role = 'admin' AND disabled = 0"));
  return static_cast<uint64_t>(count);
}

// -- Sessions --------------------------------------------------------------------------------------------------------

Status save_session(Database& database, const Session& session) {
  Statement write = TRY(database.prepare(
      "save a session", "INSERT OR REPLACE INTO sessions (" SESSION_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)"));
  write.bind(Blob{session.hash}, session.user, session.created, session.refreshed, session.expires, session.peer);
  return write.run();
}

Result<std::optional<Session>> find_session(Database& database, BytesView hash) {
  Statement select =
      TRY(database.prepare("find a session", "SELECT " SESSION_COLUMNS " FROM sessions WHERE hash = ?1"));
  select.bind(Blob{hash});
  const bool found = TRY(select.step());
  if (!found) return std::optional<Session>();
  return std::optional(Session{.hash = select.bytes(0),
                               .user = select.uuid(1),
                               .created = select.time(2),
                               .refreshed = select.time(3),
                               .expires = select.time(4),
                               .peer = select.bytes(5)});
}

Status erase_session(Database& database, BytesView hash) {
  Statement erase = TRY(database.prepare("end a session", "DELETE FROM sessions WHERE hash = ?1"));
  erase.bind(Blob{hash});
  return erase.run();
}

Status erase_sessions_of(Database& database, const Uuid& user, BytesView but) {
  Statement erase =
      TRY(database.prepare("end a user's sessions", "DELETE FROM sessions WHERE user = ?1 AND hash <> ?2"));
  erase.bind(user, Blob{but});
  return erase.run();
}

Status erase_expired_sessions(Database& database, WallTime now) {
  Statement erase = TRY(database.prepare("forget old sessions", "DELETE FROM sessions WHERE expires <= ?1"));
  erase.bind(now);
  return erase.run();
}

Status erase_oldest_sessions(Database& database, const Uuid& user, size_t kept) {
  Statement erase = TRY(database.prepare("end a user's oldest sessions", R"sql(
      DELETE FROM sessions WHERE hash IN (
        SELECT hash FROM sessions WHERE user = ?1 ORDER BY created DESC, hash LIMIT -1 OFFSET ?2))sql"));
  erase.bind(user, kept);
  return erase.run();
}

// -- Answers ---------------------------------------------------------------------------------------------------------

Status save_answer(Database& database, const StoredAnswer& answer, WallTime now) {
  {
    Statement forget = TRY(database.prepare("forget old answers", "DELETE FROM answers WHERE expires <= ?1"));
    forget.bind(now);
    TRY(forget.run());
  }
  const int64_t count = TRY(database.query_integer("count answers", "SELECT count(*) FROM answers"));
  if (static_cast<uint64_t>(count) >= answers_max) {
    return Error(Code::exhausted, "the answers of " + std::to_string(answers_max) +
                                      " requests with an Idempotency-Key are remembered, the most there may be");
  }
  Statement write = TRY(database.prepare("remember an answer", R"sql(
      INSERT OR REPLACE INTO answers (key_hash, request_hash, status, sealed, expires) VALUES (?1, ?2, ?3, ?4, ?5)
      )sql"));
  write.bind(Blob{answer.key_hash}, Blob{answer.request_hash}, answer.status, Blob{answer.sealed}, answer.expires);
  return write.run();
}

Result<std::optional<StoredAnswer>> find_answer(Database& database, BytesView key_hash, WallTime now) {
  Statement select = TRY(database.prepare("find an answer", R"sql(
      SELECT key_hash, request_hash, status, sealed, expires FROM answers WHERE key_hash = ?1 AND expires > ?2)sql"));
  select.bind(Blob{key_hash}, now);
  const bool found = TRY(select.step());
  if (!found) return std::optional<StoredAnswer>();
  return std::optional(StoredAnswer{.key_hash = select.bytes(0),
                                    .request_hash = select.bytes(1),
                                    .status = static_cast<int>(select.integer(2)),
                                    .sealed = select.bytes(3),
                                    .expires = select.time(4)});
}

}  // namespace reeve::server
