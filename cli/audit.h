// `reeve audit`: who did what; all of it in a file; and whether such a file is what was written.
#pragma once

#include <cstdint>
#include <string>

#include "cli/times.h"
#include "cli/world.h"

namespace reeve::cli {

struct AuditListOptions {
  std::string from;  // in the API's form; empty for no bound
  std::string to;
  std::string action;
  uint64_t entries_max = 100;
  Zone zone = Zone::utc;
  bool json = false;
};

struct AuditExportOptions {
  std::string file;
};

struct AuditVerifyOptions {
  std::string file;
  std::string key{};         // 64 hex digits; empty: the file's own, which proves nothing about who signed
  std::string trust_file{};  // whose audit keys are believed, instead of `key`
  std::string against{};     // an earlier export
};

constexpr uint64_t audit_entries_listed_max = 100'000;

Status run_audit_list(World& world, const AuditListOptions& options);
Status run_audit_export(World& world, const AuditExportOptions& options);
// Offline: opens the named files and nothing else.
Status run_audit_verify(World& world, const AuditVerifyOptions& options);

}  // namespace reeve::cli
