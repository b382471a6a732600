// `reeve logs`: search, follow and count.
//
// A search shows the newest lines that match, the newest at the bottom, next to the prompt. Following shows the last
// few and then every new one as it is stored, for as long as the user likes; a server that goes away is waited for.
#pragma once

#include "cli/api.h"
#include "cli/times.h"
#include "cli/world.h"

namespace reeve::cli {

constexpr uint64_t search_rows_max = 1'000'000;  // held in memory, to be turned around
constexpr uint64_t search_rows_default = 100;
constexpr uint64_t follow_rows_default = 10;

struct LogsOptions {
  LogFilter filter;
  uint64_t rows_max = search_rows_default;
  bool is_limit_chosen = false;  // by the user, who then needs no word about it
  Zone zone = Zone::utc;
  bool follow = false;
  bool histogram = false;  // how much when, instead of the lines
  bool templates = false;  // what, by how often
  bool json = false;
};

Status run_logs(World& world, const LogsOptions& options);

Status show_histogram(World& world, Client& client, const LogsOptions& options);
Status show_templates(World& world, Client& client, const LogsOptions& options);

}  // namespace reeve::cli
