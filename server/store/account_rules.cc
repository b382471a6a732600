// The decisions that both stores' accounts share.
#include "server/store/account_rules.h"

#include <algorithm>
#include <tuple>

namespace reeve::server {

std::string fold_email(std::string_view email) {
  std::string folded(email);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return folded;
}

Error no_user() {
  return Error(Code::not_found, "there is no such user");
}
Error no_session() {
  return Error(Code::not_found, "there is no such session");
}
Error no_api_key() {
  return Error(Code::not_found, "there is no such API key");
}
Error no_answer() {
  return Error(Code::not_found, "no answer is remembered");
}
Error no_checkpoint() {
  return Error(Code::not_found, "the audit has no checkpoint yet");
}

Status check_audit_size(uint64_t wanted, uint64_t size) {
  if (wanted <= size) return {};
  return Error(Code::not_found,
               "the audit has " + std::to_string(size) + " entries; asked was for the first " + std::to_string(wanted));
}

AuditEntry skipped_numbers(uint64_t last, const AuditEntry& next) {
  AuditEntry entry;
  entry.id = next.id;
  entry.time = next.time;
  entry.actor_kind = "system";
  entry.actor_name = "reeve-server";
  entry.action = audit_skip_action;
  entry.detail = "{\"from\":" + std::to_string(last + 1) + ",\"to\":" + std::to_string(next.id - 1) + "}";
  return entry;
}

Status check_room_for_user(uint64_t count) {
  if (count < users_max) return {};
  return Error(Code::exhausted,
               "there are " + std::to_string(count) + " users; an org has at most " + std::to_string(users_max));
}

Status check_room_for_key(uint64_t count) {
  if (count < api_keys_max) return {};
  return Error(Code::exhausted,
               "there are " + std::to_string(count) + " API keys; an org has at most " + std::to_string(api_keys_max));
}

User apply_change(const User& user, const UserChange& change) {
  User changed = user;
  if (change.name) changed.name = *change.name;
  if (change.role) changed.role = *change.role;
  if (change.password_hash) changed.password_hash = *change.password_hash;
  if (change.disabled) changed.disabled = *change.disabled;
  ++changed.revision;
  return changed;
}

bool ends_sessions(const UserChange& change) {
  return change.password_hash.has_value() || change.disabled.value_or(false);
}

bool leaves_no_admin(const User& before, const User& after, uint64_t admins) {
  const bool was = before.role == admin_role && !before.disabled;
  const bool is = after.role == admin_role && !after.disabled;
  return was && !is && admins <= 1;
}

void show_keys(std::vector<ApiKey>& keys) {
  std::erase_if(keys, [](const ApiKey& key) { return key.revoked; });
  std::sort(keys.begin(), keys.end(),
            [](const ApiKey& a, const ApiKey& b) { return std::tie(a.created, a.id) < std::tie(b.created, b.id); });
}

}  // namespace reeve::server
