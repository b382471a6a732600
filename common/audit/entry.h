// One line of the audit, and the bytes that stand for it in the Merkle tree of its log; docs/audit.md has every one of
// them. Any thread; values.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/bytes.h"
#include "common/base/time.h"

namespace reeve {

// The store gives the id: more each time, never again.
struct AuditEntry {
  uint64_t id = 0;
  WallTime time = {};
  std::string actor_kind = {};  // "key", "user", "system", or "none" where nobody had proved to be anybody
  std::string actor_id = {};
  std::string actor_name = {};
  std::string action = {};  // "user.create"
  std::string target = {};
  std::string detail = "{}";  // a JSON object
  std::string request_id = {};
  std::string peer = {};
  bool operator==(const AuditEntry&) const = default;
};

// Two entries that differ anywhere have different bytes.
Bytes audit_leaf(const AuditEntry& entry);

// Where the store skips numbers after a crash, the next entry says so: an entry of this action, its detail
// {"from": first, "to": last} of the numbers that nothing has.
constexpr const char* audit_skip_action = "audit.numbers_skipped";

}  // namespace reeve
