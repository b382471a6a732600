// See routes.h.
#include "server/api/routes.h"

#include <array>
#include <optional>

#include "common/sys/http1.h"
#include "server/api/handlers.h"

namespace reeve::server {
namespace {

constexpr std::array table{
    Route{"GET", "/healthz", Permission::none, get_health, RunsOn::loop},
    Route{"GET", "/readyz", Permission::none, get_readiness, RunsOn::loop},
    Route{"GET", "/metrics", Permission::none, get_own_metrics},
    Route{"GET", "/v1/me", Permission::signals_read, get_me},
    Route{"POST", "/v1/enroll", Permission::none, post_enroll},
    Route{"GET", "/v1/logs", Permission::signals_read, get_logs},
    Route{"GET", "/v1/logs/tail", Permission::signals_read, get_logs_tail},
    Route{"GET", "/v1/metrics", Permission::signals_read, get_series},
    Route{"GET", "/v1/metrics/query", Permission::signals_read, get_points},
    Route{"GET", "/v1/agents", Permission::signals_read, get_agents},
    Route{"POST", "/v1/agents/tokens", Permission::agents_write, post_enrol_token},
    Route{"POST", "/v1/agents/{id}/revoke", Permission::agents_write, post_revoke},
};

std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);  // the slash
  const size_t end = path.find('/');
  const std::string_view segment = path.substr(0, end);
  path.remove_prefix(segment.size());
  return segment;
}

// The values of the pattern's names, or nothing where the path is another one.
std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path) {
  std::vector<std::string> values;
  while (pattern.starts_with('/') && path.starts_with('/')) {
    const std::string_view expected = take_segment(pattern);
    const std::optional<std::string> found = sys::percent_decode(take_segment(path));
    if (!found) return std::nullopt;
    if (expected.starts_with('{')) {
      values.push_back(*found);
    } else if (expected != *found) {
      return std::nullopt;
    }
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return values;
}

}  // namespace

std::span<const Route> routes() {
  return table;
}

RouteMatch find_route(std::string_view method, std::string_view path) {
  if (method == "HEAD") method = "GET";
  RouteMatch found;
  for (const Route& route : table) {
    std::optional<std::vector<std::string>> values = match(route.pattern, path);
    if (!values) continue;
    if (!found.allowed.empty()) found.allowed += ", ";
    found.allowed += route.method == "GET" ? "GET, HEAD" : std::string(route.method);
    if (route.method == method && !found.route) {
      found.route = &route;
      found.path_values = std::move(*values);
    }
  }
  return found;
}

}  // namespace reeve::server
