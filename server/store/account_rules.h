// What both stores' accounts must decide alike.
//
// Pure functions; the stores differ only in where they keep things.
#pragma once

#include <vector>

#include "common/base/result.h"
#include "server/store/accounts.h"

namespace reeve::server {

constexpr const char* admin_role = "admin";

Error no_user();
Error no_session();
Error no_api_key();
Error no_answer();
Error no_checkpoint();

Status check_room_for_user(uint64_t count);
Status check_room_for_key(uint64_t count);

User apply_change(const User& user, const UserChange& change);
bool ends_sessions(const UserChange& change);
// `admins` counts those who are not disabled, before the change.
bool leaves_no_admin(const User& before, const User& after, uint64_t admins);

// Of one slice; more tell no more.
constexpr size_t audit_strays_max = 100;
// Code::not_found where the tree of the audit is smaller.
Status check_audit_size(uint64_t wanted, uint64_t size);
// The entry that says that the numbers behind `last` up to that of `next` are nobody's; it takes the number of `next`.
AuditEntry skipped_numbers(uint64_t last, const AuditEntry& next);

// What a listing shows: no revoked ones, the oldest first.
void show_keys(std::vector<ApiKey>& keys);

}  // namespace reeve::server
