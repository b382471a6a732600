// The neighbours of one log row: what the same source of the same agent said right before and after it.
//
// Neighbours are found by place, not by time: rows keep the order in which they were read, and an agent's blocks the
// order of their sequence. So a line without a time of its own stands where it stood in the file.
//
// Any thread; blocks on the store.
#pragma once

#include <string>
#include <vector>

#include "server/query/logs.h"

namespace reeve::server {

constexpr uint32_t context_rows_max = 200;

struct LogContextQuery {
  std::string id;  // of log_id
  uint32_t before = 20;
  uint32_t after = 20;
  LogQueryLimits limits{.blocks_max = 5'000, .bytes_max = 64_MiB};
  LogBlockCache* cache = nullptr;
};

struct LogContext {
  std::vector<FoundLog> before;  // oldest first, as `after`
  FoundLog log;
  std::vector<FoundLog> after;
  ScanCounters scanned;
};

// Code::invalid for an id that is none; Code::not_found where retention has taken the row.
Result<LogContext> find_log_context(const Store& store, const LogContextQuery& query,
                                    const ReportDamage& report = nullptr);

}  // namespace reeve::server
