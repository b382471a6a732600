// Maps under a mutex; what is decided, account_rules.h decides.
#include "server/store/memory_accounts.h"

#include <algorithm>
#include <tuple>

#include "server/store/account_rules.h"

namespace reeve::server {

void MemoryAccounts::append(const AuditEntry& entry) {
  AuditEntry numbered = entry;
  numbered.id = leaves_.empty() ? 1 : leaves_.back().entry_id + 1;
  const warrant::Hash hash = warrant::leaf_hash(audit_leaf(numbered));
  const Result<std::vector<AuditNode>> nodes = nodes_above(leaves_.size(), hash, node_at());
  check(nodes.ok(), "a tree in memory is whole");
  for (const AuditNode& node : *nodes) nodes_[{node.level, node.position}] = node.hash;
  leaves_.push_back({numbered.id, hash});
  audit_[numbered.id] = numbered;
  if (audit_.size() > audit_entries_max) audit_.erase(audit_.begin());
}

AuditNodeAt MemoryAccounts::node_at() const {
  return [this](uint32_t level, uint64_t position) -> Result<warrant::Hash> {
    return level == 0 ? leaves_[position].hash : nodes_.at({level, position});
  };
}

// -- Users -----------------------------------------------------------------------------------------------------------

Result<bool> MemoryAccounts::add_user(const User& user, const AuditEntry& entry) {
  std::unique_lock lock(mutex_);
  User added = user;
  added.email = fold_email(user.email);
  added.revision = 1;
  const auto same = [&](const auto& known) { return known.second.email == added.email || known.first == added.id; };
  if (std::any_of(users_.begin(), users_.end(), same)) return false;
  TRY(check_room_for_user(users_.size()));
  users_[added.id] = added;
  append(entry);
  return true;
}

Result<UserChanged> MemoryAccounts::change_user(const Uuid& user, const UserChange& change, const AuditEntry& entry) {
  std::unique_lock lock(mutex_);
  const auto known = users_.find(user);
  if (known == users_.end()) return no_user();
  const auto is_active_admin = [](const auto& each) { return each.second.role == admin_role && !each.second.disabled; };
  const auto admins = static_cast<uint64_t>(std::count_if(users_.begin(), users_.end(), is_active_admin));

  UserChanged outcome;
  outcome.user = apply_change(known->second, change);
  outcome.last_admin = leaves_no_admin(known->second, outcome.user, admins);
  if (outcome.last_admin) return outcome;
  known->second = outcome.user;
  if (ends_sessions(change)) {
    std::erase_if(sessions_, [&](const auto& session) {
      return session.second.user == user && session.first != change.kept_session;
    });
  }
  append(entry);
  return outcome;
}

Result<User> MemoryAccounts::find_user(const Uuid& user) const {
  std::shared_lock lock(mutex_);
  const auto known = users_.find(user);
  if (known == users_.end()) return no_user();
  return known->second;
}

Result<User> MemoryAccounts::find_user_by_email(const std::string& email) const {
  std::shared_lock lock(mutex_);
  const std::string folded = fold_email(email);
  for (const auto& [id, user] : users_) {
    if (user.email == folded) return user;
  }
  return no_user();
}

Result<std::vector<User>> MemoryAccounts::list_users() const {
  std::shared_lock lock(mutex_);
  std::vector<User> users;
  for (const auto& [id, user] : users_) users.push_back(user);
  std::sort(users.begin(), users.end(), [](const User& a, const User& b) { return a.email < b.email; });
  return users;
}

// -- Sessions --------------------------------------------------------------------------------------------------------

Status MemoryAccounts::open_session(const Session& session, const AuditEntry& entry) {
  std::unique_lock lock(mutex_);
  const auto user = users_.find(session.user);
  if (user == users_.end() || user->second.disabled) return no_user();
  std::erase_if(sessions_, [&](const auto& each) { return each.second.expires <= session.created; });

  std::vector<std::pair<WallTime, Bytes>> of_user;
  for (const auto& [hash, each] : sessions_) {
    if (each.user == session.user) of_user.emplace_back(each.created, hash);
  }
  std::sort(of_user.begin(), of_user.end());
  for (size_t i = 0; i + sessions_per_user_max <= of_user.size(); ++i) sessions_.erase(of_user[i].second);

  sessions_[session.hash] = session;
  user->second.last_sign_in = std::max(user->second.last_sign_in, session.created);
  append(entry);
  return {};
}

Status MemoryAccounts::refresh_session(BytesView hash, WallTime now, WallTime expires) {
  std::unique_lock lock(mutex_);
  const auto session = sessions_.find(Bytes(hash));
  if (session == sessions_.end()) return no_session();
  session->second.refreshed = now;
  session->second.expires = expires;
  return {};
}

Status MemoryAccounts::end_session(BytesView hash, const AuditEntry& entry) {
  std::unique_lock lock(mutex_);
  if (sessions_.erase(Bytes(hash)) == 0) return no_session();
  append(entry);
  return {};
}

Result<Session> MemoryAccounts::find_session(BytesView hash) const {
  std::shared_lock lock(mutex_);
  const auto session = sessions_.find(Bytes(hash));
  if (session == sessions_.end()) return no_session();
  return session->second;
}

// -- Keys ------------------------------------------------------------------------------------------------------------

Status MemoryAccounts::put(const ApiKey& key) {
  if (!keys_.emplace(key.hash, key).second) return Error(Code::invalid, "add an API key: this key exists already");
  return {};
}

Status MemoryAccounts::put_api_key(const ApiKey& key) {
  std::unique_lock lock(mutex_);
  return put(key);
}

Status MemoryAccounts::add_api_key(const ApiKey& key, const AuditEntry& entry) {
  std::unique_lock lock(mutex_);
  const auto is_listed = [](const auto& known) { return !known.second.revoked; };
  TRY(check_room_for_key(static_cast<uint64_t>(std::count_if(keys_.begin(), keys_.end(), is_listed))));
  TRY(put(key));
  append(entry);
  return {};
}

Status MemoryAccounts::revoke_api_key(const Uuid& key, const AuditEntry& entry) {
  std::unique_lock lock(mutex_);
  for (auto& [hash, known] : keys_) {
    if (known.id != key || known.revoked) continue;
    known.revoked = true;
    append(entry);
    return {};
  }
  return no_api_key();
}

Status MemoryAccounts::note_key_used(BytesView hash, WallTime at) {
  std::unique_lock lock(mutex_);
  const auto key = keys_.find(Bytes(hash));
  if (key != keys_.end() && key->second.last_used <= at - key_used_step) key->second.last_used = at;
  return {};
}

Result<ApiKey> MemoryAccounts::find_api_key(BytesView hash) const {
  std::shared_lock lock(mutex_);
  const auto key = keys_.find(Bytes(hash));
  if (key == keys_.end()) return no_api_key();
  return key->second;
}

Result<std::vector<ApiKey>> MemoryAccounts::list_api_keys() const {
  std::shared_lock lock(mutex_);
  std::vector<ApiKey> keys;
  for (const auto& [hash, key] : keys_) keys.push_back(key);
  show_keys(keys);
  return keys;
}

// -- Agents ----------------------------------------------------------------------------------------------------------

Status MemoryAccounts::enrol_agent(BytesView token_hash, WallTime now, const Agent& agent, const AuditEntry& entry) {
  TRY(store_.enrol_agent(token_hash, now, agent));
  return append_audit(entry);
}

Status MemoryAccounts::revoke_agent(const Uuid& agent, const AuditEntry& entry) {
  TRY(store_.revoke_agent(agent));
  return append_audit(entry);
}

Status MemoryAccounts::add_enrol_token(const EnrolToken& token, const AuditEntry& entry) {
  TRY(store_.add_enrol_token(token));
  return append_audit(entry);
}

// -- Audit and answers -----------------------------------------------------------------------------------------------

Status MemoryAccounts::append_audit(const AuditEntry& entry) {
  std::unique_lock lock(mutex_);
  append(entry);
  return {};
}

Result<std::vector<AuditEntry>> MemoryAccounts::list_audit(const AuditQuery& query) const {
  std::shared_lock lock(mutex_);
  std::vector<AuditEntry> entries;
  for (auto each = audit_.rbegin(); each != audit_.rend() && entries.size() < query.limit; ++each) {
    const AuditEntry& entry = each->second;
    const bool wanted = entry.id < query.before_id && entry.time >= query.from && entry.time < query.to &&
                        (query.action.empty() || query.action == entry.action);
    if (wanted) entries.push_back(entry);
  }
  return entries;
}

Status MemoryAccounts::note_audit_alarm(const Uuid& agent, const std::string& alarm, const AuditEntry& entry) {
  TRY(store_.record_audit_alarm(agent, alarm));
  return append_audit(entry);
}

Status MemoryAccounts::save_checkpoint(const AuditCheckpoint& checkpoint) {
  std::unique_lock lock(mutex_);
  const bool same = !checkpoints_.empty() && checkpoints_.back().size == checkpoint.size &&
                    checkpoints_.back().root == checkpoint.root;
  if (same) checkpoints_.pop_back();
  if (checkpoints_.size() >= audit_checkpoints_max) checkpoints_.erase(checkpoints_.begin());
  checkpoints_.push_back(checkpoint);
  return {};
}

Result<AuditTree> MemoryAccounts::audit_tree() const {
  std::shared_lock lock(mutex_);
  if (leaves_.empty()) return AuditTree();
  return AuditTree{
      .size = leaves_.size(), .first_kept = leaves_.size() - audit_.size(), .last_entry = leaves_.back().entry_id};
}

Result<AuditSlice> MemoryAccounts::read_audit(uint64_t from, size_t count) const {
  std::shared_lock lock(mutex_);
  AuditSlice slice;
  for (uint64_t leaf = from; leaf < leaves_.size() && slice.leaves.size() < count; ++leaf) {
    slice.leaves.push_back({.leaf = leaf, .entry_id = leaves_[leaf].entry_id, .hash = leaves_[leaf].hash});
    const auto entry = audit_.find(leaves_[leaf].entry_id);
    if (entry != audit_.end()) slice.leaves.back().entry = entry->second;
  }
  return slice;
}

Result<std::vector<warrant::Hash>> MemoryAccounts::audit_subtrees(uint64_t size) const {
  std::shared_lock lock(mutex_);
  TRY(check_audit_size(size, leaves_.size()));
  return perfect_subtrees(size, node_at());
}

Result<std::vector<warrant::Hash>> MemoryAccounts::prove_audit(uint64_t old_size, uint64_t size) const {
  std::shared_lock lock(mutex_);
  TRY(check_audit_size(size, leaves_.size()));
  return prove_from_nodes(old_size, size, node_at());
}

Result<AuditCheckpoint> MemoryAccounts::newest_checkpoint() const {
  std::shared_lock lock(mutex_);
  if (checkpoints_.empty()) return no_checkpoint();
  return checkpoints_.back();
}

Status MemoryAccounts::save_answer(const StoredAnswer& answer, WallTime now) {
  std::unique_lock lock(mutex_);
  std::erase_if(answers_, [&](const auto& known) { return known.second.expires <= now; });
  if (answers_.size() >= answers_max) {
    return Error(Code::exhausted, "the answers of " + std::to_string(answers_max) +
                                      " requests with an Idempotency-Key are remembered, the most there may be");
  }
  answers_[answer.key_hash] = answer;
  return {};
}

Result<StoredAnswer> MemoryAccounts::find_answer(BytesView key_hash, WallTime now) const {
  std::shared_lock lock(mutex_);
  const auto answer = answers_.find(Bytes(key_hash));
  if (answer == answers_.end() || answer->second.expires <= now) return no_answer();
  return answer->second;
}

}  // namespace reeve::server
