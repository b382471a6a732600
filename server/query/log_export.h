// Every log that matches, block by block in order of storage, in bounded memory however many there are.
//
// What is stored while it runs is not part of it. Any thread; blocks on the store and on `give`.
#pragma once

#include <functional>

#include "server/query/logs.h"

namespace reeve::server {

struct LogExport {
  uint64_t rows = 0;
  ScanCounters scanned;
};

// An error of `give` ends it.
Result<LogExport> export_logs(const Store& store, const wire::LogPredicate& predicate,
                              const std::function<Status(const FoundLog& log)>& give,
                              const ReportDamage& report = nullptr);

}  // namespace reeve::server
