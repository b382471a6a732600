// `reeve metrics`: what is measured, and how it went.
#pragma once

#include "cli/api.h"
#include "cli/times.h"
#include "cli/world.h"

namespace reeve::cli {

struct MetricsListOptions {
  SeriesFilter filter;
  bool json = false;
};

struct MetricsQueryOptions {
  SeriesFilter filter;  // with a name
  std::string step;     // empty for the server's default
  std::string agg;
  Zone zone = Zone::utc;
  bool json = false;
};

Status run_metrics_list(World& world, const MetricsListOptions& options);
Status run_metrics_query(World& world, const MetricsQueryOptions& options);

}  // namespace reeve::cli
