// Who may come in, and what was done about it: the users, sessions, API keys, audit entries and remembered answers of
// one org, as transactional verbs beside those of store.h.
//
// A verb that changes something takes the audit entry that tells of it, and both happen in one transaction or neither.
// Two implementations, SQLite (in the same org.db) and in-memory, held to the same tests; reached by Store::accounts().
// Threads as in store.h.
//
// Every table is bounded: beyond users_max and api_keys_max adding is Code::exhausted; a user's oldest session goes
// when there are too many; the oldest audit entries go beyond audit_entries_max; too many remembered answers are
// Code::exhausted, because forgetting one early would let a request run twice.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "server/store/store.h"

namespace reeve::server {

constexpr size_t users_max = 10'000;
constexpr size_t api_keys_max = 10'000;
constexpr size_t sessions_per_user_max = 50;
constexpr uint64_t audit_entries_max = 1'000'000;
constexpr size_t answers_max = 20'000;
constexpr Duration key_used_step = 1min;  // when a key was last used is known this exactly

// One line of the audit. The store gives the id: from 1, one more each time, never again.
struct AuditEntry {
  uint64_t id = 0;
  WallTime time = {};
  std::string actor_kind = {};  // "key", "user", "system", or "none" where nobody had proved to be anybody
  std::string actor_id = {};
  std::string actor_name = {};
  std::string action = {};  // "user.create"
  std::string target = {};
  std::string detail = "{}";  // a JSON object
  std::string request_id = {};
  std::string peer = {};
};

struct AuditQuery {
  WallTime from{INT64_MIN};  // [from, to)
  WallTime to{INT64_MAX};
  std::string action = {};  // empty: all
  uint64_t before_id = INT64_MAX;
  size_t limit = 100;
};

struct User {
  Uuid id = {};
  std::string email = {};  // as fold_email gives it; unique
  std::string name = {};
  std::string role = {};
  std::string password_hash = {};  // a PHC string
  bool disabled = false;
  WallTime created = {};
  WallTime last_sign_in = {};  // zero: never
  uint64_t revision = 0;       // grows with every change; the store's own
};

struct UserChange {
  std::optional<std::string> name = std::nullopt;
  std::optional<std::string> role = std::nullopt;
  std::optional<std::string> password_hash = std::nullopt;  // the user's sessions end
  std::optional<bool> disabled = std::nullopt;              // true: the user's sessions end
  Bytes kept_session = {};                                  // but this one
};

struct UserChanged {
  bool last_admin = false;  // nothing changed: nobody would be left who may administer the org
  User user = {};           // as it is now
};

// Somebody who is signed in. `hash` is the SHA-256 of the secret that their cookie holds.
struct Session {
  Bytes hash = {};
  Uuid user = {};
  WallTime created = {};
  WallTime refreshed = {};
  WallTime expires = {};
  std::string peer = {};
};

// What a request with an Idempotency-Key was answered. `sealed` hides headers and body from whoever reads the files.
struct StoredAnswer {
  Bytes key_hash = {};
  Bytes request_hash = {};
  int status = 0;
  Bytes sealed = {};
  WallTime expires = {};
};

class Accounts {
 public:
  virtual ~Accounts() = default;

  // -- writing ------------------------------------------------------------------------------------------------------

  // False where the e-mail is taken: nothing changed then.
  virtual Result<bool> add_user(const User& user, const AuditEntry& entry) = 0;
  // Code::not_found. The last admin who is not disabled stays an admin.
  virtual Result<UserChanged> change_user(const Uuid& user, const UserChange& change, const AuditEntry& entry) = 0;

  // Begins a session and notes the sign-in; sessions that have expired are forgotten. Code::not_found where the user is
  // gone or disabled.
  virtual Status open_session(const Session& session, const AuditEntry& entry) = 0;
  virtual Status refresh_session(BytesView hash, WallTime now, WallTime expires) = 0;  // Code::not_found
  virtual Status end_session(BytesView hash, const AuditEntry& entry) = 0;             // Code::not_found

  virtual Status add_api_key(const ApiKey& key, const AuditEntry& entry) = 0;
  virtual Status revoke_api_key(const Uuid& key, const AuditEntry& entry) = 0;  // Code::not_found, also where revoked
  virtual Status note_key_used(BytesView hash, WallTime at) = 0;                // written once in key_used_step

  // As the verbs of Store, told in the audit.
  virtual Status enrol_agent(BytesView token_hash, WallTime now, const Agent& agent, const AuditEntry& entry) = 0;
  virtual Status revoke_agent(const Uuid& agent, const AuditEntry& entry) = 0;
  virtual Status add_enrol_token(const EnrolToken& token, const AuditEntry& entry) = 0;

  virtual Status append_audit(const AuditEntry& entry) = 0;  // what changed nothing: a refused sign-in

  // Forgets what has expired first.
  virtual Status save_answer(const StoredAnswer& answer, WallTime now) = 0;

  // -- reading ------------------------------------------------------------------------------------------------------

  virtual Result<User> find_user(const Uuid& user) const = 0;                   // Code::not_found
  virtual Result<User> find_user_by_email(const std::string& email) const = 0;  // in either case; Code::not_found
  virtual Result<std::vector<User>> list_users() const = 0;                     // by e-mail
  virtual Result<Session> find_session(BytesView hash) const = 0;               // expired or not; Code::not_found
  virtual Result<std::vector<ApiKey>> list_api_keys() const = 0;                // but revoked ones; oldest first
  virtual Result<std::vector<AuditEntry>> list_audit(const AuditQuery& query) const = 0;  // newest first
  virtual Result<StoredAnswer> find_answer(BytesView key_hash, WallTime now) const = 0;   // Code::not_found
};

// ASCII letters in lower case: two spellings of one address are one user.
std::string fold_email(std::string_view email);

}  // namespace reeve::server
