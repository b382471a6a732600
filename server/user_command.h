// Users from the command line, on the data folder of a server that is stopped: for the day on which nobody can sign in.
#pragma once

#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/sys/disk.h"
#include "server/config.h"

namespace reeve::server {

struct UserChangeOffline {
  std::string org;  // empty: the default one
  std::string email;
  std::string role = "viewer";  // of a new one
};

// Sentences for people. Code::unavailable while a server runs on the folder.
Result<std::vector<std::string>> list_users_offline(sys::Disk& disk, const ServerConfig& config,
                                                    const std::string& org);
// Both make a password and say it: it stands nowhere else. A new password ends the user's sessions and enables a user
// who was disabled.
Result<std::vector<std::string>> add_user_offline(sys::Disk& disk, Clock& clock, Random& random,
                                                  const ServerConfig& config, const UserChangeOffline& user);
Result<std::vector<std::string>> set_password_offline(sys::Disk& disk, Clock& clock, const ServerConfig& config,
                                                      const UserChangeOffline& user);

}  // namespace reeve::server
