// See routes.h.
#include "server/api/routes.h"

#include <optional>

#include "common/sys/http1.h"
#include "server/api/tables.h"
#include "server/doors/tables.h"

namespace reeve::server {
namespace {

std::vector<const Route*> gather() {
  std::vector<const Route*> all;
  for (const std::span<const Route> part :
       {health_routes(), enroll_routes(), logs_routes(), log_counts_routes(), log_export_routes(), live_routes(),
        metrics_routes(), agents_routes(), ingest_routes(), otlp_routes(), remote_write_routes(), session_routes(),
        users_routes(), keys_routes(), audit_routes(), audit_export_routes(), openapi_routes(), web_routes()}) {
    for (const Route& route : part) all.push_back(&route);
  }
  return all;
}

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

std::span<const Route* const> routes() {
  static const std::vector<const Route*> all = gather();
  return all;
}

RouteMatch find_route(std::string_view method, std::string_view path) {
  if (method == "HEAD") method = "GET";
  RouteMatch found;
  for (const Route* each : routes()) {
    const Route& route = *each;
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
