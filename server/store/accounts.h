// Who may come in, and what was done about it: the users, sessions, API keys, audit entries and remembered answers of
// one org, as transactional verbs beside those of store.h.
//
// A verb that changes something takes the audit entry that tells of it, and both happen in one transaction or neither.
// Two implementations, SQLite (in the same org.db) and in-memory, held to the same tests; reached by Store::accounts().
// Threads as in store.h.
//
// Every audit entry is a leaf of a Merkle tree, hashed in the transaction that writes it.
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

#include "common/audit/entry.h"
#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/warrant/merkle.h"
#include "server/store/store.h"

namespace reeve::server {

constexpr size_t users_max = 10'000;
constexpr size_t api_keys_max = 10'000;
constexpr size_t sessions_per_user_max = 50;
constexpr uint64_t audit_entries_max = 1'000'000;
constexpr size_t audit_checkpoints_max = 10'000;
constexpr size_t answers_max = 20'000;
constexpr Duration key_used_step = 1min;  // when a key was last used is known this exactly

struct AuditQuery {
  WallTime from{INT64_MIN};  // [from, to)
  WallTime to{INT64_MAX};
  std::string action = {};  // empty: all
  uint64_t before_id = INT64_MAX;
  size_t limit = 100;
};

// The audit's Merkle tree (docs/audit.md), as the store keeps it beside the entries. Leaves stay when their entries go.
struct AuditTree {
  uint64_t size = 0;        // leaves
  uint64_t first_kept = 0;  // from this leaf on, each one's entry must be there
  uint64_t last_entry = 0;  // the id of the last leaf's
};

struct AuditLeaf {
  uint64_t leaf = 0;
  uint64_t entry_id = 0;
  warrant::Hash hash = {};                         // as it was written with the entry
  std::optional<AuditEntry> entry = std::nullopt;  // as it is now
};

// Some leaves in their order, and the entries among them that have no leaf: somebody else has put them there.
struct AuditSlice {
  std::vector<AuditLeaf> leaves = {};
  std::vector<AuditEntry> strays = {};
};

struct AuditCheckpoint {
  uint64_t size = 0;
  warrant::Hash root = {};
  WallTime time = {};
  Bytes envelope = {};  // signed: a warrant::Envelope's bytes
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

  // What an agent says of the audit as its witness; empty: nothing any more. Told in the audit. Code::not_found.
  virtual Status note_audit_alarm(const Uuid& agent, const std::string& alarm, const AuditEntry& entry) = 0;
  // In the place of the newest one, where that has the same size and root. Beyond audit_checkpoints_max the oldest go.
  virtual Status save_checkpoint(const AuditCheckpoint& checkpoint) = 0;

  // Forgets what has expired first.
  virtual Status save_answer(const StoredAnswer& answer, WallTime now) = 0;

  // -- reading ------------------------------------------------------------------------------------------------------

  virtual Result<User> find_user(const Uuid& user) const = 0;                   // Code::not_found
  virtual Result<User> find_user_by_email(const std::string& email) const = 0;  // in either case; Code::not_found
  virtual Result<std::vector<User>> list_users() const = 0;                     // by e-mail
  virtual Result<Session> find_session(BytesView hash) const = 0;               // expired or not; Code::not_found
  virtual Result<std::vector<ApiKey>> list_api_keys() const = 0;                // but revoked ones; oldest first
  virtual Result<std::vector<AuditEntry>> list_audit(const AuditQuery& query) const = 0;  // newest first
  virtual Result<AuditTree> audit_tree() const = 0;
  // Leaves [from, from + count) of those that there are. Strays are looked for among them, and behind the last of all.
  virtual Result<AuditSlice> read_audit(uint64_t from, size_t count) const = 0;
  // The perfect subtrees of the first `size` leaves, largest first; Code::not_found beyond the tree.
  virtual Result<std::vector<warrant::Hash>> audit_subtrees(uint64_t size) const = 0;
  // That the tree of `size` leaves begins with that of `old_size`, which is at least 1; Code::not_found beyond the
  // tree.
  virtual Result<std::vector<warrant::Hash>> prove_audit(uint64_t old_size, uint64_t size) const = 0;
  virtual Result<AuditCheckpoint> newest_checkpoint() const = 0;                         // Code::not_found
  virtual Result<StoredAnswer> find_answer(BytesView key_hash, WallTime now) const = 0;  // Code::not_found
};

// ASCII letters in lower case: two spellings of one address are one user.
std::string fold_email(std::string_view email);

}  // namespace reeve::server
