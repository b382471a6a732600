// One line of an audit export (docs/audit.md), read without a tree of values: an export may have millions of them.
//
// A line is foreign. It is one flat object of texts and whole numbers; everything else is Code::invalid.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/audit/entry.h"
#include "common/base/result.h"

namespace reeve::cli {

struct AuditLine {
  int64_t leaf = -1;  // -1: an entry that has no leaf
  uint64_t id = 0;
  Bytes hash{};                       // 32 bytes; empty without a leaf
  std::optional<AuditEntry> entry{};  // none: it is not kept any more
};

// Of a leaf or a stray: what begins with {"leaf":.
Result<AuditLine> parse_audit_line(std::string_view line);

}  // namespace reeve::cli
