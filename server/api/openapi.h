// The API's description of itself: an OpenAPI 3.1 document made from the route table.
#pragma once

#include "common/base/json.h"
#include "server/api/routes.h"

namespace reeve::server {

// What is described: every route, its permission, its parameters, its schemas. An operation's id is its method and
// path: "getV1LogsHistogram", "postV1AgentsByIdRevoke".
Json make_openapi(std::span<const Route* const> routes);

}  // namespace reeve::server
