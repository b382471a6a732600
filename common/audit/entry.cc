// See entry.h.
#include "common/audit/entry.h"

namespace reeve {
namespace {

constexpr uint8_t leaf_version = 1;

void append_text(Bytes& out, const std::string& text) {
  append_le(out, static_cast<uint32_t>(text.size()));
  out += text;
}

}  // namespace

Bytes audit_leaf(const AuditEntry& entry) {
  Bytes leaf;
  append_le(leaf, leaf_version);
  append_le(leaf, entry.id);
  append_le(leaf, entry.time.ns);
  for (const std::string* text : {&entry.actor_kind, &entry.actor_id, &entry.actor_name, &entry.action, &entry.target,
                                  &entry.detail, &entry.request_id, &entry.peer}) {
    append_text(leaf, *text);
  }
  return leaf;
}

}  // namespace reeve
