// The doors' parts of the route table, put together with all others in server/api/routes.cc.
#pragma once

#include <span>

#include "server/api/routes.h"

namespace reeve::server {

std::span<const Route> ingest_routes();        // JSON: ours, and other systems' forms of it
std::span<const Route> otlp_routes();          // OpenTelemetry's protocol over HTTP
std::span<const Route> remote_write_routes();  // Prometheus

}  // namespace reeve::server
