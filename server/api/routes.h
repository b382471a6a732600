// The API's one table: every route with its permission and its handler. docs/api.md describes them in the same order.
//
// A Route cannot be made without naming a permission: it has no other constructor. Where nobody needs a credential, the
// table says Permission::none.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/api/permission.h"
#include "server/api/request.h"

namespace reeve::server {

// Where a handler runs. Only handlers that touch nothing but memory may run on the loop: they answer even when the pool
// is full, which is when someone asks whether the process is well.
enum class RunsOn : uint8_t { pool, loop };

struct Route {
  constexpr Route(std::string_view route_method, std::string_view route_pattern, Permission route_permission,
                  Handler route_handler, RunsOn route_runs_on = RunsOn::pool)
      : method(route_method),
        pattern(route_pattern),
        permission(route_permission),
        handler(route_handler),
        runs_on(route_runs_on) {}

  std::string_view method;
  std::string_view pattern;  // "/v1/agents/{id}/revoke"
  Permission permission;
  Handler handler;
  RunsOn runs_on;
};

std::span<const Route> routes();

struct RouteMatch {
  const Route* route = nullptr;          // null: no such path, or not with this method
  std::vector<std::string> path_values;  // percent-decoded
  std::string allowed;                   // methods of the path, for 405; empty: there is no such path
};

// HEAD finds the route of GET.
RouteMatch find_route(std::string_view method, std::string_view path);

}  // namespace reeve::server
