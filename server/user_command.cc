// See user_command.h.
#include "server/user_command.h"

#include <algorithm>

#include "common/crypto/digest.h"
#include "common/sys/lock_file.h"
#include "common/sys/password.h"
#include "server/api/permission.h"
#include "server/org_files.h"
#include "server/orgs.h"
#include "server/store/accounts.h"
#include "server/store/sqlite_store.h"

namespace reeve::server {
namespace {

constexpr size_t made_password_bytes = 15;  // 20 letters

struct OpenOrg {
  sys::LockFile lock;  // held while the store is open
  std::unique_ptr<Store> store;
};

Result<OpenOrg> open_org(sys::Disk& disk, const ServerConfig& config, const std::string& wanted) {
  const std::string org = wanted.empty() ? config.org : wanted;
  const std::vector<std::string> orgs = TRY(list_orgs(disk, config));
  if (std::find(orgs.begin(), orgs.end(), org) == orgs.end()) {
    return Error(Code::invalid, "there is no org \"" + printable(org, 80) + "\" in " + config.data_dir +
                                    "; `reeve-server org list` names them");
  }
  const OrgFiles files{config.data_dir};
  sys::LockFile lock = TRY_DURING(sys::LockFile::take(files.lock()),
                                  "stop the server first; while it runs, its API changes users (PATCH /v1/users)");
  const OrgFiles own = org == config.org ? files : files.of_org(org);
  std::unique_ptr<Store> store = TRY(open_sqlite_store({.directory = own.store(), .disk = disk, .vfs = {}}));
  return OpenOrg{.lock = std::move(lock), .store = std::move(store)};
}

AuditEntry offline_entry(WallTime now, const char* action, const Uuid& target) {
  return {.time = now,
          .actor_kind = "system",
          .actor_name = "reeve-server user",
          .action = action,
          .target = to_string(target)};
}

std::string describe(const User& user) {
  return user.email + "  " + user.role + (user.disabled ? "  disabled" : "") + "  " +
         (user.last_sign_in.ns > 0 ? "signed in " + format_rfc3339(user.last_sign_in) : std::string("never signed in"));
}

}  // namespace

Result<std::vector<std::string>> list_users_offline(sys::Disk& disk, const ServerConfig& config,
                                                    const std::string& org) {
  const OpenOrg opened = TRY(open_org(disk, config, org));
  std::vector<std::string> said;
  for (const User& user : TRY(opened.store->accounts().list_users())) said.push_back(describe(user));
  if (said.empty()) said.push_back("no users yet; `reeve-server user add` makes one");
  return said;
}

Result<std::vector<std::string>> add_user_offline(sys::Disk& disk, Clock& clock, Random& random,
                                                  const ServerConfig& config, const UserChangeOffline& wanted) {
  if (wanted.email.find('@') == std::string::npos || !is_utf8(wanted.email)) {
    return Error(Code::invalid, "\"" + printable(wanted.email, 80) + "\" is no e-mail address");
  }
  if (!parse_role(wanted.role)) {
    return Error(Code::invalid, "the role is \"" + printable(wanted.role, 40) +
                                    "\"; allowed are viewer, engineer, manager, approver, admin");
  }
  const OpenOrg opened = TRY(open_org(disk, config, wanted.org));
  const WallTime now = clock.wall();
  const std::string password = to_base64url(crypto::random_secret(made_password_bytes));
  User user{.id = make_uuid_v7(now, random), .email = fold_email(wanted.email), .role = wanted.role, .created = now};
  user.password_hash = TRY(sys::hash_password(password));
  const bool added = TRY(opened.store->accounts().add_user(user, offline_entry(now, "user.create", user.id)));
  if (!added)
    return Error(Code::invalid, user.email + " is a user already; `reeve-server user passwd` gives a new password");
  return std::vector<std::string>{"added: " + user.email + ", " + user.role, "password: " + password};
}

Result<std::vector<std::string>> set_password_offline(sys::Disk& disk, Clock& clock, const ServerConfig& config,
                                                      const UserChangeOffline& wanted) {
  const OpenOrg opened = TRY(open_org(disk, config, wanted.org));
  const User user = TRY_DURING(opened.store->accounts().find_user_by_email(wanted.email), printable(wanted.email, 80));
  const std::string password = to_base64url(crypto::random_secret(made_password_bytes));
  UserChange change{.disabled = false};
  change.password_hash = TRY(sys::hash_password(password));
  TRY(opened.store->accounts().change_user(user.id, change, offline_entry(clock.wall(), "user.password", user.id)));
  return std::vector<std::string>{"changed: " + user.email + ", " + user.role, "password: " + password};
}

}  // namespace reeve::server
