// A user as people see them, for sign-in and for the list of users.
#pragma once

#include "common/base/json.h"
#include "server/api/schema.h"
#include "server/store/accounts.h"

namespace reeve::server {

Json render_user(const User& user);
extern const Schema user_schema;

// Code::invalid with what is allowed: 10 to 256 bytes.
Status check_password(std::string_view member, std::string_view password);

}  // namespace reeve::server
