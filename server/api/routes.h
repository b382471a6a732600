// The API's one table: every route with its permission, its handler, and what people are told of it. It is put together
// from the parts in tables.h; docs/api.md describes them in the same order.
//
// A Route cannot be made without naming a permission: it has no other constructor. Where nobody needs a credential, the
// table says Permission::none.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/api/permission.h"
#include "server/api/request.h"
#include "server/api/schema.h"

namespace reeve::server {

// Where a handler runs. Only handlers that touch nothing but memory may run on the loop: they answer even when the pool
// is full, which is when someone asks whether the process is well.
enum class RunsOn : uint8_t { pool, loop };

// News for one who watches live: what happened since a cursor (empty: begin now, and give no events), and the cursor
// behind it. Asked after commits, for each who watches; sent as an event stream or over a WebSocket (feeds.h).
struct FeedTurn {
  std::vector<Json> events = {};
  std::string cursor = {};
  bool more = false;  // a bound ended the turn: there is more already
};
using Watch = std::function<Result<FeedTurn>(std::string_view cursor)>;  // one thread at a time
// Parses what is asked once, before the client is answered.
using Feed = Result<Watch> (*)(ApiContext& context, const ApiRequest& request);

struct Route {
  constexpr Route(std::string_view route_method, std::string_view route_pattern, Permission route_permission,
                  Handler route_handler, RouteDocs route_docs, RunsOn route_runs_on = RunsOn::pool)
      : method(route_method),
        pattern(route_pattern),
        permission(route_permission),
        handler(route_handler),
        docs(route_docs),
        runs_on(route_runs_on) {}
  // A live one: GET with Accept: text/event-stream, or the upgrade to a WebSocket.
  constexpr Route(std::string_view route_pattern, Permission route_permission, Feed route_feed, RouteDocs route_docs)
      : method("GET"), pattern(route_pattern), permission(route_permission), feed(route_feed), docs(route_docs) {}

  std::string_view method;
  std::string_view pattern;  // "/v1/agents/{id}/revoke"
  Permission permission;
  Handler handler = nullptr;
  Feed feed = nullptr;
  RouteDocs docs;
  RunsOn runs_on = RunsOn::pool;
  uint64_t body_bytes_max = 64_KiB;  // decoded; more is 413
  // Says a problem in the words of another protocol; null: as it is.
  void (*tell_error)(const ApiRequest& request, sys::HttpResponse& problem) = nullptr;
  bool repeatable = false;       // takes an Idempotency-Key
  bool cookie_suffices = false;  // though it changes something

  constexpr Route telling_errors(void (*tell)(const ApiRequest& request, sys::HttpResponse& problem)) const {
    Route changed = *this;
    changed.tell_error = tell;
    return changed;
  }
  // The same with another bound: for routes that take batches.
  constexpr Route taking(uint64_t bytes_max) const {
    Route changed = *this;
    changed.body_bytes_max = bytes_max;
    return changed;
  }
  // With an Idempotency-Key it may be sent again: the first answer comes again, and nothing is done twice.
  constexpr Route idempotent() const {
    Route changed = *this;
    changed.repeatable = true;
    return changed;
  }
  // For the session's own routes: the page's cookie is credential enough, where the Origin is ours.
  constexpr Route with_cookie() const {
    Route changed = *this;
    changed.cookie_suffices = true;
    return changed;
  }
};

std::span<const Route* const> routes();

struct RouteMatch {
  const Route* route = nullptr;          // null: no such path, or not with this method
  std::vector<std::string> path_values;  // percent-decoded
  std::string allowed;                   // methods of the path, for 405; empty: there is no such path
};

// HEAD finds the route of GET.
RouteMatch find_route(std::string_view method, std::string_view path);

}  // namespace reeve::server
