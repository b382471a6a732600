// The line of the audit for what a request did.
#pragma once

#include <string>

#include "common/base/json.h"
#include "server/api/request.h"
#include "server/store/accounts.h"

namespace reeve::server {

struct Deed {
  std::string action;       // "user.create"
  std::string target = {};  // the id of what was changed
  Json detail = Json(Json::Object{});
};
AuditEntry audit_entry(const ApiRequest& request, Deed deed);

}  // namespace reeve::server
