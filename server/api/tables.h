// Each resource's part of the route table, in its own file: the handlers stand right above the rows that name them.
// What they take and give: docs/api.md.
#pragma once

#include <functional>
#include <span>

#include "server/api/routes.h"

namespace reeve::server {

std::span<const Route> health_routes();
std::span<const Route> enroll_routes();
std::span<const Route> logs_routes();
std::span<const Route> log_counts_routes();
std::span<const Route> live_routes();
std::span<const Route> log_export_routes();
std::span<const Route> metrics_routes();
std::span<const Route> agents_routes();
std::span<const Route> session_routes();
std::span<const Route> users_routes();
std::span<const Route> keys_routes();
std::span<const Route> audit_routes();
std::span<const Route> audit_export_routes();
std::span<const Route> openapi_routes();
std::span<const Route> web_routes();

// For every handler that reads blocks: what turns out damaged is handed to the writer, which sets it aside.
std::function<void(const struct DamagedBlock&)> report_damage_to(StoreWriter& writer);

}  // namespace reeve::server
