// Each verb: one transaction, its audit entry inside of it.
#include "server/store/sqlite_accounts.h"

#include <algorithm>

#include "server/store/account_rules.h"
#include "server/store/account_tables.h"
#include "server/store/audit_log.h"
#include "server/store/entities.h"

namespace reeve::server {

Status SqliteAccounts::change(const char* purpose, const AuditEntry& entry,
                              const std::function<Status(Database&, Entities& changed)>& work) {
  Entities changed;
  const auto audited = [&](Database& database) -> Status {
    changed = {};
    TRY(work(database, changed));
    const uint64_t id = TRY(server::append_audit(database, entry));
    // Not each entry is worth two syncs: the copies know a number beyond every one that was given.
    if (id % audit_copy_step == 0) changed.audit_through = id + audit_copy_step;
    return {};
  };
  TRY(doors_.write(purpose, audited));
  const bool copied = changed.audit_through || !changed.users.empty() || !changed.keys.empty() ||
                      !changed.agents.empty() || !changed.tokens.empty();
  if (copied) doors_.copy(changed);
  return {};
}

template <typename T>
Result<T> SqliteAccounts::read(const std::function<Result<T>(Database&)>& find) const {
  std::optional<T> found;
  const auto look = [&](Database& database) -> Status {
    found = TRY(find(database));
    return {};
  };
  TRY(doors_.read(look));
  return std::move(*found);
}

// -- Users -----------------------------------------------------------------------------------------------------------

Result<bool> SqliteAccounts::add_user(const User& user, const AuditEntry& entry) {
  bool taken = false;
  const auto add = [&](Database& database, Entities& changed) -> Status {
    User added = user;
    added.email = fold_email(user.email);
    added.revision = 1;
    const std::optional<User> known = TRY(server::find_user_by_email(database, added.email));
    const std::optional<User> same = TRY(server::find_user(database, user.id));
    taken = known.has_value() || same.has_value();
    if (taken) return Error(Code::cancelled, "this e-mail is taken");
    const uint64_t count = TRY(count_users(database));
    TRY(check_room_for_user(count));
    changed.users = {added};
    return save_user(database, added);
  };
  const Status added = change("add a user", entry, add);
  if (taken) return false;
  TRY(added);
  return true;
}

Result<UserChanged> SqliteAccounts::change_user(const Uuid& user, const UserChange& wanted, const AuditEntry& entry) {
  UserChanged outcome;
  const auto apply = [&](Database& database, Entities& changed) -> Status {
    const std::optional<User> known = TRY(server::find_user(database, user));
    if (!known) return no_user();
    outcome.user = apply_change(*known, wanted);
    const uint64_t admins = TRY(count_active_admins(database));
    outcome.last_admin = leaves_no_admin(*known, outcome.user, admins);
    if (outcome.last_admin) return Error(Code::cancelled, "this is the last admin");
    if (ends_sessions(wanted)) TRY(erase_sessions_of(database, user, wanted.kept_session));
    changed.users = {outcome.user};
    return save_user(database, outcome.user);
  };
  const Status done = change("change a user", entry, apply);
  if (outcome.last_admin) return outcome;
  TRY(done);
  return outcome;
}

Result<User> SqliteAccounts::find_user(const Uuid& user) const {
  return read<User>([&](Database& database) -> Result<User> {
    const std::optional<User> found = TRY(server::find_user(database, user));
    if (!found) return no_user();
    return *found;
  });
}

Result<User> SqliteAccounts::find_user_by_email(const std::string& email) const {
  return read<User>([&](Database& database) -> Result<User> {
    const std::optional<User> found = TRY(server::find_user_by_email(database, fold_email(email)));
    if (!found) return no_user();
    return *found;
  });
}

Result<std::vector<User>> SqliteAccounts::list_users() const {
  return read<std::vector<User>>([](Database& database) { return server::list_users(database); });
}

// -- Sessions --------------------------------------------------------------------------------------------------------

Status SqliteAccounts::open_session(const Session& session, const AuditEntry& entry) {
  return change("open a session", entry, [&](Database& database, Entities&) -> Status {
    std::optional<User> user = TRY(server::find_user(database, session.user));
    if (!user || user->disabled) return no_user();
    TRY(erase_expired_sessions(database, session.created));
    TRY(erase_oldest_sessions(database, session.user, sessions_per_user_max - 1));
    TRY(save_session(database, session));
    user->last_sign_in = std::max(user->last_sign_in, session.created);
    return save_user(database, *user);
  });
}

Status SqliteAccounts::refresh_session(BytesView hash, WallTime now, WallTime expires) {
  return doors_.write("refresh a session", [&](Database& database) -> Status {
    std::optional<Session> session = TRY(server::find_session(database, hash));
    if (!session) return no_session();
    session->refreshed = now;
    session->expires = expires;
    return save_session(database, *session);
  });
}

Status SqliteAccounts::end_session(BytesView hash, const AuditEntry& entry) {
  return change("end a session", entry, [&](Database& database, Entities&) -> Status {
    const std::optional<Session> session = TRY(server::find_session(database, hash));
    if (!session) return no_session();
    return erase_session(database, hash);
  });
}

Result<Session> SqliteAccounts::find_session(BytesView hash) const {
  return read<Session>([&](Database& database) -> Result<Session> {
    const std::optional<Session> found = TRY(server::find_session(database, hash));
    if (!found) return no_session();
    return *found;
  });
}

// -- Keys ------------------------------------------------------------------------------------------------------------

Status SqliteAccounts::add_api_key(const ApiKey& key, const AuditEntry& entry) {
  return change("add an API key", entry, [&](Database& database, Entities& changed) -> Status {
    const uint64_t count = TRY(count_keys(database));
    TRY(check_room_for_key(count));
    changed.keys = {key};
    return add_key(database, key);
  });
}

Status SqliteAccounts::revoke_api_key(const Uuid& key, const AuditEntry& entry) {
  return change("revoke an API key", entry, [&](Database& database, Entities& changed) -> Status {
    const ApiKey revoked = TRY(revoke_key(database, key));
    changed.keys = {revoked};
    return {};
  });
}

Status SqliteAccounts::note_key_used(BytesView hash, WallTime at) {
  return doors_.write("note that a key was used",
                      [&](Database& database) { return save_key_used(database, hash, at, key_used_step); });
}

Result<std::vector<ApiKey>> SqliteAccounts::list_api_keys() const {
  std::vector<ApiKey> keys = TRY(read<std::vector<ApiKey>>([](Database& database) { return list_keys(database); }));
  show_keys(keys);
  return keys;
}

// -- Agents ----------------------------------------------------------------------------------------------------------

Status SqliteAccounts::enrol_agent(BytesView token_hash, WallTime now, const Agent& agent, const AuditEntry& entry) {
  return change("enrol an agent", entry, [&](Database& database, Entities& changed) -> Status {
    TRY(enrol(database, token_hash, now, agent));
    const StoredToken token = TRY(find_token(database, token_hash));
    changed.tokens = {token};
    changed.agents = {agent};
    return {};
  });
}

Status SqliteAccounts::revoke_agent(const Uuid& agent, const AuditEntry& entry) {
  return change("revoke an agent", entry, [&](Database& database, Entities& changed) -> Status {
    TRY(revoke(database, agent));
    const Agent revoked = TRY(find_agent(database, agent));
    changed.agents = {revoked};
    return {};
  });
}

Status SqliteAccounts::add_enrol_token(const EnrolToken& token, const AuditEntry& entry) {
  return change("add an enrolment token", entry, [&](Database& database, Entities& changed) -> Status {
    changed.tokens = {{token.hash, token.expires, false}};
    return add_token(database, token);
  });
}

// -- Audit and answers -----------------------------------------------------------------------------------------------

Status SqliteAccounts::append_audit(const AuditEntry& entry) {
  return change("append to the audit", entry, [](Database&, Entities&) { return Status(); });
}

Result<std::vector<AuditEntry>> SqliteAccounts::list_audit(const AuditQuery& query) const {
  return read<std::vector<AuditEntry>>([&](Database& database) { return server::list_audit(database, query); });
}

Status SqliteAccounts::note_audit_alarm(const Uuid& agent, const std::string& alarm, const AuditEntry& entry) {
  return change("note an agent's alarm", entry,
                [&](Database& database, Entities&) { return save_audit_alarm(database, agent, alarm); });
}

Status SqliteAccounts::save_checkpoint(const AuditCheckpoint& checkpoint) {
  return doors_.write("save a checkpoint",
                      [&](Database& database) { return server::save_checkpoint(database, checkpoint); });
}

Result<AuditTree> SqliteAccounts::audit_tree() const {
  return read<AuditTree>([](Database& database) { return read_audit_tree(database); });
}

Result<AuditSlice> SqliteAccounts::read_audit(uint64_t from, size_t count) const {
  return read<AuditSlice>([&](Database& database) { return read_audit_slice(database, from, count); });
}

Result<std::vector<warrant::Hash>> SqliteAccounts::audit_subtrees(uint64_t size) const {
  return read<std::vector<warrant::Hash>>([&](Database& database) { return read_audit_subtrees(database, size); });
}

Result<std::vector<warrant::Hash>> SqliteAccounts::prove_audit(uint64_t old_size, uint64_t size) const {
  return read<std::vector<warrant::Hash>>(
      [&](Database& database) { return prove_audit_from(database, old_size, size); });
}

Result<AuditCheckpoint> SqliteAccounts::newest_checkpoint() const {
  return read<AuditCheckpoint>([](Database& database) { return find_newest_checkpoint(database); });
}

Status SqliteAccounts::save_answer(const StoredAnswer& answer, WallTime now) {
  return doors_.write("remember an answer",
                      [&](Database& database) { return server::save_answer(database, answer, now); });
}

Result<StoredAnswer> SqliteAccounts::find_answer(BytesView key_hash, WallTime now) const {
  return read<StoredAnswer>([&](Database& database) -> Result<StoredAnswer> {
    const std::optional<StoredAnswer> found = TRY(server::find_answer(database, key_hash, now));
    if (!found) return no_answer();
    return *found;
  });
}

}  // namespace reeve::server
